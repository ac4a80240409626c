"""Company names: the key they are searched by."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.names import fold

NAMES = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Bombardier inc.", "bombardier inc"),
        ("COOPÉRATIVE UNIVERSITAIRE DE TROIS-RIVIÈRES", "cooperative universitaire de trois rivieres"),
        ("9000-0019 QUÉBEC INC.", "9000 0019 quebec inc"),
        ("L'Œuvre & l’Æther s.e.n.c.", "l oeuvre l aether s e n c"),
        ("  Deux\u00a0 espaces\t(et) «guillemets»  ", "deux espaces et guillemets"),
        ("Compose\u0301 ou de\u0301compose\u0301", "compose ou decompose"),
        ("Cou\u00adpe\u200dmot\ufeff", "coupemot"),
        ("Straße Ǿ Łódź İstanbul", "strasse o lodz istanbul"),
        ("Acme™ №5 ½ ² ﬁn", "acme no5 1 2 2 fin"),
        ("\x00\ud800", ""),
        ("...", ""),
    ],
)
def test_fold_keeps_letters_and_figures_only(name, key):
    assert fold(name) == key


@given(NAMES)
def test_fold_of_a_key_is_the_key(name):
    assert fold(fold(name)) == fold(name)


@given(NAMES)
def test_fold_is_blind_to_case_and_to_how_accents_are_written(name):
    key = fold(name)
    assert fold(name.lower()) == fold(name.upper()) == key
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name)) == key


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_fold_is_the_same_with_and_without_bytes(name):
    """A name beyond Latin-1 takes the slower way; what it shares with the others must not change."""
    assert fold(f"{name} ω") == f"{fold(name)} ω".strip()
