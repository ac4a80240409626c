"""« This person has left »: one act that ends everything they had in a company, and hands over what was open."""

from __future__ import annotations

import uuid
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import through_of
from organizations.letters import absolute, write_to
from organizations.models import (
    AuditEvent,
    Card,
    CompanyLink,
    CounterCase,
    Customer,
    Mandate,
    Membership,
    MembershipQuerySet,
    TakeOver,
)
from organizations.refusals import Refusal
from organizations.services.cases import page_of_refusal
from organizations.services.mandates import (
    GivenToOneself,
    Invitee,
    giver_at_present,
    lock_customer,
    refuse_beyond_reach,
    refuse_person,
    write_mandate,
)
from organizations.services.members import is_over, refuse_ending, remove_member
from organizations.services.petitions import withdraw_take_over
from organizations.terms import terms_signed


class SuccessorMissing(Refusal):
    sentence: str | Promise = _(
        "Invitations or questions of this person wait for an answer: choose the colleague who takes them over."
    )


class SuccessorUnfit(Refusal):
    sentence: str | Promise = _("This colleague cannot take anything over: choose somebody who manages access today.")


class DeclaredByOneself(Refusal):
    sentence: str | Promise = _("Nobody declares their own departure: ask another administrator.")


class Open(NamedTuple):
    """What somebody leaves behind."""

    invitations: list[Mandate]  # they end, and are prepared again in the colleague's name
    cases: list[CounterCase]  # questions about refusals at a counter: their answer goes to the colleague
    proofs: list[Mandate]  # in effect, with a proof of authority an agent looks at: the same
    take_over: TakeOver | None  # they asked to administer the company: it ends

    @property
    def needs_heir(self) -> bool:
        return bool(self.invitations or self.cases or self.proofs)

    @property
    def counts(self) -> dict[str, Any]:
        """As the receipt keeps them."""
        return {
            "invitations": len(self.invitations),
            "cases": len(self.cases),
            "proofs": len(self.proofs),
            "take_overs": int(self.take_over is not None),
        }


def open_of(*, membership: Membership) -> Open:
    """What of this person waits for somebody: at this company, and at its subsidiaries for what they gave there.

    What they opened since they came back is not of the access that ended before.
    """
    if membership.user_id is None or _came_back(membership):
        return Open([], [], [], None)
    invitations = Mandate.objects.opened_by(member=membership).exclude(membership=membership)
    cases = CounterCase.objects.open().filter(decision__customer=membership.customer_id, asked_by=membership.user_id)
    given = Q(customer=membership.customer_id, through=None) | Q(through__parent=membership.customer_id)
    proofs = Mandate.objects.proof_waiting().filter(given, prepared_by=membership.user_id, effective_at__isnull=False)
    take_overs = TakeOver.objects.open().filter(customer=membership.customer_id, asked_by=membership.user_id)
    return Open(
        list(invitations.select_related("customer", "membership__user").order_by("customer", "pk")),
        list(cases.select_related("decision__customer").order_by("pk")),
        list(proofs.exclude(membership=membership).select_related("customer").order_by("pk")),
        take_overs.first(),
    )


def heirs_of(*, membership: Membership) -> MembershipQuerySet:
    """Who may take over: the company's other administrators; where it has none, those of its parent company."""
    in_charge = Membership.objects.in_charge()
    own = in_charge.filter(customer=membership.customer_id).exclude(user=membership.user_id)
    if own.exists():
        return own
    links = CompanyLink.objects.in_force().filter(subsidiary=membership.customer_id)
    return in_charge.filter(customer__in=links.values("parent")).exclude(user=membership.user_id)


def departure_of(*, membership: Membership) -> AuditEvent | None:
    """What was recorded when this person was declared gone: the receipt. One query."""
    left = AuditEvent.objects.filter(customer=membership.customer_id, event=AuditEvent.Event.MEMBER_LEFT)
    return left.filter(data__member=membership.pk).select_related("by").order_by("-pk").first()


def ends_sessions(*, membership: Membership) -> bool:
    """Whether the devices of this person are signed out: not while they have another customer, or work for us."""
    if membership.user is None or membership.user.is_staff or _came_back(membership):
        return False
    others = Membership.objects.active().filter(user=membership.user).exclude(pk=membership.pk)
    return not others.exists()


def _came_back(membership: Membership) -> bool:
    """Whether its person has another access to the company since this one was removed. One query at most."""
    if membership.removed_at is None:
        return False
    others = Membership.objects.filter(customer=membership.customer_id, user=membership.user_id, removed_at=None)
    return membership.user_id is not None and others.exists()


