"""The words an import counts."""

from __future__ import annotations

import pytest

from registry.models import Word
from tests.registry.register import enterprise, name, neq_of, run, write_register

pytestmark = pytest.mark.django_db


def counted() -> dict[str, int]:
    return dict(Word.objects.values_list("text", "occurrences"))


def test_an_edition_counts_the_words_of_its_names_in_force(tmp_path):
    one, other = neq_of(1), neq_of(2)
    names = [name(one, "Toitures L’Été inc."), name(other, "TOITURES 2000 inc."), name(one, "Vieux Toits", "A")]
    run(write_register(tmp_path / "first.zip", [enterprise(one), enterprise(other)], names))
    assert counted() == {"toitures": 2, "l": 1, "ete": 1, "inc": 2, "2000": 1}

    run(write_register(tmp_path / "next.zip", [enterprise(one)], [name(one, "Toits")], published=(2026, 11, 15)))
    assert counted() == {"toits": 1}


def test_a_name_of_punctuation_alone_has_no_word(tmp_path):
    run(write_register(tmp_path / "first.zip", [enterprise(neq_of(1))], [name(neq_of(1), "!?!")]))
    assert counted() == {}
