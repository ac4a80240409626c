"""What mail services tell us over the web, their signatures checked by anymail: bounces, complaints, answers,
and, of who agreed, openings and clicks."""

from __future__ import annotations

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

# Each with the setting that proves who speaks: without it the address does not exist.
VIEWS: dict[str, tuple[Any, str]] = {
    "mailgun": (MailgunTrackingWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "mailgun-inbound": (MailgunInboundWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "postmark": (PostmarkTrackingWebhookView, "WEBHOOK_SECRET"),
    "postmark-inbound": (PostmarkInboundWebhookView, "WEBHOOK_SECRET"),
}

WRONG_REASONS = {"invalid", "bounced"}
SOFT_REASONS = {"timeout", "spam", "unsubscribed", "other"}


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
    # anymail gives a full mailbox of Postmark the reason of an address that does not exist.
    is_soft = event.reject_reason in SOFT_REASONS or event.esp_event.get("Type") == "SoftBounce"
    kind = str(event.event_type)
    # Postmark tells a number of its own, and what we wrote beside the message.
    message_id = event.metadata.get("letter") or event.message_id or ""
    if kind in measures.COLUMNS:
        measures.note_measure(kind=kind, message_id=message_id)
        return
    # Not even tried, because the service knows that the address is wrong.
    is_wrong = kind == "rejected" and event.reject_reason in WRONG_REASONS
    returns.note_event(
        kind="bounced" if is_wrong else kind,
        email=event.recipient or "",
        message_id=message_id,
        is_lasting=not is_soft,
        reason=event.mta_response or event.description or "",
    )


def answer_received(sender: object, *, event: Any, **_: Any) -> None:
    """anymail's `inbound` signal: a message to the address of `mailto:`, its subject the token of a link."""
    match = TOKEN.search(event.message.subject or "")
    link = link_of(token=match[0]) if match else None
    if link is not None:
        trace = Trace(channel=Consent.Channel.MAILTO)
        subscriptions.leave(subscriber=link.subscriber, trace=trace, campaign_id=link.campaign_id)
