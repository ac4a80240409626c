"""Words replaced while somebody has them on the screen: what a page shows is what its form says was agreed to."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from guardian.shortcuts import assign_perm

from accounts.models import User
from newsletter.models import Consent, SignUp, Subscriber, Topic, Wording
from newsletter.services import sign_ups
from tests import factories
from tests.newsletter.posting import filled

pytestmark = pytest.mark.django_db
AGAIN = "a été remplacé"


def replace(topic: Topic) -> Wording:
    return factories.WordingFactory(merchant=topic.merchant, version=2, text_fr="Tout nouveau.", text_en="All new.")


def test_a_refused_sign_up_shows_the_new_words_and_asks_for_a_new_yes(client, topic):
    old, subscribe = Wording.objects.get(), reverse("newsletter:subscribe")
    form = filled(client.get(subscribe).text, having="email", email=["luc@"], topics=[topic.pk])
    new = replace(topic)
    answer = client.post(subscribe, form)
    assert answer.status_code == 422
    assert (new.text_fr in answer.text, old.text_fr in answer.text, AGAIN in answer.text) == (True, False, True)
    again = filled(answer.text, having="email", email=["luc@example.org"])
    assert (again["wording"], "topics" in again) == ([str(new.pk)], False)
    assert client.post(subscribe, again).status_code == 422
    assert client.post(subscribe, {**again, "topics": [topic.pk]}).status_code == 303
    assert SignUp.objects.get().wording == new


def test_a_sign_up_refused_by_its_service_shows_the_new_words_too(client, topic, monkeypatch):
    monkeypatch.setattr(sign_ups, "MOST_WAITING", 0)
    subscribe = reverse("newsletter:subscribe")
    form = filled(client.get(subscribe).text, having="email", email=["luc@example.org"], topics=[topic.pk])
    new = replace(topic)
    again = filled(client.post(subscribe, form).text, having="email")
    assert (again["wording"], "topics" in again) == ([str(new.pk)], False)


def test_a_refused_form_whose_words_are_today_s_keeps_what_was_ticked(client, topic):
    subscribe = reverse("newsletter:subscribe")
    form = filled(client.get(subscribe).text, having="email", email=["luc@"], topics=[topic.pk])
    answer = client.post(subscribe, form)
    assert AGAIN not in answer.text
    assert filled(answer.text, having="email")["topics"] == [str(topic.pk)]


@pytest.mark.parametrize("wording", ["", "0", "x"])
def test_a_form_that_names_no_words_of_ours_can_be_sent_again(client, topic, wording):
    subscribe = reverse("newsletter:subscribe")
    form = filled(client.get(subscribe).text, having="email", email=["luc@example.org"], topics=[topic.pk])
    answer = client.post(subscribe, {**form, "wording": [wording]})
    assert answer.status_code == 422
    again = filled(answer.text, having="email", topics=[topic.pk])
    assert client.post(subscribe, again).status_code == 303
    assert SignUp.objects.get().wording == Wording.objects.get()


@pytest.fixture(params=["profile", "preferences"])
def page(request: pytest.FixtureRequest, client: Client, topic: Topic, alice: User) -> str:
    """Each of the two pages where Alice chooses; she receives one topic of two."""
    subscriber = factories.SubscriberFactory(merchant=topic.merchant, email=alice.email)
    factories.ConsentFactory(topic=topic, subscriber=subscriber, wording=Wording.objects.get())
    if request.param == "preferences":
        return reverse("newsletter:preferences", args=[subscriber.key.hex])
    client.force_login(alice)
    return reverse("newsletter:profile")


def test_refused_choices_keep_what_was_held_and_ask_for_the_rest_anew(client, page, topic):
    other = factories.TopicFactory(merchant=topic.merchant)
    chosen = {"topics": [topic.pk, other.pk], "language": ["de"]}
    form = filled(client.get(page).text, having="had", **chosen)
    new = replace(topic)
    answer = client.post(page, form)
    assert answer.status_code == 422
    assert (new.text_fr in answer.text, AGAIN in answer.text) == (True, True)
    again = filled(answer.text, having="had", language=["fr-ca"])
    assert (again["wording"], again["topics"], again["had"]) == ([str(new.pk)], [str(topic.pk)], [str(topic.pk)])
    assert client.post(page, {**again, "topics": [topic.pk, other.pk]}).status_code == 303
    assert Consent.objects.get(topic=other).wording == new


def test_refused_choices_without_a_new_yes_stay_as_they_were_made(client, page, topic):
    form = filled(client.get(page).text, having="had", topics=[], language=["de"])
    replace(topic)
    answer = client.post(page, form)
    assert AGAIN not in answer.text
    again = filled(answer.text, having="had", language=["fr-ca"])
    assert "topics" not in again
    assert client.post(page, again).status_code == 303
    assert Consent.objects.latest("pk").act == "withdrawn"


def test_an_agent_reads_the_new_words_aloud_and_asks_again(client, topic, riviere, sam):
    assign_perm("serve_merchant", sam, riviere)
    theirs = factories.TopicFactory(merchant=riviere)
    factories.WordingFactory(merchant=riviere, version=1, text_fr="Autre", text_en="Other")
    client.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    note, old = reverse("admin:newsletter_subscriber_note"), Wording.objects.get(merchant=topic.merchant)
    given = {"email": ["anne@example.org"], "language": ["fr-ca"], "channel": ["phone"], "source": [""]}
    form = filled(client.get(note).text, having="wordings", topics=[topic.pk], **given)
    new = replace(topic)
    # The words of one merchant say nothing of the topics of another.
    answer = client.post(note, {**form, "topics": [theirs.pk]})
    assert (AGAIN in answer.text, filled(answer.text, having="wordings")["topics"]) == (False, [str(theirs.pk)])
    answer = client.post(note, form)
    assert answer.status_code == 422
    assert (new.text_fr in answer.text, old.text_fr in answer.text, AGAIN in answer.text) == (True, False, True)
    again = filled(answer.text, having="wordings", source=["Appel"], language=["fr-ca"], channel=["phone"])
    assert str(old.pk) not in again["wordings"]
    assert "topics" not in again
    assert client.post(note, again).status_code == 422
    assert client.post(note, {**again, "topics": [topic.pk]}).status_code == 303
    assert Consent.objects.get().wording == new
    assert Subscriber.objects.get().email == "anne@example.org"
