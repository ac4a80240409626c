"""The NEQ: which numbers pass, and what is wrong with the others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from registry import neq
from registry.neq import InvalidNeq, Reason

# Real numbers of legal persons and public bodies, then made ones. A real 22 number would name a person.
VALID = "1143920115 1142595124 1141223231 3341695040 8880410194 1140030355 1170000005 2270000005 3370000005 8870000005"
NUMBERS = st.builds(
    lambda prefix, body: prefix + body + luhn.calc_check_digit(body),
    st.sampled_from(sorted(neq.PREFIXES)),
    st.text("0123456789", min_size=7, max_size=7),
)
NEQ = re.compile(r"(11|22|33|88)[0-9]{8}")
SEPARATED = st.text(" -.\u00a0\u2011\u2013", max_size=2)


@pytest.mark.parametrize("number", VALID.split())
def test_parse_takes_real_and_made_numbers(number):
    assert neq.parse(number) == number
    assert neq.is_valid(number)


@pytest.mark.parametrize(
    "typed",
    [
        "1143 9201 15",
        "1143-9201-15",
        " 11 43920115 ",
        "1143\u00a09201\u00a015",
        "1143.9201.15",
        "1143\u20119201\u201315",
    ],
)
def test_parse_forgives_spaces_and_dashes(typed):
    assert neq.parse(typed) == "1143920115"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("1170000001", Reason.CHECK_DIGIT),
        ("1171234567", Reason.CHECK_DIGIT),
        ("1175489320", Reason.CHECK_DIGIT),
        ("4470000005", Reason.PREFIX),
        ("1234567890", Reason.PREFIX),
        ("117000001", Reason.LENGTH),
        ("11700000055", Reason.LENGTH),
        ("", Reason.LENGTH),
        ("117000000O", Reason.NOT_DIGITS),
        ("NEQ1170000005", Reason.NOT_DIGITS),
        ("808437370", Reason.BUSINESS_NUMBER),
        ("80843-7370 rt 0001", Reason.BUSINESS_NUMBER),
        ("808437370RC0001", Reason.BUSINESS_NUMBER),
        ("808437371 RC0001", Reason.BUSINESS_NUMBER),
        ("808437371", Reason.LENGTH),
        ("808437370 RT", Reason.NOT_DIGITS),
        ("808437370 TQ0001", Reason.NOT_DIGITS),
        ("١١٧٠٠٠٠٠٠٥", Reason.NOT_DIGITS),
    ],
)
def test_parse_says_what_is_wrong(typed, reason):
    with pytest.raises(InvalidNeq) as caught:
        neq.parse(typed)
    assert caught.value.reason == reason
    assert not neq.is_valid(typed)


def test_shown_groups_four_four_two():
    assert neq.shown("1143920115") == "1143 9201 15"


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("11", "11"),
        ("1143 9", "11439"),
        ("1143-9201-15", "1143920115"),
        ("1170000001", "1170000001"),
        ("1", ""),
        ("", ""),
        ("44", ""),
        ("9000-0019", ""),
        ("11439201155", ""),
        ("1143 inc.", ""),
    ],
)
def test_begun_gives_the_digits_of_what_may_become_a_neq(typed, digits):
    """Its check digit is not judged: nothing will be found for a wrong one."""
    assert neq.begun(typed) == digits


@given(NUMBERS)
def test_parse_takes_back_what_shown_gives(number):
    assert neq.parse(neq.shown(number)) == number


@given(NUMBERS, st.lists(SEPARATED, min_size=11, max_size=11))
def test_parse_forgives_separators_anywhere(number, separators):
    typed = "".join(separator + digit for separator, digit in zip(separators, [*number, ""], strict=True))
    assert neq.parse(typed) == number


@given(st.text(max_size=14) | st.text("0123456789 -RT", max_size=14))
def test_parse_takes_ten_digits_or_nothing(typed):
    """Whatever is typed: never another exception than InvalidNeq, never another shape than ten digits."""
    if neq.is_valid(typed):
        number = neq.parse(typed)
        assert NEQ.fullmatch(number)
        assert neq.parse(neq.shown(number)) == number


@given(st.sampled_from(VALID.split()), st.integers(2, 9), st.integers(1, 9))
def test_one_mistyped_digit_never_passes(number, place, shift):
    wrong = str((int(number[place]) + shift) % 10)
    assert not neq.is_valid(number[:place] + wrong + number[place + 1 :])
