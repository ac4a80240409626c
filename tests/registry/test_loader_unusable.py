"""A ZIP nothing can be taken of: the command says why, and the edition before is as it was."""

from __future__ import annotations

import zipfile

import pytest
from django.core.management import CommandError
from django.db import connection

from registry.loader import edition as loader_edition
from registry.models import Edition, Enterprise, Reject
from tests.registry.register import HEADERS, enterprise, name, neq_of, run, text_of, write_register, write_zip

A, B = neq_of(1), neq_of(2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path):
    return tmp_path / "register.zip"


@pytest.fixture
def before(tmp_path):
    """An edition with one enterprise."""
    run(write_register(tmp_path / "before.zip", [enterprise(A)], [name(A, "Ancien inc.")], published=(2026, 10, 1)))
    return Edition.objects.current()


def members(**contents):
    """All six files with one enterprise, those given instead."""
    of_file = {"Entreprise.csv": [enterprise(A)], "Nom.csv": [name(A)]}
    return {file: text_of(file, of_file.get(file, [])) for file in HEADERS} | {
        f"{file}.csv": content for file, content in contents.items()
    }


def assert_refused(path, before, *words, language="fr-ca"):
    with pytest.raises(CommandError) as caught:
        run(path, language=language)
    assert caught.value.returncode == 2
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert_as_before(before)


def assert_as_before(before):
    assert Edition.objects.current() == before
    assert (Edition.objects.count(), Reject.objects.count()) == (1, 0)
    assert list(Enterprise.objects.values_list("neq", "names__text")) == [(A, "Ancien inc.")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'registry%'")
        assert cursor.fetchall() == []


def test_no_file(before, path):
    with pytest.raises(CommandError) as caught:
        run(path)
    assert caught.value.returncode == 2
    assert_as_before(before)


@pytest.mark.parametrize("content", [b"", b"NEQ,IND_FAIL\n", b"PK\x03\x04 and then nothing"])
def test_not_a_zip(before, path, content):
    path.write_bytes(content)
    assert_refused(path, before, "ZIP")


def test_a_zip_cut_short(before, path):
    write_zip(path, members())
    path.write_bytes(path.read_bytes()[:-200])
    assert_refused(path, before, "ZIP")


@pytest.mark.parametrize("absent", ["Entreprise.csv", "Nom.csv"])
def test_a_zip_without_what_it_must_hold(before, path, absent):
    write_zip(path, {file: content for file, content in members().items() if file != absent})
    assert_refused(path, before, absent.replace(".", "*."))


def test_two_members_for_one_file(before, path):
    write_zip(path, {**members(), "ancien/Entreprises.csv": text_of("Entreprise.csv", [])})
    assert_refused(path, before, "Entreprise.csv, ancien/Entreprises.csv")


@pytest.mark.parametrize("file", ["Entreprise.csv", "Nom.csv"])
def test_a_truncated_or_damaged_member(before, path, file):
    write_zip(path, members())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(file).header_offset + 30 + len(file)
    content = bytearray(path.read_bytes())
    content[start + 20 : start + 60] = b"\0" * 40
    path.write_bytes(content)
    assert_refused(path, before, file)


def test_a_locked_member(before, path):
    write_zip(path, members())
    content = bytearray(path.read_bytes())
    # The bit that says it is encrypted, in both headers of the first member.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert_refused(path, before, "Entreprise.csv", "encrypted")


@pytest.mark.parametrize(
    ("file", "column"),
    [("Entreprise.csv", "COD_STAT_IMMAT"), ("Nom.csv", "STAT_NOM"), ("FusionScissions.csv", "NEQ_ASSUJ_REL")],
)
def test_a_column_missing_or_renamed(before, path, file, column):
    contents = members()
    contents[file] = contents[file].replace(column, f"{column}_NOUVEAU")
    write_zip(path, contents)
    assert_refused(path, before, file, column)


@pytest.mark.parametrize("content", ["", "\ufeff\n", "\n" + "a,b\n"])
def test_a_member_without_a_header(before, path, content):
    write_zip(path, members(Entreprise=content))
    assert_refused(path, before, "Entreprise.csv")


@pytest.mark.parametrize("file", ["Entreprise", "Nom"])
def test_what_is_not_utf_8(before, path, file):
    content = members()[f"{file}.csv"].encode() + "Montréal (Québec)\n".encode("latin-1")
    write_zip(path, members(**{file: content}))
    assert_refused(path, before, f"{file}.csv", "ligne 3", "UTF-8")


def test_a_quote_left_open(before, path):
    content = members()["Nom.csv"] + f'{A},"Noname inc.,,V,N,,\n'
    write_zip(path, members(Nom=content))
    assert_refused(path, before, "Nom.csv", "ligne 3")


def test_a_field_that_never_ends(before, path):
    content = members()["Nom.csv"] + f'{A},"Noname inc.,,V,N,,\n' + f"{A},Noname inc.,,V,N,,\n" * 200_000
    write_zip(path, members(Nom=content))
    assert_refused(path, before, "Nom.csv", "ligne 3")


def test_a_line_that_never_ends(before, path):
    write_zip(path, members(Nom=members()["Nom.csv"] + "x" * 5_000_000))
    assert_refused(path, before, "Nom.csv", "ligne 3")


@pytest.mark.parametrize("file", ["Entreprise", "Nom"])
def test_a_file_with_no_record(before, path, file):
    write_zip(path, members(**{file: text_of(f"{file}.csv", [])}))
    assert_refused(path, before)


def test_a_register_whose_records_are_nearly_all_wrong(before, path, monkeypatch):
    monkeypatch.setattr(loader_edition, "TOO_MANY", 3)
    write_register(path, [enterprise(A), *(enterprise(neq_of(n), "Z") for n in range(2, 7))])
    assert_refused(path, before, "3")
    # What was wrong is in the file all the same.
    assert len(path.with_suffix(".rejects.csv").read_text().splitlines()) == 1 + 4


def test_an_edition_older_than_the_current_one(before, path):
    write_register(path, [enterprise(B)], published=(2026, 9, 30))
    assert_refused(path, before, "2026-09-30", "2026-10-01")


@pytest.mark.parametrize("published", [(1980, 1, 1), (2099, 1, 1)])
def test_a_zip_that_does_not_say_when_it_was_published(before, path, published):
    write_register(path, [enterprise(B)], published=published)
    assert_refused(path, before, "--published-on")


def test_a_day_that_is_none(before, path):
    write_register(path, [enterprise(B)])
    with pytest.raises(CommandError):
        run(path, "--published-on", "2026-02-30")
    assert_as_before(before)


def test_a_rejects_file_that_cannot_be_written(before, path, tmp_path):
    write_register(path, [enterprise(B)])
    with pytest.raises(CommandError) as caught:
        run(path, "--rejects", str(tmp_path / "nowhere" / "rejects.csv"))
    assert caught.value.returncode == 2
    assert_as_before(before)


def test_the_reason_is_said_in_the_language_of_the_command(before, path):
    write_register(path, [enterprise(B)], published=(2026, 9, 30))
    for language, words in (("fr-ca", "plus ancienne que l’édition courante"), ("en-ca", "older than the current one")):
        assert_refused(path, before, words, language=language)
