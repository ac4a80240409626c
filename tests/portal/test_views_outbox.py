"""/outbox/: what a demo would have sent, and nothing at all elsewhere."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from tests.factories import OutgoingMessageFactory

LINK = "http://localhost:8000/accounts/confirm-email/abc/"
Status = OutgoingMessage.Status


@pytest.fixture
def demo(settings) -> None:
    settings.DEMO = True


def test_a_demo_lists_messages_newest_first_with_their_state(client, demo, boreal):
    OutgoingMessageFactory(subject="Premier", status=Status.FAILED)
    OutgoingMessageFactory(subject="Second", status=Status.SENT, sent_at=timezone.now())
    OutgoingMessageFactory(channel="sms", subject="", recipient="+15145550123")
    page = client.get("/outbox/").content.decode()
    assert page.index("Message texte") < page.index("Second") < page.index("Premier")
    assert "+15145550123" in page
    assert "Envoyé" in page


def test_a_demo_shows_a_message_with_links_one_can_follow(client, demo, boreal):
    message = OutgoingMessageFactory(text=f"Bonjour <b>\n\n{LINK}\n", is_sensitive=True, sender_name="Boréal")
    page = client.get(f"/outbox/{message.key}/").content.decode()
    assert f'href="{LINK}"' in page
    assert "<b>" not in page.split('class="section prose"')[1].split("</section>")[0]
    assert "Boréal" in page


def test_an_empty_demo_says_what_will_show_here(client, demo, boreal):
    assert "Rien n’a encore été envoyé" in client.get("/outbox/").content.decode()


def test_outside_a_demo_there_is_no_outbox(client, boreal, root):
    message = OutgoingMessageFactory(text=LINK)
    for address in ("/outbox/", f"/outbox/{message.key}/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert LINK not in answer.content.decode()


def test_a_list_takes_as_many_queries_for_two_messages_as_for_a_hundred(client, demo, boreal):
    from django.db import connection  # noqa: PLC0415 - beside its only use
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - beside its only use

    counts = []
    for wanted in (2, 100):
        for _ in range(wanted):
            OutgoingMessageFactory()
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/outbox/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5
