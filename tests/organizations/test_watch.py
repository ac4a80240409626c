"""After an edition: what it says of verified companies becomes work, once, and changes nothing until it is decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import OutgoingMessage, User
from billing.services import document_name
from organizations.models import AuditEvent, Customer, Organization, RegisterAlert, Verification
from organizations.services import watch
from organizations.services.verification import (
    AlreadyDecided,
    ReasonMissing,
    WordsMissing,
    submit_identity,
    verify_organization,
)
from organizations.services.watch import ask_again, keep_verified, watch_register, withdraw_verification
from organizations.tasks import watch_register as sweep
from registry.models import Change, Edition
from tests import factories
from tests.factories import EditionFactory, EnterpriseFactory, OrganizationFactory
from tests.organizations.test_verification import DECLARED

pytestmark = pytest.mark.django_db
NEQ = "1170000005"
State = RegisterAlert.State


def new_edition(*, kind: str = "struck_off", neq: str = NEQ, **fields: object) -> Edition:
    """An edition that says something new of one enterprise."""
    Edition.objects.update(is_current=False)
    edition = EditionFactory(**fields)
    Change.objects.create(edition=edition, neq=neq, kind=kind, before={"status": "IM"}, after={"status": "RD"})
    return edition


@pytest.fixture
def verified(acme: Customer, alice: User) -> Organization:
    """Acme, verified against an edition."""
    edition = EditionFactory(published_on="2026-10-01")
    verification = factories.VerificationFactory(customer=acme, submitted_by=alice, edition=edition)
    return OrganizationFactory(customer=acme, verification=verification)


@pytest.fixture
def alert(verified: Organization) -> RegisterAlert:
    new_edition()
    watch_register()
    return RegisterAlert.objects.get()


# --- noticing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["struck_off", "renamed", "merged", "lapsed"])
def test_what_changed_of_a_verified_company_becomes_work_once(kind, verified, acme):
    new_edition(kind=kind)
    assert (watch_register(), watch_register()) == (1, 0)
    sweep()
    alert = RegisterAlert.objects.waiting().get()
    assert (alert.organization, alert.change.kind, alert.state) == (verified, kind, State.OPEN)
    verified.refresh_from_db()
    assert verified.verified_at is not None
    assert document_name(customer=acme) == "Construction Acme inc."
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("kind", ["address_changed", "restored"])
def test_what_cannot_make_a_verification_wrong_is_nobody_s_work(kind, verified):
    new_edition(kind=kind)
    assert watch_register() == 0


def test_only_companies_that_are_verified_under_that_number_are_concerned(verified):
    new_edition(neq="3370000005")
    assert watch_register() == 0
    Organization.objects.update(verified_at=None)
    new_edition()
    assert watch_register() == 0


def test_a_company_verified_against_that_edition_or_a_newer_one_is_not(acme):
    edition = new_edition()
    verification = factories.VerificationFactory(customer=acme, edition=edition)
    OrganizationFactory(customer=acme, verification=verification)
    assert watch_register() == 0


def test_a_company_verified_by_hand_is_concerned_by_what_came_after(acme, globex):
    edition = new_edition()
    before, after = edition.imported_at - timedelta(days=1), edition.imported_at + timedelta(days=1)
    OrganizationFactory(customer=acme, verified_at=before)
    OrganizationFactory(customer=globex, verified_at=after)
    assert watch_register() == 1
    assert RegisterAlert.objects.get().organization.customer == acme


def test_two_customers_that_are_one_company_are_two_tasks(verified, riviere):
    other = factories.CustomerFactory(merchant=riviere, kind=Customer.Kind.MEMBER)
    OrganizationFactory(customer=other, verified_at=timezone.now() - timedelta(days=90))
    new_edition()
    assert watch_register() == 2


def test_two_editions_between_two_sweeps_are_both_looked_through(verified):
    new_edition(published_on="2026-11-15")
    new_edition(published_on="2026-11-30", kind="renamed")
    assert watch_register() == 2
    assert set(RegisterAlert.objects.values_list("change__kind", flat=True)) == {"struck_off", "renamed"}


def test_the_number_of_questions_does_not_grow_with_the_companies(boreal, django_assert_max_num_queries):
    for number in range(30):
        customer = factories.CustomerFactory(merchant=boreal, kind=Customer.Kind.MEMBER)
        OrganizationFactory(customer=customer, neq=f"{number:010}", verified_at=timezone.now() - timedelta(days=9))
    edition = new_edition()
    changes = [Change(edition=edition, neq=f"{n:010}", kind="renamed", before={}, after={}) for n in range(30)]
    Change.objects.bulk_create(changes)
    with django_assert_max_num_queries(12):
        assert watch_register() == 30


# --- deciding ---------------------------------------------------------------------------------


def test_kept_verified_nothing_changes_and_the_reason_stays(alert, acme, sam):
    keep_verified(alert=alert, words="Réimmatriculée hier.", by=sam)
    alert.refresh_from_db()
    assert (alert.state, alert.decided_by) == (State.DISMISSED, sam)
    assert not RegisterAlert.objects.waiting().exists()
    assert document_name(customer=acme) == "Construction Acme inc."
    assert acme.events.get(event=AuditEvent.Event.ALERT_DISMISSED).data["reason"] == "Réimmatriculée hier."
    assert not OutgoingMessage.objects.exists()


def test_asked_again_the_company_is_written_to_and_stays_verified(alert, verified, acme, sam):
    ask_again(alert=alert, words="Votre nom a changé.", by=sam)
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == "alice@acme.example"
    assert "Votre nom a changé." in letter.text
    assert document_name(customer=acme) == "Construction Acme inc."
    assert RegisterAlert.objects.asking(organization=verified).get() == alert


def test_what_was_asked_for_is_answered_by_declaring_even_the_same(alert, verified, acme, alice, sam):
    verified.__class__.objects.update(**{name: DECLARED[name] for name in DECLARED if name != "note"})
    Verification.objects.update(state="superseded")
    ask_again(alert=alert, words="Confirmez.", by=sam)
    submit_identity(customer=acme, by=alice, **DECLARED)
    assert not RegisterAlert.objects.asking(organization=verified).exists()


def test_withdrawn_the_next_document_is_in_a_person_s_name_and_its_people_know(alert, acme, sam):
    withdraw_verification(alert=alert, reasons=["status"], words="Radiée le 1er octobre.", by=sam)
    assert document_name(customer=acme) == "Alice Tremblay"
    letter = OutgoingMessage.objects.get()
    with translation.override(letter.language):
        assert str(Verification.Reason.STATUS.label) in letter.text
    assert "Radiée le 1er octobre." in letter.text
    assert "Alice Tremblay" in letter.text
    assert acme.events.get(event=AuditEvent.Event.ORGANIZATION_WITHDRAWN).by == sam


def test_a_decision_needs_its_words_and_a_withdrawal_its_reasons(alert, sam):
    for decide in (keep_verified, ask_again):
        with pytest.raises(WordsMissing):
            decide(alert=alert, words="  ", by=sam)
    with pytest.raises(ReasonMissing):
        withdraw_verification(alert=alert, reasons=[], words="Radiée.", by=sam)
    with pytest.raises(WordsMissing):
        withdraw_verification(alert=alert, reasons=["status"], words="", by=sam)
    alert.refresh_from_db()
    assert alert.is_open


def test_a_second_click_changes_nothing_and_a_second_agent_is_told(alert, sam):
    other = factories.UserFactory(is_staff=True)
    ask_again(alert=alert, words="Confirmez.", by=sam)
    ask_again(alert=alert, words="Confirmez.", by=sam)
    assert OutgoingMessage.objects.count() == 1
    with pytest.raises(AlreadyDecided, match="Sam Pelletier"):
        withdraw_verification(alert=alert, reasons=["status"], words="Radiée.", by=other)


def test_of_two_alerts_the_second_has_nothing_left_once_the_first_withdrew(verified, sam):
    new_edition(published_on="2026-11-15")
    new_edition(published_on="2026-11-30", kind="renamed")
    watch_register()
    first, second = RegisterAlert.objects.order_by("pk")
    withdraw_verification(alert=first, reasons=["status"], words="Radiée.", by=sam)
    assert not RegisterAlert.objects.waiting().exists()
    with pytest.raises(watch.NoLongerVerified):
        keep_verified(alert=second, words="Rien.", by=sam)


def test_an_alert_is_settled_by_a_verification_against_that_edition(alert, acme, alice, sam):
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.")
    Verification.objects.update(state="superseded")
    again = submit_identity(customer=acme, by=alice, **DECLARED)
    assert RegisterAlert.objects.waiting().exists()
    verify_organization(verification=again, by=sam)
    assert not RegisterAlert.objects.waiting().exists()


def test_a_company_that_was_withdrawn_may_declare_the_same_again(alert, acme, alice, sam):
    Verification.objects.update(state="superseded")
    withdraw_verification(alert=alert, reasons=["status"], words="Radiée.", by=sam)
    EnterpriseFactory(neq=NEQ, name="CONSTRUCTION ACME INC.")
    again = submit_identity(customer=acme, by=alice, **DECLARED)
    assert again.is_open
    assert not again.needs_credit_review
