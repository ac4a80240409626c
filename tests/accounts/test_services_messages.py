"""Sending a message again, asked by an agent."""

from __future__ import annotations

import pytest
from django.utils import timezone, translation

from accounts.models import OutgoingMessage
from accounts.services import MessageBlanked, MessageLeaving, send_again
from tests.factories import OutgoingMessageFactory

Status = OutgoingMessage.Status


def test_a_failed_message_is_queued_from_the_start(sam, django_capture_on_commit_callbacks):
    failed = OutgoingMessageFactory(status=Status.FAILED, attempts=24, last_error="550 No such user")
    with django_capture_on_commit_callbacks() as callbacks:
        again = send_again(message=failed, by=sam)
    assert again.pk == failed.pk
    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.last_error) == (Status.QUEUED, 0, "")
    assert failed in OutgoingMessage.objects.due()
    assert [callback.task for callback in callbacks] == ["accounts.deliver"]


def test_a_message_already_sent_leaves_as_a_copy(sam):
    sent = OutgoingMessageFactory(status=Status.SENT, sent_at=timezone.now(), attempts=1)
    again = send_again(message=sent, by=sam)
    assert again.pk != sent.pk
    assert OutgoingMessage.objects.get(pk=sent.pk).status == Status.SENT
    copy = OutgoingMessage.objects.get(pk=again.pk)
    assert copy.key != sent.key
    assert (copy.status, copy.text, copy.recipient) == (Status.QUEUED, sent.text, sent.recipient)


@pytest.mark.parametrize("status", [Status.SENT, Status.FAILED])
def test_a_blanked_message_is_refused_with_what_to_do_instead(sam, status):
    sent_at = timezone.now() if status == Status.SENT else None
    blanked = OutgoingMessageFactory(status=status, sent_at=sent_at, is_sensitive=True, text="", html="")
    with pytest.raises(MessageBlanked) as refusal, translation.override("en-ca"):
        send_again(message=blanked, by=sam)
    with translation.override("en-ca"):
        assert "Ask for a new one" in str(refusal.value)
    assert OutgoingMessage.objects.count() == 1


def test_a_message_that_is_leaving_is_left_alone(sam):
    leaving = OutgoingMessageFactory(status=Status.SENDING, claimed_at=timezone.now())
    with pytest.raises(MessageLeaving):
        send_again(message=leaving, by=sam)
