"""What changes a customer: the contact address by which it is recognised."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.addresses import validate_address
from accounts.formats import masked_email
from accounts.models import User, normalize_email
from organizations import audit
from organizations.letters import absolute, language_of, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Grant, Membership
from organizations.permissions import Role
from organizations.refusals import Refusal
from organizations.services import recognition


class ReasonMissing(Refusal):
    sentence: str | Promise = _("Write why the address changes, and how you know who asks: it is kept in the history.")


class EmailInvalid(Refusal):
    sentence: str | Promise = _("“%(email)s” is not an e-mail address. Check for a missing part or a space.")


@transaction.atomic
def change_contact_email(*, customer: Customer, email: str, reason: str, by: User) -> Customer:
    """Put another contact address on file: the access it gave ends, the access it gives begins at once.

    Keeps the reason with both addresses in the history, and writes to both. The same address again changes nothing.
    """
    email, reason = normalize_email(email), reason.strip()
    if not reason:
        raise ReasonMissing
    if email:
        try:
            validate_address(email)
        except ValidationError:
            raise EmailInvalid(email=email) from None
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)
    old = customer.email
    if email == old:
        return customer
    customer.email = email
    customer.save(update_fields=["email"])
    _end_what_it_gave(customer=customer, email=old, by=by)
    audit.record(
        event=AuditEvent.Event.CUSTOMER_EMAIL_CHANGED, customer=customer, by=by, old=old, new=email, reason=reason
    )
    holder = _let_in_holder(customer=customer)
    _write_to_both(customer=customer, old=old, has_account=holder is not None)
    return customer


def _end_what_it_gave(*, customer: Customer, email: str, by: User) -> None:
    """End the ownership and the links that came from the address; a company's people do not depend on it."""
    if not email or customer.kind == Customer.Kind.MEMBER:
        return
    ended = Membership.objects.filter(customer=customer, email=email, role=Role.OWNER, removed_at=None)
    Grant.objects.filter(content_object=customer, user__in=ended.values("user")).delete()
    ended.update(removed_at=timezone.now(), removed_by=by)
    links = ActivationRequest.objects.filter(customer=customer, membership=None, used_at=None, revoked_at=None)
    links.update(revoked_at=timezone.now())


def _let_in_holder(*, customer: Customer) -> User | None:
    """The person who already confirmed the new address, if there is one, and whom it makes an owner."""
    if not customer.email:
        return None
    holders = EmailAddress.objects.filter(email=customer.email, verified=True, user__is_active=True)
    address = holders.select_related("user").first()
    if address is None:
        return None
    if customer.kind != Customer.Kind.MEMBER and customer.closed_at is None:
        recognition.link_contact(customer=customer, user=address.user, email=customer.email)
        audit.record(
            event=AuditEvent.Event.CUSTOMER_RECOGNIZED, customer=customer, by=address.user, email=customer.email
        )
    return address.user


def _write_to_both(*, customer: Customer, old: str, has_account: bool) -> None:
    """A security notice: whoever loses the address learns it there, whoever gains it learns what it opens."""
    home = absolute(reverse("portal:landing" if has_account else "account_signup"))
    for to, template, address in ((old, "email_changed_old", ""), (customer.email, "email_changed_new", home)):
        if to:
            write_to(
                merchant=customer.merchant,
                to=to,
                template=f"organizations/emails/{template}",
                context={
                    "customer": customer,
                    "new_email": masked_email(customer.email) if customer.email else "",
                    "opens": customer.kind != Customer.Kind.MEMBER,
                    "has_account": has_account,
                    "action_url": address,
                },
                language=language_of(email=to, otherwise=customer.language),
            )
