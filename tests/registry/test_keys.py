"""Search keys of many names at once are those of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.loader.keys import fold_all
from registry.names import fold

# Letters and signs that fold in every way there is, then anything.
NAMES = st.one_of(st.text("aÉœŒß’–'-&. ?\0\x1e\n½İЖ"), st.text(st.characters(exclude_categories=["Cs"])))


@given(st.lists(NAMES, min_size=1))
def test_the_keys_of_many_are_the_keys_of_each(names):
    assert fold_all([name.encode() for name in names]) == [fold(name).encode() for name in names]


def test_no_name_has_no_key():
    assert fold_all([]) == []
