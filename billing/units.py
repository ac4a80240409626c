"""Names of the units of a line: codes are stored, words are written in the reader's language."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import ngettext

MEASURES = frozenset({"kg", "g", "t", "m", "cm", "mm", "km", "m2", "m3", "l", "ml"})


SPELLINGS = {"each": "unit", "ea": "unit"}
SINGULAR_BELOW = 2


def _words(count: int) -> dict[str, str]:
    """The word of each code we know, spelled out so that translators find it."""
    return {
        "unit": ngettext("unit", "units", count),
        "hour": ngettext("hour", "hours", count),
        "day": ngettext("day", "days", count),
        "week": ngettext("week", "weeks", count),
        "month": ngettext("month", "months", count),
        "trip": ngettext("trip", "trips", count),
        "box": ngettext("box", "boxes", count),
        "fee": ngettext("fee", "fees", count),
    }


def unit_name(*, unit: str, quantity: Decimal) -> str:
    """A unit in words, agreeing with its quantity; a code nobody knows is shown as the books have it."""
    if unit.lower() in MEASURES:
        return unit.replace("2", "²").replace("3", "³")
    # A fraction below two is singular in French, plural in English: just as zero is.
    count = int(quantity) if quantity == int(quantity) or quantity > SINGULAR_BELOW else 0
    code = unit.lower()
    return _words(count).get(SPELLINGS.get(code, code), unit)
