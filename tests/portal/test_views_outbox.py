"""/outbox/: what a demo would have sent, and nothing at all elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import mail
from accounts.models import OutgoingMessage
from newsletter.models import Newsletter, Topic
from newsletter.sending import send
from portal.mailers import mailers
from tests.factories import OutgoingMessageFactory
from tests.newsletter.test_sending import begun, readers

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


def test_a_file_of_a_letter_keeps_its_headers_as_they_were_written(campaign_sent, tmp_path):
    """Folded anew, the address to leave by would be encoded, and no mail program would find it."""
    content = next((tmp_path / "mail").glob("*-n*.eml")).read_bytes().replace(b"\r\n", b"\n")
    assert re.search(
        rb"^List-Unsubscribe: <http://localhost:8000/newsletter/unsubscribe/[^>]+>,\n <mailto:", content, re.MULTILINE
    )


def test_an_empty_demo_says_what_will_show_here(client, demo, boreal):
    assert "Rien n’a encore été envoyé" in client.get("/outbox/").content.decode()


def test_outside_a_demo_there_is_no_outbox(client, boreal, root, campaign_sent, tmp_path):
    message = OutgoingMessageFactory(text=LINK, html=f"<p>{LINK}</p>")
    name = next((tmp_path / "mail").glob("*-n*.eml")).stem
    own = (f"/outbox/{message.key}/", f"/outbox/{message.key}/html/")
    for address in ("/outbox/", *own, f"/outbox/newsletter/{name}/", f"/outbox/newsletter/{name}/html/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert LINK not in answer.content.decode()


def test_a_message_is_framed_as_a_mail_program_shows_it_and_can_do_nothing(client, demo, boreal):
    message = OutgoingMessageFactory(html="<p style='color:#123'>Bonjour</p><script>alert(1)</script>")
    page = client.get(f"/outbox/{message.key}/")
    frame = f"/outbox/{message.key}/html/"
    assert f'src="{frame}" sandbox' in page.content.decode()
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    mail_itself = client.get(frame)
    assert mail_itself.content.decode() == message.html
    policy = mail_itself.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert mail_itself.headers["X-Frame-Options"] == "SAMEORIGIN"
    text_only = OutgoingMessageFactory(html="")
    assert "<iframe" not in client.get(f"/outbox/{text_only.key}/").content.decode()


@pytest.fixture
def campaign_sent(topic: Topic, settings, tmp_path: Path) -> None:
    """Written into files, as where there is no mail server; beside them, files that are not the newsletter's."""
    settings.MAILERS = mailers(url="", folder=tmp_path / "mail")
    Newsletter.objects.create(merchant=topic.merchant)
    readers(topic, 2)
    send(campaign_id=begun(topic).pk)
    (tmp_path / "mail" / "20261122-120000-0a1b2c3d.eml").write_text("Subject: other\n\n")
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    mail.hang_up()


def test_a_demo_shows_the_newsletters_that_were_written_into_files(client, demo, campaign_sent):
    page = client.get("/outbox/").content.decode()
    assert page.count("Nacelles à moitié prix") == 2
    assert "p1@example.org" in page
    assert "other" not in page
    address = page.partition('href="/outbox/newsletter/')[2].partition('"')[0]
    shown = client.get(f"/outbox/newsletter/{address}").content.decode()
    assert "/newsletter/unsubscribe/" in shown
    assert f'src="/outbox/newsletter/{address}html/" sandbox' in shown
    html = client.get(f"/outbox/newsletter/{address}html/")
    assert "<strong>moitié prix</strong>" in html.content.decode()
    assert "sandbox" in html.headers["Content-Security-Policy"]


def test_only_files_of_the_newsletter_are_shown(client, demo, campaign_sent):
    gone = "20261122-120000-n1-0123456789ab"
    for name in ("20261122-120000-0a1b2c3d", "secret", "../secret", gone):
        assert client.get(f"/outbox/newsletter/{name}/").status_code == 404


def test_where_mail_leaves_by_a_server_there_is_no_file_to_show(client, demo, boreal, settings, tmp_path):
    settings.MAILERS = mailers(url="smtp://127.0.0.1:25", folder=tmp_path)
    assert "Rien n’a encore été envoyé" in client.get("/outbox/").content.decode()
    assert client.get("/outbox/newsletter/20261122-120000-n1-0123456789ab/").status_code == 404


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
