"""The client that sends text messages: Twilio when SMS_URL says so, files under VAR_DIR otherwise."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from accounts.models import OutgoingMessage
from accounts.transports import Deferred, Refused, Unreachable

TIMEOUT_SECONDS = 10.0
NOT_OURS_TO_SEND = {401, 403}  # our credentials are wrong: no message is at fault
BUSY = {408, 429, *range(500, 600)}


@lru_cache(maxsize=4)
def provider_of(url: str) -> tuple[Client, str]:
    """The client and the number we write from, of twilio://SID:TOKEN@+15145550123."""
    parts = urlsplit(url)
    number = parts.netloc.rpartition("@")[2]
    if parts.scheme != "twilio" or not parts.username or not parts.password or not number.startswith("+"):
        raise ImproperlyConfigured("SMS_URL is not an address we know. Write twilio://SID:TOKEN@+15145550123.")
    client = TwilioHttpClient(timeout=TIMEOUT_SECONDS)
    return Client(unquote(parts.username), unquote(parts.password), http_client=client), number


def send(message: OutgoingMessage) -> None:
    """Hand one text message over; raises one of accounts.transports."""
    if not settings.SMS_URL:
        _write(message)
        return
    client, number = provider_of(settings.SMS_URL)
    try:
        client.messages.create(to=message.recipient, from_=number, body=message.text)
    except TwilioRestException as refusal:
        words = f"{refusal.status} {refusal.msg}"
        if refusal.status in NOT_OURS_TO_SEND:
            raise Unreachable(words) from refusal
        if refusal.status in BUSY:
            raise Deferred(words) from refusal
        raise Refused(words) from refusal
    except (TwilioException, RequestException, OSError) as failure:
        raise Unreachable(f"{type(failure).__name__}: {failure}") from failure


def _write(message: OutgoingMessage) -> None:
    folder = Path(settings.VAR_DIR) / "sms"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{timezone.localtime():%Y%m%d-%H%M%S}-{message.key}.txt"
        path.write_text(f"{message.recipient}\n\n{message.text}\n")
    except OSError as failure:
        raise Unreachable(str(failure)) from failure
