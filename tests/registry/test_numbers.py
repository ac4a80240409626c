"""The NEQs of an edition: the same rule as registry.neq, and which are in which file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import neq
from registry.loader.flaws import Unfit
from registry.loader.numbers import Numbers
from tests.registry.register import neq_of

VALID = st.builds(
    lambda prefix, n: neq_of(n, prefix=prefix), st.sampled_from(sorted(neq.PREFIXES)), st.integers(0, 9_999_999)
)


@given(st.one_of(VALID, st.text("0123456789", min_size=9, max_size=11), st.text(max_size=12)))
def test_a_number_passes_here_when_it_passes_there(text):
    numbers, cell = Numbers(), text.encode()
    if neq.is_valid(text) and text.isdigit():
        numbers.check([cell])
        numbers.add_new([cell])
        numbers.expect([cell])
        return
    for take in (numbers.check, numbers.add_new, numbers.expect):
        with pytest.raises(Unfit):
            take([cell])


def test_why_a_number_is_none_is_said_of_the_wrong_one():
    with pytest.raises(Unfit) as caught:
        Numbers().check(cells(neq_of(1), "1170000001"))
    assert (caught.value.code, caught.value.value) == ("neq_check_digit", b"1170000001")


def test_a_batch_with_a_number_already_there_adds_none_of_them():
    numbers = Numbers()
    numbers.add_new(cells(neq_of(1)))
    for batch in (cells(neq_of(2), neq_of(1)), cells(neq_of(3), neq_of(3)), cells(neq_of(2), "1170000001")):
        with pytest.raises(Unfit):
            numbers.add_new(batch)
    numbers.add_new(cells(neq_of(2), neq_of(3)))


def test_a_number_that_was_not_seen_is_not_expected():
    numbers = Numbers()
    numbers.add_new(cells(neq_of(1)))
    numbers.expect(cells(neq_of(1)))
    with pytest.raises(Unfit) as caught:
        numbers.expect(cells(neq_of(1), neq_of(2)))
    assert (caught.value.code, caught.value.value) == ("unknown_neq", neq_of(2).encode())


def cells(*numbers):
    return [number.encode() for number in numbers]
