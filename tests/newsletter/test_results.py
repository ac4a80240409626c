"""The figures of a campaign: each is what the rows say, the states add up, the table holds what the chart shows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from newsletter.models import Campaign, Newsletter, Recipient, Topic
from newsletter.results import WIDTH, Results, results_of
from tests import factories
from tests.newsletter.measuring import measure

pytestmark = pytest.mark.django_db
STATES = {"sent": 5, "queued": 2, "sending": 1, "failed": 3, "skipped": 4, "canceled": 1}


@pytest.fixture
def campaign(topic: Topic, today: datetime) -> Campaign:
    """Sixteen recipients in every state; of the five who received it, some answered."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=1)
    begun = today - timedelta(minutes=10)
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=begun)
    for status, count in STATES.items():
        for _row in range(count):
            subscriber = factories.SubscriberFactory(merchant=topic.merchant)
            moments = {"sent_at": today if status == "sent" else None}
            moments["claimed_at"] = today if status == "sending" else None
            Recipient.objects.create(campaign=campaign, subscriber=subscriber, status=status, **moments)
    rows = list(Recipient.objects.filter(status="sent").order_by("pk").values_list("pk", flat=True))
    for column, count in {"delivered_at": 4, "bounced_at": 1, "complained_at": 2, "left_at": 3}.items():
        Recipient.objects.filter(pk__in=rows[:count]).update(**{column: today})
    # The first was delayed and arrived, the last has not yet.
    Recipient.objects.filter(pk__in=[rows[0], rows[-1]]).update(soft_at=today)
    return campaign


def numbers(results: Results) -> dict[str, int]:
    return {bar.label: bar.number for bar in results.bars}


def test_each_figure_is_what_the_rows_say(campaign):
    with translation.override("fr-ca"):
        results = results_of(campaign=campaign)
    assert numbers(results) == {
        "Envoyé": 5,
        "En attente": 3,
        "Échoué": 3,
        "Désabonné avant l’envoi": 4,
        "Annulé": 1,
        "Livraison confirmée": 4,
        "Rebond": 1,
        "Retardé, ou boîte pleine": 1,
        "Plainte": 2,
        "Désabonné par ce message": 3,
    }
    assert (results.total, results.waiting) == (sum(STATES.values()), 3)


def test_the_states_add_up_to_the_total(campaign):
    results = results_of(campaign=campaign)
    assert sum(bar.number for bar in results.bars[:5]) == results.total == Recipient.objects.count()


def test_a_bar_is_as_long_as_its_share(campaign):
    sent = results_of(campaign=campaign).bars[0]
    with translation.override("fr-ca"):
        sent = results_of(campaign=campaign).bars[0]
    assert sent.share.replace("\xa0", " ") == "31,2 %"
    assert sent.width == round(5 / 16 * WIDTH, 1)


def test_the_end_is_said_as_long_as_it_is_being_sent(campaign, today):
    # Three wait: at the pace of the last five minutes, in which five left, that is three more.
    assert results_of(campaign=campaign).ends_at == today + timedelta(minutes=3)
    Campaign.objects.update(status="paused")
    campaign.refresh_from_db()
    assert results_of(campaign=campaign).ends_at is None


def test_a_campaign_without_anybody_has_no_share_of_nothing(topic):
    campaign = factories.CampaignFactory(topic=topic, status="sent", started_at=timezone.now())
    results = results_of(campaign=campaign)
    assert (results.total, results.waiting, results.ends_at) == (0, 0, None)
    assert {(bar.number, bar.width) for bar in results.bars} == {(0, 0)}


def test_other_campaigns_do_not_count(campaign, topic):
    other = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    Recipient.objects.create(campaign=other, subscriber=factories.SubscriberFactory(merchant=topic.merchant))
    assert results_of(campaign=campaign).total == 16
    assert results_of(campaign=other).total == 1


def test_the_table_holds_the_figures_of_the_chart(client, campaign, sam):
    client.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    shown = client.get(reverse("admin:newsletter_campaign_change", args=[campaign.pk])).text
    with translation.override("fr-ca"):
        results = results_of(campaign=campaign)
    drawn = re.findall(r"<text[^>]*>([^<]+)</text><rect[^>]* width=\"([\d.]+)\"", shown)
    written = re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>(\d+)</td><td[^>]*>([^<]+)</td>', shown)
    assert [(label, float(width)) for label, width in drawn] == [(bar.label, bar.width) for bar in results.bars]
    assert written == [(bar.label, str(bar.number), bar.share) for bar in results.bars]


@pytest.fixture
def measured(campaign: Campaign, today: datetime) -> Campaign:
    """Four of the five who received it had agreed, and so had one who has not: three opened it, one followed a link."""
    measure(campaign.merchant)
    rows = list(Recipient.objects.filter(status="sent").order_by("pk").values_list("pk", flat=True))
    Recipient.objects.filter(pk__in=rows[:4]).update(is_measured=True)
    Recipient.objects.filter(status="failed").update(is_measured=True)
    Recipient.objects.filter(pk__in=rows[:3]).update(opened_at=today)
    Recipient.objects.filter(pk__in=rows[3:4]).update(clicked_at=today)
    return campaign


def page_of(campaign: Campaign, client: Client, sam: User) -> str:
    client.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client.get(reverse("admin:newsletter_campaign_change", args=[campaign.pk])).text


def test_openings_and_clicks_are_shares_of_those_who_agreed(measured, client, sam):
    shown = page_of(measured, client, sam)
    assert "Parts des 4 destinataires qui ont consenti à la mesure." in shown
    written = re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>(\d+)</td><td[^>]*>([^<]+)</td>', shown)
    told = [(label, number, share.replace("\xa0", " ")) for label, number, share in written[-2:]]
    assert told == [("Ouvert", "3", "75 %"), ("Lien suivi", "1", "25 %")]
    assert f'width="{3 / 4 * WIDTH}"' in shown
    assert "ne sont pas observés" not in shown
    # Figures of before are still said by who measures no more.
    measure(measured.merchant, is_on=False)
    assert "Lien suivi" in page_of(measured, client, sam)


def test_nothing_of_it_is_said_where_the_merchant_does_not_measure(campaign, client, sam):
    assert results_of(campaign=campaign).measured is None
    shown = page_of(campaign, client, sam)
    assert "Lien suivi" not in shown
    assert "ne sont pas observés" in shown


def test_who_measures_and_has_nobody_s_consent_is_told_so(campaign, client, sam):
    measure(campaign.merchant)
    shown = page_of(campaign, client, sam)
    assert "personne n’a consenti à la mesure" in shown
    assert "Lien suivi" not in shown


def test_the_page_of_results_says_whom_it_was_meant_for_and_groups_its_figures(campaign, client, sam):
    Campaign.objects.update(to_language="en-ca", to_kind="business")
    people = factories.SubscriberFactory.create_batch(1200, merchant=campaign.merchant)
    Recipient.objects.bulk_create(Recipient(campaign=campaign, subscriber=subscriber) for subscriber in people)
    shown = page_of(campaign, client, sam)
    assert "1\xa0216 destinataires" in shown
    assert '<td class="amount" data-label="Destinataires">1\xa0203</td>' in shown
    assert f"{campaign.topic.name} · Anglais · Entreprise" in shown
