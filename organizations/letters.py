"""How a merchant writes to people: in its own name, answered at its own desk, in the reader's language."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings

from accounts.models import OutgoingMessage
from accounts.outbox import queue_email
from organizations.models import Merchant


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


def absolute(path: str) -> str:
    """The whole address of a page, as an e-mail needs it."""
    return f"{settings.SITE_URL}{path}"


def language_of(*, email: str, otherwise: str) -> str:
    """The language chosen by the person who confirmed this address, else the customer's. One query."""
    chosen = EmailAddress.objects.filter(email=email, verified=True).values_list("user__language", flat=True).first()
    return chosen or otherwise
