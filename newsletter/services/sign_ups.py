"""Subscribing by a form: what was typed waits for a link that proves the address, and is nothing before that."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import normalize_email
from newsletter.models import Consent, SignUp, Subscriber, Topic, Wording
from newsletter.services.subscriptions import Trace, given, hear_again, locked, subscriber_for
from organizations.letters import absolute, write_to
from organizations.models import Merchant
from organizations.refusals import Refusal

LASTS = timedelta(days=7)
# In that time an address gets one link for the same choices however often a form is sent, and few for others: the form
# is not a way to harass somebody.
QUIET = timedelta(minutes=10)
MOST_LINKS = 3
# Links of an hour that nobody has followed, all addresses together: beyond, it is a robot with many addresses.
MOST_WAITING = 300


class SignUpUnknown(Refusal):
    sentence: str | Promise = _("This link is incomplete, too old, or was never ours")


class SignUpExpired(Refusal):
    sentence: str | Promise = _("This link has expired")


class SignUpOutlived(Refusal):
    sentence: str | Promise = _("What this link subscribed to has closed since")


class SignUpWithdrawn(Refusal):
    sentence: str | Promise = _("You have unsubscribed since this link was sent")


class TooManySignUps(Refusal):
    sentence: str | Promise = _(
        "Too many people are subscribing at this moment: nothing was sent to your address. Try again in an hour, or "
        "write to us."
    )


def ask_to_subscribe(
    *, merchant: Merchant, email: str, language: str, topics: Collection[Topic], wording: Wording, trace: Trace
) -> None:
    """Mail the link that confirms the address, whoever has it: a form answers the same to all.

    Nothing is agreed to yet. Within ten minutes the same choices get no second link, and others get two more at most.
    Raises TooManySignUps, whoever asks.
    """
    token = secrets.token_urlsafe(32)
    email = normalize_email(email)
    now = timezone.now()
    unanswered = _unanswered_below_cap(merchant, now=now)
    with transaction.atomic():
        # Two clicks at once are one.
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)
        recent = list(unanswered.filter(email=email, created_at__gt=now - QUIET).order_by("pk"))
        if len(recent) >= MOST_LINKS or (recent and _asks_the_same(recent[-1], language=language, topics=topics)):
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
        _send_link(sign_up, token=token, topics=topics)


def sign_up_of(*, token: str) -> SignUp:
    """The sign-up behind a link; raises SignUpUnknown.

    Unless it was confirmed in time, raises SignUpExpired; SignUpOutlived when every topic of it has closed before that;
    SignUpWithdrawn when the same person refused one of them after it was sent.
    """
    found = SignUp.objects.select_related("merchant", "wording").filter(token_hash=hash_of(token)).first()
    if found is None:
        raise SignUpUnknown
    if found.confirmed_at is not None:
        return found
    if found.expires_at <= timezone.now():
        raise SignUpExpired
    if not found.topics.filter(closed_at=None).exists():
        raise SignUpOutlived
    _heed_withdrawal(found)
    return found


class Standing(NamedTuple):
    """What a link does, or has done, for one address."""

    topics: list[Topic]  # confirmed and still received; before that, those it would confirm
    left: list[Topic]  # confirmed, and refused since
    closed: list[Topic]  # closed before it was confirmed
    subscriber: Subscriber | None


def standing_of(*, sign_up: SignUp) -> Standing:
    """Where the topics of a sign-up stand today."""
    topics = list(sign_up.topics.order_by("pk"))
    subscriber = Subscriber.objects.filter(merchant=sign_up.merchant_id, email=sign_up.email).first()
    if sign_up.confirmed_at is None or subscriber is None:
        open_, closed = _apart(topics, {topic.pk for topic in topics if topic.closed_at is None})
        return Standing(open_, [], closed, subscriber)
    # By the address, because the ledger has no index by sign-up.
    lines = Consent.objects.filter(subscriber=subscriber, sign_up=sign_up)
    taken, closed = _apart(topics, set(lines.values_list("topic_id", flat=True)))
    received, left = _apart(taken, set(subscriber.subscriptions.active().values_list("topic_id", flat=True)))
    return Standing(received, left, closed, subscriber)


def _apart(topics: list[Topic], chosen: set[int]) -> tuple[list[Topic], list[Topic]]:
    return [topic for topic in topics if topic.pk in chosen], [topic for topic in topics if topic.pk not in chosen]


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
        locked(subscriber)
        _heed_withdrawal(sign_up)  # once more: they may have been leaving at the same moment
        sign_up.confirmed_at = timezone.now()
        sign_up.save(update_fields=["confirmed_at"])
        subscriber.language = sign_up.language
        hear_again(subscriber)
        consents = [
            given(subscriber, topic, wording=sign_up.wording, language=sign_up.language, trace=trace, sign_up=sign_up)
            for topic in sign_up.topics.all().offered()
        ]
        Consent.objects.bulk_create(consents)
    return subscriber


def forget_sign_ups() -> int:
    """Destroy what was typed in a form and never confirmed: its purpose has ended."""
    expired = SignUp.objects.filter(confirmed_at=None, expires_at__lt=timezone.now())
    return expired.delete()[1].get("newsletter.SignUp", 0)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _send_link(sign_up: SignUp, *, token: str, topics: Collection[Topic]) -> None:
    write_to(
        merchant=sign_up.merchant,
        to=sign_up.email,
        template="newsletter/emails/confirm",
        context={
            "sign_up": sign_up,
            "topics": list(topics),
            "action_url": absolute(reverse("newsletter:confirm", args=[token])),
        },
        language=sign_up.language,
        is_sensitive=True,
    )


def _asks_the_same(sign_up: SignUp, *, language: str, topics: Collection[Topic]) -> bool:
    return sign_up.language == language and set(sign_up.topics.all()) == set(topics)


def _heed_withdrawal(sign_up: SignUp) -> None:
    """A no said after the link was sent is the last word: whoever wants to come back asks anew."""
    withdrawn = Consent.objects.filter(
        subscriber__merchant=sign_up.merchant_id,
        subscriber__email=sign_up.email,
        act=Consent.Act.WITHDRAWN,
        topic__in=sign_up.topics.all(),
        at__gt=sign_up.created_at,
    )
    if withdrawn.exists():
        raise SignUpWithdrawn


def _unanswered_below_cap(merchant: Merchant, *, now: datetime) -> QuerySet[SignUp]:
    """The links nobody has followed; asked before anything is locked, so that a robot costs one question."""
    unanswered = SignUp.objects.filter(merchant=merchant, confirmed_at=None)
    if unanswered.filter(expires_at__gt=now + LASTS - timedelta(hours=1)).count() >= MOST_WAITING:
        raise TooManySignUps
    return unanswered
