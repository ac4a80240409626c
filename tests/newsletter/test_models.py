"""What the database refuses: rewriting the ledger, a consent without its proof, a subscription nobody agreed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from newsletter.models import Campaign, Consent, Newsletter, Recipient, SignUp, Subscriber, Subscription, Topic, Wording
from tests import factories
from tests.newsletter.measuring import choose, measure

pytestmark = pytest.mark.django_db
Act, Kind, Channel = Consent.Act, Consent.Kind, Consent.Channel


def refused(name: str, work, kind: type[DatabaseError] = IntegrityError) -> None:
    with pytest.raises(kind, match=name), transaction.atomic():
        work()


def erase(model: type[Model]) -> None:
    """As somebody at a console would: Django itself would first look for what points at the rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: SLF001 - the documented name of the table


def empty(table: str) -> None:
    """As somebody at a console would: a session of the tests alone says that it may."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL comptoir.may_empty = ''; TRUNCATE {table}")


@pytest.fixture
def consent(topic: Topic) -> Consent:
    return factories.ConsentFactory(topic=topic, wording=Wording.objects.get())


def withdraw(consent: Consent, **fields: object) -> Consent:
    return factories.ConsentFactory(
        subscriber=consent.subscriber,
        topic=consent.topic,
        act=Act.WITHDRAWN,
        kind="",
        channel=Channel.LINK,
        wording=None,
        language="",
        **fields,
    )


def test_the_ledger_is_never_rewritten_nor_shortened(consent):
    refused("Cannot update or delete", lambda: Consent.objects.update(channel=Channel.COUNTER), ProgrammingError)
    refused("Cannot update or delete", lambda: erase(Consent), ProgrammingError)
    refused("Cannot update or delete", lambda: Wording.objects.update(text_fr="Autre"), ProgrammingError)
    refused("Cannot update or delete", lambda: erase(Wording), ProgrammingError)


def test_the_ledger_is_never_emptied(consent):
    for table in ("newsletter_consent", "newsletter_subscription", "newsletter_subscriber CASCADE"):
        refused("Cannot empty", lambda table=table: empty(table), DatabaseError)
    assert Consent.objects.get() == consent


def test_a_topic_keeps_the_names_somebody_agreed_to(consent):
    for field in ("name_fr", "name_en", "slug"):
        change = {field: "autre"}
        refused("Cannot rename", lambda change=change: Topic.objects.update(**change), DatabaseError)
    Topic.objects.update(about_fr="Chaque mois", closed_at=timezone.now())
    free = factories.TopicFactory(merchant=consent.topic.merchant)
    Topic.objects.filter(pk=free.pk).update(name_fr="Autre")


def test_what_was_typed_and_confirmed_is_final(topic):
    ends = timezone.now() + timedelta(days=1)
    fields = {"merchant": topic.merchant, "language": "fr-ca", "wording": Wording.objects.get(), "expires_at": ends}
    SignUp.objects.create(email="a@example.org", token_hash="1", **fields)
    refused("Cannot update", lambda: SignUp.objects.update(ip="203.0.113.1"), ProgrammingError)
    refused("Cannot update", lambda: SignUp.objects.update(email="b@example.org"), ProgrammingError)
    SignUp.objects.update(confirmed_at=timezone.now())
    refused("Cannot update or delete", lambda: SignUp.objects.update(confirmed_at=None), ProgrammingError)
    refused("Cannot update or delete", lambda: erase(SignUp), ProgrammingError)


def test_an_address_of_the_ledger_never_changes(consent):
    refused("Cannot update", lambda: Subscriber.objects.update(email="autre@example.org"), ProgrammingError)
    refused("Cannot delete", lambda: erase(Subscriber), ProgrammingError)
    Subscriber.objects.update(language="en-ca")


def test_a_subscription_follows_from_the_ledger_alone(consent):
    refused(
        "Cannot insert or update or delete",
        lambda: Subscription.objects.update(left_at=timezone.now()),
        ProgrammingError,
    )
    refused("Cannot insert or update or delete", lambda: erase(Subscription), ProgrammingError)
    stranger = factories.SubscriberFactory(merchant=consent.topic.merchant)
    forged = Subscription(subscriber=stranger, topic=consent.topic, express_at=timezone.now())
    refused("Cannot insert or update or delete", forged.save, ProgrammingError)


def test_the_ledger_keeps_the_subscription(consent):
    subscription = Subscription.objects.get()
    assert (subscription.express_at, subscription.left_at, subscription.is_active) == (consent.at, None, True)
    withdrawal = withdraw(consent)
    subscription.refresh_from_db()
    assert (subscription.express_at, subscription.left_at) == (None, withdrawal.at)
    assert not Subscription.objects.active().exists()
    factories.ConsentFactory(subscriber=consent.subscriber, topic=consent.topic, wording=consent.wording)
    assert Subscription.objects.active().get().left_at is None


def test_an_implied_consent_ends_by_itself_and_never_brings_back_who_left(topic, today, time_machine):
    subscriber = factories.SubscriberFactory(merchant=topic.merchant)
    implied = {"act": Act.GIVEN, "kind": Kind.IMPLIED, "channel": Channel.INVOICE, "source": "F-1"}
    for days in (30, 10):
        Consent.objects.create(
            subscriber=subscriber, topic=topic, expires_at=today + timedelta(days=days), at=today, **implied
        )
    assert Subscription.objects.active().get().implied_until == today + timedelta(days=30)
    time_machine.move_to(today + timedelta(days=31))
    assert not Subscription.objects.active().exists()
    assert not Subscription.objects.get().is_active
    Consent.objects.create(subscriber=subscriber, topic=topic, act=Act.WITHDRAWN, channel=Channel.LINK)
    Consent.objects.create(
        subscriber=subscriber, topic=topic, expires_at=today + timedelta(days=400), at=today, **implied
    )
    assert Subscription.objects.get().left_at is not None


def test_a_consent_without_its_proof_is_refused(topic):
    subscriber = factories.SubscriberFactory(merchant=topic.merchant)
    wording = Wording.objects.get()
    ends = timezone.now() + timedelta(days=1)
    base = {"subscriber": subscriber, "topic": topic, "channel": Channel.WEB_FORM}
    given = {**base, "act": Act.GIVEN}
    for name, fields in {
        "consent_given_has_kind": {**given, "kind": "", "wording": wording, "language": "fr-ca"},
        "consent_implied_has_source_and_end": {**given, "kind": Kind.IMPLIED, "expires_at": ends},
        "consent_express_never_expires": {**given, "kind": Kind.EXPRESS, "source": "x", "expires_at": ends},
        "consent_express_is_proved": {**given, "kind": Kind.EXPRESS},
        "consent_wording_has_language": {**given, "kind": Kind.EXPRESS, "wording": wording},
        "consent_oral_names_agent": {**given, "kind": Kind.EXPRESS, "source": "x", "channel": Channel.COUNTER},
    }.items():
        refused(name, Consent(**fields).save)
    measuring = {**given, "purpose": "measuring", "topic": None}
    for name, fields in {
        "consent_to_news_has_topic": {**given, "topic": None, "kind": Kind.EXPRESS, "source": "x"},
        "consent_to_measuring_is_express": {**measuring, "kind": Kind.IMPLIED, "source": "x", "expires_at": ends},
    }.items():
        refused(name, Consent(**fields).save)
    about_both = {**measuring, "topic": topic, "kind": Kind.EXPRESS, "source": "x"}
    refused("consent_to_news_has_topic", Consent(**about_both).save)
    refused("consent_given_has_kind", Consent(**base, act=Act.WITHDRAWN, kind=Kind.EXPRESS, source="x").save)


def test_addresses_are_one_a_merchant_in_one_spelling(topic):
    factories.SubscriberFactory(merchant=topic.merchant, email="a@example.org")
    refused("subscriber_unique", lambda: factories.SubscriberFactory(merchant=topic.merchant, email="a@example.org"))
    refused("subscriber_email_normalized", lambda: factories.SubscriberFactory(email=" A@example.org"))
    known = Subscriber.objects.get()
    refused("subscriber_key_unique", lambda: factories.SubscriberFactory(key=known.key))
    refused("suppression_has_reason", lambda: factories.SubscriberFactory(suppressed_at=timezone.now()))


def test_topics_wordings_and_settings_are_consistent(topic):
    merchant = topic.merchant
    refused("topic_slug_unique", lambda: factories.TopicFactory(merchant=merchant, slug="offres"))
    refused("wording_version_unique", lambda: factories.WordingFactory(merchant=merchant, version=1))
    factories.WordingFactory(merchant=merchant, version=1, purpose="measuring")
    refused("newsletter_rate_positive", Newsletter(merchant=merchant, per_minute=0).save)
    refused("newsletter_limits_not_negative", Newsletter(merchant=merchant, most_bounces=-1).save)


def test_a_sign_up_lasts_and_names_an_address_in_one_spelling(topic):
    fields = {"merchant": topic.merchant, "language": "fr-ca", "wording": Wording.objects.get(), "token_hash": "1"}
    now = timezone.now()
    refused("sign_up_lasts", SignUp(email="a@example.org", created_at=now, expires_at=now, **fields).save)
    later = now + timedelta(days=1)
    refused("sign_up_email_normalized", SignUp(email="A@example.org", expires_at=later, **fields).save)


def test_a_campaign_is_in_one_state_at_a_time(topic):
    campaign = factories.CampaignFactory(topic=topic)
    now = timezone.now()
    for name, fields in {
        "campaign_scheduled_has_moment": {"status": "scheduled"},
        "campaign_begun_has_moment": {"status": "sending"},
        "campaign_ended_is_over": {"status": "draft", "finished_at": now},
        "campaign_stopped_says_why": {"status": "stopped", "started_at": now},
    }.items():
        refused(name, lambda fields=fields: Campaign.objects.filter(pk=campaign.pk).update(**fields))


def test_what_people_received_is_not_rewritten(topic):
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    refused("Cannot update", lambda: Campaign.objects.update(body_en="Other"), ProgrammingError)
    Campaign.objects.update(status="paused")
    campaign.refresh_from_db()
    assert campaign.status == "paused"


def test_a_recipient_is_one_a_campaign_and_its_state_whole(topic):
    campaign = factories.CampaignFactory(topic=topic)
    subscriber = factories.SubscriberFactory(merchant=topic.merchant)
    recipient = Recipient.objects.create(campaign=campaign, subscriber=subscriber)
    refused("recipient_once", lambda: Recipient.objects.create(campaign=campaign, subscriber=subscriber))
    mine = Recipient.objects.filter(pk=recipient.pk)
    refused("recipient_sent_has_moment", lambda: mine.update(status="sent"))
    refused("recipient_claim_is_whole", lambda: mine.update(status="sending"))
    for column in ("opened_at", "clicked_at"):
        refused("recipient_observed_was_measured", lambda column=column: mine.update(**{column: timezone.now()}))
    mine.update(is_measured=True)
    refused("recipient_observed_was_measured", lambda: mine.update(opened_at=timezone.now()))
    mine.update(status="sent", sent_at=timezone.now(), opened_at=timezone.now(), clicked_at=timezone.now())


def test_who_is_measured_follows_from_the_ledger_alone(consent):
    measure(consent.topic.merchant)
    mine = Subscriber.objects.filter(pk=consent.subscriber_id)
    before = Subscription.objects.values().get()
    refused("Cannot update", lambda: mine.update(measured_at=timezone.now()), ProgrammingError)
    forged = Subscriber(merchant=consent.topic.merchant, email="x@example.org", measured_at=timezone.now())
    refused("Cannot insert", forged.save, ProgrammingError)
    choose(consent.subscriber, agrees=True)
    assert mine.get().measured_at == Consent.objects.latest("pk").at
    refused("Cannot update", lambda: mine.update(measured_at=None), ProgrammingError)
    choose(consent.subscriber, agrees=False)
    assert mine.get().measured_at is None
    # Neither says anything of a topic.
    assert Subscription.objects.values().get() == before


def test_a_consent_and_a_sign_up_are_named_in_local_time(topic):
    written = datetime(2026, 7, 2, 1, 30, tzinfo=UTC)
    line = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), at=written)
    assert str(line).endswith(" · 2026-07-01 21:30")
    assert str(SignUp(email="luc@example.org", created_at=written)) == "luc@example.org · 2026-07-01 21:30"


@pytest.mark.parametrize(
    ("begun", "ended", "basis"),
    [((2024, 2, 29), (2026, 2, 28), "purchase"), ((2026, 8, 31), (2027, 2, 28), "inquiry"),
     ((2026, 3, 1), (2026, 9, 1), "inquiry")],
)  # fmt: skip
def test_how_long_an_implied_consent_lasts_tells_what_implied_it(begun, ended, basis):
    line = Consent(at=datetime(*begun, tzinfo=UTC), expires_at=datetime(*ended, tzinfo=UTC))
    assert line.basis == basis
    assert Consent().basis is None
