"""An invoice number with its total is a proof only when both are right, at this merchant."""

from __future__ import annotations

from decimal import Decimal

from billing.proofs import customers_with_invoice
from tests import factories


def test_the_total_must_be_right_to_the_cent(boreal):
    invoice = factories.InvoiceFactory(customer=factories.CustomerFactory(merchant=boreal), number="F-9")
    theirs = invoice.customer_id
    assert customers_with_invoice(merchant=boreal, number=" f-9 ", total=Decimal("114.98")) == {theirs: True}
    assert customers_with_invoice(merchant=boreal, number="F-9", total=Decimal("114.97")) == {theirs: False}
    assert customers_with_invoice(merchant=boreal, number="F-9", total=None) == {theirs: False}


def test_nothing_is_proved_by_no_number_or_at_another_merchant(boreal, riviere, django_assert_num_queries):
    factories.InvoiceFactory(customer=factories.CustomerFactory(merchant=boreal), number="F-9")
    assert customers_with_invoice(merchant=riviere, number="F-9", total=Decimal("114.98")) == {}
    with django_assert_num_queries(0):
        assert customers_with_invoice(merchant=boreal, number="  ", total=None) == {}
