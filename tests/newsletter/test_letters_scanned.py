"""A scanner of a mail service follows every link of a message before its reader does: nothing may come of it."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from newsletter.letters import Letters, Reader
from newsletter.models import Campaign, Consent, Recipient, Subscription, Topic, Wording
from tests import factories

pytestmark = pytest.mark.django_db
OURS = "http://localhost:8000"


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """Begun, with a link of the merchant's to our own archive."""
    body = f"[Nos nacelles](https://boreal.example/n)\n\nVoyez nos [anciennes lettres]({OURS}/newsletter/)."
    return factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now(), body_fr=body)


@pytest.fixture
def letter(campaign: Campaign) -> EmailMessage:
    """What Luc, who subscribed, received."""
    consent = factories.ConsentFactory(
        topic=campaign.topic, wording=Wording.objects.get(), subscriber__email="luc@example.org"
    )
    luc = consent.subscriber
    row = Recipient.objects.create(campaign=campaign, subscriber=luc, status="sent", sent_at=timezone.now())
    content = Letters(campaign=campaign).to(reader=Reader(row.pk, luc.email, luc.key, "fr-ca"))
    return message_from_bytes(content, policy=policy.default)


def addresses(letter: EmailMessage) -> set[str]:
    """Of both parts and of the header."""
    html = letter.get_body(("html",)).get_content()
    text = letter.get_body(("plain",)).get_content()
    found = {unescape(href) for href in re.findall(r'(?:href|src)="([^"]*)"', html)}
    found |= {address.rstrip(".,)") for address in re.findall(r"https?://[^\s>]+", text)}
    return found | set(re.findall(r"<(https?://[^>]+)>", str(letter["List-Unsubscribe"])))


def one_click_address(letter: EmailMessage) -> str:
    return re.search(r"<(https?://[^>]+)>", str(letter["List-Unsubscribe"]))[1].removeprefix(OURS)


def everything() -> dict[str, list[dict[str, object]]]:
    """Each row of the newsletter, the people and the mail that is to leave."""
    models = [*apps.get_app_config("newsletter").get_models(), User, OutgoingMessage]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_a_scanner_that_follows_every_link_changes_nothing(letter):
    before = everything()
    assert before["Consent"]
    assert before["Recipient"]
    found = addresses(letter)
    assert {address for address in found if not address.startswith((OURS, "mailto:", "tel:"))} == {
        "https://boreal.example/n"
    }
    paths = {address.removeprefix(OURS) for address in found if address.startswith(OURS)}
    named = {path.split("/")[2] for path in paths if path.count("/") > 2}
    assert named == {"unsubscribe", "preferences", "archive"}
    for path in sorted(paths):
        for method in ("get", "head"):
            scanner = Client(enforce_csrf_checks=True, headers={"user-agent": "scanner/1.0"})
            answer = getattr(scanner, method)(path)
            assert answer.status_code < 400, (method, path)
    assert everything() == before
    assert Subscription.objects.active().count() == 1


def test_the_address_of_the_header_leaves_by_the_mail_program_s_own_post_without_cookies(letter):
    program = Client(enforce_csrf_checks=True)
    answer = program.post(
        one_click_address(letter), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, dict(program.cookies)) == (200, {})
    assert not Subscription.objects.active().exists()
    withdrawn = Consent.objects.latest("pk")
    assert (withdrawn.act, withdrawn.channel) == ("withdrawn", "one_click")
    assert Recipient.objects.get().left_at is not None
