"""GST and QST of Québec, and the only place where an amount is rounded: half up, to the cent.

Both taxes are computed on the document's taxable subtotal before taxes (QST is not computed on GST), each rounded
apart: Excise Tax Act, s. 165; Act respecting the Québec sales tax, s. 16.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple

CENT = Decimal("0.01")
GST_RATE = Decimal("0.05")
QST_RATE = Decimal("0.09975")
# More than the digits of a quantity, a price and a discount together: nothing is rounded before the end.
EXACT = 60


class Taxes(NamedTuple):
    """CAD."""

    gst: Decimal
    qst: Decimal


def to_cents(*, amount: Decimal) -> Decimal:
    """The amount rounded half up to two places, where Python alone would round to the even cent."""
    with localcontext(prec=EXACT):
        return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def line_amount(*, quantity: Decimal, unit_price: Decimal, discount_percent: Decimal) -> Decimal:
    """CAD before taxes: quantity × unit price × (1 − discount), rounded once."""
    with localcontext(prec=EXACT):
        exact = quantity * unit_price * (100 - discount_percent) / 100
    return to_cents(amount=exact)


def taxes_on(*, taxable_subtotal: Decimal) -> Taxes:
    """CAD: both taxes of a document on the sum of its taxable lines."""
    with localcontext(prec=EXACT):
        return Taxes(gst=to_cents(amount=taxable_subtotal * GST_RATE), qst=to_cents(amount=taxable_subtotal * QST_RATE))
