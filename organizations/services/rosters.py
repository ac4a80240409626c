"""The team read from a file: what each line would do, said first; then, confirmed, done as invitations are."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched
from typing import NamedTuple

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User, normalize_email
from accounts.spelling import plain
from organizations.loader import reasons
from organizations.models import Customer, Mandate, Membership
from organizations.permissions import permissions_with
from organizations.refusals import Refusal
from organizations.services import mandates
from organizations.services.mandates import Invitee
from organizations.services.reach import BeyondEdges, BeyondReach, giver_at_present, refuse_beyond_reach
from organizations.spreadsheets import Entry
from organizations.terms import Wish, terms_of

Key = tuple[str, ...]
# A page a person is printed while somebody waits for it: as many as are invited by hand at once.
SIGNED_TOGETHER = 100
COLUMN_OF = {"requires_purchase_order": "purchase_order"}


class Act(models.TextChoices):
    """What becomes of one line."""

    INVITE = "invite", gettext_lazy("To invite")
    LIST = "list", gettext_lazy("At the counter")
    SAME = "same", gettext_lazy("Already so")
    DIFFERENT = "different", gettext_lazy("Not changed")
    WAITING = "waiting", gettext_lazy("Invited already")
    REFUSED = "refused", gettext_lazy("Cannot be taken")


NEW = (Act.INVITE, Act.LIST)


@dataclass(frozen=True, slots=True)
class Line:
    """One line and what becomes of it; `membership` is whom it names, `mandate` what waits for them already, `faults`
    what is wrong: column and sentence.
    """

    entry: Entry
    act: Act
    wish: Wish | None = None
    membership: Membership | None = None
    mandate: Mandate | None = None
    ended_at: datetime | date | None = None
    faults: tuple[tuple[str, str], ...] = ()


class FileChanged(Refusal):
    sentence: str | Promise = gettext_lazy(
        "The team has changed since you read this page: nothing was done. Read it again, then confirm."
    )


class LinesLeft(Refusal):
    sentence: str | Promise = gettext_lazy(
        "Some lines cannot be taken: nothing was done. Say that they are left out, or correct the file and send it "
        "again."
    )


class NobodyNew(Refusal):
    sentence: str | Promise = gettext_lazy("This file invites nobody: there is nothing to sign.")


def foresee(*, customer: Customer, entries: Sequence[Entry], by: User) -> list[Line]:
    """What a confirmation would do with each line, in the file's order. As many queries for one line as for all."""
    giver = giver_at_present(customer=customer, by=by)
    # What is no address nor phone is nobody's, and may be what a database cannot even be asked.
    sound = [entry for entry in entries if not entry.flaws]
    judge = _Judge(customer, giver, _known(customer, sound), dict(_branches(customer)))
    first_lines: dict[Key, int] = {}
    lines = []
    for entry in entries:
        first = first_lines.setdefault(key, entry.line) if any(key := _key(entry)) else entry.line
        lines.append(_judged(entry, judge=judge, repeats=first if first != entry.line else None))
    return lines


def fingerprint(*, lines: Iterable[Line]) -> str:
    """The same for the same lines with the same outcome, in any language and in any process."""
    said = "\n".join(
        f"{line.entry.line} {line.act.value} {sorted(line.wish.branches) if line.wish else ''}" for line in lines
    )
    return hashlib.sha256(said.encode()).hexdigest()


@transaction.atomic
def import_team(
    *, customer: Customer, entries: Sequence[Entry], seen: str, leaves_out: bool, by: User
) -> list[uuid.UUID]:
    """Prepare the mandates of everybody new in a file, as it was foreseen and `seen`; the batches to sign.

    All of them or none; confirmed twice, those of the first time. Raises FileChanged, LinesLeft, NobodyNew, and what
    preparing an invitation refuses.
    """
    customer = mandates.lock_customer(pk=customer.pk)
    lines = foresee(customer=customer, entries=entries, by=by)
    if prepared := _prepared(lines, by=by):
        return prepared
    if fingerprint(lines=lines) != seen:
        raise FileChanged
    if not leaves_out and any(line.act is Act.REFUSED for line in lines):
        raise LinesLeft
    people = [(_invitee(line.entry, customer), line.wish) for line in lines if line.act in NEW and line.wish]
    if not people:
        raise NobodyNew
    return [
        mandates.prepare_invitations(customer=customer, people=list(together), by=by)
        for together in batched(people, SIGNED_TOGETHER)
    ]


def _prepared(lines: Iterable[Line], *, by: User) -> list[uuid.UUID]:
    """The batches a first click prepared from the same file, when nobody in it is left to prepare."""
    mine = [line.mandate for line in lines if line.mandate and line.mandate.prepared_by_id == by.pk]
    unsigned = [mandate.batch for mandate in mine if mandate.signed_at is None]
    return [] if any(line.act in NEW for line in lines) else list(dict.fromkeys(unsigned))


# --- how a line is judged ---------------------------------------------------------------------


class _Known(NamedTuple):
    """Whom the file names, as far as this company knows them: nobody else's people are ever looked at."""

    members: dict[Key, Membership]
    waiting: dict[Key, Mandate]
    ended: dict[Key, datetime]


class _Judge(NamedTuple):
    customer: Customer
    giver: Membership
    known: _Known
    branches: dict[str, int]


def _key(entry: Entry) -> Key:
    return _who(entry.cells["email"], name=entry.name, phone=entry.cells["phone"])


def _who(email: str, *, name: str, phone: str) -> Key:
    """What tells people apart: an address; without one, a name and a phone."""
    return (normalize_email(email),) if email else (plain(name), phone)


