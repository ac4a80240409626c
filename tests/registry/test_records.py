"""Records of a member: their cells, and the line each begins on."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.loader import records
from registry.loader.archive import File, open_archive
from registry.loader.flaws import Unfit
from registry.loader.records import Block, open_member, restored
from tests.registry.register import write_zip

CELLS = st.text('a",é\n\r', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=40), st.integers(3, 60))
def test_every_record_is_read_and_begins_on_its_line(tmp_path_factory, rows, size):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    lines = []
    for row in rows:
        lines.append(2 + out.getvalue().count("\n"))
        writer.writerow(row)
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    write_zip(path, {"Entreprise.csv": "\ufeffNEQ,b,c\n" + out.getvalue(), "Nom.csv": "NEQ\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", size)
        with open_archive(path) as archive, open_member(archive=archive, file=File.ENTERPRISES) as member:
            blocks = list(member.blocks())
    assert member.header == ["NEQ", "B", "C"]
    read = [[restored(c).decode() for c in row] for block in blocks for row in zip(*block.columns(3), strict=True)]
    assert read == [[cell.replace("\r\n", " ").replace("\r", " ").replace("\n", " ") for cell in row] for row in rows]
    assert [line for block in blocks for line in block.lines] == lines
    halves = [half for block in blocks if block.size > 1 for half in block.halves]
    whole = [line for block in blocks if block.size > 1 for line in block.lines]
    assert [line for half in halves for line in half.lines] == whole


@pytest.mark.parametrize("text", [b"a,b\nc", b"a\nb,c", b"a,b,c", b"a,b,c\nd", b"a\nb,c,d\ne,f"])
def test_records_of_other_sizes_are_told_even_where_the_sum_is_right(text):
    with pytest.raises(Unfit):
        Block(text, first=1).columns(2)
