"""« This person has left »: one act that ends everything they had in a company, and hands over what was open."""

from __future__ import annotations

from functools import partial

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.letters import absolute, write_to
from organizations.models import AuditEvent, Card, Customer, Mandate, Membership
from organizations.refusals import Refusal
from organizations.services.mandates import lock_customer
from organizations.services.members import remove_member


class SuccessorMissing(Refusal):
    sentence: str | Promise = _(
        "Invitations of this person wait for an answer: choose the colleague who takes them over."
    )


class SuccessorUnfit(Refusal):
    sentence: str | Promise = _("This colleague cannot take anything over: choose somebody who manages access today.")


class DeclaredByOneself(Refusal):
    sentence: str | Promise = _("Nobody declares their own departure: ask another administrator.")


def open_invitations(*, membership: Membership) -> list[Mandate]:
    """What this person prepared or sent and nobody accepted yet: it ends with them. One query."""
    if membership.user_id is None:
        return []
    mine = Mandate.objects.live().filter(customer=membership.customer_id, prepared_by=membership.user_id)
    return list(mine.filter(effective_at=None).order_by("pk"))


def departure_of(*, membership: Membership) -> AuditEvent | None:
    """What was recorded when this person was declared gone: the receipt. One query."""
    left = AuditEvent.objects.filter(customer=membership.customer_id, event=AuditEvent.Event.MEMBER_LEFT)
    return left.filter(data__member=membership.pk).select_related("by").order_by("-pk").first()


def ends_sessions(*, membership: Membership) -> bool:
    """Whether the devices of this person are signed out: not while they have another customer, or work for us."""
    if membership.user is None or membership.user.is_staff:
        return False
    others = Membership.objects.active().filter(user=membership.user).exclude(pk=membership.pk)
    return not others.exists()


@transaction.atomic
def declare_gone(*, membership: Membership, successor: Membership | None, by: User) -> AuditEvent:
    """End access, grants, cards, invitations sent and sessions at once, and write to who takes over. Twice is once.

    The person whose access was ended before has it completed. Raises LastAdministrator, SuccessorMissing,
    SuccessorUnfit, DeclaredByOneself.
    """
    customer = lock_customer(pk=membership.customer_id)
    membership = Membership.objects.select_related("user", "customer").get(pk=membership.pk)
    if (known := departure_of(membership=membership)) is not None:
        return known
    if membership.user_id == by.pk:
        raise DeclaredByOneself
    invitations = open_invitations(membership=membership)
    if successor is None and invitations:
        raise SuccessorMissing
    if successor is not None and not _is_fit(successor, customer=customer, leaving=membership):
        raise SuccessorUnfit
    cards = Card.objects.live().filter(membership=membership).count()
    signs_out = ends_sessions(membership=membership)
    remove_member(membership=membership, by=by)
    sessions = _sign_out(membership) if signs_out else 0
    if successor is not None and successor.user is not None:
        _hand_over(successor.user, customer=customer, leaving=membership, invitations=invitations, by=by)
    return audit.record(
        event=AuditEvent.Event.MEMBER_LEFT,
        customer=customer,
        by=by,
        member=membership.pk,
        email=membership.email or membership.name,
        successor=str(successor.user) if successor is not None else None,
        invitations=len(invitations),
        cards=cards,
        sessions=sessions,
        signed_out=int(signs_out),
    )


def _is_fit(successor: Membership, *, customer: Customer, leaving: Membership) -> bool:
    heirs = Membership.objects.in_charge().filter(customer=customer).exclude(pk=leaving.pk)
    return heirs.filter(pk=successor.pk).exists()


def _sign_out(membership: Membership) -> int:
    """Every device, once the change is kept: a session is also in the cache."""
    sessions = list(UserSession.objects.filter(user=membership.user_id))
    for session in sessions:
        transaction.on_commit(partial(_end, session), robust=True)
    return len(sessions)


def _end(session: UserSession) -> None:
    session.end()


def _hand_over(heir: User, *, customer: Customer, leaving: Membership, invitations: list[Mandate], by: User) -> None:
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
            "invitations": [mandate.name for mandate in invitations],
            "action_url": absolute(reverse("organizations:team", args=[customer.public_id])),
        },
        language=heir.language,
    )
