"""A worker killed with -9 in the middle, and a broker that is not there: messages leave all the same."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from celery import Celery
from django.db import connection, transaction
from django.utils import timezone

from accounts import delivery, mail, nudges
from accounts.models import OutgoingMessage
from accounts.nudges import nudge
from portal import celery_app
from portal.embedded.processes import free_port
from portal.mailers import mailers
from tests.factories import OutgoingMessageFactory
from tests.sinks import Sink, running

Status = OutgoingMessage.Status
WORKER = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import django
django.setup()
from accounts import delivery
delivery.deliver()
"""


@pytest.fixture
def dead_broker() -> Iterator[None]:
    """Whatever is sent goes to a port where nobody listens."""
    app = Celery("dead", set_as_current=True)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
    yield
    nudges.silent_until = 0.0
    app.close()
    celery_app.set_current()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_batch_loses_no_message(settings, tmp_path, time_machine):
    for n in range(10):
        OutgoingMessageFactory(recipient=f"person{n}@example.org")
    with running(Sink()) as sink:
        sink.hang_after = 4
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "EMAIL_URL": sink.url.replace("timeout=1", "timeout=60"),
            "SECRET_KEY": "tests-only",
        }
        worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
        try:
            assert sink.has_received.wait(timeout=60)
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(timeout=10)
        assert Counter(OutgoingMessage.objects.values_list("status", flat=True)) == {Status.SENDING: 10}

        sink.hang_after = None
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        assert delivery.deliver() == 0
        time_machine.move_to(timezone.now() + delivery.STALE_AFTER + timedelta(seconds=1))
        assert delivery.deliver() == 10
        mail.hang_up()
        arrived = Counter(received["Message-ID"] for received in sink.mails)
    assert len(arrived) == 10
    # What was accepted before the kill and not marked yet arrived twice, under the same Message-ID.
    assert sum(arrived.values()) - len(arrived) == 4 <= delivery.GROUP
    assert OutgoingMessage.objects.filter(status=Status.SENT).count() == 10


@pytest.mark.django_db(transaction=True)
def test_with_a_dead_broker_a_change_is_kept_and_the_sweep_delivers(dead_broker, settings, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="accounts.nudges"), transaction.atomic():
        message = OutgoingMessageFactory()
        nudge("accounts.deliver")
    assert "a sweep will do accounts.deliver" in caplog.text
    with running(Sink()) as sink:
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        assert delivery.deliver() == 1
        mail.hang_up()
    message.refresh_from_db()
    assert message.status == Status.SENT


def test_a_dead_broker_is_asked_once_and_then_left_alone(dead_broker, db, django_capture_on_commit_callbacks, caplog):
    with caplog.at_level(logging.WARNING, logger="accounts.nudges"):
        for _ in range(5):
            with django_capture_on_commit_callbacks(execute=True):
                nudge("accounts.deliver")
    assert caplog.text.count("The broker does not answer") == 1
