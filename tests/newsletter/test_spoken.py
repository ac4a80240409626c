"""What is said aloud to an agent: a consent, also of who had left, and that somebody leaves."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from newsletter.models import Consent, Subscriber, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace
from tests import factories
from tests.newsletter.posting import filled
from tests.newsletter.test_admin import page

pytestmark = pytest.mark.django_db
ASKS = "Cette personne le demande elle-même"


@pytest.fixture
def agent(agent: Client, topic: Topic) -> Client:
    return agent


@pytest.fixture
def luc(topic: Topic, today: object) -> Subscriber:
    """Luc agreed in French, then left."""
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__email="luc@example.org")
    subscriptions.leave(subscriber=consent.subscriber, trace=Trace(channel=Consent.Channel.LINK))
    return consent.subscriber


def said(topic: Topic, **cells: object) -> dict[str, list[object]]:
    given = {"topics": topic.pk, "email": "luc@example.org", "language": "fr-ca", "channel": "phone"}
    return {name: [value] for name, value in ({**given, "source": "Appel de 10 h"} | cells).items()}


def note(agent: Client, shown: str, **cells: Any) -> Any:
    return agent.post(page("subscriber_note"), filled(shown, having="wordings", **cells))


def test_who_left_is_told_of_before_a_consent_is_noted_again(agent, topic, luc):
    blank = agent.get(page("subscriber_note")).text
    assert ASKS not in blank
    warned = note(agent, blank, **said(topic))
    assert warned.status_code == 422
    told = warned.text.replace("\xa0", " ")
    assert "s’est désabonnée le 22 novembre 2026" in told
    assert ASKS in told
    assert "Appel de 10 h" in told
    assert not luc.subscriptions.active().exists()
    assert note(agent, warned.text, **said(topic)).status_code == 422
    assert note(agent, warned.text, asks=["on"], **said(topic)).status_code == 303
    assert luc.subscriptions.active().get().topic == topic


def test_a_refusal_of_an_address_nobody_knew_is_told_of_too(agent, topic, boreal):
    subscriptions.note_refusal(
        merchant=boreal, email="anne@example.org", trace=Trace(channel=Consent.Channel.MAILTO), reason=""
    )
    later = factories.TopicFactory(merchant=boreal)
    answer = note(agent, agent.get(page("subscriber_note")).text, **said(later, email="Anne@example.org"))
    assert answer.status_code == 422
    assert ASKS in answer.text


def test_the_box_ticked_for_one_person_says_nothing_of_another(agent, topic, luc):
    other = factories.SubscriberFactory(merchant=topic.merchant, email="anne@example.org")
    subscriptions.leave(subscriber=other, trace=Trace(channel=Consent.Channel.LINK))
    blank = agent.get(page("subscriber_note")).text
    warned = note(agent, blank, **said(topic))
    again = note(agent, warned.text, asks=["on"], **said(topic, email="anne@example.org"))
    assert again.status_code == 422
    assert "asks" not in filled(again.text, having="wordings")
    assert not other.subscriptions.active().exists()
    assert note(agent, again.text, asks=["on"], **said(topic, email="anne@example.org")).status_code == 303
    assert other.subscriptions.active().exists()
    # Ticked before anybody was told is not ticked.
    assert note(agent, blank, asks=["on"], **said(topic)).status_code == 422


def test_the_box_stays_ticked_while_something_else_is_corrected(agent, topic, luc):
    warned = note(agent, agent.get(page("subscriber_note")).text, **said(topic))
    again = note(agent, warned.text, asks=["on"], **said(topic, source=""))
    assert again.status_code == 422
    assert filled(again.text, having="wordings")["asks"] == ["on"]


def test_nobody_is_warned_of_who_left_another_merchant_or_never_left(agent, topic, riviere):
    elsewhere = factories.SubscriberFactory(merchant=riviere, email="luc@example.org")
    factories.TopicFactory(merchant=riviere)
    subscriptions.leave(subscriber=elsewhere, trace=Trace(channel=Consent.Channel.LINK))
    assert note(agent, agent.get(page("subscriber_note")).text, **said(topic)).status_code == 303


def test_the_language_said_is_that_of_the_messages_also_of_who_is_known(agent, topic):
    known = factories.SubscriberFactory(merchant=topic.merchant, email="luc@example.org", language="fr-ca")
    note(agent, agent.get(page("subscriber_note")).text, **said(topic, language="en-ca"))
    known.refresh_from_db()
    assert (known.language, Consent.objects.get().language) == ("en-ca", "en-ca")


def test_the_page_that_unsubscribes_somebody_names_them_and_promises_nothing_untrue(agent, luc):
    factories.TopicFactory(merchant=luc.merchant)
    shown = agent.get(page("subscriber_withdraw", luc.pk)).text
    assert "Désabonner cette personne" in shown
    assert "Se désabonner" not in shown
    assert "Seule la personne" not in shown
