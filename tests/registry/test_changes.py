"""What an edition says otherwise than the one before: each kind of change, and what is none."""

from __future__ import annotations

import pytest

from registry.models import Change, Edition, Enterprise
from tests.registry.register import enterprise, merger, name, neq_of, run, write_register

A, B, C = (neq_of(n) for n in (1, 2, 3))
FACTS = {"status": "IM", "status_on": "1998-05-04", "ceases_on": None}
pytestmark = pytest.mark.django_db


@pytest.fixture
def editions(tmp_path):
    """Import two editions, of 1 and 15 November; what changed, as (NEQ, kind, before, after)."""

    def import_both(before: dict, after: dict):
        run(write_register(tmp_path / "before.zip", **before, published=(2026, 11, 1)))
        outcome = run(write_register(tmp_path / "after.zip", **after, published=(2026, 11, 15)))
        found = Change.objects.filter(edition=Edition.objects.current()).order_by("neq", "kind")
        counts = dict(part.split("=") for part in outcome.summary.split())
        for kind in Change.Kind.values:
            assert int(counts[kind]) == found.filter(kind=kind).count()
        return list(found.values_list("neq", "kind", "before", "after"))

    return import_both


def test_nothing_changed(editions):
    register = {
        "enterprises": [enterprise(A), enterprise(B, "RO"), enterprise(C, "AI", DAT_CESS_PREVU="2020-01-01")],
        "names": [name(A, "Un inc."), name(A, "Two Inc."), name(B, "Trois inc.", "A", DAT_FIN_NOM_ASSUJ="2020-01-01")],
        "mergers": [merger(A, B)],
    }
    shuffled = {kind: list(reversed(rows)) for kind, rows in register.items()}
    assert editions(register, shuffled) == []


def test_the_first_edition_changes_nothing(tmp_path):
    run(write_register(tmp_path / "first.zip", [enterprise(A)], mergers=[merger(A, A)]))
    assert Change.objects.count() == 0


def test_a_new_enterprise_is_counted_and_not_told(editions):
    assert editions({"enterprises": [enterprise(A)]}, {"enterprises": [enterprise(A), enterprise(B)]}) == []
    assert Edition.objects.current().new_count == 1


@pytest.mark.parametrize("status", ["RD", "RO", "RX"])
def test_struck_off(editions, status):
    former = [name(A, f"Noname {A} inc.", "A", DAT_FIN_NOM_ASSUJ="2026-11-10")]
    found = editions(
        {"enterprises": [enterprise(A)]},
        {"enterprises": [enterprise(A, status, DAT_STAT_IMMAT="2026-11-10")], "names": former},
    )
    # Its name is former now, and still its name.
    assert found == [(A, "struck_off", FACTS, {"status": status, "status_on": "2026-11-10", "ceases_on": None})]


def test_from_one_way_of_being_struck_off_to_another_nothing_changes(editions):
    assert editions({"enterprises": [enterprise(A, "RO")]}, {"enterprises": [enterprise(A, "RX")]}) == []


def test_registered_again(editions):
    found = editions({"enterprises": [enterprise(A, "RO")]}, {"enterprises": [enterprise(A)]})
    assert found == [(A, "restored", {**FACTS, "status": "RO"}, FACTS)]


@pytest.mark.parametrize("status", ["NI", "AI"])
def test_lapsed_by_its_status(editions, status):
    found = editions({"enterprises": [enterprise(A)]}, {"enterprises": [enterprise(A, status)]})
    assert found == [(A, "lapsed", FACTS, {**FACTS, "status": status})]


def test_lapsed_because_its_planned_end_came_between_the_editions(editions):
    ends = enterprise(A, DAT_CESS_PREVU="2026-11-12")
    facts = {**FACTS, "ceases_on": "2026-11-12"}
    assert editions({"enterprises": [ends]}, {"enterprises": [ends]}) == [(A, "lapsed", facts, facts)]
    kept = Enterprise.objects.get(neq=A)
    assert [kept.has_lapsed(on=edition.published_on) for edition in Edition.objects.order_by("pk")] == [False, True]


def test_a_planned_end_that_is_still_to_come_or_was_past_is_no_change(editions):
    rows = [enterprise(A, DAT_CESS_PREVU="2026-11-16"), enterprise(B, DAT_CESS_PREVU="2026-11-01")]
    assert editions({"enterprises": rows}, {"enterprises": rows}) == []


