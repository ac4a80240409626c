"""An edition as published: every trap of the files, and what is kept of them."""

from __future__ import annotations

from datetime import date

import pytest

from registry.addresses import address_of
from registry.models import Edition, Enterprise, EnterpriseName, Establishment, Label, Link, Reject
from tests.registry.register import HEADERS, enterprise, merger, name, neq_of, run, text_of, write_register, write_zip

A, B, C = (neq_of(n) for n in (1, 2, 3))
SUMMARY = (
    "enterprises={} names={} establishments={} links={} rejected={} new=0 struck_off=0 lapsed=0 restored=0 renamed=0"
    " merged=0 address_changed=0"
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path):
    return tmp_path / "register.zip"


def test_the_six_files_are_kept_as_they_say(path):
    rows = [
        enterprise(
            A, IND_FAIL="O", DAT_CESS_PREVU="2030-01-31", DESC_ACT_ECON_ASSUJ="Location d’outils, et plus",
            ADR_DOMCL_LIGN1_ADR="1, rue du Quai",
        ),
        enterprise(B),
    ]  # fmt: skip
    establishment = {
        "NEQ": A, "NO_SUF_ETAB": "2", "IND_ETAB_PRINC": "O", "IND_DISP": "O", "LIGN1_ADR": "9 rang 4",
        "LIGN2_ADR": "Alma (Québec)", "DESC_ACT_ECON_ETAB": "Entrepôt", "NOM_ETAB": "Noname Alma",
    }  # fmt: skip
    continuation = {"NEQ": B, "COD_TYP_CHANG": "CONT", "AUTR_REGIM_JURI": "Ontario", "DAT_EFCTVT": "2001-02-03"}
    label = {"TYP_DOM_VAL": "FORM_JURI", "COD_DOM_VAL": "CIE", "VAL_DOM_FRAN": "Société par actions"}
    write_register(
        path, rows, mergers=[merger(A, B, "Noname 2 inc.")], establishments=[establishment],
        continuations=[continuation], labels=[label],
    )  # fmt: skip
    outcome = run(path)
    assert (outcome.summary, outcome.exit_code, outcome.rejects) == (SUMMARY.format(2, 2, 1, 2, 0), 0, [])
    kept = Enterprise.objects.by_neq(A)
    assert (kept.status, kept.status_on, kept.registered_on) == ("IM", date(1998, 5, 4), date(1998, 5, 4))
    assert (kept.is_bankrupt, kept.ceases_on) == (True, date(2030, 1, 31))
    assert address_of(kept) == ("1, rue du Quai", "", "Laval", "Québec", "H7A 0A1", "")
    assert Label.objects.text(kind=Label.LEGAL_FORM, code=kept.legal_form) == "Société par actions"
    assert Label.objects.text(kind=Label.LEGAL_FORM, code="SENC") == "SENC"
    place = Establishment.objects.get()
    assert (place.enterprise_id, place.suffix, place.is_main, place.name) == (A, "2", True, "Noname Alma")
    assert (place.activity, address_of(place).city) == ("Entrepôt", "Alma")
    found = Link.objects.order_by("pk").values_list("enterprise_id", "kind", "code", "other_neq", "other_name", "place")
    assert list(found) == [
        (A, "merger", "FO", B, "Noname 2 inc.", ""),
        (B, "continuation", "CONT", "", "", "Ontario"),
    ]


def test_the_edition_says_what_it_holds_and_when_it_was_published(path):
    write_register(path, [enterprise(A), enterprise(B)], published=(2026, 10, 17))
    run(path)
    edition = Edition.objects.current()
    assert (edition.published_on, edition.enterprise_count, edition.name_count) == (date(2026, 10, 17), 2, 2)
    assert len(edition.sha256) == 64
    assert (edition.new_count, edition.changes.count()) == (0, 0)


def test_the_day_of_publication_may_be_given(path):
    write_register(path, [enterprise(A)], published=(1980, 1, 1))
    run(path, "--published-on", "2026-09-30")
    assert Edition.objects.current().published_on == date(2026, 9, 30)


