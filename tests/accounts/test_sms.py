"""Text messages: files without a provider, and Twilio's library talking to a server that answers as Twilio does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ImproperlyConfigured
from twilio.http.http_client import TwilioHttpClient

from accounts import delivery, sms
from accounts.models import OutgoingMessage
from tests.factories import OutgoingMessageFactory

Status = OutgoingMessage.Status
pytestmark = pytest.mark.django_db


class Provider(BaseHTTPRequestHandler):
    status = 201
    received: list[tuple[str, str, dict[str, list[str]]]] = []

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        type(self).received.append((self.path, self.headers["Authorization"], form))
        answer = {"sid": "SM1"} if self.status < 400 else {"code": 21211, "message": "Not accepted", "status": 0}
        body = json.dumps(answer).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider(settings, monkeypatch) -> Iterator[type[Provider]]:
    """Twilio's own HTTP client, its requests sent to a server of ours."""
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    request = TwilioHttpClient.request

    def here(self, method, url, *args, **kwargs):
        return request(
            self,
            method,
            url.replace("https://api.twilio.com", f"http://127.0.0.1:{server.server_port}"),
            *args,
            **kwargs,
        )

    monkeypatch.setattr(TwilioHttpClient, "request", here)
    settings.SMS_URL = "twilio://AC123:s%2Fecret@+15145550100"
    Provider.status, Provider.received = 201, []
    yield Provider
    server.shutdown()
    server.server_close()
    delivery.resting.clear()
    sms.provider_of.cache_clear()


def text_message() -> OutgoingMessage:
    return OutgoingMessageFactory(channel="sms", recipient="+15145550123", text="Code : 482913", html="")


def test_a_text_message_is_handed_to_the_provider(provider):
    message = text_message()
    assert delivery.deliver() == 1
    ((path, authorization, form),) = provider.received
    assert path.startswith("/2010-04-01/Accounts/AC123/Messages")
    assert authorization.startswith("Basic ")
    assert form == {"To": ["+15145550123"], "From": ["+15145550100"], "Body": ["Code : 482913"]}
    message.refresh_from_db()
    assert message.status == Status.SENT


@pytest.mark.parametrize(
    ("answer", "status"), [(400, Status.FAILED), (429, Status.QUEUED), (503, Status.QUEUED), (401, Status.QUEUED)]
)
def test_a_refusal_is_final_only_when_the_message_is_at_fault(provider, answer, status):
    provider.status = answer
    message = text_message()
    assert delivery.deliver() == 0
    message.refresh_from_db()
    assert (message.status, message.attempts) == (status, 1)
    assert str(answer) in message.last_error


def test_a_provider_that_is_down_holds_text_messages_and_no_mail(settings, monkeypatch, provider, tmp_path):
    settings.MAILERS = {"default": {"BACKEND": "accounts.eml.EmailBackend", "OPTIONS": {"folder": str(tmp_path)}}}
    provider.status = 401
    messages = [text_message(), text_message()]
    mail = OutgoingMessageFactory()
    assert delivery.deliver() == 1
    assert len(provider.received) == 1
    mail.refresh_from_db()
    assert mail.status == Status.SENT
    for message in messages:
        message.refresh_from_db()
    assert [message.status for message in messages] == [Status.QUEUED, Status.QUEUED]


def test_without_a_provider_a_text_message_is_a_file(settings, tmp_path):
    settings.SMS_URL, settings.VAR_DIR = "", tmp_path
    text_message()
    assert delivery.deliver() == 1
    (path,) = (tmp_path / "sms").glob("*.txt")
    assert path.read_text() == "+15145550123\n\nCode : 482913\n"


@pytest.mark.parametrize("url", ["twilio://AC123@+15145550100", "twilio://a:b@5145550100", "smtp://a:b@+15145550100"])
def test_an_address_that_is_not_twilios_is_refused_without_showing_it(settings, url):
    settings.SMS_URL = url
    with pytest.raises(ImproperlyConfigured) as refusal:
        sms.send(text_message())
    assert url not in str(refusal.value)
