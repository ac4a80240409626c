"""The mandate as a document: who may do what, within which edges, on whose authority; one page a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.formats import long_date, money, phone
from accounts.models import Language
from organizations.models import Mandate, Membership
from organizations.permissions import NEEDING_PROOF, Permission
from organizations.terms import terms_signed
from signatures.papers import page_count
from signatures.parties import Paper

# The type, from the usual one to the smallest that is easily read on paper, 8 points: the first that fits.
SIZES = ("usual", "small")
TEMPLATE, STYLESHEET = "organizations/pdf/mandate.html", "organizations/pdf/mandate.css"


def papers_of(*, mandates: Sequence[Mandate]) -> tuple[Paper, Paper]:
    """What is signed together, in French and in English; the same mandates give the same bytes."""
    french, english = (_paper(mandates, language=language.value) for language in Language)
    return french, english


def edges_of(*, mandate: Mandate | Membership, language: str) -> list[tuple[str, str]]:
    """The edges in words, label and value."""
    branches = [branch.name for branch in mandate.branches.all()]
    limit = _("no limit") if mandate.ceiling is None else money(mandate.ceiling, language)
    return [
        (
            pgettext("dates", "From"),
            long_date(mandate.starts_on, language) if mandate.starts_on else _("as soon as it is accepted"),
        ),
        (_("Until"), long_date(mandate.ends_on, language) if mandate.ends_on else _("further notice")),
        (_("Branches"), ", ".join(sorted(branches)) or _("all branches")),
        (_("Most for one transaction"), limit),
        (_("Purchase order"), _("compulsory") if mandate.requires_purchase_order else _("not compulsory")),
    ]


def _paper(mandates: Sequence[Mandate], *, language: str) -> Paper:
    # WeasyPrint takes half a second and 40 MB to load: only those who print a mandate pay for it.
    from accounts.pdf import engine  # noqa: PLC0415 - see above

    first = mandates[0]
    with translation.override(language):
        title = _("Mandate: access of %(name)s") % {"name": first.name}
        if len(mandates) > 1:
            title = _("Mandates: access of %(count)s people") % {"count": len(mandates)}
        words = _document(mandates, title=title, language=language)
        for size in SIZES:
            html = render_to_string(TEMPLATE, {**words, "size": size})
            content = engine.render(html=html, stylesheet=STYLESHEET, hue=first.customer.merchant.hue)
            if page_count(content=content) == len(mandates):
                break
    return Paper(title=title, content=content)


def _document(mandates: Sequence[Mandate], *, title: str, language: str) -> dict[str, Any]:
    """What is said once, and what is said of each person."""
    first = mandates[0]
    through = first.through
    confirmed_at = through.decided_at if through is not None else None
    prepared_at = timezone.localtime(first.prepared_at)
    return {
        "language": "en-CA" if language[:2] == "en" else "fr-CA",
        "title": title,
        "merchant": first.customer.merchant,
        "customer": first.customer,
        "author": first.prepared_by,
        "through": through,
        "confirmed_on": long_date(timezone.localdate(confirmed_at), language) if confirmed_at else "",
        "prepared_iso": prepared_at.isoformat(timespec="seconds"),
        "prepared_on": long_date(prepared_at.date(), language),
        "pages": [_words(mandate, language) for mandate in mandates],
    }


def _words(mandate: Mandate, language: str) -> dict[str, Any]:
    held = terms_signed(mandate=mandate).permissions
    return {
        "mandate": mandate,
        "role": mandate.get_role_display(),
        "phone": phone(mandate.phone, "", language),
        "permissions": [
            (permission.label, permission.description, permission in NEEDING_PROOF)
            for permission in Permission
            if permission in held
        ],
        "edges": edges_of(mandate=mandate, language=language),
    }
