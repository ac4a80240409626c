"""What mail services tell: believed only with a right signature; it silences the newsletter alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from newsletter.letters import message_id
from newsletter.models import Campaign, Consent, Recipient, Subscriber, Subscription, Topic, Wording
from newsletter.services import campaigns, returns
from organizations.models import Invitation
from tests import factories
from tests.newsletter.measuring import choose, measure
from tests.organizations.signing import invited, only_invitation

pytestmark = pytest.mark.django_db
KEY = "a-signing-key"
BASIC = "comptoir:secret"


@pytest.fixture
def recipient(topic: Topic, settings: Any) -> Recipient:
    """Luc received a campaign; both services are configured."""
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY, "WEBHOOK_SECRET": None}
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__email="luc@example.org")
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=topic, status="sent", started_at=now, finished_at=now)
    return Recipient.objects.create(campaign=campaign, subscriber=consent.subscriber, status="sent", sent_at=now)


def signature_of(stamp: str, token: str, *, key: str = KEY) -> str:
    return hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()


def signed(event: dict[str, object], *, key: str = KEY) -> Any:
    """Post an event as Mailgun signs it."""
    stamp, token = str(int(time.time())), "t" * 50
    proof = {"timestamp": stamp, "token": token, "signature": signature_of(stamp, token, key=key)}
    body = {"signature": proof, "event-data": {"id": "x", "timestamp": float(stamp), **event}}
    address = reverse("newsletter:hook", args=["mailgun"])
    return Client(enforce_csrf_checks=True).post(address, json.dumps(body), content_type="application/json")


def mailgun(client: Client, recipient: Recipient, *, key: str = KEY, **event: object) -> Any:
    """An event about the message of one recipient."""
    ours = f"{message_id(recipient_id=recipient.pk, key=recipient.subscriber.key)}@localhost"
    about = {"recipient": recipient.subscriber.email, "message": {"headers": {"message-id": ours}}}
    return signed({**about, **event}, key=key)


LUC = {
    "Email": "Luc@example.org",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "BouncedAt": "2026-11-22T17:00:00Z",
}


def postmark(body: dict[str, object], *, service: str = "postmark", secret: str = BASIC) -> Any:
    """Post as Postmark does, its password in the address."""
    basic = f"Basic {b64encode(secret.encode()).decode()}"
    address = reverse("newsletter:hook", args=[service])
    return Client().post(address, json.dumps(body), content_type="application/json", headers={"authorization": basic})


def fresh(recipient: Recipient) -> Recipient:
    return Recipient.objects.select_related("subscriber").get(pk=recipient.pk)


def test_a_delivery_is_noted(client, recipient):
    Subscriber.objects.update(soft_bounces=3)
    assert mailgun(client, recipient, event="delivered").status_code == 200
    row = fresh(recipient)
    assert row.delivered_at is not None
    assert row.subscriber.soft_bounces == 0


def test_a_hard_bounce_suppresses_the_newsletter_alone(client, recipient):
    mailgun(client, recipient, event="failed", severity="permanent", **{"delivery-status": {"code": 550}})
    row = fresh(recipient)
    assert row.bounced_at is not None
    assert row.subscriber.suppressed_for == "bounce"
    # The consent itself stands: the person said nothing.
    assert Subscription.objects.active().exists()


SOFT = {"event": "failed", "severity": "temporary", "delivery-status": {"code": 452}}


def another(recipient: Recipient) -> Recipient:
    """The next campaign to the same person."""
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=recipient.campaign.topic, status="sent", started_at=now, finished_at=now)
    return Recipient.objects.create(campaign=campaign, subscriber=recipient.subscriber, status="sent", sent_at=now)


def test_five_delays_of_one_message_count_once(client, recipient):
    for _time in range(returns.MANY_SOFT):
        mailgun(client, recipient, **SOFT)
    row = fresh(recipient)
    assert (row.subscriber.soft_bounces, row.subscriber.suppressed_at, row.bounced_at) == (1, None, None)
    assert row.soft_at is not None


def test_soft_bounces_of_five_campaigns_suppress_and_a_delivery_begins_again(client, recipient):
    for count in range(1, returns.MANY_SOFT):
        mailgun(client, recipient, **SOFT)
        recipient = another(fresh(recipient))
        assert recipient.subscriber.soft_bounces == count
    mailgun(client, recipient, event="delivered")
    assert fresh(recipient).subscriber.soft_bounces == 0
    for count in range(1, returns.MANY_SOFT + 1):
        recipient = another(recipient)
        mailgun(client, recipient, **SOFT)
        subscriber = fresh(recipient).subscriber
        assert subscriber.soft_bounces == count
        assert (subscriber.suppressed_at is not None) is (count == returns.MANY_SOFT)
    assert not Recipient.objects.exclude(bounced_at=None).exists()


@pytest.mark.parametrize(("kind", "is_hard"), [("SoftBounce", False), ("HardBounce", True)])
def test_a_full_mailbox_of_postmark_counts_first(recipient, settings, kind, is_hard):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    assert postmark({"RecordType": "Bounce", "ID": 2, "Type": kind, **LUC}).status_code == 200
    row = fresh(recipient)
    assert (row.bounced_at is not None, row.subscriber.suppressed_at is not None) == (is_hard, is_hard)
    assert row.subscriber.soft_bounces == (0 if is_hard else 1)


def mta(text: str) -> dict[str, object]:
    return {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": {"message": text}}


@pytest.mark.parametrize(
    ("answer", "is_suppressed", "soft", "is_bounced"),
    [
        ("550 5.1.1 no such user", True, 0, True),
        ("Mailbox unknown", True, 0, True),
        ("552 5.2.2 over quota", False, 1, False),
        ("452 4.2.2 over quota", False, 1, False),
        ("554 5.7.1 looks like spam", False, 0, True),
    ],
)
def test_the_words_of_the_mail_server_say_more_than_permanent(
    client, recipient, answer, is_suppressed, soft, is_bounced
):
    assert mailgun(client, recipient, **mta(answer)).status_code == 200
    row = fresh(recipient)
    assert (row.subscriber.suppressed_at is not None, row.subscriber.soft_bounces) == (is_suppressed, soft)
    assert (row.bounced_at is not None) is is_bounced


def test_a_message_the_service_itself_refuses_has_not_arrived_and_silences_nobody(client, recipient):
    Campaign.objects.update(status="sending", finished_at=None)
    mailgun(client, recipient, event="rejected", reason="espblock")
    row = fresh(recipient)
    assert row.bounced_at is not None
    assert (row.subscriber.suppressed_at, row.subscriber.soft_bounces) == (None, 0)
    assert Campaign.objects.get().refused == 1


def test_a_soft_bounce_of_service_mail_counts_for_nothing(topic):
    subscriber = factories.SubscriberFactory(merchant=topic.merchant, email="luc@example.org")
    for _time in range(returns.MANY_SOFT):
        returns.note_event(kind="deferred", email=subscriber.email, message_id="other@elsewhere", is_lasting=False)
    subscriber.refresh_from_db()
    assert (subscriber.soft_bounces, subscriber.suppressed_at) == (0, None)


def test_an_address_the_service_knows_to_be_wrong_is_a_bounce(recipient, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    postmark({"RecordType": "Bounce", "ID": 3, "Type": "DMARCPolicy", **LUC})
    assert fresh(recipient).subscriber.suppressed_at is None
    postmark({"RecordType": "Bounce", "ID": 4, "Type": "BadEmailAddress", **LUC})
    row = fresh(recipient)
    assert row.bounced_at is not None
    assert row.subscriber.suppressed_for == "bounce"


def test_who_unsubscribes_at_the_service_is_withdrawn_by_that_way(client, recipient):
    mailgun(client, recipient, event="unsubscribed")
    assert Consent.objects.latest("pk").channel == "service"
    assert not Subscription.objects.active().exists()


def everything() -> list[list[dict[str, object]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Recipient, Subscriber, Campaign, Consent)]


SEEN = {"url": "https://boreal.example/nacelles", "ip": "203.0.113.7"}


@pytest.fixture
def measured(recipient: Recipient) -> Recipient:
    """The merchant measures, Luc agreed, and then the message left."""
    measure(recipient.campaign.merchant)
    choose(recipient.subscriber, agrees=True)
    Recipient.objects.update(is_measured=True)
    return fresh(recipient)


@pytest.mark.parametrize("event", ["opened", "clicked"])
def test_an_opening_or_a_click_of_who_did_not_agree_is_not_kept(client, recipient, event):
    for is_on in (False, True):
        measure(recipient.campaign.merchant, is_on=is_on)
        before = everything()
        assert mailgun(client, recipient, event=event, **SEEN).status_code == 200
        assert everything() == before


@pytest.mark.parametrize(("event", "column"), [("opened", "opened_at"), ("clicked", "clicked_at")])
def test_of_who_agreed_the_first_time_is_kept_and_not_which_link(client, measured, event, column, today, time_machine):
    before = everything()
    for hours in (1, 2):
        time_machine.move_to(today + timedelta(hours=hours))
        assert mailgun(client, measured, event=event, **SEEN).status_code == 200
    before[0][0][column] = today + timedelta(hours=1)
    assert everything() == before


@pytest.mark.parametrize("event", ["opened", "clicked"])
@pytest.mark.parametrize("case", ["merchant stopped", "consent taken back", "left before the consent", "not sent yet"])
def test_an_opening_or_a_click_is_not_kept_when(client, measured, event, case):
    if case == "merchant stopped":
        measure(measured.campaign.merchant, is_on=False)
    elif case == "consent taken back":
        choose(measured.subscriber, agrees=False)
        # Even where a worker held the row meanwhile.
        Recipient.objects.update(is_measured=True)
    elif case == "left before the consent":
        Recipient.objects.update(is_measured=False)
    else:
        Recipient.objects.update(status="queued", sent_at=None)
    before = everything()
    assert mailgun(client, measured, event=event, **SEEN).status_code == 200
    assert everything() == before


def test_an_opening_with_a_wrong_signature_is_not_kept(client, measured):
    assert mailgun(client, measured, key="another", event="opened").status_code == 400
    assert fresh(measured).opened_at is None


@pytest.mark.parametrize(("event", "column"), [("Open", "opened_at"), ("Click", "clicked_at")])
def test_postmark_s_opening_is_of_the_message_it_hands_back_and_of_no_other(measured, settings, event, column):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    later = another(measured)
    Recipient.objects.update(is_measured=True)
    told = {"RecordType": event, "Recipient": "luc@example.org", "MessageID": LUC["MessageID"], "Metadata": {},
            "ReceivedAt": "2026-11-22T17:00:00Z", "OriginalLink": SEEN["url"], "FirstOpen": True}  # fmt: skip
    assert postmark(told).status_code == 200
    assert not Recipient.objects.exclude(**{column: None}).exists()
    ours = f"{message_id(recipient_id=measured.pk, key=measured.subscriber.key)}@localhost"
    assert postmark({**told, "Metadata": {"letter": ours}}, secret="comptoir:wrong").status_code == 400
    assert postmark({**told, "Metadata": {"letter": ours}}).status_code == 200
    assert list(Recipient.objects.exclude(**{column: None})) == [measured]
    assert getattr(fresh(later), column) is None


def test_a_complaint_is_a_withdrawal_in_the_ledger(client, recipient):
    mailgun(client, recipient, event="complained")
    row = fresh(recipient)
    assert row.complained_at is not None
    assert row.subscriber.suppressed_for == "complaint"
    assert Consent.objects.latest("pk").channel == "complaint"
    assert not Subscription.objects.active().exists()


def test_a_signature_needs_no_password_beside_it(client, recipient, settings):
    """Both services are configured: the password is of the one that signs nothing."""
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY, "WEBHOOK_SECRET": BASIC}
    assert mailgun(client, recipient, event="delivered").status_code == 200
    recipient.refresh_from_db()
    assert recipient.delivered_at is not None
    assert mailgun(client, recipient, event="delivered", key="another").status_code == 400


def test_a_wrong_signature_changes_nothing(client, recipient):
    response = mailgun(client, recipient, key="another", event="complained")
    assert response.status_code == 400
    assert Subscription.objects.active().exists()
    assert fresh(recipient).complained_at is None


def test_a_message_id_that_is_not_ours_convicts_nobody(client, recipient):
    returns.note_event(
        kind="complained", email="", message_id=f"n{recipient.pk}.000000000000@localhost", is_lasting=True
    )
    assert fresh(recipient).complained_at is None


def test_a_service_that_is_not_configured_has_no_address(client, recipient, settings):
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "", "WEBHOOK_SECRET": None}
    for service in ("mailgun", "postmark", "unknown"):
        assert client.post(reverse("newsletter:hook", args=[service])).status_code == 404
    assert client.get(reverse("newsletter:hook", args=["mailgun"])).status_code == 405


def test_postmark_is_believed_with_its_password_and_found_by_the_address(recipient, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    body = {"RecordType": "SpamComplaint", "ID": 1, "Type": "SpamComplaint", "TypeCode": 512, **LUC}
    assert postmark(body, secret="comptoir:wrong").status_code == 400
    assert fresh(recipient).complained_at is None
    assert postmark(body).status_code == 200
    assert fresh(recipient).complained_at is not None


def test_a_message_to_the_mailto_address_leaves(recipient, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    token = f"{recipient.subscriber.key.hex}-{recipient.campaign_id}"
    body = {"From": "luc@example.org", "To": "desk@boreal.example", "Subject": token, "TextBody": "", "Headers": [],
            "FromFull": {"Email": "luc@example.org", "Name": "", "MailboxHash": ""}, "Attachments": []}  # fmt: skip
    assert postmark(body, service="postmark-inbound").status_code == 200
    assert not Subscription.objects.active().exists()
    assert Consent.objects.latest("pk").channel == "mailto"
    assert fresh(recipient).left_at is not None


def test_complaints_beyond_the_threshold_stop_the_campaign(topic):
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=now, tried=100)
    people = Subscriber.objects.bulk_create(
        Subscriber(merchant=topic.merchant, email=f"p{n}@example.org") for n in range(100)
    )
    Recipient.objects.bulk_create(
        Recipient(campaign=campaign, subscriber=person, status="sent", sent_at=now) for person in people
    )
    for person in people[: returns.FEW_COMPLAINTS]:
        returns.note_event(kind="complained", email=person.email, message_id="", is_lasting=True)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.STOPPED
    assert (campaign.stopped_for, campaign.stopped_count, campaign.stopped_of) == ("complaints", 3, 100)
    # Somebody looked: what comes late of the messages of before stops nothing again.
    campaigns.resume(campaign=campaign)
    for person in people[returns.FEW_COMPLAINTS :]:
        returns.note_event(kind="complained", email=person.email, message_id="", is_lasting=True)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.complained) == ("sending", 0)


def test_a_bounce_told_twice_counts_once(recipient, topic):
    Campaign.objects.update(status="sending", finished_at=None)
    for _time in range(2):
        returns.note_event(kind="bounced", email="luc@example.org", message_id="", is_lasting=True)
    assert Campaign.objects.get().bounced == 1


def test_a_bounce_of_service_mail_silences_the_newsletter_only(topic):
    subscriber = factories.SubscriberFactory(merchant=topic.merchant, email="luc@example.org")
    returns.note_event(kind="bounced", email="luc@example.org", message_id="other@elsewhere", is_lasting=True)
    subscriber.refresh_from_db()
    assert subscriber.suppressed_for == "bounce"


@pytest.fixture
def invitation(settings, acme, alice) -> Invitation:
    """It has left for its person."""
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY, "WEBHOOK_SECRET": None}
    invited(acme, alice)
    OutgoingMessage.objects.update(status="sent", sent_at=timezone.now())
    return only_invitation()


def told_by_mailgun(message: OutgoingMessage, **event: object) -> None:
    answer = signed({
        "recipient": message.recipient,
        "message": {"headers": {"message-id": f"{message.key}@localhost"}},
        **event,
    })  # fmt: skip
    assert answer.status_code == 200


def test_an_invitation_is_delivered_once_the_service_says_so_and_failed_when_it_comes_back(invitation):
    assert invitation.state == Invitation.State.SENT
    told_by_mailgun(invitation.message, **SOFT)
    assert only_invitation().state == Invitation.State.SENT
    told_by_mailgun(invitation.message, event="delivered")
    assert only_invitation().state == Invitation.State.DELIVERED
    status = {"code": 550, "message": "5.1.1 no such user"}
    told_by_mailgun(invitation.message, event="failed", severity="permanent", **{"delivery-status": status})
    bounced = only_invitation()
    assert bounced.state == Invitation.State.FAILED
    assert "no such user" in bounced.message.return_reason


def test_postmark_which_tells_a_number_of_its_own_is_found_by_the_address(invitation, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    told = {**LUC, "Email": invitation.message.recipient, "Recipient": invitation.message.recipient}
    assert postmark({"RecordType": "Delivery", "DeliveredAt": "2026-11-22T17:00:00Z", **told}).status_code == 200
    assert only_invitation().state == Invitation.State.DELIVERED
    postmark({"RecordType": "Bounce", "ID": 5, "Type": "HardBounce", "Description": "Unknown user", **told})
    assert only_invitation().state == Invitation.State.FAILED
    assert only_invitation().message.return_reason == "Unknown user"


def test_a_fact_about_the_later_campaign_says_nothing_of_an_older_invitation(recipient, settings, acme, alice):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    invited(acme, alice, email="luc@example.org")
    OutgoingMessage.objects.update(status="sent", sent_at=recipient.sent_at - timedelta(hours=1))
    postmark({"RecordType": "Bounce", "ID": 6, "Type": "HardBounce", **LUC})
    assert fresh(recipient).bounced_at is not None
    assert not OutgoingMessage.objects.exclude(returned_at=None).exists()
    OutgoingMessage.objects.update(sent_at=recipient.sent_at + timedelta(hours=1))
    postmark({"RecordType": "Bounce", "ID": 7, "Type": "HardBounce", **LUC})
    assert only_invitation().state == Invitation.State.FAILED


def test_what_postmark_tells_of_later_service_mail_is_not_charged_to_a_campaign(recipient, settings, acme, alice):
    """Postmark names no message of ours: of what left for the address, the latest is meant."""
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    Campaign.objects.update(status="sending", finished_at=None)
    invited(acme, alice, email="luc@example.org")
    OutgoingMessage.objects.update(status="sent", sent_at=recipient.sent_at + timedelta(hours=1))
    postmark({"RecordType": "Bounce", "ID": 8, "Type": "Transient", **LUC})
    row = fresh(recipient)
    assert (row.soft_at, row.subscriber.soft_bounces) == (None, 0)
    postmark({"RecordType": "SpamComplaint", "ID": 9, "Type": "SpamComplaint", **LUC})
    row = fresh(recipient)
    assert (row.complained_at, Campaign.objects.get().complained) == (None, 0)
    # The person complained all the same: the newsletter stops for this address.
    assert row.subscriber.suppressed_for == "complaint"
    assert Consent.objects.latest("pk").channel == "complaint"
    assert not Subscription.objects.active().exists()


def test_what_postmark_tells_of_a_campaign_later_than_service_mail_counts_on_it(recipient, settings, acme, alice):
    settings.ANYMAIL = {"WEBHOOK_SECRET": BASIC}
    Campaign.objects.update(status="sending", finished_at=None)
    invited(acme, alice, email="luc@example.org")
    OutgoingMessage.objects.update(status="sent", sent_at=recipient.sent_at - timedelta(hours=1))
    postmark({"RecordType": "Bounce", "ID": 10, "Type": "Transient", **LUC})
    assert fresh(recipient).subscriber.soft_bounces == 1
    postmark({"RecordType": "SpamComplaint", "ID": 11, "Type": "SpamComplaint", **LUC})
    assert (fresh(recipient).complained_at is not None, Campaign.objects.get().complained) == (True, 1)


def test_mailgun_s_inbound_message_to_the_mailto_address_leaves(recipient):
    token = f"{recipient.subscriber.key.hex}-{recipient.campaign_id}"
    stamp, secret = str(int(time.time())), "t" * 50
    form = {
        "sender": "luc@example.org",
        "recipient": "desk@boreal.example",
        "from": "Luc <luc@example.org>",
        "subject": token,
        "body-plain": "",
        "message-headers": json.dumps([["Subject", token], ["From", "luc@example.org"], ["To", "desk@boreal.example"]]),
        "timestamp": stamp,
        "token": secret,
        "signature": signature_of(stamp, secret, key="another"),
    }
    address = reverse("newsletter:hook", args=["mailgun-inbound"])
    assert Client(enforce_csrf_checks=True).post(address, form).status_code == 400
    assert Subscription.objects.active().exists()
    form["signature"] = signature_of(stamp, secret)
    assert Client(enforce_csrf_checks=True).post(address, form).status_code == 200
    assert not Subscription.objects.active().exists()
    assert Consent.objects.latest("pk").channel == "mailto"
    assert fresh(recipient).left_at is not None
