"""The sealed file: owed from the signature, made once whatever happens to workers, visible when it cannot be made."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import OutgoingMessage
from signatures import tasks
from signatures.models import Seal, SignatureEvent, SignatureRequest
from signatures.services import sealing
from tests.judges import ROOT, text_of
from tests.signatures.judges import is_valid
from tests.signatures.samples import asked_of, paper, signed_by

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind


@pytest.fixture
def signed(asked: SignatureRequest, alice: object, folder: Path) -> SignatureRequest:
    return signed_by(alice, asked)


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def blocked(folder: Path) -> Path:
    """A file where the folder of signatures should be: nothing can be stored."""
    folder.mkdir(parents=True)
    trouble = folder / "signatures"
    trouble.write_text("a file where the folder should be")
    return trouble


def test_the_worker_seals_stores_privately_marks_and_tells(signed, folder, alice):
    tasks.seal(seal_id=signed.seal.pk)
    signed.refresh_from_db()
    seal = Seal.objects.get()
    (path,) = stored(folder)
    content = path.read_bytes()
    assert (signed.state, seal.due_at, seal.last_error, seal.attempts) == (State.SEALED, None, "", 1)
    assert (seal.sha256, seal.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert seal.file.path == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_valid(content)
    assert content.startswith(bytes(signed.document.content))
    assert "Attestation de signature électronique" in text_of(content)
    event = signed.events.of(Kind.SEALED).get()
    assert event.data == {"sha256": seal.sha256}  # after
    assert event.document_sha256 == signed.french.sha256  # before
    assert event.by is None
    mail = OutgoingMessage.objects.get(template="signatures/emails/sealed")
    assert (mail.recipient, mail.sender_name, mail.is_sensitive) == (alice.email, "Location Boréal", True)


def test_a_sealed_file_is_never_made_again(signed, folder):
    assert sealing.seal_owed() == 1
    assert sealing.seal_owed() == 0
    assert sealing.seal_signature(seal_id=signed.seal.pk) is False
    assert len(stored(folder)) == 1
    assert OutgoingMessage.objects.filter(template="signatures/emails/sealed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_seal_once(signed, folder):
    start = threading.Barrier(4)
    made: list[bool] = []

    def work() -> None:
        start.wait(timeout=20)
        made.append(sealing.seal_signature(seal_id=signed.seal.pk))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sorted(made) == [False, False, False, True]
    assert len(stored(folder)) == 1


def test_of_two_workers_the_slower_leaves_nothing_behind(signed, folder, time_machine):
    """Its claim ran out while it worked: the other one has sealed meanwhile."""
    slow = sealing._claim()  # noqa: SLF001 - the step a slow worker stands at
    time_machine.move_to(timezone.now() + sealing.CLAIM)
    assert sealing.seal_owed() == 1
    digest = Seal.objects.get().sha256
    sealing._make(slow)
    assert Seal.objects.get().sha256 == digest
    assert len(stored(folder)) == 1
    assert signed.events.of(Kind.SEALED).count() == 1


KILLED = """
import os, signal
import django; django.setup()
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = {database!r}
settings.STORAGES["default"]["OPTIONS"]["location"] = {folder!r}
from signatures.services import sealing
sealing._mark = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
sealing.seal_owed()
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_it_could_say_so_is_replaced(signed, folder, time_machine):
    program = KILLED.format(database=connection.settings_dict["NAME"], folder=str(folder))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    assert len(stored(folder)) == 1
    assert sealing.seal_owed() == 0  # its claim still holds
    time_machine.move_to(timezone.now() + sealing.CLAIM + timedelta(seconds=5))
    assert sealing.seal_owed() == 1
    seal = Seal.objects.get()
    assert (seal.attempts, seal.request.state) == (2, State.SEALED)
    with seal.file.open("rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == seal.sha256


def test_a_failure_is_kept_shown_and_tried_again_later_and_later(today, signed, folder, time_machine):
    trouble = blocked(folder)
    delays = []
    for _ in range(9):
        assert sealing.seal_owed() == 1
        seal = Seal.objects.get()
        assert "signatures" in seal.last_error
        assert seal.sealed_at is None
        delays.append(seal.due_at - timezone.now())
        assert sealing.seal_owed() == 0
        time_machine.move_to(seal.due_at, tick=False)
    assert delays[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert delays == sorted(delays)
    assert delays[-1] == sealing.LONGEST_DELAY
    failures = signed.events.of(Kind.SEAL_FAILED)
    assert failures.count() == 9
    assert "signatures" in failures.first().data["error"]
    signed.refresh_from_db()
    assert signed.state == State.SIGNED  # the signature stands, whatever becomes of the file
    trouble.unlink()
    assert sealing.seal_owed() == 1
    seal.refresh_from_db()
    assert (seal.last_error, seal.request.state) == ("", State.SEALED)
    assert len(stored(folder)) == 1


def fail_until_given_up(time_machine: object) -> Seal:
    for _ in range(sealing.MOST_ATTEMPTS):
        assert sealing.seal_owed() == 1
        seal = Seal.objects.get()
        if seal.due_at:
            time_machine.move_to(seal.due_at, tick=False)
    return seal


def test_after_the_last_try_it_waits_for_a_person_and_not_for_ever_unseen(today, signed, folder, time_machine):
    blocked(folder)
    seal = fail_until_given_up(time_machine)
    assert seal.due_at is None
    assert timezone.now() - today > timedelta(hours=12)
    assert list(Seal.objects.given_up()) == [seal]
    time_machine.move_to(timezone.now() + timedelta(days=30), tick=False)
    assert sealing.seal_owed() == 0


def test_an_agent_has_it_tried_again_from_the_start(today, signed, folder, time_machine, sam):
    trouble = blocked(folder)
    seal = fail_until_given_up(time_machine)
    trouble.unlink()
    sealing.seal_again(request=signed, by=sam)
    assert sealing.seal_owed() == 1
    seal.refresh_from_db()
    assert (seal.attempts, seal.request.state) == (1, State.SEALED)
    with pytest.raises(sealing.NotGivenUp):
        sealing.seal_again(request=signed, by=sam)


def test_what_is_on_its_way_is_not_tried_again(signed, sam):
    with pytest.raises(sealing.NotGivenUp):
        sealing.seal_again(request=signed, by=sam)


def test_workers_that_die_each_time_are_given_up_on_too(signed, folder, time_machine):
    """Killed from outside before they could keep an error: the tries are counted all the same."""
    Seal.objects.update(attempts=sealing.MOST_ATTEMPTS)
    assert sealing.seal_owed() == 1
    seal = Seal.objects.get()
    assert seal.due_at is None
    assert seal.last_error.startswith("WorkerDied")
    assert stored(folder) == []


def test_bytes_that_are_no_longer_those_signed_are_never_sealed_and_stop_no_other(signed, bob, boreal, folder):
    other = signed_by(bob, asked_of(bob, merchant=boreal, french=paper("Caution", "fr-CA")))
    with connection.cursor() as cursor:  # below every guard, as a damaged disk would
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE signatures_document DISABLE TRIGGER USER")
        changed = [b"%PDF-1.7 autre chose", signed.french_id]
        cursor.execute("UPDATE signatures_document SET content = %s WHERE id = %s", changed)
        cursor.execute("ALTER TABLE signatures_document ENABLE TRIGGER USER")
    assert sealing.seal_owed() == 2
    assert Seal.objects.get(request=signed).last_error.startswith("DocumentAltered")
    other.refresh_from_db()
    assert other.state == State.SEALED
    assert len(stored(folder)) == 1


def test_a_certificate_we_cannot_read_is_said_in_the_error(signed, settings):
    settings.SIGNING_CERTIFICATE = "/nowhere/boreal.pem"
    sealing.seal_owed()
    assert "SIGNING_CERTIFICATE" in Seal.objects.get().last_error


def test_the_sweep_of_the_settings_exists(settings):
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {tasks.seal_owed.name, tasks.expire.name, tasks.remind.name} <= names
