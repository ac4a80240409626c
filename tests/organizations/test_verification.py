"""Declaring a company and deciding: what changes, for whom, who is told, and what nobody can undo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone, translation

from accounts.models import OutgoingMessage, User
from billing.services import document_name
from organizations.access import grant_permission
from organizations.models import AuditEvent, Customer, Merchant, Organization, Verification
from organizations.permissions import Permission, Role
from organizations.services import verification as services
from organizations.services.observations import record_observation
from organizations.services.verification import (
    ask_for_more,
    compare_again,
    refuse_organization,
    submit_identity,
    verify_organization,
)
from tests import factories
from tests.factories import EditionFactory, EnterpriseFactory

pytestmark = pytest.mark.django_db
State = Verification.State
DECLARED = {
    "legal_name": "Construction Acme inc.",
    "neq": "1170000005",
    "administrator_name": "Alice Tremblay",
    "address_line1": "1200, rue Notre-Dame Est",
    "address_line2": "",
    "city": "Montréal",
    "province": "QC",
    "postal_code": "H2L 2R5",
    "note": "",
}


@pytest.fixture
def register(db: None) -> None:
    """An edition in which Acme is registered."""
    EditionFactory()
    EnterpriseFactory(neq="1170000005", name="CONSTRUCTION ACME INC.")


@pytest.fixture
def declared(register: None, acme: Customer, alice: User) -> Verification:
    return submit_identity(customer=acme, by=alice, **DECLARED)


def see(verification: Verification, by: User) -> None:
    record_observation(
        verification=verification,
        fact="name",
        seen="Construction Acme inc.",
        verdict="matches",
        seen_on=timezone.localdate(),
        capture=None,
        by=by,
    )


# --- declaring --------------------------------------------------------------------------------


def test_a_declaration_waits_with_its_comparison_and_changes_nothing(declared, acme, alice):
    assert list(Verification.objects.open()) == [declared]
    assert declared.edition.published_on.isoformat() == "2026-11-15"
    assert [fact["verdict"] for fact in declared.facts][:3] == ["matches"] * 3
    assert not Organization.objects.exists()
    assert document_name(customer=acme) == "Acme Construction inc."
    event = acme.events.get(event=AuditEvent.Event.IDENTITY_SUBMITTED)
    assert (event.by, event.data["neq"]) == (alice, "1170000005")


def test_the_same_declaration_sent_twice_is_one(declared, acme, alice):
    assert submit_identity(customer=acme, by=alice, **DECLARED) == declared
    assert Verification.objects.count() == 1


def test_a_corrected_declaration_takes_the_place_of_the_one_that_waits(declared, acme, alice):
    newer = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Acme inc."})
    declared.refresh_from_db()
    assert declared.state == State.SUPERSEDED
    assert list(acme.verifications.open()) == [newer]


def test_an_individual_declares_no_company(ines):
    with pytest.raises(services.NotACompany):
        submit_identity(customer=Customer.objects.get(number="20001"), by=ines, **DECLARED)


def test_a_closed_customer_declares_nothing(acme, alice):
    Customer.objects.update(closed_at=timezone.now())
    with pytest.raises(services.CustomerClosed):
        submit_identity(customer=acme, by=alice, **DECLARED)


def test_a_company_declares_itself_so_many_times_a_day(acme, alice):
    for number in range(services.SUBMISSIONS_A_DAY):
        submit_identity(customer=acme, by=alice, **DECLARED | {"note": f"Essai {number}"})
    with pytest.raises(services.TooManySubmissions):
        submit_identity(customer=acme, by=alice, **DECLARED)


# --- verifying --------------------------------------------------------------------------------


def test_verified_its_legal_name_is_on_the_next_document_and_its_people_know(declared, acme, alice, sam):
    verify_organization(verification=declared, by=sam)
    declared.refresh_from_db()
    organization = Organization.objects.get(customer=acme)
    assert (declared.state, declared.decided_by, declared.is_automatic) == (State.VERIFIED, sam, False)
    assert (organization.legal_name, organization.verification) == ("Construction Acme inc.", declared)
    assert (organization.neq, organization.city) == ("1170000005", "Montréal")
    assert document_name(customer=acme) == "Construction Acme inc."
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == "alice@acme.example"
    assert "1170 0000 05" in letter.text
    assert acme.events.get(event=AuditEvent.Event.ORGANIZATION_VERIFIED).by == sam


def test_a_second_click_of_the_same_agent_changes_nothing(declared, sam):
    verify_organization(verification=declared, by=sam)
    verify_organization(verification=declared, by=sam)
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.filter(event=AuditEvent.Event.ORGANIZATION_VERIFIED).count() == 1


def test_an_agent_who_comes_second_learns_who_decided_and_how(declared, sam):
    other = factories.UserFactory(first_name="Léa", last_name="Roy", is_staff=True)
    refuse_organization(verification=declared, reasons=["name"], words="", by=other)
    with pytest.raises(services.AlreadyDecided) as refusal, translation.override("en-ca"):
        verify_organization(verification=declared, by=sam)
    with translation.override("en-ca"):
        assert "Léa Roy was faster" in str(refusal.value)
        assert "Refused" in str(refusal.value)
    assert not Organization.objects.filter(verified_at__isnull=False).exists()


def test_an_agent_learns_that_the_company_corrected_itself_meanwhile(declared, acme, alice, sam):
    submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Acme inc."})
    for decide in (
        lambda: verify_organization(verification=declared, by=sam),
        lambda: refuse_organization(verification=declared, reasons=["neq"], words="", by=sam),
        lambda: ask_for_more(verification=declared, words="Pourquoi?", by=sam),
        lambda: compare_again(verification=declared, by=sam),
        lambda: see(declared, sam),
    ):
        with pytest.raises(services.AlreadyDecided, match="Alice Tremblay"):
            decide()


def test_what_the_register_does_not_confirm_needs_an_observation(register, acme, alice, sam):
    differing = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Boulangerie Zénith inc."})
    with pytest.raises(services.ObservationMissing):
        verify_organization(verification=differing, by=sam)
    see(differing, sam)
    verify_organization(verification=differing, by=sam)
    assert document_name(customer=acme) == "Boulangerie Zénith inc."


def test_without_an_edition_it_is_verified_by_hand(acme, alice, sam):
    by_hand = submit_identity(customer=acme, by=alice, **DECLARED)
    assert by_hand.edition is None
    with pytest.raises(services.ObservationMissing):
        verify_organization(verification=by_hand, by=sam)
    see(by_hand, sam)
    verify_organization(verification=by_hand, by=sam)
    assert document_name(customer=acme) == "Construction Acme inc."


def test_a_comparison_with_an_edition_since_replaced_is_made_again_first(declared, sam):
    declared.edition.__class__.objects.update(is_current=False)
    newer = EditionFactory(published_on="2026-11-30")
    with pytest.raises(services.RegisterMoved):
        verify_organization(verification=declared, by=sam)
    compare_again(verification=declared, by=sam)
    verify_organization(verification=declared, by=sam)
    declared.refresh_from_db()
    assert declared.edition == newer


# --- refusing and asking ----------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["name", "neq", "administrator", "status"])
def test_each_mismatch_is_a_reason_that_its_people_read(reason, declared, acme, sam):
    refuse_organization(verification=declared, reasons=[reason], words="", by=sam)
    declared.refresh_from_db()
    assert (declared.state, declared.reasons, declared.decided_by) == (State.REFUSED, [reason], sam)
    letter = OutgoingMessage.objects.get()
    with translation.override(letter.language):
        assert str(Verification.Reason(reason).label) in letter.text
    assert acme.events.get(event=AuditEvent.Event.ORGANIZATION_REFUSED).data["reasons"] == reason


def test_refused_the_next_document_is_in_the_name_of_the_owner(declared, acme, sam):
    owner = factories.UserFactory(first_name="Olivia", last_name="Acme")
    factories.MembershipFactory(customer=acme, user=owner, role=Role.OWNER)
    refuse_organization(verification=declared, reasons=["neq", "name"], words="Ce n’est pas vous.", by=sam)
    assert document_name(customer=acme) == "Olivia Acme"
    organization = Organization.objects.get(customer=acme)
    assert (organization.verified_at, organization.refused_at is not None) == (None, True)


def test_without_an_owner_the_document_is_in_the_name_of_who_declared(declared, acme, sam):
    refuse_organization(verification=declared, reasons=["name"], words="", by=sam)
    assert document_name(customer=acme) == "Alice Tremblay"


def test_one_may_correct_and_be_verified_after_a_refusal(declared, acme, alice, sam):
    refuse_organization(verification=declared, reasons=["name"], words="", by=sam)
    again = submit_identity(customer=acme, by=alice, **DECLARED | {"note": "Voyez le certificat."})
    verify_organization(verification=again, by=sam)
    assert document_name(customer=acme) == "Construction Acme inc."
    assert Organization.objects.get(customer=acme).person_name == ""


@pytest.mark.parametrize(
    ("reasons", "words", "refusal"),
    [([], "Non.", services.ReasonMissing), (["other"], "  ", services.WordsMissing)],
)
def test_a_refusal_without_a_reason_is_not_taken(reasons, words, refusal, declared, sam):
    with pytest.raises(refusal):
        refuse_organization(verification=declared, reasons=reasons, words=words, by=sam)
    declared.refresh_from_db()
    assert declared.is_open
    assert not OutgoingMessage.objects.exists()


def test_a_question_is_mailed_and_answered_by_declaring_again(declared, acme, alice, sam):
    ask_for_more(verification=declared, words="Votre certificat, svp.", by=sam)
    declared.refresh_from_db()
    assert declared.state == State.MORE_ASKED
    assert "Votre certificat, svp." in OutgoingMessage.objects.get().text
    assert document_name(customer=acme) == "Acme Construction inc."
    submit_identity(customer=acme, by=alice, **DECLARED | {"note": "Le voici."})
    assert acme.verifications.open().get().note == "Le voici."
    with pytest.raises(services.WordsMissing):
        ask_for_more(verification=acme.verifications.open().get(), words=" ", by=sam)


def test_every_person_who_declares_is_written_to_in_their_language(declared, acme, bob, charlie, sam):
    """Bob was granted it, Charlie is an owner who reads English; Rita only picks up."""
    factories.MembershipFactory(customer=acme, user=charlie, role=Role.OWNER)
    User.objects.filter(pk=charlie.pk).update(language="en-ca")
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_ORGANIZATION)
    rita = factories.UserFactory()
    factories.MembershipFactory(customer=acme, user=rita, role=Role.VISITOR)
    verify_organization(verification=declared, by=sam)
    letters = {letter.recipient: letter.language for letter in OutgoingMessage.objects.all()}
    assert letters == {"alice@acme.example": "fr-ca", "bob@acme.example": "fr-ca", "charlie@globex.example": "en-ca"}


def test_where_nobody_declares_the_contact_address_is_written_to(boreal, sam):
    customer = factories.CustomerFactory(
        merchant=boreal, kind=Customer.Kind.BUSINESS, email="a@noname.example", language="en-ca"
    )
    waiting = factories.VerificationFactory(customer=customer)
    refuse_organization(verification=waiting, reasons=["neq"], words="", by=sam)
    assert [(letter.recipient, letter.language) for letter in OutgoingMessage.objects.all()] == [
        ("a@noname.example", "en-ca")
    ]


# --- changing a verified identity -------------------------------------------------------------


@pytest.fixture
def verified(declared: Verification, sam: User) -> Verification:
    return verify_organization(verification=declared, by=sam)


def test_a_change_keeps_the_verified_identity_until_it_is_decided(verified, acme, alice, sam):
    changed = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "CONSTRUCTION ACME INC."})
    assert document_name(customer=acme) == "Construction Acme inc."
    verify_organization(verification=changed, by=sam)
    assert document_name(customer=acme) == "CONSTRUCTION ACME INC."


def test_the_same_identity_needs_no_second_verification(verified, acme, alice):
    with pytest.raises(services.IdentityUnchanged):
        submit_identity(customer=acme, by=alice, **DECLARED | {"note": "Encore"})


def test_a_new_neq_needs_a_credit_review_and_changes_nothing_by_itself(verified, acme, alice):
    acme.credit_limit, acme.terms_days = 25_000, 30
    acme.save()
    EnterpriseFactory(neq="3370000005", name="CONSTRUCTION ACME INC.")
    changed = submit_identity(customer=acme, by=alice, **DECLARED | {"neq": "3370000005"})
    assert changed.needs_credit_review
    acme.refresh_from_db()
    assert (acme.credit_limit, acme.terms_days) == (25_000, 30)
    assert Organization.objects.get(customer=acme).neq == "1170000005"
    renamed = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Acme inc."})
    assert not renamed.needs_credit_review


def test_a_refused_change_leaves_what_was_verified_unless_it_is_withdrawn_too(verified, acme, alice, sam):
    first = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Zénith inc."})
    refuse_organization(verification=first, reasons=["name"], words="", by=sam)
    assert document_name(customer=acme) == "Construction Acme inc."
    second = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Zénith inc."})
    refuse_organization(verification=second, reasons=["name"], words="", by=sam, withdraws=True)
    assert document_name(customer=acme) == "Alice Tremblay"
    organization = Organization.objects.get(customer=acme)
    assert (organization.legal_name, organization.verification) == ("Construction Acme inc.", verified)


# --- by itself --------------------------------------------------------------------------------


@pytest.fixture
def trusting(boreal: Merchant, register: None) -> Merchant:
    boreal.verifies_by_itself = True
    boreal.save()
    return boreal


def test_all_that_can_be_checked_matches_and_it_is_verified_by_itself(trusting, acme, alice):
    verification = submit_identity(customer=acme, by=alice, **DECLARED)
    verification.refresh_from_db()
    assert (verification.state, verification.is_automatic, verification.decided_by) == (State.VERIFIED, True, None)
    assert document_name(customer=acme) == "Construction Acme inc."
    letter = OutgoingMessage.objects.get()
    with translation.override(letter.language):
        unchecked = str(Verification.Fact.ADMINISTRATOR.label)
    assert f"- {unchecked}" in letter.text
    assert acme.events.get(event=AuditEvent.Event.ORGANIZATION_VERIFIED).by is None


def test_a_merchant_who_did_not_ask_for_it_decides_all_by_hand(declared, boreal):
    assert not boreal.verifies_by_itself
    assert declared.is_open


@pytest.mark.parametrize(
    "differing",
    [
        {"legal_name": "Boulangerie Zénith inc."},
        {"neq": "8870000005"},
        {"neq": "3370000005"},
        {"neq": "2270000005"},
    ],
    ids=["another name", "an unknown NEQ", "a struck-off one", "a name that is not published"],
)
def test_nothing_that_differs_or_cannot_be_checked_is_verified_or_refused_by_itself(differing, trusting, acme, alice):
    EnterpriseFactory(neq="3370000005", name="CONSTRUCTION ACME INC.", status="RD")
    EnterpriseFactory(neq="2270000005", name=None)
    assert submit_identity(customer=acme, by=alice, **DECLARED | differing).is_open
    assert not OutgoingMessage.objects.exists()


def test_a_new_neq_is_never_verified_by_itself(trusting, acme, alice):
    submit_identity(customer=acme, by=alice, **DECLARED)
    EnterpriseFactory(neq="3370000005", name="CONSTRUCTION ACME INC.")
    assert submit_identity(customer=acme, by=alice, **DECLARED | {"neq": "3370000005"}).is_open


def test_a_company_that_is_another_customer_already_is_for_an_agent_to_see(trusting, acme, alice, globex, riviere):
    elsewhere = factories.CustomerFactory(merchant=riviere, kind=Customer.Kind.MEMBER)
    factories.OrganizationFactory(customer=elsewhere)
    factories.OrganizationFactory(customer=globex)
    verification = submit_identity(customer=acme, by=alice, **DECLARED)
    assert verification.is_open
    assert [same.customer for same in services.others_verified_as(verification=verification)] == [globex]


# --- two at once ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_agents_decide_at_once_one_wins_and_the_other_is_told(declared, sam):
    other = factories.UserFactory(first_name="Léa", last_name="Roy", is_staff=True)
    both = Barrier(2, timeout=20)

    def run(agent: User) -> str:
        try:
            both.wait()
            if agent == sam:
                verify_organization(verification=declared, by=sam)
            else:
                refuse_organization(verification=declared, reasons=["name"], words="", by=other)
        except services.AlreadyDecided as refusal:
            return str(refusal)
        else:
            return "decided"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(("sam", "other"), pool.map(run, (sam, other)), strict=True))
    declared.refresh_from_db()
    winner, loser = ("sam", "other") if declared.state == State.VERIFIED else ("other", "sam")
    assert answers[winner] == "decided"
    assert str(declared.decided_by) in answers[loser]
    assert OutgoingMessage.objects.count() == 1
    decisions = {AuditEvent.Event.ORGANIZATION_VERIFIED, AuditEvent.Event.ORGANIZATION_REFUSED}
    assert AuditEvent.objects.filter(event__in=decisions).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_declarations_at_once_leave_one_that_waits(register, acme, alice):
    both = Barrier(2, timeout=20)

    def run(name: str) -> int:
        try:
            both.wait()
            return submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": name}).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, ["Acme un inc.", "Acme deux inc."]))
    assert sorted(Verification.objects.values_list("state", flat=True)) == [State.PENDING, State.SUPERSEDED]
