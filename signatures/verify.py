"""Is this file one of ours? Each app answers for the files it made: `register` its lookup when the portal starts.

A fingerprint can only be that of somebody who holds the very file, so the answer may say what the file itself says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.formats import long_date, long_moment
from signatures.models import Document, Seal, SignatureRequest


@dataclass(frozen=True, slots=True)
class Finding:
    """A file of ours, in the words of the reader's language: what it is, who issued it, and what is true of it now."""

    title: str
    issuer: str
    facts: tuple[tuple[str, str], ...]
    note: str = ""


Lookup = Callable[[str], Finding | None]
_lookups: list[Lookup] = []


def register(lookup: Lookup) -> None:
    """Have this function asked about each fingerprint: 64 hexadecimal digits in, a finding or nothing out."""
    if lookup not in _lookups:
        _lookups.append(lookup)


def find(*, sha256: str) -> Finding | None:
    """What the first app that knows the file says of it."""
    return next((finding for lookup in _lookups if (finding := lookup(sha256)) is not None), None)


def sealed_file(sha256: str) -> Finding | None:
    """A signed document, sealed."""
    seal = Seal.objects.filter(sha256=sha256).select_related("request").first()
    if seal is None:
        return None
    asked, language = seal.request, get_language() or ""
    facts = [
        (_("Signed by"), asked.signer_name),
        (_("As"), asked.capacity),
        (_("Signed on"), long_moment(asked.signed_at, language)),
        (_("Sealed on"), long_moment(seal.sealed_at, language)),
    ]
    return Finding(
        title=asked.title,
        issuer=asked.sender_name,
        facts=tuple(fact for fact in facts if fact[1]),
    )


def unsigned_document(sha256: str) -> Finding | None:
    """A document as it was handed over to be signed: ours, and no proof that anybody signed it."""
    document = Document.objects.filter(sha256=sha256).only("pk").first()
    if document is None:
        return None
    rows = SignatureRequest.objects.filter(Q(french=document) | Q(english=document)).order_by("pk")
    asked = rows.first()
    if asked is None:
        return None
    is_english = asked.english_id == document.pk
    return Finding(
        title=asked.english_title if is_english else asked.french_title,
        issuer=asked.sender_name,
        facts=((_("Issued on"), long_date(asked.requested_at, get_language() or "")),),
        note=_(
            "This is the document as it was handed over to be signed. It bears no signature: what proves one is the "
            "sealed copy, which is another file."
        ),
    )
