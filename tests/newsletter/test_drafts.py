"""A draft open in two tabs: nobody's words are lost, and nobody's silence erases a colleague's."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

import pytest
from django.test import Client

from newsletter.models import Campaign, Topic
from tests import factories
from tests.newsletter.posting import filled
from tests.newsletter.test_admin import page

pytestmark = pytest.mark.django_db
TAKEN = "Un collègue a enregistré ce brouillon depuis que vous l’avez ouvert"


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    return factories.CampaignFactory(topic=topic, body_fr="Premier.\n\nSecond.", body_en="First.")


class Texts(HTMLParser):
    """What the areas of a page hold, with the ends of line a browser sends."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.name, self.found = "", {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name = dict(attrs).get("name") or "" if tag == "textarea" else ""
        if self.name:
            self.found[self.name] = ""

    def handle_endtag(self, tag: str) -> None:
        self.name = ""

    def handle_data(self, data: str) -> None:
        if self.name:
            self.found[self.name] += data


def opened(html: str) -> dict[str, object]:
    """The form of the draft as a browser would send it back, nothing typed."""
    texts = {name: unescape(text).lstrip("\n").replace("\n", "\r\n") for name, text in Texts(html).found.items()}
    return filled(html, having="subject_fr") | texts


def tab(agent: Client, campaign: Campaign) -> dict[str, object]:
    return opened(agent.get(page("campaign_change", campaign.pk)).text)


def test_what_a_colleague_saved_in_another_field_stays(agent, campaign):
    first, second = tab(agent, campaign), tab(agent, campaign)
    address = page("campaign_change", campaign.pk)
    theirs = {"subject_fr": "D’un collègue", "body_en": "Theirs.", "is_public": []}
    assert agent.post(address, first | theirs).status_code == 303
    assert agent.post(address, second | {"body_fr": "Le mien."}).status_code == 303
    row = Campaign.objects.get()
    assert (row.subject_fr, row.body_en, row.is_public, row.body_fr) == ("D’un collègue", "Theirs.", False, "Le mien.")


def test_what_a_colleague_saved_in_the_same_field_is_not_erased_and_what_was_typed_is_kept(agent, campaign):
    first, second = tab(agent, campaign), tab(agent, campaign)
    address = page("campaign_change", campaign.pk)
    agent.post(address, first | {"body_fr": "Le texte du collègue.", "preheader_fr": "Sien"})
    refused = agent.post(address, second | {"body_fr": "Le mien, long.", "subject_en": "Mine"})
    row = Campaign.objects.get()
    assert (row.body_fr, row.subject_en) == ("Le texte du collègue.", "Half-price lifts")
    assert TAKEN in refused.text
    assert "Votre collègue a écrit\xa0: Le texte du collègue." in unescape(refused.text)
    again = opened(refused.text)
    assert (again["body_fr"], again["subject_en"], again["preheader_fr"]) == ("Le mien, long.", ["Mine"], ["Sien"])
    # Told of it, the agent may still replace it; what they never touched stays the colleague's.
    assert agent.post(address, again).status_code == 303
    row.refresh_from_db()
    assert (row.body_fr, row.subject_en, row.preheader_fr) == ("Le mien, long.", "Mine", "Sien")


def test_the_same_words_from_both_are_no_conflict(agent, campaign):
    first, second = tab(agent, campaign), tab(agent, campaign)
    for form in (first, second):
        assert agent.post(page("campaign_change", campaign.pk), form | {"subject_fr": "Pareil"}).status_code == 303
    assert Campaign.objects.get().subject_fr == "Pareil"


def test_the_topic_and_the_audience_are_kept_likewise(agent, campaign, boreal):
    topics = [factories.TopicFactory(merchant=boreal) for _topic in range(2)]
    first, second = tab(agent, campaign), tab(agent, campaign)
    address = page("campaign_change", campaign.pk)
    agent.post(address, first | {"topic": topics[0].pk, "to_language": "en-ca", "to_purchased_since": "2026-01-02"})
    assert TAKEN in agent.post(address, second | {"topic": topics[1].pk}).text
    assert agent.post(address, second | {"subject_fr": "Neuf"}).status_code == 303
    row = Campaign.objects.get()
    assert (row.topic, row.to_language, str(row.to_purchased_since)) == (topics[0], "en-ca", "2026-01-02")
    assert row.subject_fr == "Neuf"


@pytest.mark.parametrize("mark", ["", "no", "[]", "{}", '{"subject_fr": 3}'])
def test_a_mark_that_is_none_saves_what_differs_from_the_row(agent, campaign, mark):
    form = tab(agent, campaign) | {"opened": mark, "preheader_fr": "Mien"}
    assert agent.post(page("campaign_change", campaign.pk), form).status_code == 303
    assert Campaign.objects.get().preheader_fr == "Mien"
