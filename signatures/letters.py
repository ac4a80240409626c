"""How we write to a signer: in the name of who asks, in the signer's language."""

from __future__ import annotations

from typing import Any

from accounts.models import OutgoingMessage
from accounts.outbox import queue_email
from signatures.links import address_of
from signatures.models import SignatureRequest


def write_to_signer(*, request: SignatureRequest, letter: str, **context: Any) -> OutgoingMessage:
    """Queue one of `signatures/emails/`, with the link to sign; its text is blanked once sent."""
    return queue_email(
        to=request.signer_email,
        template=f"signatures/emails/{letter}",
        context=context_of(request=request) | context,
        language=request.signer_language,
        merchant_slug=request.merchant_slug,
        sender_name=request.sender_name,
        reply_to=request.sender_email,
        is_sensitive=True,
    )


def context_of(*, request: SignatureRequest) -> dict[str, Any]:
    """What every message to the signer may name; `merchant` is what the frame of a letter calls its sender."""
    return {
        "asked": request,
        "title": request.title_in(request.signer_language),
        "merchant": request.sender,
        "action_url": address_of(request=request),
    }