def _known(customer: Customer, entries: Sequence[Entry]) -> _Known:
    emails = {entry.cells["email"] for entry in entries} - {""}
    phones = {entry.cells["phone"] for entry in entries if not entry.cells["email"]} - {""}
    listed = Q(user=None, email="", phone__in=phones)
    rows = Membership.objects.filter(
        Q(email__in=emails) | Q(user__email__in=emails) | listed, customer=customer
    ).select_related("user")
    members: dict[Key, Membership] = {}
    ended: dict[Key, datetime] = {}
    for row in rows.with_granted().prefetch_related("branches").order_by("pk"):
        addresses = {row.email, row.user.email if row.user else ""} - {""} or {""}
        for key in (_who(address, name=row.name, phone=row.phone) for address in addresses):
            if row.removed_at is None:
                row.customer = customer
                members[key] = row
            else:
                ended[key] = row.removed_at
    unsigned = Mandate.objects.live().filter(
        Q(email__in=emails) | Q(email="", phone__in=phones), customer=customer, effective_at=None, membership=None
    )
    waiting = {_who(row.email, name=row.name, phone=row.phone): row for row in unsigned}
    return _Known(members, waiting, ended)


def _branches(customer: Customer) -> list[tuple[str, int]]:
    """Each branch by its code and by its name."""
    rows = customer.merchant.branches.values_list("pk", "code", "name")
    return [(plain(word), pk) for pk, *words in rows for word in reversed(words)]


def _judged(entry: Entry, *, judge: _Judge, repeats: int | None) -> Line:
    faults = [(flaw.column, reasons.sentence(code=flaw.code, known=flaw.known)) for flaw in entry.flaws]
    if not faults and repeats is not None:
        faults.append(("email", reasons.sentence(code="repeated", known=str(repeats))))
    strange = [name for name in entry.branches if plain(name) not in judge.branches]
    if strange and not entry.flaws:
        faults.append(("branches", reasons.sentence(code="unknown_branch")))
    if faults:
        return Line(entry, Act.REFUSED, faults=tuple(faults))
    wish = Wish(
        role=entry.cells["role"],
        granted=entry.permissions,
        starts_on=entry.day("starts_on"),
        ends_on=entry.day("ends_on"),
        ceiling=entry.ceiling,
        requires_purchase_order=bool(entry.cells["purchase_order"]),
        branches=frozenset(judge.branches[plain(name)] for name in entry.branches),
    ).normal()
    key, today = _key(entry), timezone.localdate()
    member = judge.known.members.get(key)
    if member is not None:
        is_same = _says(wish, judge) == _says(terms_of(membership=member).normal(), judge)
        if is_same or member.ends_on is None or member.ends_on >= today:
            return Line(entry, Act.SAME if is_same else Act.DIFFERENT, wish, member)
    if key in judge.known.waiting:
        return Line(entry, Act.WAITING, wish, mandate=judge.known.waiting[key])
    faults = _refusals(entry, wish, judge)
    if faults:
        return Line(entry, Act.REFUSED, wish, faults=tuple(faults))
    ended_at = judge.known.ended.get(key) or (member.ends_on if member else None)
    return Line(entry, Act.INVITE if entry.cells["email"] else Act.LIST, wish, ended_at=ended_at)


def _says(wish: Wish, judge: _Judge) -> tuple[object, ...]:
    """What a person may do by it today, and its edges: what a file and a member are compared by."""
    granted = [permission.value for permission in wish.granted]
    held = permissions_with(role=wish.role, granted=granted, features=judge.customer.features)
    edges = wish.starts_on, wish.ends_on, wish.ceiling, wish.requires_purchase_order, wish.branches
    return wish.role, held, *edges


def _refusals(entry: Entry, wish: Wish, judge: _Judge) -> list[tuple[str, str]]:
    """Why somebody new cannot be invited so: what the form of one invitation refuses, and its service."""
    faults: list[tuple[str, str]] = []
    if wish.starts_on and wish.ends_on and wish.ends_on < wish.starts_on:
        faults.append(("ends_on", _("The last day comes before the first.")))
    elif wish.ends_on and wish.ends_on < timezone.localdate():
        faults.append(("ends_on", _("The last day is past already.")))
    faults += _unusable(wish, judge)
    if not entry.cells["email"] and not (entry.cells["phone"].startswith("+") and entry.name):
        faults.append(("email", str(mandates.NobodyNamed())))
    try:
        if not entry.cells["email"]:
            mandates.refuse_beyond_counter(wish=wish)
        refuse_beyond_reach(giver=judge.giver, wish=wish)
    except BeyondEdges as refusal:
        faults += [(COLUMN_OF.get(edge, edge), str(refusal)) for edge in refusal.edges[:1]]
    except (mandates.CounterOnly, BeyondReach) as refusal:
        faults.append(("role", str(refusal)))
    return faults


def _unusable(wish: Wish, judge: _Judge) -> list[tuple[str, str]]:
    """The permissions that no contract lets be used, or that need a document no file holds."""
    faults = []
    for permission in sorted(wish.beyond_role):
        words = {"permission": permission.label, "needs": permission.needs}
        if not permission.is_available(judge.customer.features):
            faults.append(("permissions", _("“%(permission)s” needs %(needs)s, which you do not have.") % words))
        elif permission.needs_proof:
            sentence = _("“%(permission)s” needs a proof of authority: invite this person by hand.")
            faults.append(("permissions", sentence % words))
    return faults


def _invitee(entry: Entry, customer: Customer) -> Invitee:
    who = {name: entry.cells[name] for name in ("first_name", "last_name", "email", "phone")}
    return Invitee(**who, language=customer.language)