@pytest.mark.parametrize(
    "members",
    [
        "Entreprise.csv Nom.csv Etablissement.csv FusionScission.csv ContinuationTransformation.csv",
        "J/ENTREPRISES.CSV J/noms.csv J/etablissements.csv J/fusionsScissions.csv J/ContinuationsTransformations.csv",
        "a\\Entreprise2.csv a\\Nom_2.csv b\\Etablissement.csv a\\FusionScission.csv a\\ContinuationTransformations.csv",
    ],
)
def test_members_are_found_by_the_beginning_of_their_names(path, members):
    contents = [
        text_of("Entreprise.csv", [enterprise(A)]),
        text_of("Nom.csv", [name(A)]),
        text_of("Etablissements.csv", [{"NEQ": A}]),
        text_of("FusionScissions.csv", [merger(A)]),
        text_of("ContinuationsTransformations.csv", [{"NEQ": A}]),
    ]
    strangers = {"Nomenclature.csv": "a,b\n", "__MACOSX/._Nom.csv": "\0", "Guide.pdf": "%PDF", "Entreprise.txt": "a"}
    write_zip(path, {**dict(zip(members.split(), contents, strict=True)), **strangers})
    assert (run(path).summary) == SUMMARY.format(1, 1, 1, 2, 0)


def test_a_purpose_of_two_megabytes_with_line_breaks_in_quotes_is_read_and_lines_stay_true(path):
    purpose = "Faire « tout ».\n" * 130_000 + 'Et dire ""oui"".'
    assert len(purpose) > 2_000_000
    rows = [enterprise(A, OBJET_SOC=purpose), enterprise(B, status="ZZ"), enterprise(C)]
    write_register(path, rows, [name(A), name(C)])
    outcome = run(path)
    assert [(row["file"], row["line"], row["code"]) for row in outcome.rejects] == [
        ("Entreprise.csv", str(2 + 130_000 + 1), "unknown_code")
    ]
    assert set(Enterprise.objects.values_list("neq", flat=True)) == {A, C}


def test_line_breaks_of_windows_make_no_difference(path):
    unix = {file: text_of(file, []) for file in HEADERS}
    unix["Entreprise.csv"] = text_of("Entreprise.csv", [enterprise(A, OBJET_SOC="un\ndeux"), enterprise(B)])
    unix["Nom.csv"] = text_of("Nom.csv", [name(A, "Deux\nlignes inc."), name(B, "Noname inc.")])
    write_zip(path, {file: text.replace("\n", "\r\n") for file, text in unix.items()})
    assert run(path).rejects == []
    assert set(EnterpriseName.objects.values_list("text", "folded")) == {
        ("Deux lignes inc.", "deux lignes inc"),
        ("Noname inc.", "noname inc"),
    }
    assert Enterprise.objects.get(neq=A).address_line4 == "H7A0A1"


def test_a_file_without_a_last_line_break_and_with_blank_lines_is_read_whole(path):
    members = {file: text_of(file, []) for file in HEADERS}
    members["Entreprise.csv"] = text_of("Entreprise.csv", [enterprise(A), enterprise(B)]).rstrip("\n")
    members["Nom.csv"] = text_of("Nom.csv", [name(A)]) + "\n\n" + f"{B},Noname inc.,,V,N,,\n\n"
    write_zip(path, members)
    outcome = run(path)
    assert (outcome.summary, outcome.rejects) == (SUMMARY.format(2, 2, 0, 0, 0), [])


def test_columns_are_found_by_name_and_new_ones_do_no_harm(path):
    members = {file: text_of(file, []) for file in HEADERS}
    header, row = text_of("Entreprise.csv", [enterprise(A)]).splitlines()
    members["Entreprise.csv"] = f"NOUVEAU,{header.removeprefix(chr(0xFEFF))}\nvaleur,{row}\n"
    members["Nom.csv"] = (
        f"stat_nom,nom_assuj,neq,typ_nom_assuj,dat_fin_nom_assuj,nom_assuj_lang_etrng\nV,Noname inc.,{A},N,,\n"
    )
    write_zip(path, members)
    assert run(path).exit_code == 0
    assert Enterprise.objects.by_neq(A).legal_names()[0].text == "Noname inc."


