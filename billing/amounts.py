"""Amounts as people type them."""

from __future__ import annotations

import re
from decimal import Decimal

DECIMALS = re.compile(r"[.,](\d{1,2})$")
WHOLE = re.compile(r"\d{1,3}(?:[.,]\d{3})+|\d+", re.ASCII)
DIGITS = 10  # of the largest amount kept


def typed_amount(*, text: str) -> Decimal | None:
    """CAD without its sign, from "1 234,56", "1234.56", "$1,234.56" or "-1 234,56 $"; None when it is no amount."""
    plain = "".join(text.split()).replace("$", "").lstrip("-\N{MINUS SIGN}")
    cents = DECIMALS.search(plain)
    whole = plain[: cents.start()] if cents else plain
    if not WHOLE.fullmatch(whole):
        return None
    digits = re.sub(r"[.,]", "", whole)
    if len(digits) > DIGITS:
        return None
    return Decimal(f"{digits}.{cents[1] if cents else '0'}")
