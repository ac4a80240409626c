"""People nobody recognised: they say who they are, and an agent links or refuses them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User, normalize_email
from accounts.spelling import plain
from organizations import audit
from organizations.letters import absolute, write_to
from organizations.models import AccessRequest, AuditEvent, Customer, Membership, Merchant
from organizations.permissions import OPENING_ROLES
from organizations.refusals import Refusal
from organizations.services import recognition

REQUESTS_A_DAY = 5


class RequestWaiting(Refusal):
    sentence: str | Promise = _(
        "Your earlier request is still waiting for an answer, so this one was not sent. To add to it, call or write."
    )


class TooManyRequests(Refusal):
    sentence: str | Promise = _("You wrote several times today already. Call us: we will find your account with you.")


class RequestDecided(Refusal):
    sentence: str | Promise = _("Somebody already decided this request. Nothing was changed.")


class ReasonMissing(Refusal):
    sentence: str | Promise = _("Write the reason: it is kept in the history.")


class OtherMerchant(Refusal):
    sentence: str | Promise = _("This customer and this request belong to two different merchants.")


class CustomerClosed(Refusal):
    sentence: str | Promise = _("This customer is closed: nobody can be let in.")


class NotEntitledToOpen(Refusal):
    sentence: str | Promise = _(
        "For safety, a member company opens only to its owner, signatory or administrator on file, and this person is "
        "not one of them by name or by e-mail. Correct the people on file first, or let the company invite them."
    )


@transaction.atomic
def request_access(
    *,
    by: User,
    merchant: Merchant,
    name: str,
    phone: str,
    phone_extension: str,
    customer_number: str,
    invoice_number: str,
    invoice_total: Decimal | None,
    message: str,
) -> AccessRequest:
    """Put a person in the desk's queue and write to them; the same form sent twice is one request.

    Refused while another request waits, and beyond a few a day.
    """
    said = {
        "name": name,
        "phone": phone,
        "phone_extension": phone_extension,
        "customer_number": customer_number,
        "invoice_number": invoice_number,
        "invoice_total": invoice_total,
        "message": message,
    }
    User.objects.select_for_update(of=("self",)).get(pk=by.pk)  # two clicks come one after the other
    mine = AccessRequest.objects.filter(user=by, merchant=merchant)
    if (waiting := mine.open().first()) is not None:
        if all(getattr(waiting, field) == value for field, value in said.items()):
            return waiting
        raise RequestWaiting
    if mine.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() >= REQUESTS_A_DAY:
        raise TooManyRequests
    access_request = AccessRequest.objects.create(user=by, merchant=merchant, **said)
    audit.record(event=AuditEvent.Event.ACCESS_REQUESTED, merchant=merchant, by=by, request=access_request.pk)
    _write_about(access_request, template="organizations/emails/request_received")
    return access_request


@transaction.atomic
def link_access_request(*, access_request: AccessRequest, customer: Customer, by: User) -> AccessRequest:
    """Let the person in at this customer, as its owner, and write to them; a second click changes nothing.

    A member company keeps its rule: only somebody entitled to represent it opens it.
    """
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)
    access_request = _lock(access_request)
    if access_request.status == AccessRequest.Status.LINKED and access_request.customer_id == customer.pk:
        return access_request
    if access_request.status != AccessRequest.Status.OPEN:
        raise RequestDecided
    if access_request.merchant_id != customer.merchant_id:
        raise OtherMerchant
    if customer.closed_at is not None:
        raise CustomerClosed
    person = access_request.user
    if customer.kind == Customer.Kind.MEMBER:
        _link_representative(customer=customer, access_request=access_request)
    else:
        recognition.link_contact(customer=customer, user=person, email=normalize_email(person.email))
    recognition.mark_activations_used(customer=customer, addresses={normalize_email(person.email)})
    access_request.customer = customer
    _decide(access_request, status=AccessRequest.Status.LINKED, by=by)
    audit.record(
        event=AuditEvent.Event.CUSTOMER_LINKED,
        customer=customer,
        by=by,
        email=person.email,
        person=person.pk,
        request=access_request.pk,
    )
    _write_about(access_request, template="organizations/emails/request_linked")
    return access_request


@transaction.atomic
def refuse_access_request(*, access_request: AccessRequest, reason: str, by: User) -> AccessRequest:
    """Say no, with a reason the person reads on their page and by mail; a second click changes nothing."""
    access_request = _lock(access_request)
    reason = reason.strip()
    if access_request.status == AccessRequest.Status.REFUSED and access_request.reason == reason:
        return access_request
    if access_request.status != AccessRequest.Status.OPEN:
        raise RequestDecided
    if not reason:
        raise ReasonMissing
    access_request.reason = reason
    _decide(access_request, status=AccessRequest.Status.REFUSED, by=by)
    audit.record(
        event=AuditEvent.Event.ACCESS_REFUSED,
        merchant=access_request.merchant,
        by=by,
        email=access_request.user.email,
        request=access_request.pk,
    )
    _write_about(access_request, template="organizations/emails/request_refused")
    return access_request


def _lock(access_request: AccessRequest) -> AccessRequest:
    rows = AccessRequest.objects.select_related("user", "merchant")
    return rows.select_for_update(of=("self",)).get(pk=access_request.pk)


def _decide(access_request: AccessRequest, *, status: AccessRequest.Status, by: User) -> None:
    access_request.status, access_request.decided_at, access_request.decided_by = status, timezone.now(), by
    access_request.save(update_fields=["status", "decided_at", "decided_by", "customer", "reason"])


def _link_representative(*, customer: Customer, access_request: AccessRequest) -> None:
    """At a company: the person on file by that name; or, when nobody on file may open it, the one the agent chose."""
    person = access_request.user
    email = normalize_email(person.email)
    lasting = Membership.objects.filter(customer=customer, removed_at=None)
    if lasting.active().filter(user=person).exists():
        return
    entitled = lasting.active().filter(role__in=OPENING_ROLES)
    if not entitled.exists():
        recognition.link_contact(customer=customer, user=person, email=email)
        return
    called = {_agreed(access_request.name), _agreed(person.get_full_name())} - {""}
    named = [row for row in entitled.filter(user=None).order_by("pk") if _agreed(row.name) in called]
    if len(named) != 1 or lasting.filter(user=person).exists():
        raise NotEntitledToOpen
    if not lasting.filter(email=email).exists():
        # The agent vouches that the person on file now writes from the address they confirmed.
        named[0].email = email
        named[0].save(update_fields=["email"])
    recognition.link_member(membership=named[0], user=person)
    recognition.open_space(customer=customer, by=person)


def _agreed(name: str) -> str:
    """A name as two people would agree it is the same: no accent, case, hyphen or double space."""
    return " ".join(plain(name).replace("-", " ").split())


def _write_about(access_request: AccessRequest, *, template: str) -> None:
    person, customer = access_request.user, access_request.customer
    address = reverse("portal:home", args=[customer.public_id]) if customer else reverse("organizations:unrecognized")
    write_to(
        merchant=access_request.merchant,
        to=person.email,
        template=template,
        context={
            "person": person,
            "access_request": access_request,
            "customer": customer,
            "action_url": absolute(address),
        },
        language=person.language,
    )
