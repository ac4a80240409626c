"""A declaration beside the register: every verdict, for every fact."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction

from organizations.comparison import agrees, compare, outcome
from organizations.models import Verification
from registry.models import EnterpriseName
from tests import factories
from tests.factories import EditionFactory, EnterpriseFactory, EnterpriseNameFactory

pytestmark = pytest.mark.django_db
NEQ, SOLE = "1170000005", "2270000005"
DECLARED = {"legal_name": "Construction Acme inc.", "neq": NEQ, "administrator_name": "Alice Tremblay"}
ADDRESS = {"address_line1": "1200, rue Notre-Dame Est", "city": "Montréal", "province": "QC", "postal_code": "H2L 2R5"}


def compared(**declared: str) -> dict[str, dict[str, object]]:
    """Each fact as it is kept, by its name."""
    with transaction.atomic():
        _edition, facts = compare(identity=Verification(**{**DECLARED, **declared}))
    assert [fact["fact"] for fact in facts] == Verification.Fact.values
    return {fact["fact"]: fact for fact in facts}


def said(facts: dict[str, dict[str, object]], fact: str) -> tuple[str, str]:
    return facts[fact]["verdict"], facts[fact]["code"]


@pytest.fixture
def edition(db: None) -> object:
    return EditionFactory()


def test_without_an_edition_nothing_can_be_checked_here():
    with transaction.atomic():
        edition, facts = compare(identity=Verification(**DECLARED, **ADDRESS))
    assert edition is None
    assert {fact["verdict"] for fact in facts} == {"unchecked"}
    assert [fact["code"] for fact in facts] == [*["no_edition"] * 3, "administrator_unpublished", "no_edition"]
    assert outcome(facts=facts) == "unchecked"
    assert not agrees(facts=facts)


def test_an_neq_the_edition_lacks_is_unknown_and_leaves_nothing_to_compare_with(edition):
    facts = compared()
    assert said(facts, "neq") == ("unknown", "neq_unknown")
    assert said(facts, "name") == said(facts, "status") == ("unchecked", "not_found")
    assert outcome(facts=facts.values()) == "unknown"


@pytest.mark.parametrize(
    ("registered", "verdict", "code"),
    [
        ("Construction Acme inc.", "matches", "name_exact"),
        ("CONSTRUCTION ACMÉ INC.", "matches", "name_same"),
        ("CONSTRUCTION ACME LTÉE", "matches", "name_same"),
        ("CONSTRUCTION ACMME INC.", "differs", "name_close"),
        ("BOULANGERIE ZÉNITH INC.", "differs", "name_different"),
    ],
)
def test_a_name_is_compared_with_the_legal_one_in_force(edition, registered, verdict, code):
    EnterpriseFactory(neq=NEQ, name=registered)
    facts = compared()
    assert said(facts, "neq") == ("matches", "neq_found")
    assert said(facts, "name") == (verdict, code)
    assert facts["name"]["registered"] == registered
    assert agrees(facts=facts.values()) == (verdict == "matches")


def test_a_name_that_differs_says_which_words(edition):
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME NORD INC.")
    params = compared(legal_name="Construction Acme Sud inc.")["name"]["params"]
    assert (params["missing"], params["extra"]) == (["NORD"], ["Sud"])


def test_a_version_in_another_language_matches(edition):
    enterprise = EnterpriseFactory(neq=NEQ, name="TOITURES DU FJORD INC.")
    EnterpriseNameFactory(enterprise=enterprise, text="FJORD SHINGLE WORKS INC.", is_translation=True)
    facts = compared(legal_name="Fjord Shingle Works inc.")
    assert said(facts, "name") == ("matches", "name_same")
    assert facts["name"]["registered"] == "FJORD SHINGLE WORKS INC."


def test_a_former_name_differs_and_shows_the_one_in_force(edition):
    enterprise = EnterpriseFactory(neq=NEQ, name="BOULANGERIE ZÉNITH INC.")
    EnterpriseNameFactory(enterprise=enterprise, state=EnterpriseName.State.FORMER, until=date(2020, 1, 1))
    facts = compared()
    assert said(facts, "name") == ("differs", "name_former")
    assert facts["name"]["registered"] == "BOULANGERIE ZÉNITH INC."


def test_a_name_in_use_differs_from_the_legal_one(edition):
    enterprise = EnterpriseFactory(neq=NEQ, name="9000-0019 QUÉBEC INC.")
    EnterpriseNameFactory(enterprise=enterprise, kind=EnterpriseName.Kind.OTHER)
    facts = compared()
    assert said(facts, "name") == ("differs", "name_other")
    assert facts["name"]["registered"] == "9000-0019 QUÉBEC INC."


def test_the_name_of_most_sole_proprietors_cannot_be_checked_here(edition):
    EnterpriseFactory(neq=SOLE, name=None)
    facts = compared(neq=SOLE)
    assert said(facts, "neq") == ("matches", "neq_found")
    assert said(facts, "name") == ("unchecked", "name_unpublished")
    assert outcome(facts=facts.values()) == "unchecked"
    assert not agrees(facts=facts.values())


def test_a_sole_proprietor_s_name_in_use_is_shown_and_the_legal_one_stays_unchecked(edition):
    enterprise = EnterpriseFactory(neq=SOLE, name=None)
    EnterpriseNameFactory(enterprise=enterprise, text="RÉNOVATIONS NONAME ENR.", kind=EnterpriseName.Kind.OTHER)
    facts = compared(neq=SOLE, legal_name="Rénovations Noname")
    assert said(facts, "name") == ("unchecked", "name_used")
    assert facts["name"]["registered"] == "RÉNOVATIONS NONAME ENR."


def test_another_name_than_the_one_in_use_is_shown_beside_it(edition):
    enterprise = EnterpriseFactory(neq=SOLE, name=None)
    EnterpriseNameFactory(enterprise=enterprise, text="RÉNOVATIONS NONAME ENR.", kind=EnterpriseName.Kind.OTHER)
    facts = compared(neq=SOLE, legal_name="Toitures du Nord")
    assert said(facts, "name") == ("unchecked", "name_uses_others")
    assert facts["name"]["registered"] == "RÉNOVATIONS NONAME ENR."
    assert not agrees(facts=facts.values())


def test_one_that_is_struck_off_is_compared_by_its_latest_name(edition):
    enterprise = EnterpriseFactory(neq=NEQ, status="RO", status_on=date(2019, 3, 2), name=None)
    for text, ended in (("CONSTRUCTION ACME INC.", date(2019, 3, 2)), ("ACME ET FILS INC.", date(2004, 1, 1))):
        EnterpriseNameFactory(enterprise=enterprise, text=text, state=EnterpriseName.State.FORMER, until=ended)
    facts = compared()
    assert said(facts, "name")[0] == "matches"
    assert said(facts, "status") == ("differs", "status_struck_off")
    assert facts["status"]["params"] == {"since": "2019-03-02"}
    assert not agrees(facts=facts.values())


@pytest.mark.parametrize(
    ("enterprise", "verdict", "code"),
    [
        ({"status": "IM"}, "matches", "status_registered"),
        ({"status": "RD"}, "differs", "status_struck_off"),
        ({"status": "RO"}, "differs", "status_struck_off"),
        ({"status": "RX"}, "differs", "status_struck_off"),
        ({"status": "NI"}, "differs", "status_not_registered"),
        ({"status": "AI"}, "differs", "status_not_registered"),
        ({"status": "IM", "ceases_on": date(2020, 1, 1)}, "differs", "status_ended"),
        ({"status": "IM", "is_bankrupt": True}, "noted", "status_bankrupt"),
    ],
)
def test_the_registration_is_a_fact_too(edition, enterprise, verdict, code):
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.", **enterprise)
    facts = compared()
    assert said(facts, "status") == (verdict, code)
    assert facts["status"]["registered"] == enterprise["status"]
    assert agrees(facts=facts.values()) == (verdict == "matches")


def test_the_administrator_is_in_no_open_data(edition):
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.")
    facts = compared()
    assert said(facts, "administrator") == ("unchecked", "administrator_unpublished")
    assert agrees(facts=facts.values())


@pytest.mark.parametrize(
    ("lines", "verdict", "code"),
    [
        (["1200 rue Notre-Dame E", "Montréal (Québec)", "H2L2R5"], "matches", "address_same"),
        (["88, rue Marconi", "Longueuil (Québec)", "J4G2B9"], "noted", "address_other"),
        ([], "unchecked", "address_unpublished"),
    ],
)
def test_an_address_is_for_information_and_never_decides(edition, lines, verdict, code):
    fields = {f"address_line{number}": line for number, line in enumerate(lines, 1)}
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.", **fields)
    facts = compared(**ADDRESS)
    assert said(facts, "address") == (verdict, code)
    assert facts["address"]["registered"] == "\n".join(lines)
    assert agrees(facts=facts.values())
    assert outcome(facts=facts.values()) == "matches"


def test_two_addresses_that_say_nothing_are_not_the_same(edition):
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.", address_line1="Case postale")
    assert said(compared(), "address") == ("noted", "address_other")


def test_a_comparison_asks_the_database_a_fixed_few_things(edition, django_assert_max_num_queries):
    enterprise = EnterpriseFactory(neq=NEQ, name="BOULANGERIE ZÉNITH INC.")
    for number in range(20):
        EnterpriseNameFactory(enterprise=enterprise, text=f"NOM {number} INC.", state=EnterpriseName.State.FORMER)
    with transaction.atomic(), django_assert_max_num_queries(4):
        compare(identity=factories.VerificationFactory.build(customer=None, submitted_by=None))
