"""What one cell of an import file may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations.loader import reasons, shapes
from organizations.loader.shapes import Unfit
from organizations.models import Customer


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("514 555-0123", "CA", ("+15145550123", "")),
        ("(514) 555-0123 poste 10435", "CA", ("+15145550123", "10435")),
        ("514-555-0123 ext. 12", "CA", ("+15145550123", "12")),
        ("5145550123x12", "CA", ("5145550123x12", "")),
        ("514 555-0123 x12", "CA", ("+15145550123", "12")),
        ("1 514 555 0123, p. 7", "CA", ("+15145550123", "7")),
        ("+1 514 555-0123 #7", "CA", ("+15145550123", "7")),
        ("(206) 555-4729", "US", ("+12065554729", "")),
        ("+33 1 42 68 53 00", "FR", ("+33142685300", "")),
        ("030-0074321", "DE", ("030-0074321", "")),
        ("(5) 555-4729", "MX", ("(5) 555-4729", "")),
        ("26.47.15.10", "FR", ("26.47.15.10", "")),
        ("000 555-0123", "CA", ("000 555-0123", "")),
        ("", "CA", ("", "")),
    ],
)
def test_a_phone_is_e164_where_it_can_be_and_as_in_the_books_elsewhere(typed, country, kept):
    assert shapes.phone(typed, country=country) == kept


@pytest.mark.parametrize("gap", [shapes.LONGEST_PHONE, 100_000])
def test_nothing_is_looked_for_in_what_is_longer_than_a_phone(gap):
    """A hundred thousand spaces took minutes."""
    cell = f"514 555-0123{' ' * gap}poste 7"
    assert shapes.phone(cell, country="CA") == (cell, "")
    fits = "514 555-0123" + " " * (shapes.LONGEST_PHONE - 19) + "poste 7"
    assert shapes.phone(fits, country="CA") == ("+15145550123", "7")


@pytest.mark.parametrize("cell", ["luc@exam\u202eple.org", "luc@exam\u200fple.org"])
def test_a_mark_that_turns_the_writing_is_in_no_address(cell):
    with pytest.raises(Unfit) as unfit:
        shapes.email()[cell]
    assert unfit.value.code == "not_an_email"


WORD = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)
WORDS = st.lists(WORD, min_size=1, max_size=3)


@given(local=WORDS, mark=st.sampled_from("._+-"), domain=WORDS)
def test_a_plain_address_is_one_that_looking_closely_would_leave_as_it_is(local, mark, domain):
    cell, shape = f"{mark.join(local)}@{'.'.join(domain)}.ca", shapes.email()
    assert shape[cell] == cell == shape.parse(cell)
    assert not shape, "it was looked at closely"


@pytest.mark.parametrize(
    "cell",
    ["Luc@example.org", "luc@xn--exmple-cua.org", "luc@example", "luc..roy@example.org", f"{'l' * 65}@example.org"],
)
def test_any_other_address_is_looked_at_closely(cell):
    assert not shapes.email().is_as_written(cell)


@pytest.mark.parametrize(
    ("shape", "cell", "kept"),
    [
        (shapes.decimal(digits=12, places=2), " 0012.50 ", "12.5"),
        (shapes.decimal(digits=12, places=3), "1.5000", "1.5"),
        (shapes.decimal(digits=12, places=2), "-0.00", "0"),
        (shapes.decimal(digits=5, places=2, default="0"), "", "0"),
        (shapes.whole(most=999), "007", "7"),
        (shapes.day(), "2024-02-29", "2024-02-29"),
        (shapes.day(is_required=False), "", ""),
        (shapes.email(), "  Marie.CÔTÉ@Example.ORG ".replace("ÔTÉ", "OTE"), "marie.cote@example.org"),
        (shapes.country(), "", "CA"),
        (shapes.country(), "de", "DE"),
        (shapes.text(longest=30), "deux\r\n  lignes", "deux lignes"),
        (shapes.text(longest=30), "un \t\u00a0\n\n deux  trois", "un deux  trois"),
        (shapes.text(longest=30), "espace\u00a0insécable", "espace\u00a0insécable"),
        (shapes.enterprise_number(), "1143 9201 15", "1143920115"),
    ],
)
def test_a_cell_is_kept_in_one_spelling(shape, cell, kept):
    assert shape[cell] == kept


@pytest.mark.parametrize(
    ("shape", "cell", "code"),
    [
        (shapes.decimal(digits=12, places=2), "-1", "negative"),
        (shapes.decimal(digits=12, places=2), "1,50", "not_a_number"),
        (shapes.decimal(digits=12, places=2), "1e3", "not_a_number"),
        (shapes.decimal(digits=12, places=2), "NaN", "not_a_number"),
        (shapes.decimal(digits=12, places=2), "0x10", "not_a_number"),
        (shapes.decimal(digits=12, places=2), "١٢", "not_a_number"),
        (shapes.decimal(digits=12, places=2), "1.005", "too_precise"),
        (shapes.decimal(digits=12, places=2), "10000000000", "too_large"),
        (shapes.decimal(digits=12, places=2), "", "empty"),
        (shapes.whole(most=999), "1.5", "not_a_whole_number"),
        (shapes.whole(most=999), "1000", "out_of_range"),
        (shapes.whole(most=999), "-3", "negative"),
        (shapes.day(), "2026-02-30", "no_such_day"),
        (shapes.day(), "30/02/2026", "not_a_date"),
        (shapes.day(), "0001-01-01", "no_such_day"),
        (shapes.email(), "pas un courriel", "not_an_email"),
        (shapes.email(), "a" * 250 + "@example.org", "too_long"),
        (shapes.text(longest=5), "trop long", "too_long"),
        (shapes.text(longest=5), "a\x00b", "control_character"),
        *[(shapes.text(longest=5), f"a{chr(mark)}b", "control_character") for mark in range(0x202A, 0x202F)],
        *[(shapes.text(longest=5), f"a{chr(mark)}b", "control_character") for mark in range(0x2066, 0x206A)],
        (shapes.text(longest=5, is_required=True), "  ", "empty"),
        (shapes.choice(among=Customer.Kind.values), "Business", "unknown_code"),
        (shapes.country(), "QQ", "unknown_country"),
        (shapes.country(), "EU", "unknown_country"),
        (shapes.enterprise_number(), "1170000001", "neq_check_digit"),
        (shapes.enterprise_number(), "4470000005", "neq_prefix"),
        (shapes.enterprise_number(), "117000001", "neq_length"),
        (shapes.enterprise_number(), "117000000O", "neq_not_digits"),
        (shapes.enterprise_number(), "808437370 RT 0001", "neq_business_number"),
    ],
)
def test_an_unfit_cell_says_why_in_words(shape, cell, code):
    with pytest.raises(Unfit) as caught:
        shape[cell]
    assert caught.value.code == code
    assert reasons.sentence(code=code, known=caught.value.known)


def test_a_canadian_postal_code_has_one_space():
    assert shapes.postal_code("h7a0a1", country="CA") == "H7A 0A1"
    assert shapes.postal_code("12209", country="DE") == "12209"
    with pytest.raises(Unfit, match="not_a_postal_code"):
        shapes.postal_code("12209", country="CA")


def test_a_canadian_province_is_found_by_code_and_name():
    assert shapes.province("qc", country="CA") == "QC"
    assert shapes.province("Québec", country="CA") == "QC"
    assert shapes.province("Lara", country="VE") == "Lara"
    with pytest.raises(Unfit, match="unknown_province"):
        shapes.province("Lara", country="CA")


def test_a_shape_forgets_rather_than_grow():
    shape = shapes.whole(most=999_999)
    for number in range(3 * shapes.ROOM):
        shape[str(number)]
    assert len(shape) <= shapes.ROOM