@transaction.atomic
def declare_gone(*, membership: Membership, successor: Membership | None, by: User) -> AuditEvent:
    """End access, grants, cards, invitations sent, a take-over and sessions at once; twice is once.

    What they sent is prepared again for the signature of who takes over, who is written to. The person whose access
    was ended before has it completed. Raises LastAdministrator, SuccessorMissing, SuccessorUnfit, DeclaredByOneself.
    """
    customer = lock_customer(pk=membership.customer_id)
    membership = Membership.objects.select_related("user", "customer").get(pk=membership.pk)
    if (known := departure_of(membership=membership)) is not None:
        return known
    if membership.user_id == by.pk:
        raise DeclaredByOneself
    refuse_ending(membership=membership, by=by)  # of an access that ended before, too
    left = open_of(membership=membership)
    heir = _heir(successor, leaving=membership, left=left)
    cards = Card.objects.live().filter(membership=membership).count()
    signs_out = ends_sessions(membership=membership)
    remove_member(membership=membership, by=by)
    if left.take_over is not None:
        withdraw_take_over(take_over=left.take_over, by=by)
    sessions = _sign_out(membership) if signs_out else 0
    prepared = _prepare_again(left.invitations, heir=heir) if heir is not None else []
    if heir is not None:
        _hand_over(heir, customer=customer, leaving=membership, left=left, prepared=prepared, by=by)
    return audit.record(
        event=AuditEvent.Event.MEMBER_LEFT,
        customer=customer,
        by=by,
        member=membership.pk,
        email=membership.email or membership.name,
        person=membership.user_id,
        successor=str(heir) if heir is not None else None,
        heir=heir.pk if heir is not None else None,
        prepared=len(prepared),
        cards=cards,
        sessions=sessions,
        signed_out=int(signs_out),
        **left.counts,
    )


def _heir(successor: Membership | None, *, leaving: Membership, left: Open) -> User | None:
    if successor is None:
        if left.needs_heir:
            raise SuccessorMissing
        return None
    fit = heirs_of(membership=leaving).select_related("user").filter(pk=successor.pk).first()
    if fit is None:
        raise SuccessorUnfit
    return fit.user


def _sign_out(membership: Membership) -> int:
    """Every device, once the change is kept: a session is also in the cache."""
    sessions = list(UserSession.objects.filter(user=membership.user_id))
    for session in sessions:
        transaction.on_commit(partial(_end, session), robust=True)
    return len(sessions)


def _end(session: UserSession) -> None:
    session.end()


def _prepare_again(ended: list[Mandate], *, heir: User) -> list[Mandate]:
    """What ended, in the name of who takes over: one signature at each company. What they may not give stays ended."""
    batches: dict[int, uuid.UUID] = {}
    prepared = []
    for mandate in ended:
        batch = batches.setdefault(mandate.customer_id, uuid.uuid4())
        with suppress(Refusal), transaction.atomic():
            prepared.append(_again(mandate, heir=heir, batch=batch))
    return prepared


def _again(mandate: Mandate, *, heir: User, batch: uuid.UUID) -> Mandate:
    customer = lock_customer(pk=mandate.customer_id)  # ours already: remove_member took it
    giver, wish = giver_at_present(customer=customer, by=heir), terms_signed(mandate=mandate)
    refuse_beyond_reach(giver=giver, wish=wish)
    invitee = Invitee(mandate.first_name, mandate.last_name, mandate.email, mandate.phone, mandate.language)
    through = through_of(giver=giver)
    if mandate.membership is None:
        refuse_person(customer, invitee, wish, by=heir, through=through)
    elif mandate.membership.user_id == heir.pk or is_over(membership=mandate.membership):
        raise GivenToOneself
    return write_mandate(
        customer=customer,
        invitee=invitee,
        wish=wish,
        by=heir,
        batch=batch,
        proof=mandate.proof.name or "",
        membership=mandate.membership,
        through=through,
    )


def _hand_over(
    heir: User, *, customer: Customer, leaving: Membership, left: Open, prepared: list[Mandate], by: User
) -> None:
    again = {(mandate.customer_id, mandate.email, mandate.name) for mandate in prepared}
    lost = [row for row in left.invitations if (row.customer_id, row.email, row.name) not in again]
    write_to(
        merchant=customer.merchant,
        to=heir.email,
        template="organizations/emails/handed_over",
        context={
            "customer": customer,
            "person": heir,
            "leaving": leaving.user or leaving.name,
            "by": by,
            "at": timezone.now(),
            "invitations": [(row.name, row.customer, _page("mandate", row.customer, row.pk)) for row in prepared],
            "lost": [row.name for row in lost],
            "cases": [(row.decision.person, page_of_refusal(decision=row.decision)) for row in left.cases],
            "proofs": [(row.name, _page("mandate", row.customer, row.pk)) for row in left.proofs],
            "action_url": _page("team", prepared[0].customer if prepared else customer),
        },
        language=heir.language,
    )


def _page(name: str, customer: Customer, *args: object) -> str:
    return absolute(reverse(f"organizations:{name}", args=[customer.public_id, *args]))
