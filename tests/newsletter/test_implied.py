"""Consents that purchases and inquiries give: only where turned on, for as long as the law says, never to who left."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from newsletter.models import Consent, Newsletter, Subscriber, Subscription, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.implied import note_implied
from newsletter.services.subscriptions import Trace
from organizations.loader.staging import value_of
from organizations.models import AccessRequest, Customer
from tests import factories
from tests.imports import run, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def implied(topic: Topic) -> Topic:
    topic.takes_implied = True
    topic.save()
    return topic


@pytest.fixture
def buyer(implied: Topic, today: datetime) -> Customer:
    customer = factories.CustomerFactory(merchant=implied.merchant, email="luc@example.org", language="en-ca")
    factories.InvoiceFactory(customer=customer, number="F-7", issued_on=date(2026, 3, 1), due_on=date(2026, 3, 31))
    return customer


def turn_on(topic: Topic, **switches: bool) -> None:
    Newsletter.objects.update_or_create(merchant=topic.merchant, defaults=switches)


def test_nothing_is_implied_before_the_merchant_turns_it_on(buyer, implied):
    assert note_implied() == 0
    turn_on(implied, takes_invoices=False)
    assert note_implied() == 0
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("closed", [False, True])
def test_nobody_is_noted_while_no_topic_takes_implied_consent(buyer, implied, today, closed):
    """An address is kept for a purpose, or not at all."""
    Topic.objects.update(**({"closed_at": today} if closed else {"takes_implied": False}))
    turn_on(implied, takes_invoices=True)
    assert note_implied() == 0
    assert not Subscriber.objects.exists()
    Topic.objects.update(takes_implied=True, closed_at=None)
    assert note_implied() == 1


def test_a_purchase_is_a_consent_of_two_years_with_its_source(buyer, implied):
    other = factories.TopicFactory(merchant=implied.merchant)
    turn_on(implied, takes_invoices=True)
    assert note_implied() == 1
    line = Consent.objects.get()
    assert (line.subscriber.email, line.subscriber.language) == ("luc@example.org", "en-ca")
    assert (line.topic, line.kind, line.channel, line.source) == (implied, "implied", "invoice", "F-7")
    assert line.expires_at == datetime(2028, 3, 1, tzinfo=ZoneInfo("America/Toronto"))
    assert line.at == datetime(2026, 3, 1, tzinfo=ZoneInfo("America/Toronto"))
    assert abs(line.recorded_at - value_of("SELECT clock_timestamp()")) < timedelta(hours=1)
    assert line.basis == Consent.Basis.PURCHASE
    assert not Subscription.objects.filter(topic=other).exists()
    assert note_implied() == 0


def test_a_purchase_of_a_file_in_the_other_spelling_of_a_domain_is_the_same_person(buyer, implied, tmp_path):
    """Addresses are copied between tables: the books have the one spelling already."""
    turn_on(implied, takes_invoices=True)
    left = factories.SubscriberFactory(merchant=implied.merchant, email="luc@xn--exmple-cua.org")
    subscriptions.leave(subscriber=left, trace=Trace(channel=Consent.Channel.LINK))
    path = tmp_path / "customers.csv"
    columns = (
        "number,kind,name,email,phone,language,address_line1,address_line2,city,province,postal_code,country,neq,"
        "program,terms_days,credit_limit"
    )
    number = {"number": buyer.number, "kind": "individual", "name": "Luc", "language": "fr"}
    write(path, columns, {**number, "email": "Luc@exämple.org"})
    assert run("customers", path).exit_code == 0
    assert note_implied() == 0
    assert not Subscription.objects.active().exists()


def test_a_later_purchase_makes_it_last_longer(buyer, implied):
    turn_on(implied, takes_invoices=True)
    note_implied()
    factories.InvoiceFactory(customer=buyer, number="F-8", issued_on=date(2026, 11, 1))
    assert note_implied() == 1
    assert Subscription.objects.get().implied_until.date() == date(2028, 11, 1)


def test_an_old_purchase_a_credit_note_and_a_customer_without_address_imply_nothing(implied, today):
    turn_on(implied, takes_invoices=True)
    old = factories.CustomerFactory(merchant=implied.merchant, email="vieux@example.org")
    factories.InvoiceFactory(customer=old, issued_on=date(2024, 11, 1), due_on=date(2024, 12, 1))
    credited = factories.CustomerFactory(merchant=implied.merchant, email="credit@example.org")
    factories.InvoiceFactory(customer=credited, kind="credit_note", issued_on=date(2026, 11, 1))
    factories.InvoiceFactory(customer=factories.CustomerFactory(merchant=implied.merchant, email=""))
    assert note_implied() == 0


def test_who_left_is_not_brought_back_by_what_they_buy(buyer, implied):
    turn_on(implied, takes_invoices=True)
    subscriber = factories.SubscriberFactory(merchant=implied.merchant, email="luc@example.org")
    subscriptions.leave(subscriber=subscriber, trace=Trace(channel=Consent.Channel.LINK))
    newer = factories.TopicFactory(merchant=implied.merchant, takes_implied=True)
    assert note_implied() == 0
    assert not Subscription.objects.active().exists()
    assert not Subscription.objects.filter(topic=newer).exists()


def test_an_express_consent_is_not_lowered_to_an_implied_one(buyer, implied):
    turn_on(implied, takes_invoices=True)
    subscriber = factories.SubscriberFactory(merchant=implied.merchant, email="luc@example.org")
    factories.ConsentFactory(subscriber=subscriber, topic=implied, wording=Wording.objects.get())
    assert note_implied() == 0


def test_an_inquiry_is_a_consent_of_six_months(implied, today, ines):
    asked = AccessRequest.objects.create(merchant=implied.merchant, user=ines, name="Inès Lavoie")
    turn_on(implied, takes_inquiries=True)
    assert note_implied() == 1
    line = Consent.objects.get()
    assert (line.subscriber.email, line.source) == (ines.email, f"access request {asked.pk}")
    assert line.at == datetime(2026, 11, 22, tzinfo=ZoneInfo("America/Toronto"))
    assert line.expires_at == datetime(2027, 5, 22, tzinfo=ZoneInfo("America/Toronto"))
    assert line.basis == Consent.Basis.INQUIRY
    assert note_implied() == 0


@pytest.mark.django_db(transaction=True)
def test_each_source_is_a_transaction_of_its_own(buyer, implied, ines):
    """In one, addresses would be taken in order twice: against an import, that is a deadlock."""
    AccessRequest.objects.create(merchant=implied.merchant, user=ines, name="Inès Lavoie")
    turn_on(implied, takes_invoices=True, takes_inquiries=True)
    assert note_implied() == 2
    assert len(set(Consent.objects.values_list("recorded_at", flat=True))) == 2


def test_it_ends_by_itself(buyer, implied, today, time_machine):
    turn_on(implied, takes_invoices=True)
    note_implied()
    assert Subscription.objects.active().exists()
    time_machine.move_to(today + timedelta(days=2 * 366))
    assert not Subscription.objects.active().exists()
    assert note_implied() == 0


@pytest.mark.parametrize("way", ["link", "profile"])
def test_a_no_said_after_the_end_of_an_implied_consent_is_heard(way, client, buyer, implied, today, time_machine):
    """Nothing comes at that moment: without the withdrawal, the next purchase would begin it again."""
    turn_on(implied, takes_invoices=True)
    note_implied()
    time_machine.move_to(today + timedelta(days=2 * 366))
    Subscriber.objects.update(language="fr-ca")
    page = reverse("newsletter:unsubscribe", args=[Subscriber.objects.get().key.hex])
    act = page
    if way == "profile":
        page, act = reverse("newsletter:profile"), reverse("newsletter:profile-leave")
        client.force_login(factories.UserFactory(email=buyer.email))
    assert "Veuillez me désabonner" in client.get(page).text
    client.post(act)
    assert "Veuillez me désabonner" not in client.get(page).text
    factories.InvoiceFactory(customer=buyer, number="F-9", issued_on=date(2028, 11, 1), due_on=date(2028, 12, 1))
    assert note_implied() == 0
    assert not Subscription.objects.active().exists()
