"""Cents: half up, once, on the right amount."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import taxes

amounts = st.decimals(min_value=0, max_value=Decimal("9999999999.99"), places=2)
quantities = st.decimals(min_value=0, max_value=Decimal("999999999.999"), places=3)
prices = st.decimals(min_value=0, max_value=Decimal("99999999.9999"), places=4)
discounts = st.decimals(min_value=0, max_value=100, places=2)


def half_up(exact: Fraction) -> Decimal:
    """The definition, in whole numbers: the nearest cent, the higher one when two are as near."""
    cents = (exact * 100 + Fraction(1, 2)).__floor__()
    return Decimal(cents).scaleb(-2)


def test_three_at_ten_dollars_ten_make_the_cents_of_the_law():
    amount = taxes.line_amount(quantity=Decimal(3), unit_price=Decimal("10.10"), discount_percent=Decimal(0))
    gst, qst = taxes.taxes_on(taxable_subtotal=amount)
    assert (amount, gst, qst, amount + gst + qst) == (
        Decimal("30.30"), Decimal("1.52"), Decimal("3.02"), Decimal("34.84"),
    )  # fmt: skip


def test_half_a_cent_goes_up_where_python_alone_would_go_to_the_even_cent():
    assert taxes.taxes_on(taxable_subtotal=Decimal("0.50")).gst == Decimal("0.03")
    assert taxes.taxes_on(taxable_subtotal=Decimal("0.10")).gst == Decimal("0.01")
    assert taxes.taxes_on(taxable_subtotal=Decimal("20.00")).qst == Decimal("2.00")
    assert taxes.taxes_on(taxable_subtotal=Decimal("200.00")).qst == Decimal("19.95")
    assert taxes.line_amount(
        quantity=Decimal("0.5"), unit_price=Decimal("0.05"), discount_percent=Decimal(0)
    ) == Decimal("0.03")


def test_qst_is_not_computed_on_gst():
    assert taxes.taxes_on(taxable_subtotal=Decimal(1000)).qst == Decimal("99.75")


@pytest.mark.parametrize(("discount", "left"), [("0", "100.00"), ("12.50", "87.50"), ("100", "0.00")])
def test_a_discount_takes_off_its_share(discount, left):
    amount = taxes.line_amount(quantity=Decimal(1), unit_price=Decimal(100), discount_percent=Decimal(discount))
    assert amount == Decimal(left)


@given(quantity=quantities, price=prices, discount=discounts)
def test_a_line_is_rounded_half_up_once_whatever_its_digits(quantity, price, discount):
    exact = Fraction(quantity) * Fraction(price) * (100 - Fraction(discount)) / 100
    amount = taxes.line_amount(quantity=quantity, unit_price=price, discount_percent=discount)
    assert amount == half_up(exact)
    assert amount >= 0
    assert amount.as_tuple().exponent == -2


@given(subtotal=amounts)
def test_each_tax_is_whole_cents_half_up_and_never_negative(subtotal):
    gst, qst = taxes.taxes_on(taxable_subtotal=subtotal)
    assert gst == half_up(Fraction(subtotal) * Fraction(5, 100))
    assert qst == half_up(Fraction(subtotal) * Fraction(9975, 100_000))
    assert 0 <= gst <= qst or subtotal == 0
    assert (subtotal + gst + qst) * 100 % 1 == 0


@given(subtotal=amounts, more=st.decimals(min_value=0, max_value=1000, places=2))
def test_a_larger_subtotal_never_owes_less_tax(subtotal, more):
    less, greater = taxes.taxes_on(taxable_subtotal=subtotal), taxes.taxes_on(taxable_subtotal=subtotal + more)
    assert less.gst <= greater.gst
    assert less.qst <= greater.qst
