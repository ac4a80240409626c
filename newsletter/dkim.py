"""Signing our own mail (DKIM), for installations whose mail service does not."""

from __future__ import annotations

import dkim
from django.conf import settings

from accounts import mime

# Gmail asks that the signature cover both headers of unsubscribing (RFC 8058, 4).
HEADERS = [
    *(b"from", b"to", b"reply-to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post"),
]


def signed(content: bytes) -> bytes:
    """The message with its signature when DKIM_KEY is set, in the name of the sender's domain; else as it is."""
    if not settings.DKIM_KEY:
        return content
    domain = mime.sender().rpartition("@")[2].encode()
    signature = dkim.sign(
        content,
        settings.DKIM_SELECTOR.encode(),
        domain,
        settings.DKIM_KEY.encode(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=HEADERS,
    )
    return signature + content
