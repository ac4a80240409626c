"""The public archive and its feed: what was sent and is public, nothing else, in both languages."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Campaign, Topic
from tests import factories

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


@pytest.mark.parametrize("fields", [{"is_public": False}, {"status": "paused", "finished_at": None},
                                    {"status": "canceled"}])  # fmt: skip
def test_what_is_not_public_or_not_sent_is_not_there(client, sent, fields):
    Campaign.objects.update(**fields)
    assert client.get(sent.get_absolute_url()).status_code == 404
    for name in ("archive-list", "feed"):
        assert sent.subject_fr not in client.get(reverse(f"newsletter:{name}")).content.decode()


def test_the_archive_is_that_of_the_public_merchant(client, sent, riviere):
    now = timezone.now()
    other = factories.CampaignFactory(
        topic__merchant=riviere, status="sent", started_at=now, finished_at=now, subject_fr="Sorties"
    )
    assert other.subject_fr not in client.get(reverse("newsletter:archive-list")).content.decode()


def test_the_feed_is_atom_with_whole_addresses(client, sent):
    response = client.get(reverse("newsletter:feed"))
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    entry = ET.fromstring(response.content).find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}title").text == "Nacelles à moitié prix"
    assert entry.find(f"{ATOM}link").get("href") == f"http://localhost:8000{sent.get_absolute_url()}"
    assert "moitié prix" in entry.find(f"{ATOM}summary").text


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
