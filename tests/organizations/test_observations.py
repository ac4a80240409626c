"""What agents see on the public register: kept with its day and its capture, while there is something to decide."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import User
from organizations.models import AuditEvent, Customer, Observation, Verification
from organizations.services.observations import SeenLater, record_observation
from organizations.services.verification import AlreadyDecided, ask_for_more
from tests.factories import VerificationFactory

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def waiting(acme: Customer, alice: User) -> Verification:
    return VerificationFactory(customer=acme, submitted_by=alice)


def see(verification: Verification, by: User, **said: object) -> Observation:
    known = {"fact": "administrator", "seen": "Alice Tremblay", "verdict": "matches", "seen_on": timezone.localdate()}
    return record_observation(verification=verification, by=by, **{**known, "capture": None, **said})


def test_it_is_kept_with_who_saw_it_and_when(waiting, acme, sam):
    observation = see(waiting, sam)
    assert (observation.by, observation.seen, observation.capture.name) == (sam, "Alice Tremblay", "")
    event = acme.events.get(event=AuditEvent.Event.IDENTITY_OBSERVED)
    assert event.data["fact"] == "administrator"


def test_two_clicks_are_one_observation(waiting, sam):
    assert see(waiting, sam) == see(waiting, sam)


def test_a_capture_is_stored_under_a_name_of_ours_with_its_digest(waiting, sam):
    observation = see(waiting, sam, capture=ContentFile(PNG, name="../../etc/passwd.png"))
    assert observation.capture.name.startswith(f"observations/{waiting.pk}/")
    assert observation.capture.name.endswith(".png")
    with observation.capture.open("rb") as file:
        assert file.read() == PNG
    assert observation.sha256 == hashlib.sha256(PNG).hexdigest()


def test_nothing_is_seen_tomorrow(waiting, sam):
    with pytest.raises(SeenLater):
        see(waiting, sam, seen_on=timezone.localdate() + timedelta(days=1))
    assert not Observation.objects.exists()


def test_after_the_decision_nothing_is_added_and_no_file_is_left(waiting, sam):
    ask_for_more(verification=waiting, words="Quoi?", by=sam)
    with pytest.raises(AlreadyDecided):
        see(waiting, sam, capture=ContentFile(PNG, name="a.png"))
    assert default_storage.listdir(f"observations/{waiting.pk}")[1] == []
