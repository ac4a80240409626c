"""Importing subscribers on a page: what the file would do, each refused line with its reason, then the receipt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from newsletter.models import Consent, Subscriber, Subscription, Topic
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace
from organizations.loader.staging import lock_key, value_of
from tests import factories
from tests.newsletter.posting import filled

pytestmark = pytest.mark.django_db
PAGE = "/admin/newsletter/subscriber/import/"
HEADER = "email,language,topic,basis,consented_on,evidence\n"
GOOD = HEADER + "luc@example.org,fr,offres,express,2025-01-15,Carte signée\n"
LOCK = "SELECT pg_advisory_lock(%(key)s::integer, %(merchant)s::integer)::text"
MIXED = GOOD + "anne@example.org,en,offres,express,2025-01-15,\nb@example.org,fr,inconnu,express,2025-01-15,Carte\n"


@pytest.fixture
def agent(agent: Client, topic: Topic, today: datetime) -> Client:
    return agent


def send(agent: Client, topic: Topic, text: str | bytes) -> Any:
    content = text.encode() if isinstance(text, str) else text
    return agent.post(PAGE, {"merchant": topic.merchant_id, "file": SimpleUploadedFile("s.csv", content)})


def test_the_page_is_found_from_the_list_and_says_the_columns(agent):
    assert reverse("admin:newsletter_subscriber_import") == PAGE
    assert PAGE in agent.get(reverse("admin:newsletter_subscriber_changelist")).text
    shown = agent.get(PAGE).text
    assert HEADER.strip() in shown.replace("<wbr>", "")
    assert "offres (Offres du mois)" in shown
    Topic.objects.update(closed_at=timezone.now())
    assert "Offres du mois" not in agent.get(PAGE).text


def test_a_file_says_what_it_would_do_and_does_nothing(agent, topic):
    response = send(agent, topic, MIXED)
    assert response.status_code == 200
    assert "2 lignes ne peuvent être retenues" in response.text
    for part in ("anne@example.org", "evidence", "La valeur est vide", "inconnu", "Inscrire 1 consentement"):
        assert part in response.text, part
    assert not Subscriber.objects.exists()


def test_confirmed_it_is_done_once_and_nobody_is_mailed(agent, topic):
    form = filled(send(agent, topic, "\ufeff" + GOOD).text, having="content")
    response = agent.post(PAGE, form, follow=True)
    assert "Consentements inscrits : 1" in response.text.replace("\xa0", " ")
    line = Consent.objects.get()
    assert (line.subscriber.email, line.channel, line.source) == ("luc@example.org", "import", "Carte signée")
    assert agent.post(PAGE, form).status_code == 422
    assert Consent.objects.count() == 1
    assert not OutgoingMessage.objects.exists()
    assert "ne dit rien de nouveau" in send(agent, topic, GOOD).text


def test_a_file_of_which_no_line_can_be_taken_does_not_say_that_it_is_known_already(agent, topic):
    refused = HEADER + "anne@example.org,en,offres,express,2025-01-15,\n"
    shown = send(agent, topic, refused).text
    assert "Aucune ligne ne peut être retenue" in shown
    assert "ne dit rien de nouveau" not in shown
    agent.post(PAGE, filled(send(agent, topic, GOOD).text, having="content"))
    shown = send(agent, topic, GOOD + "anne@example.org,en,offres,express,2025-01-15,\n").text
    assert "ne dit rien de nouveau" in shown


def test_the_ledger_says_who_confirmed_it(agent, topic, sam):
    agent.post(PAGE, filled(send(agent, topic, GOOD).text, having="content"))
    line = Consent.objects.get()
    assert line.by == sam
    assert sam.email in agent.get(reverse("admin:newsletter_subscriber_proof", args=[line.subscriber_id])).text
    export = b"".join(agent.get(reverse("admin:newsletter_consent_export")).streaming_content).decode()
    assert sam.email in export


def test_a_topic_that_closes_between_reading_and_confirming_takes_nobody(agent, topic):
    form = filled(send(agent, topic, GOOD).text, having="content")
    Topic.objects.update(closed_at=timezone.now())
    response = agent.post(PAGE, form)
    assert response.status_code == 422
    assert "Ce sujet est fermé" in response.text
    assert not Consent.objects.exists()


def test_refused_lines_stop_the_file_unless_left_out(agent, topic):
    form = filled(send(agent, topic, MIXED).text, having="content")
    response = agent.post(PAGE, form)
    assert response.status_code == 422
    assert "rien n’a été fait" in response.text
    assert not Consent.objects.exists()
    again = filled(response.text, having="content", leaves_out=["on"])
    assert agent.post(PAGE, again).status_code == 303
    assert Consent.objects.get().subscriber.email == "luc@example.org"


def test_who_leaves_between_reading_and_confirming_is_said(agent, topic):
    form = filled(send(agent, topic, GOOD).text, having="content")
    luc = factories.SubscriberFactory(merchant=topic.merchant, email="luc@example.org")
    subscriptions.leave(subscriber=luc, trace=Trace(channel=Consent.Channel.LINK))
    response = agent.post(PAGE, form)
    assert response.status_code == 422
    assert "a changé depuis" in response.text
    assert "1 ligne ne peut être retenue" in response.text
    assert not Subscription.objects.active().exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [("email,topic\na@example.org,offres\n", "Colonne manquante"), (b"\xff\xfe\x00", "UTF-8"), (b"", "vide"),
     (b"x" * 1_000_001, "dépasse 1")],
)  # fmt: skip
def test_what_is_no_such_file_is_refused_with_the_reason(agent, topic, content, words):
    response = send(agent, topic, content)
    assert response.status_code == 422
    assert words in response.text


def test_a_page_that_was_altered_is_not_believed(agent, topic, zoe):
    form = filled(send(agent, topic, GOOD).text, having="content")
    response = agent.post(PAGE, {**form, "content": [form["content"][0] + "x"]})
    assert response.status_code == 422
    assert "envoyez le fichier de nouveau" in response.text
    agent.force_login(zoe, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert agent.post(PAGE, form).status_code == 422
    assert send(agent, topic, GOOD).status_code == 422
    assert not Consent.objects.exists()


def test_a_long_import_at_the_same_moment_is_said_rather_than_waited_for(agent, topic):
    """The command holds the lock on a connection of its own."""
    key = lock_key(kind="subscribers")
    with ThreadPoolExecutor(1) as command:
        command.submit(value_of, LOCK, key=key, merchant=topic.merchant_id).result()
        assert "en cours d’importation" in send(agent, topic, GOOD).text
        command.submit(connections.close_all).result()
    assert "Inscrire 1 consentement" in send(agent, topic, GOOD).text
