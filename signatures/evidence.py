"""The evidence as pages at the end of the document: a rendering of the events, nothing that is not in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.formats import long_moment, phone
from accounts.models import Language
from accounts.pdf import engine
from signatures.models import SignatureEvent, SignatureRequest
from signatures.sentences import sentence

TEMPLATE = "signatures/pdf/evidence.html"
STYLESHEET = "signatures/pdf/evidence.css"
Kind = SignatureEvent.Kind
FINGERPRINT = 8  # characters that tell one document of a request from the other
# What concerns the sealed file itself, which cannot be in it.
AFTER = (Kind.SEALED, Kind.SEAL_FAILED)


class Row(NamedTuple):
    """One event: when to the second, about which bytes, what, who and from where."""

    moment: str
    fingerprint: str
    words: str
    origin: str


def evidence_html(*, request: SignatureRequest) -> str:
    """The pages in the language signed, before they become a file. One query beyond the request."""
    happened = request.events.exclude(kind__in=AFTER).select_related("by").order_by("pk")
    with translation.override(request.language):
        return render_to_string(TEMPLATE, _context(request, list(happened)))


def render_evidence(*, request: SignatureRequest) -> bytes:
    """The pages as a PDF to be appended to the document."""
    html = evidence_html(request=request)
    return engine.render(html=html, stylesheet=STYLESHEET, hue=request.sender_hue, is_part=True)


def _context(request: SignatureRequest, happened: Sequence[SignatureEvent]) -> dict[str, Any]:
    language = request.language
    consent = next((event for event in happened if event.kind == Kind.CONSENT_GIVEN), None)
    browsers = list(dict.fromkeys(event.user_agent for event in happened if event.user_agent))
    return {
        "language": "en-CA" if language == Language.ENGLISH else "fr-CA",
        "title": request.title,
        "sender": request.sender_name,
        "facts": _facts(request),
        "digests": _digests(request, happened),
        "consent": consent.data["text"] if consent else "",
        "identified": _identified(request, happened),
        "rows": [_row(event, browsers) for event in happened],
        "browsers": browsers,
        "size": request.document.size,
        "verify_url": f"{settings.SITE_URL}{reverse('signatures:verify')}",
        "signed_iso": f"{request.signed_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _facts(request: SignatureRequest) -> list[tuple[str, str]]:
    language = request.language
    reached = [request.signer_email, phone(request.signer_phone, language=language)]
    facts = [
        (_("Document"), f"{request.title} · {Language(language).label}"),
        (_("Signed by"), request.signer_name),
        (_("As"), request.capacity),
        (_("Reached at"), ", ".join(filter(None, reached))),
        (_("Signed on"), long_moment(request.signed_at, language)),
        (_("Asked by"), f"{request.sender_name}, {request.requested_by}"),
    ]
    return [(label, value) for label, value in facts if value]


def _digests(request: SignatureRequest, happened: Sequence[SignatureEvent]) -> list[tuple[str, str]]:
    """SHA-256 of what was handed over, before, and of what was signed."""
    labels = {
        Language.FRENCH.value: _("Handed over in French"),
        Language.ENGLISH.value: _("Handed over in English"),
    }
    handed = [event for event in happened if event.kind == Kind.HANDED_OVER]
    signed = [event for event in happened if event.kind == Kind.SIGNED]
    return [
        *((labels[event.language], event.document_sha256) for event in handed),
        *((_("Signed"), event.document_sha256) for event in signed),
    ]


def _identified(request: SignatureRequest, happened: Sequence[SignatureEvent]) -> list[str]:
    """How we know who signed: the profile, then the code that was right."""
    if request.signer is not None:
        who = _("Signed in to the profile of %(person)s, %(email)s.") % {
            "person": request.signer,
            "email": request.signer.email,
        }
    else:
        who = _("Through a personal link written to %(email)s.") % {"email": request.signer_email}
    sent = [event for event in happened if event.kind == Kind.CODE_SENT]
    return [who, *(sentence(event=event) for event in sent[-1:])]


def _row(event: SignatureEvent, browsers: list[str]) -> Row:
    browser = f"[{browsers.index(event.user_agent) + 1}]" if event.user_agent else ""
    origin = " · ".join(filter(None, [str(event.by) if event.by else "", event.ip, browser]))
    fingerprint = event.document_sha256[:FINGERPRINT]
    return Row(_moment(event.at), fingerprint, sentence(event=event), origin or _("The portal"))


def _moment(at: datetime) -> str:
    """To the second, with the offset: 2026-11-22 12:00:05 −05:00."""
    local = timezone.localtime(at)
    offset = f"{local:%z}".replace("-", "\N{MINUS SIGN}")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]}"
