"""Addresses of the register: which line is what."""

from __future__ import annotations

import pytest

from registry.addresses import Address, address_of, read_address
from registry.models import Enterprise


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (
            ["1 rue du Quai", "Laval (Québec)", "", "H7A0A1"],
            Address("1 rue du Quai", "", "Laval", "Québec", "H7A 0A1"),
        ),
        (
            ["1 rue du Quai", "bureau 300", "Laval (Québec) Canada", "H7A0A1"],
            Address("1 rue du Quai", "bureau 300", "Laval", "Québec", "H7A 0A1", "Canada"),
        ),
        (
            ["1 rue du Quai", "Laval (Québec)", "H7A0A1", ""],
            Address("1 rue du Quai", "", "Laval", "Québec", "H7A 0A1"),
        ),
        (
            ["1 Main Street", "Burlington (Vermont)", "05401", ""],
            Address("1 Main Street", "05401", "Burlington", "Vermont"),
        ),
        (["1 rue du Quai", "Laval", "", "H7A0A1"], Address("1 rue du Quai", "", "Laval", "", "H7A 0A1")),
        (["1 rue du Quai", "", "", ""], Address("1 rue du Quai")),
        (["", "", "", ""], Address()),
        ([], Address()),
    ],
)
def test_the_four_lines_are_read_by_what_they_hold(lines, address):
    assert read_address(lines) == address


def test_a_hidden_address_is_empty():
    assert not address_of(Enterprise(neq="1170000005"))
    assert address_of(Enterprise(neq="1170000005", address_line2="Laval (Québec)")).city == "Laval"
