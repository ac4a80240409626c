"""Subscribing, choosing and leaving: what the ledger holds afterwards, and who is still written to."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from newsletter.models import Consent, Recipient, SignUp, Subscriber, Subscription, Topic, Wording
from newsletter.services import sign_ups, subscriptions
from newsletter.services.sign_ups import SignUpExpired, SignUpUnknown, SignUpWithdrawn
from newsletter.services.subscriptions import EvidenceMissing, NothingToRefuse, Trace
from tests import factories
from tests.newsletter.measuring import choose, measure

pytestmark = pytest.mark.django_db
Channel = Consent.Channel
FORM = Trace(channel=Channel.WEB_FORM, ip="203.0.113.7", user_agent="Mozilla/5.0")
LINK = Trace(channel=Channel.LINK)


def ask(topic: Topic, email: str = "Luc@Example.org", language: str = "fr-ca") -> None:
    sign_ups.ask_to_subscribe(
        merchant=topic.merchant,
        email=email,
        language=language,
        topics=[topic],
        wording=Wording.objects.get(),
        trace=FORM,
    )


def token_mailed() -> str:
    mail = OutgoingMessage.objects.latest("pk")
    return re.search(r"/newsletter/confirm/([^/\s]+)/", mail.text)[1]


def test_nothing_is_agreed_to_before_the_link_is_confirmed(topic):
    ask(topic)
    assert not Subscriber.objects.exists()
    mail = OutgoingMessage.objects.get()
    assert (mail.recipient, mail.sender_name, mail.is_sensitive) == ("luc@example.org", "Location Boréal", True)
    assert token_mailed() not in str(SignUp.objects.values())


def test_a_confirmed_link_is_an_express_consent_with_all_its_proof(topic):
    ask(topic)
    sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM._replace(ip="203.0.113.9"))
    line = Consent.objects.get()
    assert (line.subscriber.email, line.topic, line.act, line.kind) == ("luc@example.org", topic, "given", "express")
    assert (line.wording, line.language, line.ip, line.user_agent) == (
        Wording.objects.get(),
        "fr-ca",
        "203.0.113.9",
        "Mozilla/5.0",
    )
    assert line.sign_up.ip == "203.0.113.7"
    assert line.expires_at is None
    assert Subscription.objects.active().get().subscriber == line.subscriber


def test_a_second_click_adds_no_line(topic):
    ask(topic)
    token = token_mailed()
    for _click in range(2):
        sign_ups.confirm_sign_up(token=token, trace=FORM)
    assert Consent.objects.count() == 1


def test_other_choices_get_another_link_and_three_links_are_enough(topic, today, time_machine):
    """Who ticked the wrong topic, or took the other language, corrects it at once; a robot gains nothing."""
    for language in ("fr-ca", "en-ca", "en-ca", "fr-ca", "en-ca", "fr-ca"):
        ask(topic, language=language)
    assert [sign_up.language for sign_up in SignUp.objects.order_by("pk")] == ["fr-ca", "en-ca", "fr-ca"]
    assert OutgoingMessage.objects.count() == 3


def test_a_no_said_after_the_link_was_sent_is_the_last_word(topic, today, time_machine):
    ask(topic)
    subscriber = sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    time_machine.move_to(today + timedelta(minutes=11))
    ask(topic)
    time_machine.move_to(today + timedelta(minutes=12))
    subscriptions.leave(subscriber=subscriber, trace=LINK)
    with pytest.raises(SignUpWithdrawn):
        sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    assert not Subscription.objects.active().exists()
    time_machine.move_to(today + timedelta(minutes=30))
    ask(topic)
    sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    assert Subscription.objects.active().exists()


def test_without_a_topic_there_is_nothing_to_refuse_and_it_is_said(topic):
    bare = factories.MerchantFactory()
    with pytest.raises(NothingToRefuse):
        subscriptions.note_refusal(merchant=bare, email="luc@example.org", trace=LINK)
    assert not Subscriber.objects.exists()


def test_an_address_is_not_mailed_link_after_link(topic, today, time_machine):
    for _time in range(5):
        ask(topic)
    assert OutgoingMessage.objects.count() == 1
    time_machine.move_to(today + timedelta(minutes=11))
    ask(topic)
    assert OutgoingMessage.objects.count() == 2


def test_a_link_that_is_forged_or_old_opens_nothing(topic, today, time_machine):
    with pytest.raises(SignUpUnknown):
        sign_ups.confirm_sign_up(token="forged", trace=FORM)
    ask(topic)
    time_machine.move_to(today + sign_ups.LASTS)
    with pytest.raises(SignUpExpired):
        sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    assert not Consent.objects.exists()


def test_what_nobody_confirmed_is_destroyed(topic, today, time_machine):
    ask(topic)
    ask(topic, "confirme@example.org")
    sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    time_machine.move_to(today + timedelta(days=8))
    assert sign_ups.forget_sign_ups() == 1
    assert SignUp.objects.get().email == "confirme@example.org"


def test_leaving_withdraws_every_topic_even_those_never_subscribed_to(topic):
    other = factories.TopicFactory(merchant=topic.merchant)
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    assert subscriptions.leave(subscriber=consent.subscriber, trace=LINK, reason=" Trop de courriels ") == 2
    withdrawals = Consent.objects.filter(act="withdrawn")
    assert {line.topic for line in withdrawals} == {topic, other}
    assert {line.reason for line in withdrawals} == {"Trop de courriels"}
    assert not Subscription.objects.active().exists()
    assert subscriptions.leave(subscriber=consent.subscriber, trace=LINK) == 0


def test_resubscribing_is_a_new_consent_and_ends_a_suppression(topic):
    ask(topic)
    subscriber = sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    subscriptions.leave(subscriber=subscriber, trace=LINK)
    Subscriber.objects.update(suppressed_at=timezone.now(), suppressed_for="complaint")
    ask(topic)
    sign_ups.confirm_sign_up(token=token_mailed(), trace=FORM)
    assert list(Consent.objects.order_by("pk").values_list("act", flat=True)) == ["given", "withdrawn", "given"]
    assert Subscription.objects.active().exists()
    assert Subscriber.objects.get().suppressed_at is None


def test_choosing_topics_writes_only_what_changes(topic):
    other = factories.TopicFactory(merchant=topic.merchant)
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    choose = {
        "subscriber": consent.subscriber,
        "wording": consent.wording,
        "language": "en-ca",
        "trace": Trace(channel=Channel.PROFILE),
    }
    assert subscriptions.choose_topics(begun=[topic], ended=[], **choose) == 0
    assert subscriptions.choose_topics(begun=[other], ended=[topic], **choose) == 2
    assert subscriptions.choose_topics(begun=[other], ended=[topic], **choose) == 0
    assert Subscription.objects.active().get().topic == other
    assert Consent.objects.filter(topic=other).get().language == "en-ca"


@pytest.fixture
def implied(topic: Topic) -> Subscription:
    """Somebody bought something, and may be written to for one more day."""
    subscriber = factories.SubscriberFactory(merchant=topic.merchant)
    ends = timezone.now() + timedelta(days=1)
    given = {"kind": "implied", "channel": Channel.INVOICE, "source": "F-1", "expires_at": ends}
    factories.ConsentFactory(subscriber=subscriber, topic=topic, wording=None, language="", **given)
    return Subscription.objects.get()


def test_an_implied_consent_becomes_an_express_one_only_when_agreed_to(topic, implied):
    other = factories.TopicFactory(merchant=topic.merchant)
    choose = {"subscriber": implied.subscriber, "wording": Wording.objects.get(), "language": "fr-ca"}
    choose["trace"] = Trace(channel=Channel.PREFERENCES)
    assert subscriptions.choose_topics(begun=[other], ended=[], **choose) == 1
    implied.refresh_from_db()
    assert implied.express_at is None
    assert subscriptions.choose_topics(begun=[topic], ended=[], **choose) == 1
    implied.refresh_from_db()
    assert implied.express_at is not None


def test_an_implied_consent_that_is_refused_is_withdrawn(topic, implied):
    trace = Trace(channel=Channel.PREFERENCES)
    choose = {"subscriber": implied.subscriber, "wording": None, "language": "fr-ca", "trace": trace}
    assert subscriptions.choose_topics(begun=[], ended=[topic], **choose) == 1
    implied.refresh_from_db()
    assert implied.left_at is not None


def test_a_consent_given_aloud_names_the_agent_and_the_evidence(topic, sam):
    trace = Trace(channel=Channel.PHONE, by=sam)
    wording = Wording.objects.get()
    wanted = {"email": "Luc@example.org", "language": "en-ca", "topics": [topic], "wording": wording}
    with pytest.raises(EvidenceMissing):
        subscriptions.note_consent(source=" ", trace=trace, **wanted)
    subscriptions.note_consent(source="Appel du 22 novembre", trace=trace, **wanted)
    line = Consent.objects.get()
    assert (line.by, line.source, line.channel) == (sam, "Appel du 22 novembre", "phone")
    assert (line.wording, line.language) == (wording, "en-ca")


def test_a_new_wording_is_a_new_version_and_the_old_one_stays(topic, sam):
    first = Wording.objects.get()
    second = subscriptions.write_wording(merchant=topic.merchant, text_fr="Oui", text_en="Yes", by=sam)
    assert (first.version, second.version) == (1, 2)
    assert subscriptions.wording_of(merchant=topic.merchant) == second


@pytest.fixture
def observed(topic: Topic) -> Recipient:
    """Luc agreed to be measured, opened a message and followed a link of it."""
    measure(topic.merchant)
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(purpose="news"))
    choose(consent.subscriber, agrees=True)
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=topic, status="sent", started_at=now, finished_at=now)
    seen = {"status": "sent", "sent_at": now, "is_measured": True, "opened_at": now, "clicked_at": now}
    return Recipient.objects.create(campaign=campaign, subscriber=consent.subscriber, **seen)


def nothing_is_kept_of(recipient: Recipient) -> bool:
    row = Recipient.objects.select_related("subscriber").get(pk=recipient.pk)
    return (row.is_measured, row.opened_at, row.clicked_at, row.subscriber.measured_at) == (False, None, None, None)


def test_agreeing_to_be_measured_twice_is_one_line(observed):
    assert choose(observed.subscriber, agrees=True) == 0
    line = Consent.objects.get(purpose="measuring")
    assert (line.topic, line.act, line.kind, line.channel) == (None, "given", "express", "preferences")
    assert (line.ip, line.user_agent, line.language) == ("203.0.113.7", "Mozilla/5.0", "fr-ca")
    assert line.wording == Wording.objects.get(purpose="measuring")


def test_taking_it_back_erases_what_was_kept_of_this_reader_alone(observed):
    other = factories.ConsentFactory(topic=observed.campaign.topic, wording=Wording.objects.get(purpose="news"))
    now = timezone.now()
    seen = {"status": "sent", "sent_at": now, "is_measured": True, "opened_at": now}
    kept = Recipient.objects.create(campaign=observed.campaign, subscriber=other.subscriber, **seen)
    assert choose(observed.subscriber, agrees=False) == 1
    assert nothing_is_kept_of(observed)
    assert Consent.objects.latest("pk").act == "withdrawn"
    assert Subscription.objects.active().count() == 2
    kept.refresh_from_db()
    assert kept.opened_at == now
    assert choose(observed.subscriber, agrees=False) == 0
    # What was erased is not found again by whoever agrees anew.
    choose(observed.subscriber, agrees=True)
    observed.refresh_from_db()
    assert (observed.is_measured, observed.opened_at) == (False, None)


def test_leaving_takes_it_back_too(observed):
    assert subscriptions.leave(subscriber=observed.subscriber, trace=LINK, reason="Trop") == 2
    assert nothing_is_kept_of(observed)
    line = Consent.objects.get(purpose="measuring", act="withdrawn")
    assert (line.channel, line.reason) == ("link", "Trop")
    assert subscriptions.leave(subscriber=observed.subscriber, trace=LINK) == 0


def test_who_left_every_topic_still_takes_it_back_by_leaving_and_is_not_counted_again(observed):
    subscriptions.leave(subscriber=observed.subscriber, trace=LINK)
    choose(observed.subscriber, agrees=True)
    left = {"subscriber": observed.subscriber, "trace": LINK, "campaign_id": observed.campaign_id}
    assert subscriptions.leave(**left) == 1
    assert nothing_is_kept_of(observed)
    observed.refresh_from_db()
    assert observed.left_at is None
