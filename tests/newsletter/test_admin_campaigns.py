"""A campaign in the hands of several agents: what each saves, and who did what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from newsletter.models import Campaign, Topic, Wording
from newsletter.services import campaigns
from tests import factories
from tests.newsletter.posting import filled
from tests.newsletter.test_admin import confirm, draft, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    return factories.CampaignFactory(topic=topic)


NO_DRAFT = "Cette campagne n’est plus un brouillon"


@pytest.mark.parametrize("is_begun", [False, True])
def test_what_is_no_longer_a_draft_is_not_saved_and_the_text_typed_is_kept(agent, campaign, is_begun):
    """A colleague scheduled it while this agent was typing."""
    campaigns.schedule(campaign=campaign, at=timezone.now(), seen=campaigns.fingerprint_of(campaign=campaign), by=None)
    if is_begun:
        campaigns.begin_due()
    before = Campaign.objects.values().get()
    form = draft(campaign.topic, subject_fr="Autre chose", body_fr="Un long texte, écrit ce matin.")
    answer = agent.post(page("campaign_change", campaign.pk), form)
    assert NO_DRAFT in answer.text
    assert "Un long texte, écrit ce matin.</textarea>" in answer.text
    assert ("Planifié" in answer.text, "En cours d’envoi" in answer.text) == (not is_begun, is_begun)
    assert Campaign.objects.values().get() == before
    assert NO_DRAFT not in agent.get(page("campaign_change", campaign.pk)).text
    assert "<textarea" not in agent.get(page("campaign_change", campaign.pk)).text
    if not is_begun:
        campaigns.withdraw(campaign=campaign)
        assert agent.post(page("campaign_change", campaign.pk), form).status_code == 303
        assert Campaign.objects.get().subject_fr == "Autre chose"


class Meanwhile:
    """What a colleague does once a page has read the campaign, right before it locks or writes it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.is_done = work, False

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        is_it = "newsletter_campaign" in sql and ("FOR UPDATE" in sql or sql.startswith("UPDATE"))
        if is_it and not self.is_done:
            self.is_done = True
            self.work()
        return execute(sql, *rest)


def send_now() -> None:
    campaign = Campaign.objects.get()
    seen = campaigns.fingerprint_of(campaign=campaign)
    campaigns.schedule(campaign=campaign, at=timezone.now(), seen=seen, by=None)
    campaigns.begin_due()


def write_preheader() -> None:
    Campaign.objects.update(preheader_fr="D’un collègue")


def test_a_save_that_meets_a_colleague_s_sending_undoes_nothing_of_it(agent, campaign):
    form = filled(agent.get(page("campaign_change", campaign.pk)).text, having="subject_fr", is_public=[])
    form |= {"topic": [campaign.topic_id], "body_fr": [campaign.body_fr], "body_en": [campaign.body_en]}
    with connection.execute_wrapper(Meanwhile(send_now)):
        answer = agent.post(page("campaign_change", campaign.pk), form)
    row = Campaign.objects.get()
    assert (row.status, row.started_at is None, row.is_public) == ("sending", False, True)
    assert NO_DRAFT in answer.text
    assert "En cours d’envoi" in answer.text


def test_a_save_writes_only_what_was_changed(agent, campaign):
    """Of two agents in one draft, each keeps what the other did not touch."""

    form = draft(campaign.topic, subject_fr="Nouvel objet", preheader_fr="")
    with connection.execute_wrapper(Meanwhile(write_preheader)):
        assert agent.post(page("campaign_change", campaign.pk), form).status_code == 303
    row = Campaign.objects.get()
    assert (row.subject_fr, row.preheader_fr) == ("Nouvel objet", "D’un collègue")


def test_the_audience_of_a_draft_is_counted_once(agent, campaign):
    with CaptureQueriesContext(connection) as asked:
        agent.get(page("campaign_change", campaign.pk))
    assert sum("GROUP BY" in query["sql"] and "newsletter_subscription" in query["sql"] for query in asked) == 1


def test_the_page_of_a_campaign_says_who_did_what(agent, campaign, sam):
    agent.post(page("campaign_change", campaign.pk), draft(campaign.topic))
    confirm(agent, campaign, now="1")
    campaigns.begin_due()
    for act in ("pause", "resume", "cancel"):
        agent.post(page("campaign_act", campaign.pk, act))
    # Refused, it is nobody's act.
    agent.post(page("campaign_act", campaign.pk, "pause"))
    assert set(LogEntry.objects.values_list("user", flat=True)) == {sam.pk}
    text = agent.get(page("campaign_change", campaign.pk)).text
    said = re.findall(r"<strong>([^<]+)</strong>", text[text.index("<h2>Qui a fait quoi</h2>") :])[:5]
    expected = [
        "Campagne annulée",
        "Envoi repris",
        "Envoi mis en pause",
        "Envoi planifié",
        "Texte ou auditoire modifié",
    ]
    assert said == expected
    assert text.count("Sam Pelletier") >= len(expected)


def test_a_draft_is_canceled_once_that_is_confirmed_and_can_be_sent_no_more(agent, campaign):
    address = page("campaign_act", campaign.pk, "discard")
    assert address in agent.get(page("campaign_change", campaign.pk)).text
    assert "Annuler le brouillon" in agent.get(address).text
    assert Campaign.objects.get().status == "draft"
    told = agent.post(address, follow=True).text
    assert "Le brouillon est annulé." in told
    assert address not in told
    assert "<textarea" not in told
    row = Campaign.objects.get()
    assert (row.status, row.started_at, row.finished_at is None) == ("canceled", None, False)
    seen = campaigns.fingerprint_of(campaign=row)
    refused = agent.post(page("campaign_schedule", campaign.pk), {"now": "1", "seen": seen})
    assert "n’est plus un brouillon" in refused.text
    assert Campaign.objects.get().status == "canceled"


def test_each_act_says_that_it_is_done_and_a_refused_one_that_it_is_not(agent, campaign):
    said = {
        "withdraw": "Elle est de nouveau un brouillon",
        "pause": "La campagne est en pause",
        "resume": "La campagne continue.",
        "cancel": "La campagne est annulée.",
    }
    confirm(agent, campaign, day="2030-01-02", hour="09:00")
    told = agent.post(page("campaign_act", campaign.pk, "withdraw"), follow=True).text
    assert said["withdraw"] in told
    confirm(agent, campaign, now="1")
    campaigns.begin_due()
    for act in ("pause", "resume", "cancel"):
        assert said[act] in agent.post(page("campaign_act", campaign.pk, act), follow=True).text
    refused = agent.post(page("campaign_act", campaign.pk, "pause"), follow=True).text
    assert said["pause"] not in refused
    assert "a changé" in refused


@pytest.mark.parametrize(("language", "word"), [("fr-ca", "Début"), ("en-ca", "Starts")])
def test_the_day_of_a_campaign_is_the_one_it_starts(agent, campaign, sam, language, word):
    User.objects.filter(pk=sam.pk).update(language=language)
    confirm(agent, campaign, day="2030-01-02", hour="09:00")
    for name, *about in (("changelist",), ("change", campaign.pk), ("schedule", campaign.pk)):
        shown = agent.get(page(f"campaign_{name}", *about)).text
        assert word in shown
        assert "2030-01-02" in shown
