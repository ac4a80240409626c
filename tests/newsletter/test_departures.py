"""The page that sends a campaign: what it shows is what leaves, and each of its buttons says what it does."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest
from django.db import connection

from newsletter.models import Campaign, Newsletter, Topic, Wording
from tests import factories
from tests.newsletter.posting import filled
from tests.newsletter.test_admin import confirm, page
from tests.newsletter.test_admin_campaigns import Meanwhile

pytestmark = pytest.mark.django_db
CHANGED = "Cette campagne a changé depuis que vous avez lu cette page"


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    for language in ("fr-ca", "fr-ca", "en-ca"):
        factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__language=language)
    Newsletter.objects.create(merchant=topic.merchant, per_minute=2)
    return factories.CampaignFactory(topic=topic, status="draft")


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


CHANGES = [
    {"subject_fr": "Autre objet"},
    {"subject_en": "Another subject"},
    {"preheader_fr": "Autre"},
    {"preheader_en": "Another"},
    {"body_fr": "Autre texte."},
    {"body_en": "Another text."},
    {"to_language": "en-ca"},
    {"to_kind": "individual"},
    {"to_purchased_since": date(2026, 1, 2)},
    {"is_public": False},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("button", [{"now": "1"}, {"day": "2030-01-02", "hour": "09:00"}], ids=["now", "day"])
def test_what_changed_since_the_page_was_read_does_not_leave(agent, campaign, change, button):
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day")
    Campaign.objects.update(**change)
    refused = agent.post(address, read | button)
    assert refused.status_code == 422
    assert CHANGED in refused.text
    assert Campaign.objects.get().status == "draft"


@pytest.mark.parametrize("change", ["topic", "to_branch"])
def test_another_topic_or_branch_is_another_campaign(agent, campaign, boreal, change):
    made = {"topic": factories.TopicFactory, "to_branch": factories.BranchFactory}
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day")
    Campaign.objects.update(**{change: made[change](merchant=boreal)})
    assert CHANGED in agent.post(address, read | {"now": "1"}).text
    assert Campaign.objects.get().status == "draft"


def test_the_page_is_shown_anew_with_what_changed_and_that_can_be_confirmed(agent, campaign):
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day")
    Campaign.objects.update(subject_fr="Chariots à moitié prix")
    refused = agent.post(address, read | {"day": "2030-01-02", "hour": "09:00"})
    assert "Chariots à moitié prix" in refused.text
    assert 'value="2030-01-02"' in refused.text
    again = filled(refused.text, having="day")
    assert agent.post(address, again).status_code == 303
    assert Campaign.objects.get().status == "scheduled"


def test_a_change_that_slips_in_between_the_reading_and_the_lock_is_seen(agent, campaign):
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day")
    with connection.execute_wrapper(Meanwhile(lambda: Campaign.objects.update(body_fr="Autre texte."))):
        assert CHANGED in agent.post(address, read | {"now": "1"}).text
    assert Campaign.objects.get().status == "draft"


def test_without_what_was_read_nothing_leaves(agent, campaign):
    answer = agent.post(page("campaign_schedule", campaign.pk), {"now": "1"})
    assert answer.status_code == 422
    assert Campaign.objects.get().status == "draft"


def test_some_people_more_do_not_stop_it(agent, campaign):
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day")
    factories.ConsentFactory(topic=campaign.topic, wording=Wording.objects.get())
    assert agent.post(address, read | {"now": "1"}).status_code == 303
    assert Campaign.objects.get().status == "scheduled"


def test_sent_twice_by_a_double_click_it_leaves_once_and_nobody_is_told_that_nothing_left(agent, campaign):
    address = page("campaign_schedule", campaign.pk)
    read = filled(agent.get(address).text, having="day") | {"now": "1"}
    assert [agent.post(address, read).status_code for _press in range(2)] == [303, 303]


def test_the_page_says_whom_it_reaches_by_language_and_how_long_it_takes(agent, campaign):
    shown = text_of(agent.get(page("campaign_schedule", campaign.pk)).text)
    assert "Destinataires Anglais : 1 · Français : 2" in shown
    assert "Durée environ 2 minutes, à 2 messages par minute" in shown
    assert "Envoyer maintenant à 3 personnes" in shown
    assert "Nacelles à moitié prix" in shown
    assert "Half-price lifts" in shown


def test_what_only_deserves_a_look_is_said_and_stops_nothing(agent, campaign):
    Campaign.objects.update(body_fr="![](https://boreal.example/a.png)")
    assert "une image n’a pas de description" in agent.get(page("campaign_schedule", campaign.pk)).text
    assert confirm(agent, campaign, now="1").status_code == 303
