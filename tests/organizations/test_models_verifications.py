"""What the database itself refuses of identities, verifications, observations and alerts."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils import timezone

from accounts.models import User
from organizations.models import Customer, Observation, Organization, RegisterAlert, Verification
from registry.models import Change
from tests import factories
from tests.factories import OrganizationFactory, VerificationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(acme: Customer, alice: User) -> Verification:
    return VerificationFactory(customer=acme, submitted_by=alice)


@pytest.fixture
def alert(waiting: Verification) -> RegisterAlert:
    change = Change.objects.create(
        edition=factories.EditionFactory(), neq=waiting.neq, kind="struck_off", before={}, after={}
    )
    return RegisterAlert.objects.create(organization=OrganizationFactory(customer=waiting.customer), change=change)


def refused(*, by: str, change: object, **values: object) -> None:
    """Updating these rows so breaks that constraint."""
    with pytest.raises(IntegrityError, match=by), transaction.atomic():
        change.update(**values)


def test_a_customer_has_one_open_verification(waiting):
    with pytest.raises(IntegrityError, match="verification_one_open"), transaction.atomic():
        VerificationFactory(customer=waiting.customer)
    Verification.objects.update(state="superseded")
    VerificationFactory(customer=waiting.customer)


@pytest.mark.parametrize(
    "decision",
    [
        {"state": "verified"},
        {"state": "verified", "decided_at": timezone.now()},
        {"decided_at": timezone.now()},
        {"state": "superseded", "decided_at": timezone.now()},
        {"is_automatic": True},
        # A refusal by nobody.
        {"state": "refused", "decided_at": timezone.now(), "is_automatic": True, "reasons": ["name"]},
        {"state": "more_asked", "decided_at": timezone.now(), "is_automatic": True, "words": "Quoi?"},
    ],
)
def test_a_decision_is_whole_and_a_refusal_a_person_s(decision, waiting):
    refused(by="verification_decision_is_whole", change=Verification.objects.all(), **decision)


def test_a_refusal_has_reasons_and_nothing_else_has(waiting, sam):
    decided = {"decided_at": timezone.now(), "decided_by": sam}
    rows = Verification.objects.all()
    refused(by="verification_refusal_has_reasons", change=rows, state="refused", **decided)
    refused(by="verification_refusal_has_reasons", change=rows, state="verified", reasons=["name"], **decided)


def test_reasons_are_known_and_others_are_said_in_words(waiting, sam):
    rows = Verification.objects.all()
    decided = {"state": "refused", "decided_at": timezone.now(), "decided_by": sam}
    refused(by="verification_reasons_are_known", change=rows, reasons=["address"], **decided)
    refused(by="verification_other_reason_has_words", change=rows, reasons=["name", "other"], **decided)
    refused(by="verification_other_reason_has_words", change=rows, **decided | {"state": "more_asked"})


def test_a_decided_verification_is_never_rewritten_and_none_is_deleted(waiting, sam):
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        Verification.objects.all().delete()
    Verification.objects.update(note="Avant la décision")
    Verification.objects.update(state="verified", decided_at=timezone.now(), decided_by=sam)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Verification.objects.update(state="pending", decided_at=None, decided_by=None)


def test_an_organization_is_verified_or_refused_and_a_refusal_names_a_person(acme):
    OrganizationFactory(customer=acme)
    rows, now = Organization.objects.all(), timezone.now()
    refused(by="organization_verified_or_refused", change=rows, refused_at=now, person_name="Alice Tremblay")
    refused(by="organization_refusal_names_a_person", change=rows, verified_at=None, refused_at=now)
    refused(by="organization_refusal_names_a_person", change=rows, person_name="Alice Tremblay")


def test_an_observation_says_something_is_whole_and_stays(waiting, sam):
    said = {"verification": waiting, "fact": "name", "verdict": "matches", "seen_on": date(2026, 11, 20), "by": sam}
    with pytest.raises(IntegrityError, match="observation_says_what"), transaction.atomic():
        Observation.objects.create(**said, seen="")
    with pytest.raises(IntegrityError, match="observation_capture_is_whole"), transaction.atomic():
        Observation.objects.create(**said, seen="Acme", capture="a.png")
    Observation.objects.create(**said, seen="Acme")
    for change in (lambda rows: rows.update(seen="Zénith"), lambda rows: rows.delete()):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change(Observation.objects.all())


def test_a_change_is_one_alert_a_company(alert):
    with pytest.raises(IntegrityError, match="register_alert_once"), transaction.atomic():
        RegisterAlert.objects.create(organization=alert.organization, change=alert.change)


def test_an_alert_is_decided_by_somebody_in_words_and_for_good(alert, sam):
    rows = RegisterAlert.objects.all()
    decided = {"decided_at": timezone.now(), "decided_by": sam}
    refused(by="register_alert_decision_is_whole", change=rows, state="dismissed", words="Rien")
    refused(by="register_alert_decision_is_whole", change=rows, **decided)
    refused(by="register_alert_decision_has_words", change=rows, state="dismissed", **decided)
    refused(by="register_alert_withdrawal_has_reasons", change=rows, state="withdrawn", words="Radiée", **decided)
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        rows.delete()
    rows.update(state="dismissed", words="Une erreur du registre", **decided)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        rows.update(words="Autre chose")
