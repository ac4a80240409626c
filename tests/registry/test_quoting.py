"""Quotes are read as the csv module reads them, whatever is left over or out of place."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from registry.loader.quoting import BREAK, COMMA, MARKED_BREAK, MARKED_COMMA, marked

TEXTS = st.text('ab"",\n', max_size=40)


def cells_of(text: bytes) -> list[list[str]]:
    whole = [record.split(COMMA) for record in text.removesuffix(BREAK).split(BREAK)] if text else []
    return [[c.replace(MARKED_COMMA, COMMA).replace(MARKED_BREAK, BREAK).decode() for c in row] for row in whole]


def by_csv(text: str) -> list[list[str]]:
    return [row or [""] for row in csv.reader(io.StringIO(text, newline=""))]


@given(TEXTS)
def test_whole_records_are_those_of_the_csv_module_and_the_rest_is_left(text):
    read, rest = marked(text.encode())
    begun = text.removesuffix(rest.decode())
    assert begun + rest.decode() == text
    assert cells_of(read) == by_csv(begun)


@given(TEXTS)
def test_at_the_end_only_a_quote_left_open_is_left(text):
    read, rest = marked(text.encode(), is_last=True)
    if not rest:
        assert cells_of(read) == by_csv(text)
    else:
        # With one more quote it would have ended.
        assert len(by_csv(rest.decode() + '"\nx')) == 2


@given(st.lists(TEXTS, max_size=6))
def test_in_pieces_it_is_the_same(pieces):
    rest, read = b"", b""
    for piece in pieces:
        more, rest = marked(rest + piece.encode())
        read += more
    assert (read, rest) == marked("".join(pieces).encode())


def test_what_stands_for_a_comma_or_a_break_is_no_longer_there_itself():
    assert marked(b'a\x1cb\x1d"c,d"\n') == marked(b'a\x01b\x01"c,d"\n')
