"""What mail services tell us over the web, their signatures checked by anymail: bounces, complaints, answers,
and, of who agreed, openings and clicks."""

from __future__ import annotations

import re
from typing import Any

from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from newsletter.links import TOKEN, link_of
from newsletter.models import Consent
from newsletter.services import measures, returns, subscriptions
from newsletter.services.subscriptions import Trace


class Signed:
    """Proved by its signature: the password in the settings is that of the services which sign nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.basic_auth: list[str] = []


class MailgunTracking(Signed, MailgunTrackingWebhookView):
    pass


class MailgunInbound(Signed, MailgunInboundWebhookView):
    pass


# Each with the setting that proves who speaks: without it the address does not exist.
VIEWS: dict[str, tuple[Any, str]] = {
    "mailgun": (MailgunTracking, "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "mailgun-inbound": (MailgunInbound, "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "postmark": (PostmarkTrackingWebhookView, "WEBHOOK_SECRET"),
    "postmark-inbound": (PostmarkInboundWebhookView, "WEBHOOK_SECRET"),
}

WRONG_REASONS = {"invalid", "bounced"}
_FOR_NOW = re.compile(r"^\s*4\d\d\b|\b4\.\d{1,3}\.\d{1,3}\b")
_FOR_GOOD = re.compile(r"\b5\d\d\b|\b5\.\d{1,3}\.\d{1,3}\b")


@csrf_exempt  # the signature is the proof
@login_not_required
@require_POST
def receive(request: HttpRequest, service: str) -> HttpResponse:
    view, secret = VIEWS.get(service, (None, ""))
    if view is None or not settings.ANYMAIL.get(secret):
        raise Http404
    return view.as_view()(request)


def event_told(sender: object, *, event: Any, **_: Any) -> None:
    """anymail's `tracking` signal: one fact about one message."""
    kind, is_lasting = _judged(event)
    # Postmark tells a number of its own, and what we wrote beside the message.
    message_id = event.metadata.get("letter") or event.message_id or ""
    if kind in measures.COLUMNS:
        measures.note_measure(kind=kind, message_id=message_id)
        return
    returns.note_event(
        kind=kind,
        email=event.recipient or "",
        message_id=message_id,
        is_lasting=is_lasting,
        reason=event.mta_response or event.description or "",
    )


def _judged(event: Any) -> tuple[str, bool]:
    """What it means, and whether the address is at fault for good. The mail server's own words before the service's."""
    kind, answer = str(event.event_type), event.mta_response or ""
    if kind in {"rejected", "failed"}:
        # Not even tried: the service knows that the address is wrong, or does not want the message.
        return ("bounced" if event.reject_reason in WRONG_REASONS else "refused"), True
    if kind != "bounced":
        return kind, True
    # anymail gives a full mailbox of Postmark the reason of an address that does not exist.
    if event.esp_event.get("Type") == "SoftBounce" or returns.is_full(answer) or _FOR_NOW.search(answer):
        return kind, False
    is_known = event.reject_reason is None or event.reject_reason in WRONG_REASONS
    if returns.is_hard(answer) or (is_known and not _FOR_GOOD.search(answer)):
        return kind, True
    return ("refused" if is_known or event.reject_reason == "spam" else kind), False


def answer_received(sender: object, *, event: Any, **_: Any) -> None:
    """anymail's `inbound` signal: a message to the address of `mailto:`, its subject the token of a link."""
    match = TOKEN.search(event.message.subject or "")
    link = link_of(token=match[0]) if match else None
    if link is not None:
        trace = Trace(channel=Consent.Channel.MAILTO)
        subscriptions.leave(subscriber=link.subscriber, trace=trace, campaign_id=link.campaign_id)
