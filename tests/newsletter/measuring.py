"""A merchant that measures openings and clicks, and readers who agree to it."""

from __future__ import annotations

from newsletter.models import Consent, Newsletter, Subscriber, Wording
from newsletter.services import measures, subscriptions
from newsletter.services.subscriptions import Trace
from organizations.models import Merchant

PAGE = Trace(channel=Consent.Channel.PREFERENCES, ip="203.0.113.7", user_agent="Mozilla/5.0")


def measure(merchant: Merchant, *, is_on: bool = True) -> None:
    """Turn it on or off, as an agent does in the settings."""
    Newsletter.objects.update_or_create(merchant=merchant, defaults={"measures": is_on})
    measures.write_first_words(merchant=merchant, by=None)


def words(merchant: Merchant) -> Wording:
    return Wording.objects.get(merchant=merchant, purpose="measuring")


def choose(subscriber: Subscriber, *, agrees: bool) -> int:
    return subscriptions.choose_measuring(
        subscriber=subscriber, agrees=agrees, wording=words(subscriber.merchant), language="fr-ca", trace=PAGE
    )
