"""Amounts as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.formats import money
from billing.amounts import typed_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234,56", "1234.56"), ("1234.56", "1234.56"), ("$1,234.56", "1234.56"), ("1.234,56", "1234.56"),
        ("1 234,56 $", "1234.56"), ("-$34.84", "34.84"), ("−34,84", "34.84"), ("12", "12"), ("12,5", "12.5"),
        ("1,234", "1234"), ("1,234,567", "1234567"),
    ],
)  # fmt: skip
def test_an_amount_is_understood_however_it_is_typed(text, amount):
    assert typed_amount(text=text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "F-20931", "12,34,56", "1,23,456", "abc", "1e5", "٣٤", "9" * 11, "$", "-"])
def test_what_is_no_amount_is_none(text):
    assert typed_amount(text=text) is None


@given(st.decimals(min_value=0, max_value=Decimal("9999999999.99"), places=2), st.sampled_from(["fr-ca", "en-ca"]))
def test_what_a_screen_shows_can_be_typed_back(amount, language):
    assert typed_amount(text=money(amount, language)) == amount
