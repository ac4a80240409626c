"""Activation requests: an agent sends a link, and its holder chooses a password and is in, in one step."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, User
from organizations import audit
from organizations.letters import absolute, language_of, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Membership
from organizations.permissions import OPENING_ROLES, Role
from organizations.refusals import Refusal
from organizations.services import recognition
from organizations.services.profiles import ProfileInUse, complete_profile, profile_in_use

LASTS = timedelta(days=30)
# A link sent this recently is the same click, not a new wish.
SAME_CLICK = timedelta(minutes=1)


class CustomerClosed(Refusal):
    sentence: str | Promise = _("This customer is closed: no link can be sent.")


class EmailMissing(Refusal):
    sentence: str | Promise = _("There is no e-mail address on file to send the link to.")


class MemberRemoved(Refusal):
    sentence: str | Promise = _("This person is no longer on file for this customer.")


class AlreadyOpened(Refusal):
    sentence: str | Promise = _("Somebody already has access: a link is no longer needed.")


class NobodyMayOpen(Refusal):
    sentence: str | Promise = _(
        "For safety, a member company opens only by an owner, signatory or administrator on file, and none is. "
        "Put that person on file, with an e-mail address, first."
    )


class ActivationUnknown(Refusal):
    sentence: str | Promise = _("This link is incomplete, or was never ours")


class LinkRefused(Refusal):
    """A link of ours that opens nothing; its page says more of the request behind it."""

    def __init__(self, *, request: ActivationRequest) -> None:
        super().__init__()
        self.request = request


class ActivationExpired(LinkRefused):
    sentence: str | Promise = _("This link has expired")


class ActivationReplaced(LinkRefused):
    sentence: str | Promise = _("This link was replaced, and no longer works")


class ActivationUsed(LinkRefused):
    sentence: str | Promise = _("This link was already used")


class AccountExists(LinkRefused):
    sentence: str | Promise = _("You already have a profile with this address.")


class ActivationOfAnother(Refusal):
    sentence: str | Promise = _("This link was sent to another address than yours.")


def send_activation(*, customer: Customer, by: User, membership: Membership | None = None) -> ActivationRequest:
    """Mail a link that opens the space, to the contact address or to a person on file; it replaces the one before.

    Refused without an address, when somebody is already in, or when that person may not open a company.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)
        membership = _addressee(customer=customer, membership=membership)
        email = membership.email if membership else customer.email
        now = timezone.now()
        live = ActivationRequest.objects.filter(customer=customer, email=email, used_at=None, revoked_at=None)
        if (just_sent := live.filter(created_at__gt=now - SAME_CLICK).first()) is not None:
            return just_sent
        live.update(revoked_at=now)
        request = ActivationRequest.objects.create(
            customer=customer,
            membership=membership,
            email=email,
            token_hash=hash_of(token),
            created_by=by,
            expires_at=now + LASTS,
        )
        audit.record(event=AuditEvent.Event.ACTIVATION_SENT, customer=customer, by=by, email=email)
        write_to(
            merchant=customer.merchant,
            to=email,
            template="organizations/emails/activation",
            context={
                "customer": customer,
                "membership": membership,
                "activation": request,
                "action_url": absolute(reverse("organizations:activate", args=[token])),
            },
            language=language_of(email=email, otherwise=customer.language),
            is_sensitive=True,
        )
    return request


def send_activations(*, customers: Iterable[Customer], by: User) -> int:
    """Send each customer its link, each in its own transaction; how many left. The others: why_not_sent."""
    sent = 0
    for customer in customers:
        try:
            send_activation(customer=customer, by=by)
        except Refusal:
            continue
        sent += 1
    return sent


def why_not_sent(*, customer: Customer) -> Refusal | None:
    """The reason no link can be sent to this customer, for an agent to read; none: it can."""
    try:
        _addressee(customer=customer, membership=None)
    except Refusal as refusal:
        return refusal
    return None


def activation_of(*, token: str) -> ActivationRequest:
    """The request behind a link that still works; else the refusal says why, carrying the request when there is one."""
    rows = ActivationRequest.objects.select_related("customer__merchant", "membership")
    request = rows.filter(token_hash=hash_of(token)).first()
    if request is None:
        raise ActivationUnknown
    _check(request)
    if profile_in_use(email=request.email) is not None:
        raise AccountExists(request=request)
    return request


@transaction.atomic
def activate(*, token: str, password: str, first_name: str, last_name: str, language: str = "") -> User:
    """Create the person, confirm the address the link proves, open the space: one transaction, once.

    A profile that somebody already uses is never touched: its owner signs in, and is recognised.
    """
    request = _lock(token=token)
    try:
        user = complete_profile(
            email=request.email,
            password=password,
            first_name=first_name,
            last_name=last_name,
            language=language if language in Language else request.customer.language,
        )
    except ProfileInUse as used:
        raise AccountExists(request=request) from used
    _use(request, user=user)
    return user


