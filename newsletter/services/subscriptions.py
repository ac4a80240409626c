"""Subscribing with a confirmed address, choosing topics, leaving: each a line of the ledger."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, normalize_email
from newsletter.models import Consent, Recipient, SignUp, Subscriber, Subscription, Topic, Wording
from organizations.letters import absolute, write_to
from organizations.models import Merchant
from organizations.refusals import Refusal

if TYPE_CHECKING:
    from accounts.models import User

LASTS = timedelta(days=7)
# An address gets one link in that time however often a form is sent: the form is not a way to harass somebody.
QUIET = timedelta(minutes=10)
# Links of an hour that nobody has followed, all addresses together: beyond, it is a robot with many addresses.
MOST_WAITING = 300
Act, Kind, Channel = Consent.Act, Consent.Kind, Consent.Channel
Purpose = Wording.Purpose


class SignUpUnknown(Refusal):
    sentence: str | Promise = _("This link is incomplete, or was never ours")


class SignUpExpired(Refusal):
    sentence: str | Promise = _("This link has expired")


class SignUpOutlived(Refusal):
    sentence: str | Promise = _("What this link subscribed to has closed since")


class TooManySignUps(Refusal):
    sentence: str | Promise = _(
        "Too many people are subscribing at this moment: nothing was sent to your address. Try again in an hour, or "
        "write to us."
    )


class EvidenceMissing(Refusal):
    sentence: str | Promise = _("Say how the person agreed: when, where, to what.")


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


def ask_to_subscribe(
    *, merchant: Merchant, email: str, language: str, topics: Collection[Topic], wording: Wording, trace: Trace
) -> None:
    """Mail the link that confirms the address, whoever has it: a form answers the same to all.

    Nothing is agreed to yet. Within ten minutes an address gets no second link. Raises TooManySignUps, whoever asks.
    """
    token = secrets.token_urlsafe(32)
    email = normalize_email(email)
    now = timezone.now()
    unanswered = _unanswered_below_cap(merchant, now=now)
    with transaction.atomic():
        # Two clicks at once are one.
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)
        if unanswered.filter(email=email, created_at__gt=now - QUIET).exists():
            return
        sign_up = SignUp.objects.create(
            merchant=merchant,
            email=email,
            language=language,
            wording=wording,
            ip=trace.ip,
            user_agent=trace.user_agent[:300],
            token_hash=hash_of(token),
            created_at=now,
            expires_at=now + LASTS,
        )
        sign_up.topics.set(topics)
        write_to(
            merchant=merchant,
            to=email,
            template="newsletter/emails/confirm",
            context={
                "sign_up": sign_up,
                "topics": list(topics),
                "action_url": absolute(reverse("newsletter:confirm", args=[token])),
            },
            language=language,
            is_sensitive=True,
        )


def sign_up_of(*, token: str) -> SignUp:
    """The sign-up behind a link; raises SignUpUnknown or, unless it was confirmed in time, SignUpExpired.

    And SignUpOutlived when every topic of it has closed before that.
    """
    found = SignUp.objects.select_related("merchant", "wording").filter(token_hash=hash_of(token)).first()
    if found is None:
        raise SignUpUnknown
    if found.confirmed_at is None and found.expires_at <= timezone.now():
        raise SignUpExpired
    if found.confirmed_at is None and not found.topics.filter(closed_at=None).exists():
        raise SignUpOutlived
    return found


def topics_of(*, sign_up: SignUp) -> tuple[list[Topic], list[Topic]]:
    """The topics that were confirmed, or would be now; and those that closed before that."""
    topics = list(sign_up.topics.order_by("pk"))
    if sign_up.confirmed_at is None:
        taken = {topic.pk for topic in topics if topic.closed_at is None}
    else:
        # By the address, because the ledger has no index by sign-up.
        written = {"subscriber__merchant": sign_up.merchant_id, "subscriber__email": sign_up.email}
        taken = set(Consent.objects.filter(**written, sign_up=sign_up).values_list("topic_id", flat=True))
    return [topic for topic in topics if topic.pk in taken], [topic for topic in topics if topic.pk not in taken]


def confirm_sign_up(*, token: str, trace: Trace) -> Subscriber:
    """Write the express consents asked for in the form; a second click adds nothing. Raises as `sign_up_of` does.

    To what closed meanwhile nobody can subscribe any more.
    """
    with transaction.atomic():
        pk = sign_up_of(token=token).pk
        sign_up = SignUp.objects.select_for_update(of=("self",)).select_related("merchant", "wording").get(pk=pk)
        subscriber = subscriber_for(merchant=sign_up.merchant, email=sign_up.email, language=sign_up.language)
        if sign_up.confirmed_at is not None:
            return subscriber
        sign_up.confirmed_at = timezone.now()
        sign_up.save(update_fields=["confirmed_at"])
        # The address answers and wants our mail: what its server or its owner once said is over.
        subscriber.language = sign_up.language
        _hear_again(subscriber)
        consents = [
            _given(subscriber, topic, wording=sign_up.wording, language=sign_up.language, trace=trace, sign_up=sign_up)
            for topic in sign_up.topics.all().offered()
        ]
        Consent.objects.bulk_create(consents)
    return subscriber


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
        _locked(subscriber)
        held = {row.topic_id: row for row in Subscription.objects.filter(subscriber=subscriber)}
        lines = [
            _given(subscriber, topic, wording=wording, language=language, trace=trace)
            for topic in begun
            if topic.pk not in held or held[topic.pk].express_at is None
        ]
        if lines:
            _hear_again(subscriber)
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
        is_measured = _locked(subscriber).measured_at is not None
        if agrees == is_measured:
            return 0
        if agrees:
            _given(subscriber, None, wording=wording, language=language, trace=trace).save()
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
        is_measured = _locked(subscriber).measured_at is not None
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
    """A no to every topic, also from an address that never was subscribed: nothing it buys implies a consent."""
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
        _locked(subscriber)
        subscriber.language = language
        _hear_again(subscriber)
        lines = [_given(subscriber, topic, wording=wording, language=language, trace=trace) for topic in topics]
        for line in lines:
            line.source = source.strip()[:300]
        Consent.objects.bulk_create(lines)
    return subscriber


def subscriber_for(*, merchant: Merchant, email: str, language: str) -> Subscriber:
    """The row of this address at this merchant, made when there is none."""
    email = normalize_email(email)
    found, _made = Subscriber.objects.get_or_create(merchant=merchant, email=email, defaults={"language": language})
    return found


def forget_sign_ups() -> int:
    """Destroy what was typed in a form and never confirmed: its purpose has ended."""
    expired = SignUp.objects.filter(confirmed_at=None, expires_at__lt=timezone.now())
    return expired.delete()[1].get("newsletter.SignUp", 0)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _locked(subscriber: Subscriber) -> Subscriber:
    """Two acts of one person follow each other."""
    return Subscriber.objects.select_for_update(of=("self",), no_key=True).get(pk=subscriber.pk)


def _unanswered_below_cap(merchant: Merchant, *, now: datetime) -> QuerySet[SignUp]:
    """The links nobody has followed; asked before anything is locked, so that a robot costs one question."""
    unanswered = SignUp.objects.filter(merchant=merchant, confirmed_at=None)
    if unanswered.filter(expires_at__gt=now + LASTS - timedelta(hours=1)).count() >= MOST_WAITING:
        raise TooManySignUps
    return unanswered


def _count_as_left(subscriber: Subscriber, *, campaign_id: int | None) -> None:
    if campaign_id is not None:
        mine = Recipient.objects.filter(campaign=campaign_id, subscriber=subscriber, left_at=None)
        mine.update(left_at=timezone.now())


def _forget_measures(subscriber: Subscriber) -> None:
    """What they opened and followed, and that it was measured: their messages count among nobody's any more."""
    mine = Recipient.objects.filter(subscriber=subscriber, is_measured=True)
    mine.update(is_measured=False, opened_at=None, clicked_at=None)


def _hear_again(subscriber: Subscriber) -> None:
    subscriber.suppressed_at, subscriber.suppressed_for, subscriber.soft_bounces = None, "", 0
    subscriber.save(update_fields=["language", "suppressed_at", "suppressed_for", "soft_bounces"])


def _given(
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
