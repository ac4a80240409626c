"""People nobody recognised: their request, and the agent's answer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import OutgoingMessage, User
from organizations.models import AccessRequest, AuditEvent, Customer, Membership, Merchant
from organizations.permissions import Role
from organizations.services import requests
from organizations.services.requests import link_access_request, refuse_access_request, request_access
from tests import factories

pytestmark = pytest.mark.django_db
SAID = {
    "name": "Émile Côté",
    "phone": "+15145550123",
    "phone_extension": "12",
    "customer_number": "20500",
    "invoice_number": "F-1001",
    "invoice_total": Decimal("114.98"),
    "message": "",
}


@pytest.fixture
def emile(db: None) -> User:
    """Signed up with an address that is on no file."""
    return factories.UserFactory(email="emile@example.org", first_name="Émile", last_name="Côté", language="en-ca")


@pytest.fixture
def asked(emile: User, boreal: Merchant) -> AccessRequest:
    return request_access(by=emile, merchant=boreal, **SAID)


def test_a_request_waits_in_the_queue_and_its_person_is_written_to(asked, emile, boreal):
    assert list(AccessRequest.objects.open()) == [asked]
    mail = OutgoingMessage.objects.get()
    assert (mail.recipient, mail.language, mail.sender_name) == ("emile@example.org", "en-ca", "Location Boréal")
    assert "F-1001" in mail.text
    assert AuditEvent.objects.get().event == AuditEvent.Event.ACCESS_REQUESTED


def test_the_same_form_sent_twice_is_one_request(asked, emile, boreal):
    assert request_access(by=emile, merchant=boreal, **SAID) == asked
    assert OutgoingMessage.objects.count() == 1


def test_another_request_waits_for_the_answer_to_the_first(asked, emile, boreal, riviere):
    with pytest.raises(requests.RequestWaiting):
        request_access(by=emile, merchant=boreal, **SAID | {"message": "Encore moi"})
    request_access(by=emile, merchant=riviere, **SAID)
    assert AccessRequest.objects.open().count() == 2


def test_a_person_writes_five_times_a_day_at_most(emile, boreal, sam):
    for number in range(requests.REQUESTS_A_DAY):
        one = request_access(by=emile, merchant=boreal, **SAID | {"message": f"Message {number}"})
        refuse_access_request(access_request=one, reason="Introuvable.", by=sam)
    with pytest.raises(requests.TooManyRequests):
        request_access(by=emile, merchant=boreal, **SAID)


def test_linking_gives_the_whole_account_and_writes_to_the_person(asked, emile, boreal, sam):
    customer = factories.CustomerFactory(merchant=boreal, number="20500", email="ancienne@example.org")
    link_access_request(access_request=asked, customer=customer, by=sam)
    asked.refresh_from_db()
    assert (asked.status, asked.customer, asked.decided_by) == (AccessRequest.Status.LINKED, customer, sam)
    assert Membership.objects.get(user=emile).role == Role.OWNER
    assert list(Customer.objects.for_user(emile)) == [customer]
    assert f"/c/{customer.public_id}/" in OutgoingMessage.objects.latest("pk").text
    assert customer.events.get(event=AuditEvent.Event.CUSTOMER_LINKED).by == sam


def test_linking_twice_is_linking_once(asked, boreal, sam):
    customer = factories.CustomerFactory(merchant=boreal)
    link_access_request(access_request=asked, customer=customer, by=sam)
    mails = OutgoingMessage.objects.count()
    link_access_request(access_request=asked, customer=customer, by=sam)
    assert OutgoingMessage.objects.count() == mails
    with pytest.raises(requests.RequestDecided):
        link_access_request(access_request=asked, customer=factories.CustomerFactory(merchant=boreal), by=sam)


def test_a_request_is_not_linked_to_another_merchant_s_customer(asked, emile, riviere, sam):
    with pytest.raises(requests.OtherMerchant):
        link_access_request(access_request=asked, customer=factories.CustomerFactory(merchant=riviere), by=sam)
    assert not Customer.objects.for_user(emile).exists()


def test_a_company_is_not_opened_by_somebody_who_is_not_on_file(asked, emile, acme, sam):
    factories.MembershipFactory(customer=acme, first_name="Alice", last_name="Tremblay", role=Role.ADMINISTRATOR)
    with pytest.raises(requests.NotEntitledToOpen) as refusal:
        link_access_request(access_request=asked, customer=acme, by=sam)
    with translation.override("en-ca"):
        assert "For safety" in str(refusal.value)
    assert not acme.permissions_for(emile)
    asked.refresh_from_db()
    assert asked.status == AccessRequest.Status.OPEN


def test_the_person_on_file_by_that_name_opens_their_company(asked, emile, acme, sam):
    factories.MembershipFactory(
        customer=acme, email="vieille@acme.example", first_name="EMILE", last_name="Cote", role=Role.ADMINISTRATOR
    )
    link_access_request(access_request=asked, customer=acme, by=sam)
    membership = Membership.objects.get(user=emile)
    assert (membership.role, membership.email) == (Role.ADMINISTRATOR, "emile@example.org")
    acme.refresh_from_db()
    assert acme.opened_at is not None


def test_a_company_with_nobody_entitled_on_file_opens_on_the_agent_s_word(asked, emile, acme, sam):
    factories.MembershipFactory(customer=acme, email="commis@acme.example", role=Role.EDITOR)
    link_access_request(access_request=asked, customer=acme, by=sam)
    assert Membership.objects.get(user=emile).role == Role.OWNER


def test_an_opened_company_chooses_its_people_itself(asked, emile, acme, alice, sam):
    with pytest.raises(requests.NotEntitledToOpen):
        link_access_request(access_request=asked, customer=acme, by=sam)
    assert not acme.permissions_for(emile)


def test_a_refusal_gives_its_reason_and_the_person_may_write_again(asked, emile, boreal, sam):
    refuse_access_request(access_request=asked, reason="Le numéro n’existe pas.", by=sam)
    assert "Le numéro n’existe pas." in OutgoingMessage.objects.latest("pk").text
    again = request_access(by=emile, merchant=boreal, **SAID | {"customer_number": "20501"})
    assert again.pk != asked.pk


def test_a_refusal_without_a_reason_is_not_taken(asked, sam):
    with pytest.raises(requests.ReasonMissing):
        refuse_access_request(access_request=asked, reason="  ", by=sam)
    asked.refresh_from_db()
    assert asked.status == AccessRequest.Status.OPEN


def test_the_database_keeps_one_open_request_a_person(asked, emile, boreal):
    with pytest.raises(IntegrityError, match="access_request_one_open"), transaction.atomic():
        AccessRequest.objects.create(user=emile, merchant=boreal, name="X")
