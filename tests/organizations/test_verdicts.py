"""A comparison in words: every code has a sentence in both languages, and no code is a sentence."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from organizations import comparison
from organizations.models import Verification
from organizations.verdicts import ADVICE, SENTENCES, SHAPES, both_sides, explain
from registry.models import Change, Edition
from tests import factories

pytestmark = pytest.mark.django_db
FAMILIES = ("neq_", "name_", "status_", "administrator_", "address_")


def codes_of_the_comparison() -> set[str]:
    """Every code that the comparison can give, read in its source."""
    texts = {
        node.value
        for node in ast.walk(ast.parse(Path(comparison.__file__).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    fields = {"administrator_name", "address_lines", "legal_name"}
    return {text for text in texts if re.fullmatch(r"[a-z]+_[a-z_]+", text) and text.startswith(FAMILIES)} - fields


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    codes = codes_of_the_comparison() | {"no_edition", "not_found"}
    assert len(codes) > 15
    assert codes == set(SENTENCES)
    assert set(ADVICE) <= codes
    assert set(SHAPES) == set(Verification.Verdict)


def test_every_sentence_is_said_in_french():
    for code, sentence in [*SENTENCES.items(), *ADVICE.items()]:
        with translation.override("fr-ca"):
            french = str(sentence)
        with translation.override("en-ca"):
            assert french != str(sentence), code


def verified(code: str, **fact: object) -> Verification:
    compared = {"fact": "name", "declared": "A", "registered": "B", "verdict": "differs", "code": code, "params": {}}
    edition = Edition.objects.filter(is_current=True).first() or factories.EditionFactory()
    return factories.VerificationFactory.build(
        customer=None, submitted_by=None, edition=edition, facts=[{**compared, **fact}]
    )


def test_a_sentence_names_the_edition_in_the_readers_language():
    (fact,) = explain(verification=verified("neq_unknown", fact="neq", verdict="unknown", declared="1170000005"))
    with translation.override("en-ca"):
        assert "November\u00a015,\u00a02026" in fact.sentence
        assert "document of the Registraire" in fact.advice
        assert fact.declared == "1170 0000 05"
    with translation.override("fr-ca"):
        assert "15\u00a0novembre\u00a02026" in fact.sentence


def test_a_registration_is_said_in_words_with_its_day():
    status = {"fact": "status", "registered": "RO", "params": {"since": "2019-03-02"}}
    (fact,) = explain(verification=verified("status_struck_off", **status))
    with translation.override("en-ca"):
        assert fact.registered == "Struck off by the registrar"
    assert fact.since == date(2019, 3, 2)


def test_the_words_that_differ_are_marked_on_both_sides():
    params = {"missing": ["NORD"], "extra": ["L’Étoile"]}
    facts = {"declared": "Les Toits L’Étoile inc.", "registered": "LES TOITS NORD INC.", "params": params}
    (fact,) = explain(verification=verified("name_close", **facts))
    assert [word.text for word in fact.declared_words if word.is_apart] == ["L’Étoile"]
    assert [word.text for word in fact.registered_words if word.is_apart] == ["NORD"]
    assert " ".join(word.text for word in fact.declared_words) == "Les Toits L’Étoile inc."


LINK = {
    "neq": "1170000005",
    "other_neq": "3370000005",
    "other_name": "ZÉNITH",
    "code": "F",
    "effective_on": "2026-11-01",
}
CHANGES = [
    (
        "struck_off",
        {"status": "IM", "status_on": "2001-05-17", "ceases_on": None},
        {"status": "RD", "status_on": "2026-11-02", "ceases_on": None},
        [("Registered", "Struck off on request"), ("2001-05-17", "2026-11-02")],
    ),
    (
        "lapsed",
        {"status": "IM", "status_on": "2001-05-17", "ceases_on": None},
        {"status": None, "status_on": None, "ceases_on": None},
        [("Registered", "No longer in the register"), ("2001-05-17", "")],
    ),
    (
        "renamed",
        {"names": ["ACME INC."]},
        {"names": ["ACME NORD INC.", "ACME NORTH INC."]},
        [("ACME INC.", "ACME NORD INC.\nACME NORTH INC.")],
    ),
    ("merged", {"links": []}, {"links": [LINK]}, [("", "1170 0000 05 – 3370 0000 05 · ZÉNITH · 2026-11-01")]),
]


@pytest.mark.parametrize(("kind", "before", "after", "sides"), CHANGES, ids=[change[0] for change in CHANGES])
def test_a_change_of_the_register_has_two_sides_in_words(kind, before, after, sides):
    with translation.override("en-ca"):
        said = both_sides(change=Change(kind=kind, before=before, after=after))
        assert [(side.before, side.after) for side in said] == sides