def test_lapsed_because_it_is_no_longer_there(editions):
    found = editions({"enterprises": [enterprise(A), enterprise(B)]}, {"enterprises": [enterprise(B)]})
    assert found == [(A, "lapsed", FACTS, {"status": None, "status_on": None, "ceases_on": None})]


def test_renamed(editions):
    before = [name(A, "Un inc."), name(A, "Trade", "V", "A"), name(B, "Deux inc.")]
    after = [
        name(A, "Un inc.", "A", DAT_FIN_NOM_ASSUJ="2026-11-10"),
        name(A, "Uno inc.", NOM_ASSUJ_LANG_ETRNG="One Inc."),
        name(A, "Other trade", "V", "A"),
        name(B, "Deux inc."),
        name(B, "Futur inc.", "F"),
    ]
    rows = [enterprise(A), enterprise(B)]
    found = editions({"enterprises": rows, "names": before}, {"enterprises": rows, "names": after})
    assert found == [(A, "renamed", {"names": ["Un inc."]}, {"names": ["One Inc.", "Uno inc."]})]


def test_one_that_loses_or_finds_its_name_is_renamed(editions):
    rows = [enterprise(A), enterprise(B)]
    found = editions(
        {"enterprises": rows, "names": [name(A, "Un inc.")]}, {"enterprises": rows, "names": [name(B, "Deux inc.")]}
    )
    assert found == [
        (A, "renamed", {"names": ["Un inc."]}, {"names": []}),
        (B, "renamed", {"names": []}, {"names": ["Deux inc."]}),
    ]


def test_merged_is_told_of_both_sides(editions):
    rows = [enterprise(A), enterprise(B)]
    known = merger(A, "", "Ontario Holdings Ltd.", on="2020-01-01")
    found = editions(
        {"enterprises": rows, "mergers": [known]}, {"enterprises": rows, "mergers": [known, merger(A, B, "Deux inc.")]}
    )
    link = {"neq": A, "other_neq": B, "other_name": "Deux inc.", "code": "FO", "effective_on": "2026-10-30"}
    assert found == [(neq, "merged", {"links": []}, {"links": [link]}) for neq in (A, B)]


def test_address_changed(editions):
    moved = enterprise(A, ADR_DOMCL_LIGN1_ADR="2 rue du Quai")
    found = editions({"enterprises": [enterprise(A)]}, {"enterprises": [moved]})
    rest = ["Laval (Québec)", "H7A0A1"]
    assert found == [(A, "address_changed", {"lines": ["1 rue du Quai", *rest]}, {"lines": ["2 rue du Quai", *rest]})]


def test_an_address_hidden_from_now_on_is_a_change(editions):
    found = editions({"enterprises": [enterprise(A)]}, {"enterprises": [enterprise(A, ADR_DOMCL_ADR_DISP="N")]})
    assert [(kind, after) for _neq, kind, _before, after in found] == [("address_changed", {"lines": []})]


def test_the_same_lines_in_other_places_are_no_change(editions):
    other = enterprise(A, ADR_DOMCL_LIGN3_ADR="H7A0A1", ADR_DOMCL_LIGN4_ADR="")
    assert editions({"enterprises": [enterprise(A)]}, {"enterprises": [other]}) == []


def test_several_changes_of_one_enterprise_are_all_told(editions):
    after = enterprise(A, "RD", ADR_DOMCL_LIGN1_ADR="2 rue du Quai")
    found = editions(
        {"enterprises": [enterprise(A), enterprise(B)], "names": [name(A, "Un inc.")]},
        {"enterprises": [after, enterprise(B)], "names": [name(A, "Uno inc.")], "mergers": [merger(B, A)]},
    )
    assert [kind for neq, kind, *_facts in found if neq == A] == ["address_changed", "merged", "renamed", "struck_off"]


def test_the_changes_of_the_edition_before_are_kept(editions, tmp_path):
    editions({"enterprises": [enterprise(A)]}, {"enterprises": [enterprise(A, "RO")]})
    run(write_register(tmp_path / "third.zip", [enterprise(A)], published=(2026, 11, 20)))
    assert list(Change.objects.order_by("pk").values_list("edition__published_on__day", "kind")) == [
        (15, "struck_off"),
        (20, "restored"),
    ]
