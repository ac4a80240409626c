"""Countries: their ISO 3166 codes, and their names as the last line of an envelope."""

from __future__ import annotations

from functools import cache

from babel import Locale

HOME = "CA"
LENGTH = 2
# Codes of two letters that Babel knows and that are no country.
_GROUPS = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@cache
def codes() -> frozenset[str]:
    """The codes in use."""
    known = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in known if len(code) == LENGTH and code.isalpha()) - _GROUPS


@cache
def destinations(*, language: str) -> dict[str, str]:
    """Code → name in capitals, without our own country: mail that stays here does not name it (Canada Post)."""
    names = Locale("en" if language[:2] == "en" else "fr").territories
    return {code: names.get(code, code).upper() for code in codes() - {HOME}}
