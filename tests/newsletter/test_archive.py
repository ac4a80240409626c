"""The public archive and its feed: what was sent and is public, nothing else, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from newsletter import archive
from newsletter.letters import Letters
from newsletter.models import Campaign, Topic
from newsletter.services import campaigns
from tests import factories
from tests.newsletter.test_letters import reader

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def sent(topic: Topic) -> Campaign:
    now = timezone.now()
    return factories.CampaignFactory(topic=topic, status="sent", started_at=now, finished_at=now)


def test_a_past_campaign_is_a_page_without_style_and_leads_to_the_form(client, sent):
    listed = client.get(reverse("newsletter:archive-list")).content.decode()
    assert sent.get_absolute_url() in listed
    page = client.get(sent.get_absolute_url()).content.decode()
    assert "<strong>moitié prix</strong>" in page
    assert "style=" not in page
    assert reverse("newsletter:subscribe") in page
    english = client.get(sent.get_absolute_url(), headers={"accept-language": "en-CA"}).content.decode()
    assert "half price" in english


def listed(client) -> str:
    """What the list and both feeds hold."""
    feeds = [reverse("newsletter:feed", args=[language]) for language in ("fr", "en")]
    return "".join(client.get(address).text for address in (reverse("newsletter:archive-list"), *feeds))


def test_what_is_not_public_or_has_not_begun_is_not_there(client, sent):
    assert sent.subject_fr in listed(client)
    Campaign.objects.update(is_public=False)
    assert client.get(sent.get_absolute_url()).status_code == 404
    assert sent.subject_fr not in listed(client)
    draft = factories.CampaignFactory(topic=sent.topic, status="scheduled", scheduled_at=timezone.now())
    assert client.get(draft.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("fields", [{"status": "sending"}, {"status": "paused"}, {"status": "canceled"},
                                    {"status": "stopped", "stopped_for": "bounces"}])  # fmt: skip
def test_what_somebody_received_is_readable_and_listed_only_once_sent(client, sent, fields):
    Campaign.objects.update(finished_at=None, **fields)
    assert "moitié prix" in client.get(sent.get_absolute_url()).text
    assert sent.subject_fr not in listed(client)


def test_the_link_of_a_message_leads_to_its_page_while_others_wait_and_after_it_was_canceled(client, topic, sent):
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    message = message_from_bytes(Letters(campaign=campaign).to(reader=reader()), policy=policy.default)
    html = message.get_body(("html",)).get_content()
    (link,) = re.findall(r'href="http://localhost:8000(/newsletter/archive/[^"]+)"', html)
    assert "moitié prix" in client.get(link).text
    campaigns.cancel(campaign=campaign)
    assert "moitié prix" in client.get(link).text


def test_the_list_goes_on_to_the_first_campaign_of_all(client, topic, monkeypatch):
    monkeypatch.setattr(archive, "SHOWN", 2)
    now = timezone.now()
    for number in range(5):
        # Three of them ended in the same instant.
        at = now - timedelta(days=max(number, 2))
        factories.CampaignFactory(topic=topic, status="sent", started_at=at, finished_at=at, subject_fr=f"N{number}")
    address, seen = reverse("newsletter:archive-list"), []
    for _page in range(3):
        text = client.get(address).text
        seen += re.findall(r">(N\d)<", text)
        address = reverse("newsletter:archive-list") + next(iter(re.findall(r'href="(\?after=[^"]+)"', text)), "")
    assert sorted(seen) == ["N0", "N1", "N2", "N3", "N4"]
    assert 'rel="next"' not in text
    assert client.get(reverse("newsletter:archive-list"), {"after": "\0nowhere"}).status_code == 200


def test_the_archive_is_that_of_the_public_merchant(client, sent, riviere):
    now = timezone.now()
    other = factories.CampaignFactory(
        topic__merchant=riviere, status="sent", started_at=now, finished_at=now, subject_fr="Sorties"
    )
    assert other.subject_fr not in client.get(reverse("newsletter:archive-list")).content.decode()


@pytest.mark.parametrize(("language", "title"), [("fr", "Nacelles à moitié prix"), ("en", "Half-price lifts")])
def test_a_feed_is_atom_with_whole_addresses_in_the_language_of_its_own(client, sent, language, title):
    """Whatever the reader prefers: here French."""
    address = reverse("newsletter:feed", args=[language])
    response = client.get(address)
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    root = ET.fromstring(response.content)
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == f"{language}-ca"
    assert address in {link.get("href").removeprefix("http://localhost:8000") for link in root.iter(f"{ATOM}link")}
    entry = root.find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}title").text == title
    link = entry.find(f"{ATOM}link").get("href").removeprefix("http://localhost:8000")
    assert link.startswith(sent.get_absolute_url())
    assert title in client.get(link).text
    words = entry.find(f"{ATOM}content")
    assert words.get("type") == "html"
    assert ("moitié prix" if language == "fr" else "half price") in words.text
    assert response.headers["Content-Language"] == f"{language}-ca"
    # Two feeds are two, and so are their entries; asked again, nothing is sent twice.
    assert root.find(f"{ATOM}id").text.endswith(address)
    assert entry.find(f"{ATOM}id").text.endswith(link)
    assert client.get(address, headers={"if-none-match": response.headers["ETag"]}).status_code == 304


def test_a_sign_no_xml_may_hold_does_not_silence_the_feed(client, sent):
    """A word processor leaves some in what is pasted."""
    Campaign.objects.update(status="draft", started_at=None, finished_at=None)
    Campaign.objects.update(subject_fr="Nacelles\x0b à moitié", body_fr="Bonjour\x0bvous")
    now = timezone.now()
    Campaign.objects.update(status="sent", started_at=now, finished_at=now)
    root = ET.fromstring(client.get(reverse("newsletter:feed", args=["fr"])).content)
    assert root.find(f"{ATOM}entry").find(f"{ATOM}title").text == "Nacelles  à moitié"


def test_the_page_of_a_letter_speaks_its_language_to_who_chose_none(client, sent):
    page = client.get(sent.get_absolute_url(), {"language": "en"})
    assert sent.subject_en in page.text
    assert '<html lang="en-CA">' in page.text
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "fr-ca"
    assert sent.subject_fr in client.get(sent.get_absolute_url(), {"language": "en"}).text
    assert client.get(sent.get_absolute_url(), {"language": "xx"}).status_code == 200


def test_the_archive_names_the_feed_of_its_language(client, sent):
    for language in ("fr", "en"):
        page = client.get(reverse("newsletter:archive-list"), headers={"accept-language": f"{language}-CA"}).text
        assert 'type="application/atom+xml" title="' in page
        assert page.count(reverse("newsletter:feed", args=[language])) == 2
    assert client.get(reverse("newsletter:feed", args=["de"])).status_code == 404


def test_a_list_takes_the_same_few_queries_whatever_its_length(client, topic, django_assert_max_num_queries):
    asked = []
    for count in (2, 30):
        for _campaign in range(count):
            factories.CampaignFactory(topic=topic, status="sent", started_at=timezone.now(), finished_at=timezone.now())
        with django_assert_max_num_queries(10) as queries:
            client.get(reverse("newsletter:archive-list"))
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_form_at_the_foot_names_whose_newsletter_it_is(client, sent, riviere):
    """The page is in the name of its merchant; the form is of the merchant of the public pages."""
    theirs = factories.TopicFactory(merchant=riviere)
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=theirs, status="sent", started_at=now, finished_at=now)
    page = client.get(campaign.get_absolute_url()).text
    assert "Club Rivière" in page
    assert "S’abonner à l’infolettre de Location Boréal" in page
