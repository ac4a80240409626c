"""The links of a message: made of the subscriber's key, so that they work for years and need no secret of ours."""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple

from django.urls import reverse

from newsletter.models import Subscriber
from organizations.letters import absolute

# The key, then the campaign the link was in, when it was in one.
TOKEN = re.compile(r"([0-9a-f]{32})(?:-(\d{1,18}))?", re.ASCII)


class Link(NamedTuple):
    subscriber: Subscriber
    campaign_id: int | None


def token_of(*, key: uuid.UUID, campaign_id: int | None = None) -> str:
    return key.hex if campaign_id is None else f"{key.hex}-{campaign_id}"


def link_of(*, token: str) -> Link | None:
    """Whose link this is; none when it never was one of ours."""
    match = TOKEN.fullmatch(token)
    if match is None:
        return None
    subscriber = Subscriber.objects.select_related("merchant").filter(key=uuid.UUID(match[1])).first()
    if subscriber is None:
        return None
    return Link(subscriber, int(match[2]) if match[2] else None)


def preferences_url(*, subscriber: Subscriber) -> str:
    return absolute(reverse("newsletter:preferences", args=[token_of(key=subscriber.key)]))
