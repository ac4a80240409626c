"""The people of a company as its administrators read them: a page of the list and its figures."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.formats import iso_date, money, phone
from accounts.models import User
from accounts.spelling import plain, spellings
from organizations.models import (
    CompanyLink,
    Customer,
    Invitation,
    JoinRequest,
    Mandate,
    Membership,
    MembershipQuerySet,
    Review,
)
from organizations.permissions import Permission, Role, permissions_with

PAGE = 25
PLACE = Tuple(F("listed"), F("pk"))
STATES = ("active", "counter", "later", "ended")


@dataclass(frozen=True, slots=True)
class Filters:
    text: str = ""
    role: str = ""
    state: str = ""

    @property
    def query(self) -> str:
        """As in an address, without what is empty."""
        return urlencode({name: value for name, value in
                          {"q": self.text, "role": self.role, "state": self.state}.items() if value})  # fmt: skip


def filters_from(*, data: Any) -> Filters:
    """What an address asks for; what it does not know filters nothing."""
    role, state = data.get("role", ""), data.get("state", "")
    return Filters(
        text=data.get("q", "").replace("\0", "").strip()[:100],
        role=role if role in Role.values else "",
        state=state if state in STATES else "",
    )


class Person(NamedTuple):
    """One line of the list, in words."""

    url: str
    name: str
    reach: str
    role: str
    rights: list[str]
    edges: list[str]
    last_login: Any
    state: str
    words: str
    pk: int


def people_of(*, customer: Customer, filters: Filters) -> MembershipQuerySet:
    """Everybody the filters let through, by name."""
    today = timezone.localdate()
    rows = Membership.objects.filter(customer=customer).select_related("user").with_granted()
    if filters.text:
        for word in plain(filters.text).split():
            rows = rows.filter(listed__contains=word)
    if filters.role:
        rows = rows.filter(role=filters.role)
    over = Q(removed_at__isnull=False) | Q(ends_on__lt=today)
    match filters.state:
        case "ended":
            rows = rows.filter(over)
        case "counter":
            rows = rows.exclude(over).filter(user=None)
        case "later":
            rows = rows.exclude(over).filter(starts_on__gt=today)
        case "active":
            rows = rows.exclude(over).filter(Q(starts_on=None) | Q(starts_on__lte=today), user__isnull=False)
        case _:
            rows = rows.filter(removed_at=None)
    return rows.order_by("listed", "pk")


def page_after(*, customer: Customer, filters: Filters, after: str, size: int = PAGE) -> list[Membership]:
    """The `size` people after one, and one more that tells whether there are others. One query, whoever comes."""
    return list(after_place(rows=people_of(customer=customer, filters=filters), place=after)[: size + 1])


def after_place(*, rows: MembershipQuerySet, place: str) -> MembershipQuerySet:
    """People by name, from where the page before ended."""
    rows = rows.order_by("listed", "pk")
    found = _place_from(place)
    return rows if found is None else rows.filter(TupleGreaterThan(PLACE, found))


def place_of(*, membership: Membership) -> str:
    """Where a page ended, as the address of the next one holds it."""
    return json.dumps([membership.listed, membership.pk], ensure_ascii=False)


def _place_from(text: str) -> tuple[str, int] | None:
    """Anything else is the first page; it says nothing of whose people they are."""
    with suppress(ValueError):
        match json.loads(text[:1000] or "0"):
            case [str(listed), int(pk)] if "\0" not in listed and 0 < pk < 2**63:
                listed.encode()  # half a pair of surrogates, as JSON may hold, is no text
                return listed, pk
    return None


def described(*, membership: Membership, customer: Customer) -> Person:
    """A member as a line. Reads `user` and `granted`: select them with the rows."""
    membership.customer = customer
    person = membership.user
    granted = vars(membership).get("granted", [])
    held = permissions_with(role=membership.role, granted=granted, features=customer.features)
    ticked = held - permissions_with(role=membership.role, granted=[], features=customer.features)
    state, words = _state(membership)
    return Person(
        url=reverse("organizations:member", args=[customer.public_id, membership.pk]),
        name=(person.get_full_name() if person else "") or membership.name or membership.phone,
        reach=person.email if person else membership.email or phone(membership.phone, "", get_language() or "fr-ca"),
        role=membership.get_role_display(),
        rights=[str(permission.label) for permission in Permission if permission in ticked],
        edges=_edges(membership),
        last_login=person.last_login if person else None,
        state=state,
        words=words,
        pk=membership.pk,
    )


def _state(membership: Membership) -> tuple[str, str]:
    """A code that gives the mark its shape, and the word."""
    today = timezone.localdate()
    if membership.removed_at is not None:
        return "overdue", _("Removed on %(day)s") % {"day": iso_date(membership.removed_at)}
    if membership.ends_on is not None and membership.ends_on < today:
        return "overdue", _("Ended on %(day)s") % {"day": iso_date(membership.ends_on)}
    if membership.starts_on is not None and membership.starts_on > today:
        return "part", _("From %(day)s") % {"day": iso_date(membership.starts_on)}
    if membership.user_id is None:
        return "due", _("At the counter") if not membership.email else _("On file, has not come yet")
    return "paid", _("In force")


def _edges(membership: Membership) -> list[str]:
    language = get_language() or "fr-ca"
    edges = []
    if membership.ends_on is not None and membership.ends_on >= timezone.localdate():
        edges.append(_("until %(day)s") % {"day": iso_date(membership.ends_on)})
    if membership.ceiling is not None:
        edges.append(_("%(amount)s at most") % {"amount": money(membership.ceiling, language)})
    if membership.requires_purchase_order:
        edges.append(_("purchase order compulsory"))
    return edges


class Desk(NamedTuple):
    """What the head of the page says, from one query."""

    in_charge: int
    asking: int
    unsigned: int | None  # a mandate this person prepared and has not signed
    review: int | None  # the review that is open
    parent: str | None
    parent_since: Any


def desk_of(*, customer: Customer, by: User) -> Desk:
    """How many are in charge, to two; how many ask to join, to twenty; the parent company. One query."""
    in_charge = Membership.objects.in_charge().filter(customer=OuterRef("pk")).values("pk")[:2]
    asking = JoinRequest.objects.filter(customer=OuterRef("pk"), decided_at=None).values("pk")[:20]
    mine = Mandate.objects.unsigned().filter(customer=OuterRef("pk"), prepared_by=by).order_by("pk").values("pk")[:1]
    review = Review.objects.open().filter(customer=OuterRef("pk")).values("pk")[:1]
    above = CompanyLink.objects.in_force().filter(subsidiary=OuterRef("pk"))
    found = Customer.objects.filter(pk=customer.pk).values_list(
        ArraySubquery(in_charge),
        ArraySubquery(asking),
        Subquery(mine),
        Subquery(review),
        Subquery(above.values("parent__name")[:1]),
        Subquery(above.values("decided_at")[:1]),
    )
    in_charge_now, asking_now, *others = found.get()
    return Desk(len(in_charge_now), len(asking_now), *others)


def waiting_mandates(*, customer: Customer, filters: Filters, before: int = 0) -> list[Mandate]:
    """What waits for a signature, for its person or for an agent's look, newest first, from before a key. One query.

    One more than a page when there are others. Nothing of it is in a state people are filtered by.
    """
    if filters.state:
        return []
    rows = Mandate.objects.live().filter(customer=customer, effective_at=None)
    if filters.text:
        words, start = spellings(filters.text), filters.text.lower()
        rows = rows.filter(Q(first_name__iregex=words) | Q(last_name__iregex=words) | Q(email__startswith=start))
    if filters.role:
        rows = rows.filter(role=filters.role)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("invitation__message", "prepared_by", "signature").order_by("-pk")[: PAGE + 1])


def state_of(*, mandate: Mandate, by: User) -> tuple[str, str]:
    """A code that gives the mark its shape, and the word; of a mandate that is not in effect, to who reads it."""
    if mandate.ended_at is not None:
        return "overdue", _("Given up")
    if mandate.signed_at is None:
        if mandate.prepared_by_id == by.pk:
            return "due", _("Waiting for your signature")
        return "due", _("Waiting for the signature of %(author)s") % {"author": mandate.prepared_by}
    invitation = getattr(mandate, "invitation", None)
    if invitation is None:
        return "part", pgettext("mandate", "Signed")
    marks = {Invitation.State.FAILED: "overdue", Invitation.State.EXPIRED: "overdue", Invitation.State.ACCEPTED: "paid"}
    return marks.get(invitation.state, "part"), str(invitation.state.label)
