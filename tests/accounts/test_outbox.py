"""Queuing: a row in the reader's language, inside the transaction of what it announces."""

from __future__ import annotations

import pytest
from celery import current_app
from django.db import transaction
from django.utils import translation

from accounts.models import OutgoingMessage
from accounts.nudges import nudge
from accounts.outbox import OutsideTransaction, queue_email, queue_sms

TEMPLATES = {
    "tests/emails/invoice_subject.txt": "{% load i18n %}{% translate 'French' %}:\n {{ name }}\n",
    "tests/emails/invoice_message.txt": "{{ name }}\n\n\n\n\n{{ site_url }}  \n",
    "tests/emails/invoice_message.html": "<title>{{ subject }}</title><p>{{ name }}</p>",
    "tests/emails/code_sms.txt": "Code : {{ name }}\n",
}


@pytest.fixture(autouse=True)
def _templates(settings):
    options = {
        **settings.TEMPLATES[0]["OPTIONS"],
        "loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)],
    }
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False, "OPTIONS": options}]


def invoice(**more: object) -> OutgoingMessage:
    known = {"to": " Alice@Acme.example", "template": "tests/emails/invoice", "context": {"name": "L’été & <b>"}}
    return queue_email(**{**known, "language": "fr-ca", **more})


def test_an_email_is_a_queued_row_with_everything_rendered(db):
    row = OutgoingMessage.objects.get(pk=invoice(sender_name="Boréal", merchant_slug="boreal").pk)
    assert row.status == OutgoingMessage.Status.QUEUED
    assert row.recipient == "alice@acme.example"
    assert (row.sender_name, row.merchant_slug, row.template) == ("Boréal", "boreal", "tests/emails/invoice")
    assert row.text == "L’été & <b>\n\nhttp://localhost:8000\n"
    assert row.html == "<title>Français: L’été &amp; &lt;b&gt;</title><p>L’été &amp; &lt;b&gt;</p>"


def test_the_language_is_the_readers_whatever_the_page_is_in(db):
    with translation.override("en-ca"):
        french = invoice()
    with translation.override("fr-ca"):
        english = invoice(language="en-ca")
    assert french.subject.startswith("Français")
    assert english.subject.startswith("French")


def test_an_unknown_language_is_french(db):
    assert invoice(language="").language == "fr-ca"


def test_a_subject_is_one_line(db):
    message = invoice(context={"name": "a\r\nBcc: victim@example.org\u2028b"}, language="en-ca")
    assert message.subject == "French: a Bcc: victim@example.org b"


def test_a_text_message_is_one_line_to_a_phone(db):
    message = queue_sms(
        to="+15145550123", template="tests/emails/code", context={"name": "482913"}, language="fr-ca", is_sensitive=True
    )
    assert (message.channel, message.recipient, message.text) == ("sms", "+15145550123", "Code : 482913")
    assert message.is_sensitive


def test_a_header_that_is_ours_is_refused_before_anything_is_written(db):
    with pytest.raises(ValueError, match="header"):
        invoice(headers={"Bcc": "victim@example.org"})
    assert not OutgoingMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_queuing_outside_a_transaction_is_refused():
    with pytest.raises(OutsideTransaction):
        invoice()
    with pytest.raises(OutsideTransaction):
        queue_sms(to="+15145550123", template="tests/emails/code", context={"name": "1"}, language="fr-ca")
    assert not OutgoingMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_is_undone_with_its_change():
    with transaction.atomic():
        invoice()
        transaction.set_rollback(True)
    assert not OutgoingMessage.objects.exists()


def test_one_transaction_nudges_once_however_many_messages_it_writes(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        for _ in range(20):
            with transaction.atomic():
                invoice()
    assert [callback.task for callback in callbacks] == ["accounts.deliver"]


def test_a_nudge_of_an_undone_savepoint_does_not_hide_a_later_one(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        with transaction.atomic():
            invoice()
            transaction.set_rollback(True)
        invoice()
    assert len(callbacks) == 1


def test_nudges_of_other_tasks_or_rows_are_kept_apart(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        nudge("billing.render_pdf", invoice_id=1)
        nudge("billing.render_pdf", invoice_id=2)
        nudge("accounts.deliver")
    assert [callback.kwargs for callback in callbacks] == [{"invoice_id": 1}, {"invoice_id": 2}, {}]


def test_a_nudge_reaches_the_broker_by_name(db, django_capture_on_commit_callbacks):
    with current_app.connection_for_write() as connection:
        queue = connection.SimpleQueue(current_app.conf.task_default_queue)
        queue.clear()
        with django_capture_on_commit_callbacks(execute=True):
            invoice()
        received = queue.get(timeout=5)
        received.ack()
        queue.close()
    assert received.headers["task"] == "accounts.deliver"
