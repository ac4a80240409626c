"""The only door to the evidence: one line a fact, written in the transaction of what it proves."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import OutgoingMessage, User
from signatures.models import Document, SignatureEvent, SignatureRequest
from signatures.parties import Origin

USER_AGENT = 400  # characters kept of what a browser says of itself


def record(
    *,
    request: SignatureRequest,
    kind: SignatureEvent.Kind,
    by: User | None,
    origin: Origin,
    document: Document | None = None,
    language: str = "",
    message: OutgoingMessage | None = None,
    data: Mapping[str, str | int] | None = None,
) -> SignatureEvent:
    """Write one fact about a document: the one signed unless another is named. A message says its address and channel.

    Values of data are codes, figures, or what a person wrote or read.
    """
    return SignatureEvent.objects.create(
        request=request,
        kind=kind,
        by=by,
        ip=origin.ip,
        user_agent=origin.user_agent[:USER_AGENT],
        document_sha256=(document or request.document).sha256,
        language=language,
        address=message.recipient if message else "",
        channel=message.channel if message else "",
        data=dict(data or {}),
    )
