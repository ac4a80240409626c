"""Amounts, dates, phones and sizes as French and English readers expect them."""

import datetime as dt
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from accounts import formats

FR, EN = "fr-ca", "en-ca"
CENTS = st.decimals(min_value=-99_999_999, max_value=99_999_999, places=2)


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("1234.56", "1\u00a0234,56\u00a0$", "$1,234.56"),
        ("0", "0,00\u00a0$", "$0.00"),
        ("-310.43", "-310,43\u00a0$", "-$310.43"),
        ("1234567.5", "1\u00a0234\u00a0567,50\u00a0$", "$1,234,567.50"),
    ],
)
def test_money_is_written_as_each_language_writes_it(amount: str, french: str, english: str) -> None:
    assert formats.money(Decimal(amount), FR) == french
    assert formats.money(Decimal(amount), EN) == english


@given(amount=CENTS)
def test_money_agrees_with_the_locale_data_for_every_amount_in_cents(
    amount: Decimal,
) -> None:
    amount += 0
    assert formats.money(amount, FR) == format_currency(amount, "CAD", locale="fr_CA")
    assert formats.money(amount, EN) == format_currency(amount, "CAD", locale="en_CA")


def test_money_shows_the_decimals_of_a_unit_price_and_no_idle_zeros() -> None:
    assert formats.money(Decimal("0.1250"), FR) == "0,125\u00a0$"
    assert formats.money(Decimal("0.1234"), EN) == "$0.1234"
    assert formats.money(Decimal("12.0000"), FR) == "12,00\u00a0$"


def test_no_value_is_an_empty_text() -> None:
    assert formats.money(None, FR) == ""
    assert formats.percent(None, FR) == ""
    assert formats.long_date(None, FR) == ""
    assert formats.iso_date(None) == ""
    assert formats.long_moment(None, FR) == ""
    assert formats.phone("", "12", FR) == ""
    assert formats.file_size(None, FR) == ""


def test_a_percentage_keeps_its_meaning_and_drops_idle_zeros() -> None:
    assert formats.percent(Decimal("9.975"), FR) == "9,975\u00a0%"
    assert formats.percent(Decimal("5.000"), EN) == "5%"
    assert formats.percent(Decimal("10.00"), FR) == "10\u00a0%"
    assert formats.percent(100, EN) == "100%"


def test_a_long_date_never_breaks_and_the_first_of_a_month_is_an_ordinal_in_french() -> None:
    assert formats.long_date(dt.date(2026, 12, 1), FR) == "1er\u00a0décembre\u00a02026"
    assert formats.long_date(dt.date(2026, 11, 21), FR) == "21\u00a0novembre\u00a02026"
    assert formats.long_date(dt.date(2026, 12, 1), EN) == "December\u00a01,\u00a02026"


def test_a_moment_belongs_to_the_day_it_is_in_montreal() -> None:
    late = dt.datetime(2026, 11, 15, 2, 30, tzinfo=dt.UTC)
    assert formats.iso_date(late) == "2026-11-14"
    assert formats.long_moment(late, FR) == "14\u00a0novembre\u00a02026 à 21\u00a0h\u00a030"
    assert formats.long_moment(late, EN) == "November\u00a014,\u00a02026 at 9:30\u00a0pm"


def test_an_early_hour_has_no_leading_zero() -> None:
    early = dt.datetime(2026, 11, 14, 13, 5, tzinfo=dt.UTC)
    assert formats.long_moment(early, FR).endswith("à 8\u00a0h\u00a005")
    assert formats.long_moment(early, EN).endswith("at 8:05\u00a0am")


def test_a_phone_of_here_is_written_as_here_with_its_extension_in_words() -> None:
    assert formats.phone("+15145550123", "12", FR) == "514\u00a0555-0123, poste\u00a012"
    assert formats.phone("+15145550123", "12", EN) == "514-555-0123, ext.\u00a012"
    assert formats.phone("+15145550123", "", FR) == "514\u00a0555-0123"


def test_a_phone_from_elsewhere_keeps_its_country_code() -> None:
    assert formats.phone("+33142685300", "", FR) == "+33\u00a01\u00a042\u00a068\u00a053\u00a000"


def test_a_phone_that_cannot_be_of_here_stays_as_in_the_books() -> None:
    assert formats.phone("030-0074321", "", FR) == "030-0074321"
    assert formats.phone("(26) 642-7012", "", EN) == "(26) 642-7012"


def test_a_moment_in_a_table_is_iso_and_unbreakable() -> None:
    assert formats.iso_moment(dt.datetime(2026, 11, 14, 18, 5, tzinfo=dt.UTC)) == "2026-11-14\u00a013:05"
    assert formats.iso_moment(None) == ""


def test_what_is_not_a_phone_is_shown_as_it_is() -> None:
    assert formats.phone("réception", "", FR) == "réception"


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [
        (0, "0\u00a0octets", "0\u00a0bytes"),
        (999, "999\u00a0octets", "999\u00a0bytes"),
        (1_240, "1,2\u00a0ko", "1.2\u00a0kB"),
        (245_300, "245\u00a0ko", "245\u00a0kB"),
        (999_900, "1\u00a0Mo", "1\u00a0MB"),
        (12_400_000, "12\u00a0Mo", "12\u00a0MB"),
    ],
)
def test_a_size_is_rounded_to_what_a_person_needs(count: int, french: str, english: str) -> None:
    assert formats.file_size(count, FR) == french
    assert formats.file_size(count, EN) == english


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("nouveau@example.org", "n•••@e•••.org"),
        ("a@b.c", "a•••@b•••.c"),
        ("ines@mail.example.qc.ca", "i•••@m•••.ca"),
        ("sans-arobase", "•••"),
    ],
)
def test_a_masked_address_is_known_by_its_owner_only(email, shown):
    assert formats.masked_email(email) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+15145550123", f"•••{formats.NO_BREAK_SPACE}•••-••23"), ("", "•••"), ("poste", "•••")],
)
def test_a_masked_phone_is_known_by_its_owner_only(number, shown):
    assert formats.masked_phone(number) == shown


def test_a_count_is_grouped_as_the_language_does():
    assert formats.whole(1234567, "fr-ca") == "1\xa0234\xa0567"
    assert formats.whole(1234567, "en-ca") == "1,234,567"
    assert formats.whole(999, "fr-ca") == "999"
