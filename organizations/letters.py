"""How a merchant writes to people: in its own name, answered at its own desk, in the reader's language."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.urls import reverse

from accounts.models import OutgoingMessage, User
from accounts.outbox import queue_email
from organizations.access import who_holds
from organizations.models import Customer, Merchant
from organizations.permissions import Permission


def write_to(
    *,
    merchant: Merchant,
    to: str,
    template: str,
    context: dict[str, Any],
    language: str,
    is_sensitive: bool = False,
) -> OutgoingMessage:
    """Queue an e-mail in the merchant's name, answers going to its desk; `merchant` joins the context."""
    return queue_email(
        to=to,
        template=template,
        context={**context, "merchant": merchant},
        language=language,
        merchant_slug=merchant.slug,
        sender_name=merchant.name,
        reply_to=merchant.email,
        is_sensitive=is_sensitive,
    )


def tell_about_identity(*, customer: Customer, template: str, context: dict[str, Any]) -> None:
    """Write to everyone who declares the customer's identity, each in their language; `person` joins the context.

    Where nobody does, to the contact address.
    """
    readers: list[tuple[User | None, str, str]] = [
        (person, person.email, person.language) for person in _who_declare(customer)
    ]
    if not readers and customer.email:
        readers = [(None, customer.email, language_of(email=customer.email, otherwise=customer.language))]
    page = absolute(reverse("organizations:organization-detail", args=[customer.public_id]))
    for person, email, language in readers:
        write_to(
            merchant=customer.merchant,
            to=email,
            template=f"organizations/emails/{template}",
            context={**context, "customer": customer, "person": person, "action_url": page},
            language=language,
        )


def _who_declare(customer: Customer) -> list[User]:
    holders = who_holds(customer=customer, permission=Permission.MANAGE_ORGANIZATION)
    return [holder.user for holder in holders if holder.user is not None]


def absolute(path: str) -> str:
    """The whole address of a page, as an e-mail needs it."""
    return f"{settings.SITE_URL}{path}"


def language_of(*, email: str, otherwise: str) -> str:
    """The language chosen by the person who confirmed this address, else the customer's. One query."""
    chosen = EmailAddress.objects.filter(email=email, verified=True).values_list("user__language", flat=True).first()
    return chosen or otherwise
