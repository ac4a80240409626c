"""Choosing topics, agreeing aloud, leaving: each a line of the ledger. Subscribing by a form is in sign_ups."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, normalize_email
from newsletter.models import Consent, Recipient, SignUp, Subscriber, Subscription, Topic, Wording
from organizations.models import Merchant
from organizations.refusals import Refusal

if TYPE_CHECKING:
    from accounts.models import User

Act, Kind, Channel = Consent.Act, Consent.Kind, Consent.Channel
Purpose = Wording.Purpose


class EvidenceMissing(Refusal):
    sentence: str | Promise = _("Say how the person agreed: when, where, to what.")


class NothingToRefuse(Refusal):
    sentence: str | Promise = _("This merchant has no topic yet: there is no newsletter to refuse.")


class Trace(NamedTuple):
    """How an act reached us: what the ledger keeps beside it."""

    channel: Consent.Channel
    ip: str | None = None
    user_agent: str = ""
    by: User | None = None


def wording_of(*, merchant: Merchant, purpose: Wording.Purpose = Purpose.NEWS) -> Wording | None:
    """The words shown today; without any, nobody can agree."""
    return Wording.objects.filter(merchant=merchant, purpose=purpose).order_by("-version").first()


def write_wording(
    *, merchant: Merchant, text_fr: str, text_en: str, by: User | None, purpose: Wording.Purpose = Purpose.NEWS
) -> Wording:
    """A new version in both languages, shown from now on."""
    with transaction.atomic():
        Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        latest = wording_of(merchant=merchant, purpose=purpose)
        version = latest.version + 1 if latest else 1
        return Wording.objects.create(
            merchant=merchant, purpose=purpose, version=version, text_fr=text_fr, text_en=text_en, created_by=by
        )


def choose_topics(
    *,
    subscriber: Subscriber,
    begun: Collection[Topic],
    ended: Collection[Topic],
    wording: Wording | None,
    language: str,
    trace: Trace,
    campaign_id: int | None = None,
) -> int:
    """Express consent to the topics agreed to, withdrawal of those refused; how many lines were written.

    Nothing is said of the others, whatever their box. Whoever refuses the last topic has left, and counts so in the
    campaign whose link was followed. The caller has proved that the address is this person's: signed in, or by the
    link of a message.
    """
    with transaction.atomic():
        locked(subscriber)
        held = {row.topic_id: row for row in Subscription.objects.filter(subscriber=subscriber)}
        lines = [
            given(subscriber, topic, wording=wording, language=language, trace=trace)
            for topic in begun
            if topic.pk not in held or held[topic.pk].express_at is None
        ]
        if lines:
            hear_again(subscriber)
        refused = [
            _withdrawn(subscriber, topic, trace=trace)
            for topic in ended
            if topic.pk not in held or held[topic.pk].left_at is None
        ]
        Consent.objects.bulk_create(lines + refused)
        if refused and not subscriber.subscriptions.active().exists():
            _count_as_left(subscriber, campaign_id=campaign_id)
    return len(lines) + len(refused)


def choose_measuring(
    *, subscriber: Subscriber, agrees: bool, wording: Wording | None, language: str, trace: Trace
) -> int:
    """Express consent to openings and clicks being kept, or its withdrawal; how many lines were written.

    A withdrawal erases what was kept of this reader: the figures of past campaigns go down by it.
    """
    with transaction.atomic():
        is_measured = locked(subscriber).measured_at is not None
        if agrees == is_measured:
            return 0
        if agrees:
            given(subscriber, None, wording=wording, language=language, trace=trace).save()
        else:
            _withdrawn(subscriber, None, trace=trace).save()
            _forget_measures(subscriber)
    return 1


def choose_language(*, subscriber: Subscriber, language: str) -> None:
    """The language of what comes from now on."""
    Subscriber.objects.filter(pk=subscriber.pk).update(language=language)


def leave(*, subscriber: Subscriber, trace: Trace, reason: str = "", campaign_id: int | None = None) -> int:
    """Withdraw from every topic of the merchant, at once and also for what is queued; how many lines were written.

    Topics never subscribed to are withdrawn too: no invoice may bring back who said no. So is a consent to being
    measured, and what was kept by it is erased. The campaign whose link was followed counts one who left.
    """
    with transaction.atomic():
        is_measured = locked(subscriber).measured_at is not None
        left = Subscription.objects.filter(subscriber=subscriber, left_at__isnull=False).values("topic_id")
        topics = Topic.objects.filter(merchant=subscriber.merchant_id).exclude(pk__in=left).order_by("pk")
        lines = [_withdrawn(subscriber, topic, trace=trace, reason=reason) for topic in topics]
        if lines:
            _count_as_left(subscriber, campaign_id=campaign_id)
        if is_measured:
            lines.append(_withdrawn(subscriber, None, trace=trace, reason=reason))
            _forget_measures(subscriber)
        Consent.objects.bulk_create(lines)
    return len(lines)


def note_refusal(*, merchant: Merchant, email: str, trace: Trace, reason: str = "") -> Subscriber:
    """A no to every topic, also from an address that never was subscribed: nothing it buys implies a consent.

    Raises NothingToRefuse at a merchant without topics, whose ledger has no line for it.
    """
    if not merchant.topics.exists():
        raise NothingToRefuse
    with transaction.atomic():
        subscriber = subscriber_for(merchant=merchant, email=email, language=Language.FRENCH)
        leave(subscriber=subscriber, trace=trace, reason=reason)
    return subscriber


def note_consent(
    *, email: str, language: str, topics: Iterable[Topic], wording: Wording, source: str, trace: Trace
) -> Subscriber:
    """An express consent given aloud to an agent, who read the words in that language; raises EvidenceMissing.

    It is that of the messages from now on.
    """
    if not source.strip():
        raise EvidenceMissing
    with transaction.atomic():
        subscriber = subscriber_for(merchant=wording.merchant, email=email, language=language)
        locked(subscriber)
        subscriber.language = language
        hear_again(subscriber)
        lines = [given(subscriber, topic, wording=wording, language=language, trace=trace) for topic in topics]
        for line in lines:
            line.source = source.strip()[:300]
        Consent.objects.bulk_create(lines)
    return subscriber


def subscriber_for(*, merchant: Merchant, email: str, language: str) -> Subscriber:
    """The row of this address at this merchant, made when there is none."""
    email = normalize_email(email)
    found, _made = Subscriber.objects.get_or_create(merchant=merchant, email=email, defaults={"language": language})
    return found


def locked(subscriber: Subscriber) -> Subscriber:
    """Two acts of one person follow each other."""
    return Subscriber.objects.select_for_update(of=("self",), no_key=True).get(pk=subscriber.pk)


def _count_as_left(subscriber: Subscriber, *, campaign_id: int | None) -> None:
    if campaign_id is not None:
        mine = Recipient.objects.filter(campaign=campaign_id, subscriber=subscriber, left_at=None)
        mine.update(left_at=timezone.now())


def _forget_measures(subscriber: Subscriber) -> None:
    """What they opened and followed, and that it was measured: their messages count among nobody's any more."""
    mine = Recipient.objects.filter(subscriber=subscriber, is_measured=True)
    mine.update(is_measured=False, opened_at=None, clicked_at=None)


