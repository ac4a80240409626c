"""Whose file is this: signed documents by their fingerprint, and whatever an app above registers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.utils import translation

from signatures import verify
from signatures.services import sealing
from signatures.verify import Finding, find, register
from tests.signatures.samples import ENGLISH, FRENCH, asked_of, pdf_of, signed_by

pytestmark = pytest.mark.django_db
ADDRESS = "/verify/"


@pytest.fixture
def sealed(asked, alice, folder: Path) -> bytes:
    signed_by(alice, asked)
    sealing.seal_owed()
    with asked.seal.file.open("rb") as file:
        return file.read()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def asked_about(client, typed: str):
    return client.post(ADDRESS, {"sha256": typed})


def test_a_sealed_document_is_ours_signed_by_whom_and_when(client, boreal, sealed):
    page = asked_about(client, digest(sealed))
    assert page.status_code == 200
    words = page.content.decode()
    for expected in ("De nous, intact", "Autorisation d’accès", "Location Boréal", "Alice Tremblay", "Scellé le"):
        assert expected in words, expected


def test_one_byte_more_is_unknown(client, boreal, sealed):
    words = asked_about(client, digest(sealed + b"\n")).content.decode()
    assert "Inconnu" in words
    assert "Alice" not in words
    assert "De nous" not in words


@pytest.mark.parametrize(("title", "language"), [FRENCH, ENGLISH])
def test_a_document_only_handed_over_is_said_to_bear_no_signature(client, boreal, asked, title, language):
    words = asked_about(client, digest(pdf_of(title, language=language))).content.decode()
    assert title in words
    assert "Il ne porte aucune signature" in words
    assert "intact" not in words.partition("<main")[2].partition("</h1>")[2].partition("<form")[0]
    assert "Alice" not in words


def test_a_fingerprint_is_taken_as_any_tool_writes_it(client, boreal, sealed):
    plain = digest(sealed)
    grouped = " ".join(plain[at : at + 8] for at in range(0, 64, 8))
    for typed in (plain.upper(), f"  {plain}  ", grouped, f"{plain}  autorisation.pdf", f"{plain} *autorisation.pdf"):
        assert "De nous, intact" in asked_about(client, typed).content.decode(), typed


@pytest.mark.parametrize("typed", ["", "abc", "g" * 64, "a" * 63, "a" * 65, "'; DROP TABLE", "\x00" * 64, "é" * 64])
def test_what_is_no_fingerprint_is_refused_and_kept_in_the_field(client, boreal, typed):
    answer = asked_about(client, typed)
    assert answer.status_code == 422
    assert "Inconnu" not in answer.content.decode()


def test_the_page_reads_nothing_from_its_address(client, boreal, sealed):
    answer = client.get(f"{ADDRESS}?sha256={digest(sealed)}")
    assert answer.status_code == 200
    assert "De nous" not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_the_file_itself_is_in_no_field(client, boreal):
    words = client.get(ADDRESS).content.decode()
    field = words[words.index('type="file"') - 40 :]
    assert "name=" not in field[: field.index(">")]
    assert "multipart" not in words


def test_an_app_above_answers_for_its_own_files(client, boreal, monkeypatch):
    monkeypatch.setattr(verify, "_lookups", list(verify._lookups))  # noqa: SLF001 - put back as it was
    told = []

    def receipt(sha256: str) -> Finding | None:
        told.append(sha256)
        known = sha256 == "c" * 64
        return Finding(title="Reçu R-1", issuer="Boréal", facts=(("Total", "12,00 $"),)) if known else None

    for _ in range(2):
        register(receipt)
    assert "Reçu R-1" in asked_about(client, "c" * 64).content.decode()
    assert "Inconnu" in asked_about(client, "d" * 64).content.decode()
    assert told == ["c" * 64, "d" * 64]


def test_the_first_app_that_knows_the_file_answers(sealed):
    finding = find(sha256=digest(sealed))
    assert finding == verify.sealed_file(digest(sealed))
    with translation.override("en-ca"):
        labels = [label for label, _value in verify.sealed_file(digest(sealed)).facts]
    assert labels == ["Signed by", "Signed on", "Sealed on"]


def test_the_capacity_is_said_when_there_is_one(alice, boreal, folder: Path):
    asked = asked_of(alice, merchant=boreal, capacity="Administratrice d’Acme")
    signed_by(alice, asked)
    sealing.seal_owed()
    assert ("En qualité de", "Administratrice d’Acme") in verify.sealed_file(asked.seal.sha256).facts


def test_the_answer_costs_two_lookups_at_most_for_a_file_of_signatures(sealed, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        assert verify.sealed_file(digest(sealed)) or verify.unsigned_document(digest(sealed))
