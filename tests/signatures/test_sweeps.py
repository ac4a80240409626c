"""What time does: signers are reminded while it matters, and requests end by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import OutgoingMessage
from signatures import tasks
from signatures.models import SignatureEvent, SignatureRequest
from signatures.services import requests, sweeps
from tests.signatures.samples import AT_HOME, asked_of, signed_by

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind
DAY = timedelta(days=1)


def reminders() -> int:
    return OutgoingMessage.objects.filter(template="signatures/emails/reminder").count()


def test_a_signer_is_reminded_every_three_days_until_the_time_is_over(today, asked, time_machine):
    sent = []
    for day in range(16):
        time_machine.move_to(today + day * DAY, tick=False)
        tasks.expire()
        tasks.remind()
        sent.append(reminders())
    assert sent == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4]
    asked.refresh_from_db()
    assert (asked.state, asked.remind_at) == (State.EXPIRED, None)
    assert asked.events.of(Kind.REMINDED).count() == 4
    ended = asked.events.latest("pk")
    assert (ended.kind, ended.by, ended.ip) == (Kind.EXPIRED, None, None)


def test_a_sweep_twice_reminds_once(today, asked, time_machine):
    time_machine.move_to(today + 3 * DAY, tick=False)
    assert sweeps.remind_due() == 1
    assert sweeps.remind_due() == 0
    assert reminders() == 1


def test_nobody_is_reminded_of_what_is_over(alice, bob, rita, boreal, today, time_machine):
    signed = asked_of(alice, merchant=boreal)
    signed_by(alice, signed)
    requests.decline(request=asked_of(bob, merchant=boreal), reason="Non", by=bob, origin=AT_HOME)
    requests.cancel(request=asked_of(rita, merchant=boreal), by=rita, origin=AT_HOME)
    time_machine.move_to(today + 30 * DAY, tick=False)
    assert sweeps.remind_due() == 0
    assert sweeps.expire_past() == 0
    states = set(SignatureRequest.objects.values_list("state", flat=True))
    assert states == {State.SIGNED, State.DECLINED, State.CANCELLED}


def test_a_request_ends_at_its_hour_and_not_before(asked, time_machine):
    time_machine.move_to(asked.expires_at - timedelta(seconds=1), tick=False)
    assert sweeps.expire_past() == 0
    time_machine.move_to(asked.expires_at, tick=False)
    assert SignatureRequest.objects.past().count() == 1
    assert not SignatureRequest.objects.waiting().exists()
    assert sweeps.expire_past() == 1
    asked.refresh_from_db()
    assert asked.ended_at == asked.expires_at