def test_a_dash_is_not_stated(path):
    cells = {"DAT_CESS_PREVU": "-", "DAT_IMMAT": "-", "IND_FAIL": "-", "COD_FORME_JURI": "-"}
    address = {f"ADR_DOMCL_LIGN{n}_ADR": "-" for n in (1, 2, 3, 4)}
    write_register(
        path, [enterprise(A, **cells, **address)], [name(A, "Nom-avec-tirets - inc.", NOM_ASSUJ_LANG_ETRNG="-")]
    )
    assert run(path).rejects == []
    kept = Enterprise.objects.by_neq(A)
    assert (kept.ceases_on, kept.registered_on, kept.is_bankrupt, kept.legal_form) == (None, None, False, "")
    assert not kept.has_address
    assert [found.text for found in kept.names.all()] == ["Nom-avec-tirets - inc."]


def test_a_hidden_address_is_not_kept(path):
    establishment = {"NEQ": A, "IND_DISP": "N", "LIGN1_ADR": "9 rang 4"}
    write_register(path, [enterprise(A, ADR_DOMCL_ADR_DISP="N"), enterprise(B)], establishments=[establishment])
    run(path)
    assert not Enterprise.objects.get(neq=A).has_address
    assert Enterprise.objects.get(neq=B).has_address
    assert Establishment.objects.get().address_line1 == ""


def test_a_name_in_force_is_legal_and_a_former_one_or_a_trade_name_is_not(path):
    names = [
        name(A, "Ancien nom inc.", "A", "N", DAT_FIN_NOM_ASSUJ="2005-01-01"),
        name(A, "Nom légal inc.", "V", "N"),
        name(A, "Bannière", "V", "A"),
        name(A, "Nom modifié inc.", "V", "M", NOM_ASSUJ_LANG_ETRNG="Amended Name Inc."),
        name(A, "Nom futur inc.", "F", "N"),
        name(A, "Nom réservé inc.", "R", "N"),
    ]
    write_register(path, [enterprise(A)], names)
    assert "names=6 " in run(path).summary
    kept = Enterprise.objects.by_neq(A)
    assert [found.text for found in kept.legal_names()] == ["Nom légal inc.", "Nom modifié inc.", "Amended Name Inc."]
    assert [found.is_translation for found in kept.legal_names()] == [False, False, True]
    assert {found.folded for found in kept.legal_names()} == {"nom legal inc", "nom modifie inc", "amended name inc"}


def test_one_struck_off_is_called_by_its_latest_former_names(path):
    names = [
        name(A, "Premier nom inc.", "A", "N", DAT_FIN_NOM_ASSUJ="2005-01-01"),
        name(A, "Dernier nom inc.", "A", "N", DAT_FIN_NOM_ASSUJ="2019-01-01", NOM_ASSUJ_LANG_ETRNG="Last Name Inc."),
        name(A, "Bannière", "V", "A"),
    ]
    write_register(path, [enterprise(A, "RO")], names)
    run(path)
    kept = Enterprise.objects.by_neq(A)
    assert (kept.is_struck_off, kept.is_registered) == (True, False)
    assert [found.text for found in kept.legal_names()] == ["Dernier nom inc.", "Last Name Inc."]


def test_a_sole_proprietor_may_have_no_name_at_all(path):
    person = neq_of(7, prefix="22")
    write_register(path, [enterprise(A), enterprise(person)], [name(A)])
    run(path)
    kept = Enterprise.objects.by_neq(person)
    assert (kept.is_sole_proprietor, kept.legal_names()) == (True, [])


