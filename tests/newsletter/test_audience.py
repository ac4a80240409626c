"""To whom a campaign goes: consents in force, narrowed by the books."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from newsletter import audience
from newsletter.models import Subscriber, Topic, Wording
from organizations.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(topic: Topic) -> Topic:
    """Two customers and a stranger, all of whom agreed."""
    wording = Wording.objects.get()
    for email, language in (("luc@example.org", "fr-ca"), ("ann@example.org", "en-ca"), ("x@example.org", "fr-ca")):
        factories.ConsentFactory(topic=topic, wording=wording, subscriber__email=email, subscriber__language=language)
    luc = factories.CustomerFactory(merchant=topic.merchant, email="luc@example.org")
    ann = factories.CustomerFactory(merchant=topic.merchant, email="ann@example.org", kind=Customer.Kind.BUSINESS)
    laval = factories.BranchFactory(merchant=topic.merchant, code="laval")
    factories.InvoiceFactory(customer=luc, issued_on=date(2026, 11, 1), branch=laval)
    factories.InvoiceFactory(customer=ann, issued_on=date(2026, 1, 10), due_on=date(2026, 2, 10))
    return topic


def reached(topic: Topic, **fields: object) -> set[str]:
    campaign = factories.CampaignFactory(topic=topic, **fields)
    found = audience.audience(campaign=campaign).values_list("subscriber__email", flat=True)
    assert sum(audience.sizes(campaign=campaign).values()) == len(found)
    assert audience.write_recipients(campaign=campaign) == len(found)
    return {email.partition("@")[0] for email in found}


def test_everyone_who_agreed_and_nobody_else(people):
    factories.ConsentFactory(topic__merchant=people.merchant, subscriber__email="autre@example.org")
    assert reached(people) == {"luc", "ann", "x"}


def test_by_language_kind_branch_and_last_purchase(people):
    branch = people.merchant.branches.get()
    assert reached(people, to_language="en-ca") == {"ann"}
    assert reached(people, to_kind="business") == {"ann"}
    assert reached(people, to_branch=branch) == {"luc"}
    assert reached(people, to_purchased_since=date(2026, 6, 1)) == {"luc"}
    assert reached(people, to_kind="business", to_branch=branch) == set()


def test_the_people_of_a_company_are_reached_by_what_it_is_and_buys(people, acme, bob, alice):
    wording = Wording.objects.get()
    for email in (bob.email, alice.email):
        factories.ConsentFactory(topic=people, wording=wording, subscriber__email=email)
    laval = people.merchant.branches.get()
    factories.InvoiceFactory(customer=acme, issued_on=date(2026, 11, 2), branch=laval)
    assert reached(people, to_kind="member") == {"bob", "alice"}
    assert reached(people, to_branch=laval) == {"luc", "bob", "alice"}
    bob.memberships.update(removed_at=timezone.now(), removed_by=alice)
    assert reached(people, to_kind="member") == {"alice"}


def test_a_suppressed_address_is_not_reached(people):
    Subscriber.objects.filter(email="x@example.org").update(suppressed_at=timezone.now(), suppressed_for="bounce")
    assert reached(people) == {"luc", "ann"}


def test_writing_them_twice_writes_them_once(people):
    campaign = factories.CampaignFactory(topic=people)
    assert audience.write_recipients(campaign=campaign) == 3
    assert audience.write_recipients(campaign=campaign) == 0
    assert audience.counts(campaign=campaign)["queued"] == 3
