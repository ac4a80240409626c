"""What a signer agrees to, in words. A wording that was shown is never edited: a better one is a new version."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from signatures.models import SignatureRequest

# version: as oneself, and in a capacity
CONSENTS: dict[str, tuple[str | Promise, str | Promise]] = {
    "2026-11": (
        _(
            "I have read “%(title)s”, I sign it electronically, and I agree that this signature binds me as one"
            " written by my own hand."
        ),
        _(
            "I have read “%(title)s”, I sign it electronically as %(capacity)s, and I agree that this signature binds"
            " as one written by my own hand."
        ),
    ),
}
CURRENT = "2026-11"


def consent_text(*, version: str, request: SignatureRequest, language: str) -> str:
    """The words of one version for one signer, about the document of a language, in the language being spoken."""
    as_oneself, in_a_capacity = CONSENTS[version]
    words = {"title": request.title_in(language), "capacity": request.capacity}
    return str(in_a_capacity if request.capacity else as_oneself) % words