def test_what_cannot_be_taken_is_kept_with_its_line_and_reason(path):
    rows = [
        enterprise(A),
        enterprise(B, DAT_IMMAT="2026-02-30"),
        enterprise("1170000001"),
        enterprise("4470000005"),
        enterprise("1170000"),
        enterprise("11A0000005"),
        enterprise(C, DAT_CESS_PREVU="bientôt"),
        enterprise(A),
    ]
    names = [
        name(A),
        name(A, "-"),
        name(A, "x" * 2001),
        name(A, "Noname\0 inc."),
        name(B),
        name(A, state="Z"),
        name(A, kind="Z"),
    ]
    establishments = [{"NEQ": B}, {"NEQ": A}]
    write_register(path, rows, names, establishments=establishments, mergers=[merger(A, "1170000001")])
    outcome = run(path)
    assert outcome.exit_code == 3
    assert outcome.summary == SUMMARY.format(1, 1, 1, 0, 15)
    found = [(row["file"], int(row["line"]), row["column"], row["code"]) for row in outcome.rejects]
    assert sorted(found) == [
        ("Entreprise.csv", 3, "DAT_IMMAT", "no_such_day"),
        ("Entreprise.csv", 4, "NEQ", "neq_check_digit"),
        ("Entreprise.csv", 5, "NEQ", "neq_prefix"),
        ("Entreprise.csv", 6, "NEQ", "neq_length"),
        ("Entreprise.csv", 7, "NEQ", "neq_not_digits"),
        ("Entreprise.csv", 8, "DAT_CESS_PREVU", "not_a_date"),
        ("Entreprise.csv", 9, "NEQ", "repeated"),
        ("Etablissements.csv", 2, "NEQ", "unknown_neq"),
        ("FusionScissions.csv", 2, "NEQ_ASSUJ_REL", "neq_check_digit"),
        ("Nom.csv", 3, "NOM_ASSUJ", "empty"),
        ("Nom.csv", 4, "NOM_ASSUJ", "too_long"),
        ("Nom.csv", 5, "NOM_ASSUJ", "control_character"),
        ("Nom.csv", 6, "NEQ", "unknown_neq"),
        ("Nom.csv", 7, "STAT_NOM", "unknown_code"),
        ("Nom.csv", 8, "TYP_NOM_ASSUJ", "unknown_code"),
    ]
    stored = Reject.objects.filter(edition=Edition.objects.current())
    assert sorted(stored.values_list("file", "line", "column", "code")) == sorted(found)
    assert stored.get(code="repeated").value == A
    assert Edition.objects.current().reject_count == 15


def test_a_record_with_too_few_or_too_many_fields_is_rejected_alone(path):
    members = {file: text_of(file, []) for file in HEADERS}
    members["Entreprise.csv"] = text_of("Entreprise.csv", [enterprise(A), enterprise(B)])
    members["Nom.csv"] = (
        text_of("Nom.csv", [name(A)]) + f"{B},Noname inc.,,V,N\n" + f"{B},Noname inc.,,V,N,,,,\n" + f"{B},Nom,,V,N,,\n"
    )
    write_zip(path, members)
    outcome = run(path)
    assert [(row["line"], row["code"], row["value"]) for row in outcome.rejects] == [
        ("3", "cells", "5"),
        ("4", "cells", "9"),
    ]
    assert "7 cells" in outcome.rejects[0]["reason"] or "7 cellules" in outcome.rejects[0]["reason"]
    assert EnterpriseName.objects.count() == 2


def test_a_version_in_another_language_that_is_only_a_dash_or_a_space_is_none(path):
    versions = ["-", " ", "", " Name Inc. "]
    names = [name(A, f"Nom {n}", NOM_ASSUJ_LANG_ETRNG=version) for n, version in enumerate(versions)]
    write_register(path, [enterprise(A)], names)
    assert run(path).rejects == []
    assert list(EnterpriseName.objects.filter(is_translation=True).values_list("text", flat=True)) == ["Name Inc."]


def test_of_a_name_of_nobody_the_version_in_another_language_goes_too(path):
    names = [name(A), name(B, "Nom inc.", NOM_ASSUJ_LANG_ETRNG="Name Inc.")]
    write_register(path, [enterprise(A)], names)
    outcome = run(path)
    assert [(row["line"], row["code"]) for row in outcome.rejects] == [("3", "unknown_neq")]
    assert EnterpriseName.objects.count() == 1


def test_white_space_inside_a_cell_becomes_a_space(path):
    write_register(path, [enterprise(A, ADR_DOMCL_LIGN1_ADR="1 rue\tdu\nQuai ")], [name(A, " Noname\ninc.")])
    assert run(path).rejects == []
    kept = Enterprise.objects.by_neq(A)
    assert kept.address_line1 == "1 rue du Quai"
    assert kept.legal_names()[0].text == "Noname inc."


def test_cells_that_mean_something_to_a_database_are_only_text(path):
    odd = '\\N \\. "guillemets" \'; DROP TABLE x; --'
    write_register(path, [enterprise(A, ADR_DOMCL_LIGN1_ADR=odd)], [name(A, odd)])
    assert run(path).rejects == []
    kept = Enterprise.objects.by_neq(A)
    assert (kept.address_line1, kept.legal_names()[0].text) == (odd, odd)