def hear_again(subscriber: Subscriber) -> None:
    """Their address answers and wants our mail: what its server or its owner once said is over."""
    subscriber.suppressed_at, subscriber.suppressed_for, subscriber.soft_bounces = None, "", 0
    subscriber.save(update_fields=["language", "suppressed_at", "suppressed_for", "soft_bounces"])


def given(
    subscriber: Subscriber,
    topic: Topic | None,
    *,
    wording: Wording | None,
    language: str,
    trace: Trace,
    sign_up: SignUp | None = None,
) -> Consent:
    """To a topic; without one, to being measured."""
    return Consent(
        subscriber=subscriber,
        purpose=Purpose.NEWS if topic else Purpose.MEASURING,
        topic=topic,
        act=Act.GIVEN,
        kind=Kind.EXPRESS,
        channel=trace.channel,
        wording=wording,
        language=language,
        sign_up=sign_up,
        ip=trace.ip,
        user_agent=trace.user_agent[:300],
        by=trace.by,
    )


def _withdrawn(subscriber: Subscriber, topic: Topic | None, *, trace: Trace, reason: str = "") -> Consent:
    """From a topic; without one, from being measured."""
    return Consent(
        subscriber=subscriber,
        purpose=Purpose.NEWS if topic else Purpose.MEASURING,
        topic=topic,
        act=Act.WITHDRAWN,
        channel=trace.channel,
        ip=trace.ip,
        user_agent=trace.user_agent[:300],
        by=trace.by,
        reason=reason.strip()[:300],
    )
