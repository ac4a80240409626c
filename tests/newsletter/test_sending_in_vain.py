"""A campaign nobody received, however few its readers; and mailboxes that fail now and then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from accounts import mail
from accounts.models import OutgoingMessage
from newsletter import sending
from newsletter.models import Campaign, Newsletter, Recipient, Subscriber, Topic
from newsletter.services import campaigns, returns
from portal.mailers import mailers
from tests.newsletter.test_sending import FAST, begun, leave, readers, statuses
from tests.sinks import Sink, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(settings, tmp_path: Path) -> Iterator[Sink]:
    with running(Sink()) as sink:
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        yield sink
        mail.hang_up()


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """Begun, for five readers."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 5)
    return begun(topic)


def sent(campaign: Campaign) -> int:
    count = sending.send(campaign_id=campaign.pk)
    campaign.refresh_from_db()
    return count


def test_a_small_campaign_refused_by_everybody_is_not_called_sent_and_the_desk_is_told(campaign, sink, topic):
    sink.on_data = lambda envelope: "554 5.7.1 listed as spam"
    assert sent(campaign) == 0
    assert (campaign.status, campaign.stopped_for, campaign.finished_at) == ("stopped", "nobody", None)
    assert statuses(campaign) == {"failed": 5}
    told = OutgoingMessage.objects.get()
    assert (told.recipient, told.language) == (topic.merchant.email, "fr-ca")
    for part in (told.text, told.html):
        assert "Personne ne l’a reçue" in part
        assert "554 5.7.1 listed as spam" in part
        assert "Corrigez ce qui l’empêche" in part
    with translation.override("en-ca"):
        words = "Nobody received it: no message was accepted (recipients: 5). 554 5.7.1 listed as spam"
        assert campaign.why_stopped == words


def test_the_agent_sees_it_in_the_list_and_on_the_page_of_results(campaign, sink, client, sam):
    sink.on_data = lambda envelope: "554 5.7.1 listed as spam"
    sent(campaign)
    client.force_login(sam)
    listed = client.get(reverse("admin:newsletter_campaign_changelist")).content.decode()
    assert "Arrêtée d’elle-même" in listed
    page = client.get(reverse("admin:newsletter_campaign_change", args=[campaign.pk])).content.decode()
    assert "Personne ne l’a reçue" in page.partition("<h2>Résultats</h2>")[2].partition("</section>")[0]


def test_resumed_it_is_tried_again_on_those_who_refused_it_and_not_on_wrong_addresses(campaign, sink):
    wrong = {"p0@example.org": "550 5.1.1 unknown"}
    sink.on_recipient = lambda address: wrong.get(address, "250 OK")
    sink.on_data = lambda envelope: "554 5.7.1 listed as spam"
    assert sent(campaign) == 0
    assert campaign.stopped_for == "nobody"
    leave("p1@example.org")
    sink.on_data = lambda envelope: "250 OK"
    campaigns.resume(campaign=campaign)
    assert sent(campaign) == 3
    assert sorted(letter["To"] for letter in sink.mails) == [f"p{n}@example.org" for n in (2, 3, 4)]
    assert statuses(campaign) == {"sent": 3, "failed": 1, "skipped": 1}
    assert (campaign.status, campaign.stopped_for) == ("sent", "")


def test_resumed_in_vain_it_stops_again_and_can_be_canceled(campaign, sink):
    sink.on_recipient = lambda address: "550 5.1.1 unknown"
    sent(campaign)
    campaigns.resume(campaign=campaign)
    assert sent(campaign) == 0
    assert (campaign.status, campaign.stopped_for) == ("stopped", "nobody")
    assert sink.received == []
    campaigns.cancel(campaign=campaign)
    assert sending.wake() == 0
    assert statuses(campaign) == {"failed": 5}


def test_one_acceptance_is_enough_to_be_sent_and_nobody_left_is_no_failure(campaign, sink, topic):
    sink.on_recipient = lambda address: "250 OK" if address == "p3@example.org" else "554 5.7.1 no"
    assert sent(campaign) == 1
    assert (campaign.status, statuses(campaign)) == ("sent", {"sent": 1, "failed": 4})
    again = begun(topic)
    for n in range(5):
        leave(f"p{n}@example.org")
    assert sent(again) == 0
    assert (again.status, statuses(again)) == ("sent", {"skipped": 5})
    assert not OutgoingMessage.objects.exists()


def soft_bounces() -> tuple[int, bool]:
    person = Subscriber.objects.get(email="p1@example.org")
    return person.soft_bounces, person.suppressed_at is not None


def full(sink: Sink) -> None:
    sink.on_data = lambda envelope: "552 5.2.2 full" if "p1@example.org" in envelope.rcpt_tos else "250 OK"


def emptied(sink: Sink) -> None:
    sink.on_data = lambda envelope: "250 OK"


def test_without_a_service_that_tells_a_message_accepted_between_two_full_ones_begins_the_count_again(topic, sink):
    """A mailbox that is full once a year is not abandoned after five."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 2)
    for count in range(1, returns.MANY_SOFT):
        full(sink)
        sent(begun(topic))
        assert soft_bounces() == (count, False)
    emptied(sink)
    sent(begun(topic))
    for count in range(1, returns.MANY_SOFT + 1):
        full(sink)
        sent(begun(topic))
        assert soft_bounces() == (count, count == returns.MANY_SOFT)


def test_an_acceptance_by_a_service_that_tells_later_begins_nothing_again(topic, sink):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 2)
    for count in range(1, returns.MANY_SOFT + 1):
        campaign = begun(topic)
        sent(campaign)
        row = Recipient.objects.select_related("subscriber").get(campaign=campaign, subscriber__email="p1@example.org")
        returns.count_soft(recipient_id=row.pk, key=row.subscriber.key)
        assert soft_bounces() == (count, count == returns.MANY_SOFT)


def test_an_acceptance_told_later_to_have_failed_does_not_part_two_refusals(topic, sink):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 2)
    full(sink)
    sent(begun(topic))
    emptied(sink)
    campaign = begun(topic)
    sent(campaign)
    row = Recipient.objects.select_related("subscriber").get(campaign=campaign, subscriber__email="p1@example.org")
    returns.count_soft(recipient_id=row.pk, key=row.subscriber.key)
    full(sink)
    sent(begun(topic))
    assert soft_bounces() == (3, False)
