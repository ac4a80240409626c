"""Who is recognised by a confirmed e-mail, at once or later, and who is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations.models import ActivationRequest, AuditEvent, Customer, Membership
from organizations.permissions import Role
from organizations.services.activation import send_activation
from organizations.services.members import remove_member
from organizations.services.recognition import recognize, waiting_for_opening
from tests import factories

pytestmark = pytest.mark.django_db
PERSON = "personne@example.org"


@pytest.fixture
def person(db: None) -> User:
    return factories.UserFactory(email=PERSON)


def spaces(user: User) -> set[Customer]:
    return set(Customer.objects.for_user(user))


@pytest.mark.parametrize("kind", [Customer.Kind.INDIVIDUAL, Customer.Kind.BUSINESS])
def test_the_holder_of_the_contact_address_owns_the_account_at_once(person, boreal, kind):
    customer = factories.CustomerFactory(merchant=boreal, kind=kind, email=PERSON)
    assert recognize(user=person) == [customer]
    membership = Membership.objects.get()
    assert (membership.user, membership.role, membership.email) == (person, Role.OWNER, PERSON)
    customer.refresh_from_db()
    assert customer.opened_at is not None
    assert {event.event for event in customer.events.all()} == {
        AuditEvent.Event.CUSTOMER_OPENED,
        AuditEvent.Event.CUSTOMER_RECOGNIZED,
    }


def test_an_address_nobody_confirmed_opens_nothing(boreal):
    factories.CustomerFactory(merchant=boreal, email=PERSON)
    someone = factories.UserFactory(email=PERSON, confirmed=False)
    assert recognize(user=someone) == []
    assert spaces(someone) == set()


def test_accounts_under_one_address_at_two_merchants_are_both_theirs(person, boreal, riviere):
    first = factories.CustomerFactory(merchant=boreal, email=PERSON)
    second = factories.CustomerFactory(merchant=riviere, email=PERSON)
    factories.CustomerFactory(merchant=riviere, email="autre@example.org")
    assert recognize(user=person) == [first, second]
    assert spaces(person) == {first, second}


def test_two_people_never_see_each_other(boreal):
    one, two = factories.UserFactory(email="un@example.org"), factories.UserFactory(email="deux@example.org")
    first = factories.CustomerFactory(merchant=boreal, email="un@example.org")
    second = factories.CustomerFactory(merchant=boreal, email="deux@example.org")
    recognize(user=one)
    recognize(user=two)
    assert (spaces(one), spaces(two)) == ({first}, {second})


def test_every_confirmed_address_of_a_person_counts(person, boreal):
    EmailAddress.objects.create(user=person, email="seconde@example.org", verified=True)
    EmailAddress.objects.create(user=person, email="douteuse@example.org", verified=False)
    second = factories.CustomerFactory(merchant=boreal, email="seconde@example.org")
    factories.CustomerFactory(merchant=boreal, email="douteuse@example.org")
    assert recognize(user=person) == [second]


def test_a_closed_account_and_a_deactivated_person_are_not_linked(person, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON, closed_at=timezone.now())
    assert recognize(user=person) == []
    Customer.objects.filter(pk=customer.pk).update(closed_at=None)
    person.is_active = False
    assert recognize(user=person) == []


def test_a_second_time_changes_nothing_and_costs_three_queries(person, boreal, django_assert_num_queries):
    factories.CustomerFactory(merchant=boreal, email=PERSON)
    recognize(user=person)
    before = AuditEvent.objects.count()
    with django_assert_num_queries(3):
        assert recognize(user=person) == []
    assert (Membership.objects.count(), AuditEvent.objects.count()) == (1, before)


def test_who_was_sent_away_does_not_come_back_by_signing_in(person, boreal, sam):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    recognize(user=person)
    remove_member(membership=Membership.objects.get(), by=sam)
    assert recognize(user=person) == []
    assert not customer.permissions_for(person)


def test_an_address_left_behind_does_not_hand_the_account_to_its_next_holder(person, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    recognize(user=person)
    EmailAddress.objects.filter(user=person).update(email="nouvelle@example.org")
    User.objects.filter(pk=person.pk).update(email="nouvelle@example.org")
    heir = factories.UserFactory(email=PERSON)
    assert recognize(user=heir) == []
    assert spaces(person) == {customer}


def test_a_membership_on_file_under_the_contact_address_becomes_the_owner_s(person, boreal):
    customer = factories.CustomerFactory(merchant=boreal, kind=Customer.Kind.BUSINESS, email=PERSON)
    factories.MembershipFactory(customer=customer, email=PERSON, role=Role.VISITOR)
    recognize(user=person)
    assert Membership.objects.get().role == Role.OWNER


# --- member companies -------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMINISTRATOR])
def test_whoever_may_represent_a_company_opens_it(person, acme, role):
    factories.MembershipFactory(customer=acme, email=PERSON, role=role)
    assert recognize(user=person) == [acme]
    acme.refresh_from_db()
    assert acme.opened_at is not None
    assert Membership.objects.get().role == role


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VISITOR, Role.ACCOUNTANT, Role.BUYER, Role.REQUESTER])
def test_no_other_role_opens_a_company(person, acme, role):
    membership = factories.MembershipFactory(customer=acme, email=PERSON, role=role)
    assert recognize(user=person) == []
    assert waiting_for_opening(user=person) == [(acme, membership)]


def test_the_contact_address_of_a_company_opens_nothing(person, acme):
    Customer.objects.filter(pk=acme.pk).update(email=PERSON)
    assert recognize(user=person) == []
    assert waiting_for_opening(user=person) == [(acme, None)]


def test_those_who_waited_come_in_when_the_space_opens_and_are_told(person, acme):
    factories.MembershipFactory(customer=acme, email=PERSON, role=Role.EDITOR)
    factories.MembershipFactory(customer=acme, email="plus-tard@example.org", role=Role.VISITOR)
    factories.MembershipFactory(customer=acme, email="patronne@example.org", role=Role.OWNER)
    owner = factories.UserFactory(email="patronne@example.org")
    recognize(user=owner)
    assert acme.permissions_for(person)
    assert waiting_for_opening(user=person) == []
    mail = OutgoingMessage.objects.get(recipient=PERSON)
    assert "Acme Construction inc." in mail.subject
    assert not OutgoingMessage.objects.filter(recipient="plus-tard@example.org").exists()


def test_a_later_one_comes_in_when_they_confirm(person, acme):
    factories.MembershipFactory(customer=acme, email=PERSON, role=Role.EDITOR)
    Customer.objects.filter(pk=acme.pk).update(opened_at=timezone.now())
    assert recognize(user=person) == [acme]
    assert Membership.objects.get().role == Role.EDITOR


def test_an_administrator_of_next_month_does_not_open_today(person, acme):
    factories.MembershipFactory(customer=acme, email=PERSON, starts_on=timezone.localdate() + timedelta(days=30))
    assert recognize(user=person) == []


def test_an_administrator_of_last_month_opens_nothing(person, acme):
    factories.MembershipFactory(customer=acme, email=PERSON, ends_on=timezone.localdate() - timedelta(days=1))
    assert recognize(user=person) == []
    assert waiting_for_opening(user=person) == []


def test_a_removed_line_of_the_file_opens_nothing(person, acme, sam):
    membership = factories.MembershipFactory(customer=acme, email=PERSON)
    remove_member(membership=membership, by=sam)
    assert recognize(user=person) == []


# --- when it runs -----------------------------------------------------------------------------


def test_confirming_the_address_shows_the_history_on_the_next_page(client, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    someone = factories.UserFactory(email=PERSON, confirmed=False)
    key = EmailConfirmationHMAC(EmailAddress.objects.get(user=someone)).key
    address = reverse("account_confirm_email", args=[key])
    for scan in (client.get, client.head):
        assert scan(address).status_code == 200
    assert spaces(someone) == set()
    client.post(address)
    assert spaces(someone) == {customer}


def test_signing_in_links_what_was_imported_since(client, person, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    client.post(reverse("account_login"), {"login": PERSON, "password": factories.PASSWORD})
    assert spaces(person) == {customer}


def test_signing_up_alone_uses_the_activation_request(person, boreal, sam):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    send_activation(customer=customer, by=sam)
    recognize(user=person)
    assert ActivationRequest.objects.get().used_at is not None
    assert spaces(person) == {customer}


# Case and spaces never make two people: what may be typed, and the one address on file.
SPELLINGS = ["Personne@Example.org", "  personne@example.org ", "PERSONNE@EXAMPLE.ORG", "personne@EXAMPLE.org\t"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_is_not_another_person(client, boreal, spelling):
    customer = factories.CustomerFactory(merchant=boreal, email=PERSON)
    user = User.objects.create_user(spelling, factories.PASSWORD)
    EmailAddress.objects.create(user=user, email=spelling.strip().lower(), verified=True, primary=True)
    client.post(reverse("account_login"), {"login": spelling, "password": factories.PASSWORD})
    assert spaces(User.objects.get()) == {customer}


@pytest.mark.django_db(transaction=True)
def test_two_recognitions_at_once_make_one_membership(boreal):
    person = factories.UserFactory(email=PERSON)
    factories.CustomerFactory.create_batch(3, merchant=boreal, email=PERSON)
    both = Barrier(2, timeout=20)

    def run(_number: int) -> int:
        try:
            both.wait()
            return len(recognize(user=User.objects.get(pk=person.pk)))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        linked = list(pool.map(run, range(2)))
    assert sum(linked) == 3
    assert Membership.objects.filter(user=person).count() == 3
    assert AuditEvent.objects.filter(event=AuditEvent.Event.CUSTOMER_RECOGNIZED).count() == 3
