"""Changing a contact address: who loses the account, who gains it, what stays written."""

from __future__ import annotations

import pytest

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.models import AuditEvent, Customer, Membership
from organizations.permissions import Permission, Role
from organizations.services import customers
from organizations.services.customers import change_contact_email
from organizations.services.recognition import recognize
from tests import factories

pytestmark = pytest.mark.django_db
NEW = "nouvelle@example.org"
REASON = "Pièce d’identité vue au comptoir"


@pytest.fixture
def account(ines: object) -> Customer:
    return Customer.objects.get(number="20001")


def test_the_history_follows_the_address_on_the_very_next_page(account, ines, sam, client):
    someone = factories.UserFactory(email=NEW)
    client.force_login(someone)
    change_contact_email(customer=account, email="  Nouvelle@Example.ORG ", reason=REASON, by=sam)
    assert list(Customer.objects.for_user(someone)) == [account]
    assert not Customer.objects.for_user(ines).exists()
    assert Membership.objects.get(user=ines).removed_by == sam
    account.refresh_from_db()
    assert account.email == NEW
    assert client.get(account.get_absolute_url()).status_code == 200


def test_whoever_confirms_the_new_address_later_is_recognised_then(account, sam):
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    someone = factories.UserFactory(email=NEW)
    assert recognize(user=someone) == [account]


def test_a_correction_gives_the_account_back(account, ines, sam):
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    change_contact_email(customer=account, email="ines@example.org", reason="Erreur de frappe", by=sam)
    assert list(Customer.objects.for_user(ines)) == [account]


def test_an_import_that_puts_the_address_back_gives_the_account_back(account, ines, sam):
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    Customer.objects.filter(pk=account.pk).update(email="ines@example.org")
    assert recognize(user=ines) == [account]


def test_the_history_keeps_the_reason_and_both_addresses(account, sam):
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    event = account.events.get(event=AuditEvent.Event.CUSTOMER_EMAIL_CHANGED)
    assert event.by == sam
    assert event.data == {"old": "ines@example.org", "new": NEW, "reason": REASON}


def test_both_addresses_are_told_each_in_its_language(account, sam):
    Customer.objects.filter(pk=account.pk).update(language="en-ca")
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    old = OutgoingMessage.objects.get(recipient="ines@example.org")
    new = OutgoingMessage.objects.get(recipient=NEW)
    assert (old.language, new.language) == ("fr-ca", "en-ca")
    assert NEW not in old.text  # the old mailbox may be a stranger's
    assert "n•••@e•••.example" not in old.text
    assert "n•••@e•••.org" in old.text
    assert REASON not in old.text + new.text


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_change_without_a_reason_is_refused(account, ines, sam, reason):
    with pytest.raises(customers.ReasonMissing):
        change_contact_email(customer=account, email=NEW, reason=reason, by=sam)
    assert list(Customer.objects.for_user(ines)) == [account]


@pytest.mark.parametrize("email", ["nouvelle", "nouvelle@", "a b@example.org", "@example.org"])
def test_what_is_not_an_address_is_refused_by_name(account, sam, email):
    with pytest.raises(customers.EmailInvalid) as refusal:
        change_contact_email(customer=account, email=email, reason=REASON, by=sam)
    assert email in str(refusal.value)


@pytest.mark.parametrize("email", ["ines@example.org", " INES@example.org"])
def test_the_same_address_changes_nothing(account, ines, sam, email):
    change_contact_email(customer=account, email=email, reason=REASON, by=sam)
    assert list(Customer.objects.for_user(ines)) == [account]
    assert not OutgoingMessage.objects.exists()


def test_an_address_may_be_taken_off_the_file(account, ines, sam):
    change_contact_email(customer=account, email="", reason="Adresse abandonnée", by=sam)
    assert not Customer.objects.for_user(ines).exists()
    assert list(OutgoingMessage.objects.values_list("recipient", flat=True)) == ["ines@example.org"]


def test_what_was_granted_ends_with_the_ownership(account, ines, sam):
    grant_permission(customer=account, user=ines, permission=Permission.RENT)
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    assert not account.grants.exists()


def test_others_of_the_account_stay(account, sam):
    accountant = factories.UserFactory()
    factories.MembershipFactory(customer=account, user=accountant, role=Role.ACCOUNTANT)
    change_contact_email(customer=account, email=NEW, reason=REASON, by=sam)
    assert list(Customer.objects.for_user(accountant)) == [account]


def test_a_company_s_people_do_not_depend_on_its_contact_address(acme, alice, sam):
    Customer.objects.filter(pk=acme.pk).update(email="alice@acme.example")
    Membership.objects.filter(user=alice).update(role=Role.OWNER)
    someone = factories.UserFactory(email=NEW)
    change_contact_email(customer=acme, email=NEW, reason=REASON, by=sam)
    assert acme.permissions_for(alice)
    assert not acme.permissions_for(someone)
