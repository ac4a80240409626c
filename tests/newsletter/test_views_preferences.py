"""Choosing topics, from the profile and by the link of a message: what was ticked beforehand is no agreement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from newsletter.links import token_of
from newsletter.models import Consent, Recipient, Subscriber, Subscription, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace
from tests import factories
from tests.newsletter.measuring import choose, measure, words
from tests.newsletter.posting import filled

pytestmark = pytest.mark.django_db
LINK = Trace(channel=Consent.Channel.LINK)


@pytest.fixture
def bought(topic: Topic, alice: User) -> Subscriber:
    """Alice once bought something: she may be written to for a month, though she never agreed."""
    subscriber = factories.SubscriberFactory(merchant=topic.merchant, email=alice.email)
    implied = {"kind": "implied", "channel": "invoice", "source": "F-1"}
    implied["expires_at"] = timezone.now() + timedelta(days=30)
    factories.ConsentFactory(topic=topic, subscriber=subscriber, wording=None, language="", **implied)
    return subscriber


@pytest.fixture(params=["profile", "preferences"])
def page(request: pytest.FixtureRequest, client: Client, bought: Subscriber, alice: User) -> str:
    """Each of the two pages where Alice chooses."""
    if request.param == "preferences":
        return reverse("newsletter:preferences", args=[bought.key.hex])
    client.force_login(alice)
    return reverse("newsletter:profile")


def saved(client: Client, page: str, **changes: list[object]) -> int:
    """Open the page and send its form with these changes; how many lines of the ledger that wrote."""
    before = Consent.objects.count()
    form = filled(client.get(page).text, having="wording", **changes)
    assert client.post(page, form).status_code == 303
    return Consent.objects.count() - before


def test_what_was_ticked_beforehand_gives_nothing_when_saved(client, page, topic):
    shown = client.get(page).text
    assert "en raison d’un achat ou d’une demande, jusqu’au" in shown
    assert shown.count("checked") == 1
    assert saved(client, page) == 0
    other = factories.TopicFactory(merchant=topic.merchant)
    assert saved(client, page, topics=[topic.pk, other.pk]) == 1
    assert Subscription.objects.get(topic=topic).express_at is None
    assert Subscription.objects.get(topic=other).express_at is not None


def test_a_box_of_its_own_agrees_expressly(client, page, topic):
    assert saved(client, page, agreed=[topic.pk]) == 1
    line = Consent.objects.latest("pk")
    assert (line.kind, line.wording, line.language) == ("express", Wording.objects.get(), "fr-ca")
    assert "Le recevoir sans échéance" not in client.get(page).text


def test_unticking_refuses_an_implied_consent(client, page, topic):
    assert saved(client, page, topics=[]) == 1
    assert Subscription.objects.get(topic=topic).left_at is not None


def test_agreeing_and_refusing_at_once_is_asked_again(client, page, topic):
    form = filled(client.get(page).text, having="wording", topics=[], agreed=[topic.pk])
    response = client.post(page, form)
    assert response.status_code == 422
    assert "choisissez l’un ou l’autre" in response.text
    assert Consent.objects.count() == 1


def test_an_old_page_never_resubscribes_who_left_since(client, page, bought):
    form = filled(client.get(page).text, having="wording")
    subscriptions.leave(subscriber=bought, trace=LINK)
    client.post(page, form)
    assert not Subscription.objects.active().exists()


def test_the_language_of_the_messages_is_changed(client, page, bought):
    assert saved(client, page, language=["en-ca"]) == 0
    bought.refresh_from_db()
    assert bought.language == "en-ca"
    form = filled(client.get(page).text, having="wording")
    assert form["language"] == ["en-ca"]
    assert client.post(page, {**form, "language": ["de"]}).status_code == 422


def test_whoever_refuses_the_last_topic_of_a_campaign_s_link_counts_as_left(client, topic):
    other = factories.TopicFactory(merchant=topic.merchant)
    first = factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    factories.ConsentFactory(topic=other, subscriber=first.subscriber, wording=first.wording)
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    recipient = Recipient.objects.create(campaign=campaign, subscriber=first.subscriber)
    token = token_of(key=first.subscriber.key, campaign_id=campaign.pk)
    page = reverse("newsletter:preferences", args=[token])
    assert saved(client, page, topics=[other.pk]) == 1
    recipient.refresh_from_db()
    assert recipient.left_at is None
    assert saved(client, page, topics=[]) == 1
    recipient.refresh_from_db()
    assert recipient.left_at is not None


def test_without_words_to_agree_with_one_can_still_leave(client, riviere, alice):
    """Imported consents have evidence, and the merchant may have written no wording yet."""
    topic = factories.TopicFactory(merchant=riviere, name_fr="Sorties sur l’eau")
    closed_to_her = factories.TopicFactory(merchant=riviere, name_fr="Cours de voile")
    subscriber = factories.SubscriberFactory(merchant=riviere, email=alice.email)
    imported = {"channel": "import", "source": "Carte signée", "wording": None, "language": ""}
    factories.ConsentFactory(topic=topic, subscriber=subscriber, **imported)
    page = reverse("newsletter:preferences", args=[subscriber.key.hex])
    assert closed_to_her.name_fr not in client.get(page).text
    assert saved(client, page) == 0
    assert client.post(page, {"topics": [closed_to_her.pk], "language": "fr-ca"}).status_code == 422
    assert saved(client, page, topics=[]) == 1
    assert not Subscription.objects.active().exists()


ASKED = "Location Boréal peut savoir si j’ouvre ses messages et quels liens j’y suis."


def test_measuring_is_asked_in_a_box_nobody_ticked_only_while_the_merchant_measures(client, page, bought, topic):
    measure(topic.merchant, is_on=False)
    assert ASKED not in client.get(page).text
    measure(topic.merchant)
    shown = client.get(page).text
    assert ASKED in shown
    assert "measured" not in filled(shown, having="wording")
    # Saved as it is, it gives nothing; nor do the boxes of topics.
    assert saved(client, page, topics=[]) == 1
    bought.refresh_from_db()
    assert bought.measured_at is None


def test_the_box_agrees_with_all_its_proof_and_takes_it_back(client, page, bought, topic):
    measure(topic.merchant)
    assert saved(client, page, measured=["on"]) == 1
    line = Consent.objects.latest("pk")
    assert (line.purpose, line.act, line.kind, line.wording) == ("measuring", "given", "express", words(topic.merchant))
    assert (line.language, line.ip) == ("fr-ca", "127.0.0.1")
    assert line.channel == ("profile" if "profile" in page else "preferences")
    shown = client.get(page).text
    assert filled(shown, having="wording")["measured"] == ["on"]
    assert "Ouvertures et clics" in shown
    assert saved(client, page) == 0
    form = filled(shown, having="wording")
    del form["measured"]
    client.post(page, form)
    assert (Consent.objects.latest("pk").act, Consent.objects.latest("pk").purpose) == ("withdrawn", "measuring")
    bought.refresh_from_db()
    assert bought.measured_at is None


def test_an_old_page_never_measures_again_who_took_it_back_since(client, page, bought, topic):
    measure(topic.merchant)
    choose(bought, agrees=True)
    form = filled(client.get(page).text, having="wording")
    choose(bought, agrees=False)
    assert client.post(page, form).status_code == 303
    bought.refresh_from_db()
    assert bought.measured_at is None


def test_the_words_that_were_on_the_page_are_those_agreed_to(client, page, topic):
    measure(topic.merchant)
    form = filled(client.get(page).text, having="wording", measured=["on"])
    first = words(topic.merchant)
    factories.WordingFactory(merchant=topic.merchant, purpose="measuring", version=2)
    assert client.post(page, {**form, "measuring": form["wording"]}).status_code == 422
    assert client.post(page, {**form, "measuring": ""}).status_code == 422
    client.post(page, form)
    assert Consent.objects.latest("pk").wording == first


def test_who_agreed_may_take_it_back_after_the_merchant_stopped_measuring(client, page, bought, topic):
    measure(topic.merchant)
    choose(bought, agrees=True)
    measure(topic.merchant, is_on=False)
    form = filled(client.get(page).text, having="wording")
    del form["measured"]
    client.post(page, form)
    bought.refresh_from_db()
    assert bought.measured_at is None
    assert 'name="measured"' not in client.get(page).text


def test_the_form_at_the_foot_of_a_page_never_asks_for_it(client, topic):
    measure(topic.merchant)
    for page in ("/", reverse("newsletter:subscribe")):
        shown = client.get(page, follow=True).text
        assert "J’accepte de recevoir" in shown
        assert ASKED not in shown
        assert 'name="measured"' not in shown


def test_agreeing_twice_on_one_form_is_one_line(client, bought, page):
    """A form that says nothing of what was held before."""
    form = filled(client.get(page).text, having="wording") | {"topics": [1], "agreed": [1]}
    topic = bought.subscriptions.get().topic_id
    form |= {"topics": [topic], "agreed": [topic]}
    form.pop("had")
    client.post(page, form)
    assert Consent.objects.filter(subscriber=bought, kind="express").count() == 1


def test_the_answer_speaks_the_language_that_was_chosen(client, bought):
    page = reverse("newsletter:preferences", args=[bought.key.hex])
    form = filled(client.get(page).text, having="wording") | {"language": "en-ca"}
    answer = client.post(page, form, follow=True).text
    assert f"Your choices at {bought.merchant.name} are saved and in effect." in answer
