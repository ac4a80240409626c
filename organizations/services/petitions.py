"""Asking to join a company, which is never said to exist; and taking over one whose administrators are gone."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import membership_of, who_may_be_asked
from organizations.letters import absolute, language_of, write_to
from organizations.models import AuditEvent, Customer, JoinRequest, Mandate, Membership, Merchant, TakeOver
from organizations.permissions import OPENING_ROLES, Role
from organizations.refusals import Refusal
from organizations.services.mandates import end_mandate, lock_customer
from organizations.services.members import NotAMember
from organizations.services.reach import BeyondReach
from organizations.services.requests import ReasonMissing

JOINS_A_DAY = 5
ASKED_AGAIN = timedelta(days=30)
COOLING_OFF = timedelta(days=7)
Event = AuditEvent.Event


class TooManyJoins(Refusal):
    sentence: str | Promise = _("You asked several times today already. Call us: we will help you.")


class JoinDecided(Refusal):
    sentence: str | Promise = _("Somebody already answered this request. Nothing was changed.")


class InCharge(Refusal):
    sentence: str | Promise = _("You administer this company already.")


class TakeOverWaiting(Refusal):
    sentence: str | Promise = _("Somebody of this company already asked. Everybody was told, and an agent decides.")


class TakeOverOver(Refusal):
    sentence: str | Promise = _("This was opposed, or decided already. Nothing was changed.")


class StillCooling(Refusal):
    sentence: str | Promise = _("It is too early: everybody must have had time to oppose it.")


@transaction.atomic
def ask_to_join(*, merchant: Merchant, customer_number: str, message: str, by: User) -> JoinRequest:
    """Ask who gives access to a company, if the number is one’s; who asks cannot tell. Twice in a month is once."""
    User.objects.select_for_update(of=("self",)).get(pk=by.pk)  # two clicks come one after the other
    mine, now = JoinRequest.objects.filter(user=by, merchant=merchant), timezone.now()
    # Whatever was decided: a number nobody has is never decided, and asking again must not tell the two apart.
    recent = mine.filter(customer_number=customer_number, asked_at__gt=now - ASKED_AGAIN).order_by("-pk").first()
    if recent is not None:
        return recent
    if mine.filter(asked_at__gt=now - timedelta(days=1)).count() >= JOINS_A_DAY:
        raise TooManyJoins
    companies = Customer.objects.open().filter(merchant=merchant, kind=Customer.Kind.MEMBER, number=customer_number)
    customer = companies.select_related("merchant").first()
    if customer is not None and membership_of(customer=customer, user=by) is not None:
        customer = None  # they are in: nobody has anything to decide
    asked, _is_new = JoinRequest.objects.update_or_create(
        {"customer": customer, "message": message, "asked_at": now},
        merchant=merchant, user=by, customer_number=customer_number, decided_at=None,
    )  # fmt: skip
    if customer is not None:
        audit.record(event=Event.JOIN_ASKED, customer=customer, by=by, email=by.email)
        for granter in who_may_be_asked(customer=customer):
            if granter.user is not None:
                _write_about_join(asked, customer=customer, granter=granter.user)
    return asked


@transaction.atomic
def decide_join(*, join_request: JoinRequest, is_accepted: bool, by: User) -> JoinRequest:
    """Answer: accepted, an invitation is prepared next; refused, silence: a letter would say the company exists."""
    asked = (
        JoinRequest.objects.select_for_update(of=("self",)).select_related("customer", "user").get(pk=join_request.pk)
    )
    if asked.decided_at is not None:
        if asked.is_accepted == is_accepted:
            return asked
        raise JoinDecided
    asked.decided_at, asked.decided_by, asked.is_accepted = timezone.now(), by, is_accepted
    asked.save(update_fields=["decided_at", "decided_by", "is_accepted"])
    audit.record(event=Event.JOIN_DECIDED, customer=asked.customer, by=by, email=asked.user.email,
                 answer="accepted" if is_accepted else "refused")  # fmt: skip
    return asked


@transaction.atomic
def ask_take_over(*, customer: Customer, reason: str, by: User) -> TakeOver:
    """A member asks to administer the company; every member is told, and may oppose until an agent decides."""
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    customer = lock_customer(pk=customer.pk)
    asker = membership_of(customer=customer, user=by)
    if asker is None:
        raise NotAMember
    if asker.role in OPENING_ROLES:
        raise InCharge
    waiting = TakeOver.objects.open().filter(customer=customer).first()
    if waiting is not None:
        if waiting.asked_by_id == by.pk:
            return waiting
        if membership_of(customer=customer, user=waiting.asked_by) is not None:
            raise TakeOverWaiting
        withdraw_take_over(take_over=waiting, by=by)  # who asked has left: it would block everybody else
    now = timezone.now()
    take_over = TakeOver.objects.create(
        customer=customer, asked_by=by, reason=reason, asked_at=now, decidable_at=now + COOLING_OFF
    )
    audit.record(event=Event.TAKE_OVER_ASKED, customer=customer, by=by, email=by.email)
    _announce(take_over)
    return take_over


@transaction.atomic
def oppose_take_over(*, take_over: TakeOver, by: User) -> TakeOver:
    """An administrator is there after all: it is over. A second click changes nothing."""
    customer, take_over = _lock(take_over)
    if take_over.opposed_at is not None:
        return take_over
    if not take_over.is_open:
        raise TakeOverOver
    opponent = membership_of(customer=customer, user=by)
    if opponent is None or opponent.role not in OPENING_ROLES:
        raise BeyondReach
    take_over.opposed_at, take_over.opposed_by = timezone.now(), by
    take_over.save(update_fields=["opposed_at", "opposed_by"])
    audit.record(event=Event.TAKE_OVER_OPPOSED, customer=customer, by=by, email=take_over.asked_by.email)
    _announce(take_over)
    return take_over


@transaction.atomic
def withdraw_take_over(*, take_over: TakeOver, by: User) -> TakeOver:
    """Whoever asked has left: it is over, and everybody is told. What is over already stays as it is."""
    customer, take_over = _lock(take_over)
    if not take_over.is_open:
        return take_over
    take_over.withdrawn_at = timezone.now()
    take_over.save(update_fields=["withdrawn_at"])
    audit.record(event=Event.TAKE_OVER_WITHDRAWN, customer=customer, by=by, email=take_over.asked_by.email)
    _announce(take_over)
    return take_over


@transaction.atomic
def decide_take_over(*, take_over: TakeOver, is_accepted: bool, decision: str, by: User) -> TakeOver:
    """The agent decides once everybody had time to oppose: the person administers the company, or not; all are told.

    Raises StillCooling, TakeOverOver, ReasonMissing, NotAMember.
    """
    decision = decision.strip()
    if not decision:
        raise ReasonMissing
    customer, take_over = _lock(take_over)
    if not take_over.is_open:
        raise TakeOverOver
    if take_over.decidable_at > timezone.now():
        raise StillCooling
    if is_accepted:
        membership = membership_of(customer=customer, user=take_over.asked_by)
        if membership is None:
            raise NotAMember
        membership.role, membership.ends_on, membership.ceiling = Role.ADMINISTRATOR.value, None, None
        membership.requires_purchase_order = False
        membership.save(update_fields=["role", "ends_on", "ceiling", "requires_purchase_order"])
        membership.branches.clear()
        # An agent put them in charge: no mandate says what they may do any more, and none that waits may say less.
        for mandate in Mandate.objects.live().filter(membership=membership).select_for_update(of=("self",)):
            end_mandate(mandate=mandate, by=by)
    take_over.decided_at, take_over.decided_by = timezone.now(), by
    take_over.is_accepted, take_over.decision = is_accepted, decision
    take_over.save(update_fields=["decided_at", "decided_by", "is_accepted", "decision"])
    audit.record(event=Event.TAKE_OVER_DECIDED, customer=customer, by=by, email=take_over.asked_by.email,
                 answer="accepted" if is_accepted else "refused")  # fmt: skip
    _announce(take_over)
    return take_over


def _lock(take_over: TakeOver) -> tuple[Customer, TakeOver]:
    customer = lock_customer(pk=take_over.customer_id)
    rows = TakeOver.objects.select_for_update(of=("self",)).select_related("asked_by")
    locked = rows.get(pk=take_over.pk)
    locked.customer = customer
    return customer, locked


def _announce(take_over: TakeOver) -> None:
    """To every member who signs in, the asker too, and to whoever may oppose once they come: where it stands."""
    customer = take_over.customer
    on_file = Q(user=None, role__in=OPENING_ROLES) & ~Q(email="")
    people = Membership.objects.active().filter(on_file | Q(user__is_active=True), customer=customer)
    for membership in people.select_related("user").order_by("pk"):
        person = membership.user
        email = person.email if person else membership.email
        language = person.language if person else language_of(email=email, otherwise=customer.language)
        write_to(
            merchant=customer.merchant,
            to=email,
            template="organizations/emails/take_over",
            context={
                "customer": customer,
                "take_over": take_over,
                "person": person,
                "may_oppose": membership.role in OPENING_ROLES,
                "action_url": absolute(reverse("organizations:take-over", args=[customer.public_id])),
            },
            language=language,
        )


def _write_about_join(asked: JoinRequest, *, customer: Customer, granter: User) -> None:
    write_to(
        merchant=customer.merchant,
        to=granter.email,
        template="organizations/emails/join_asked",
        context={
            "customer": customer,
            "join_request": asked,
            "person": asked.user,
            "granter": granter,
            "action_url": absolute(reverse("organizations:join-requests", args=[customer.public_id])),
        },
        language=granter.language,
    )