@transaction.atomic
def accept_activation(*, token: str, by: User) -> Customer:
    """Open the space to a person who already has a profile, signed in with the address the link was sent to."""
    request = _lock(token=token)
    if request.email not in recognition.confirmed_addresses(user=by):
        raise ActivationOfAnother
    _use(request, user=by)
    return request.customer


@transaction.atomic
def ask_for_new_link(*, token: str) -> ActivationRequest:
    """The holder of an expired link asks for another: the desk is written to, once a link."""
    rows = ActivationRequest.objects.select_related("customer__merchant").select_for_update(of=("self",))
    request = rows.filter(token_hash=hash_of(token)).first()
    if request is None:
        raise ActivationUnknown
    try:
        _check(request)
    except ActivationExpired:
        if not new_link_asked(request=request):
            _tell_desk(request)
    return request


def new_link_asked(*, request: ActivationRequest) -> bool:
    return AuditEvent.objects.filter(
        customer=request.customer, event=AuditEvent.Event.ACCESS_REQUESTED, data__activation=request.pk
    ).exists()


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _addressee(*, customer: Customer, membership: Membership | None) -> Membership | None:
    """The person on file the link is for, or none: the contact address; refused when no link may leave."""
    if customer.closed_at is not None:
        raise CustomerClosed
    on_file = Membership.objects.filter(customer=customer, removed_at=None)
    if membership is not None:
        return _person_on_file(customer=customer, membership=on_file.filter(pk=membership.pk).first())
    if on_file.active().filter(user__isnull=False, role__in=OPENING_ROLES).exists():
        raise AlreadyOpened
    if customer.kind != Customer.Kind.MEMBER:
        if not customer.email:
            raise EmailMissing
        return None
    entitled = on_file.waiting().filter(role__in=OPENING_ROLES)
    if not entitled.exists():
        raise NobodyMayOpen
    reachable = sorted(entitled.exclude(email=""), key=lambda row: (row.role != Role.OWNER, row.pk))
    if not reachable:
        raise EmailMissing
    return reachable[0]


def _person_on_file(*, customer: Customer, membership: Membership | None) -> Membership:
    if membership is None:
        raise MemberRemoved
    if membership.user_id is not None:
        raise AlreadyOpened
    if not membership.email:
        raise EmailMissing
    if customer.opened_at is None and not recognition.may_open(membership=membership):
        raise NobodyMayOpen
    return membership


def _check(request: ActivationRequest) -> None:
    """Refuse a link that is used, replaced, expired, or whose address is no longer on file."""
    if request.used_at is not None:
        raise ActivationUsed(request=request)
    customer, membership = request.customer, request.membership
    if membership is not None and membership.user_id is not None:
        raise ActivationUsed(request=request)
    if membership is None:
        is_on_file = customer.email == request.email
    else:
        is_on_file = membership.email == request.email and membership.removed_at is None
    if request.revoked_at is not None or not is_on_file or customer.closed_at is not None:
        raise ActivationReplaced(request=request)
    if request.expires_at <= timezone.now():
        raise ActivationExpired(request=request)


def _lock(*, token: str) -> ActivationRequest:
    """The request of a link that still works, locked after its customer: the order of everything that locks both."""
    rows = ActivationRequest.objects.select_related("membership")
    found = rows.filter(token_hash=hash_of(token)).first()
    if found is None:
        raise ActivationUnknown
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=found.customer_id)
    request = rows.select_for_update(of=("self",)).get(pk=found.pk)
    request.customer = customer
    _check(request)
    return request


def _use(request: ActivationRequest, *, user: User) -> None:
    _let_in(request=request, user=user)
    request.used_at = timezone.now()
    request.save(update_fields=["used_at"])
    audit.record(event=AuditEvent.Event.ACTIVATION_USED, customer=request.customer, by=user, email=request.email)


def _let_in(*, request: ActivationRequest, user: User) -> None:
    """Link the person the link was for; whoever may open a company opens it."""
    customer, membership = request.customer, request.membership
    if membership is None:
        recognition.link_contact(customer=customer, user=user, email=request.email)
        return
    if Membership.objects.filter(customer=customer, user=user, removed_at=None).exists():
        return
    recognition.link_member(membership=membership, user=user)
    if recognition.may_open(membership=membership):
        recognition.open_space(customer=customer, by=user)


def _tell_desk(request: ActivationRequest) -> None:
    customer = request.customer
    audit.record(
        event=AuditEvent.Event.ACCESS_REQUESTED,
        customer=customer,
        by=None,
        email=request.email,
        activation=request.pk,
    )
    write_to(
        merchant=customer.merchant,
        to=customer.merchant.email,
        template="organizations/emails/activation_asked",
        context={"customer": customer, "activation": request},
        language=customer.language,
    )
