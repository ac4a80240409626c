"""The links agents send: what they open, once, and what they never touch."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations.models import ActivationRequest, AuditEvent, Customer, Membership
from organizations.permissions import Role
from organizations.services import activation
from organizations.services.activation import (
    AccountExists,
    ActivationExpired,
    ActivationReplaced,
    ActivationUnknown,
    ActivationUsed,
    activate,
    send_activation,
    send_activations,
    why_not_sent,
)
from organizations.services.customers import change_contact_email
from organizations.services.members import remove_member
from tests import factories

pytestmark = pytest.mark.django_db
NEW = "nouveau@example.org"
CHOSEN = {"password": "une longue phrase", "first_name": "Noé", "last_name": "Roy"}


@pytest.fixture
def nouveau(boreal: object) -> Customer:
    """An individual on file, imported, who never signed in."""
    return factories.CustomerFactory(merchant=boreal, name="Noé Roy", number="20777", email=NEW)


def token_mailed_to(email: str) -> str:
    mail = OutgoingMessage.objects.filter(recipient=email, template="organizations/emails/activation").latest("pk")
    links = set(re.findall(r"/activate/([^/\s\"]+)/", mail.text))
    assert len(links) == 1
    assert links.pop() in mail.html
    return re.search(r"/activate/([^/\s\"]+)/", mail.text)[1]


def test_a_link_is_mailed_in_the_merchant_s_name_and_only_its_hash_is_kept(nouveau, sam):
    request = send_activation(customer=nouveau, by=sam)
    mail = OutgoingMessage.objects.get()
    assert (mail.recipient, mail.sender_name, mail.reply_to, mail.is_sensitive) == (
        NEW,
        "Location Boréal",
        nouveau.merchant.email,
        True,
    )
    assert "Location Boréal" in mail.subject
    assert "20777" in mail.text
    token = token_mailed_to(NEW)
    assert token not in str(ActivationRequest.objects.values())
    assert request.expires_at - request.created_at > timedelta(days=29)
    assert AuditEvent.objects.get().event == AuditEvent.Event.ACTIVATION_SENT


def test_an_import_writes_to_nobody(nouveau):
    assert not OutgoingMessage.objects.exists()


def test_the_link_sets_the_password_confirms_the_address_and_opens_the_space(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    user = activate(token=token_mailed_to(NEW), **CHOSEN)
    user.refresh_from_db()
    assert user.check_password(CHOSEN["password"])
    assert (user.email, user.get_full_name(), user.language) == (NEW, "Noé Roy", "fr-ca")
    assert EmailAddress.objects.get(user=user).verified
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (user, Role.OWNER)
    assert ActivationRequest.objects.get().used_at is not None
    assert list(Customer.objects.for_user(user)) == [nouveau]


def test_a_person_on_file_opens_their_company(acme, sam):
    membership = factories.MembershipFactory(customer=acme, email=NEW, role=Role.ADMINISTRATOR)
    send_activation(customer=acme, by=sam, membership=membership)
    user = activate(token=token_mailed_to(NEW), **CHOSEN)
    acme.refresh_from_db()
    assert acme.opened_at is not None
    assert Membership.objects.get(user=user).role == Role.ADMINISTRATOR


def test_a_company_s_link_goes_to_its_owner_first(acme, sam):
    factories.MembershipFactory(customer=acme, email="admin@example.org", role=Role.ADMINISTRATOR)
    factories.MembershipFactory(customer=acme, email="proprio@example.org", role=Role.OWNER)
    assert send_activation(customer=acme, by=sam).email == "proprio@example.org"


def test_an_employee_is_sent_no_link_before_the_space_is_open_and_one_after(acme, sam):
    employee = factories.MembershipFactory(customer=acme, email=NEW, role=Role.EDITOR)
    with pytest.raises(activation.NobodyMayOpen):
        send_activation(customer=acme, by=sam, membership=employee)
    Customer.objects.filter(pk=acme.pk).update(opened_at=timezone.now())
    send_activation(customer=acme, by=sam, membership=employee)
    user = activate(token=token_mailed_to(NEW), **CHOSEN)
    assert Membership.objects.get(user=user).role == Role.EDITOR


def test_a_company_s_contact_address_is_sent_no_link(acme, sam):
    Customer.objects.filter(pk=acme.pk).update(email=NEW)
    with pytest.raises(activation.NobodyMayOpen):
        send_activation(customer=acme, by=sam)
    assert not OutgoingMessage.objects.exists()


def test_many_are_sent_and_the_others_say_why(nouveau, ines, boreal, sam):
    silent = factories.CustomerFactory(merchant=boreal, email="")
    closed = factories.CustomerFactory(merchant=boreal, email="ferme@example.org", closed_at=timezone.now())
    opened = Customer.objects.for_user(ines).get()
    assert send_activations(customers=[nouveau, silent, closed, opened], by=sam) == 1
    assert list(OutgoingMessage.objects.values_list("recipient", flat=True)) == [NEW]
    assert isinstance(why_not_sent(customer=silent), activation.EmailMissing)
    assert isinstance(why_not_sent(customer=closed), activation.CustomerClosed)
    assert isinstance(why_not_sent(customer=opened), activation.AlreadyOpened)
    assert why_not_sent(customer=nouveau) is None


def test_a_double_click_sends_one_link(nouveau, sam, today):
    assert send_activation(customer=nouveau, by=sam) == send_activation(customer=nouveau, by=sam)
    assert OutgoingMessage.objects.count() == 1


def test_a_resent_link_replaces_the_one_before(nouveau, sam, today, time_machine):
    send_activation(customer=nouveau, by=sam)
    old = token_mailed_to(NEW)
    time_machine.move_to(today + timedelta(hours=1))
    send_activation(customer=nouveau, by=sam)
    with pytest.raises(ActivationReplaced):
        activate(token=old, **CHOSEN)
    assert activate(token=token_mailed_to(NEW), **CHOSEN).email == NEW


def test_a_link_works_once(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    token = token_mailed_to(NEW)
    activate(token=token, **CHOSEN)
    with pytest.raises(ActivationUsed):
        activate(token=token, password="une autre phrase", first_name="X", last_name="Y")
    assert User.objects.get(email=NEW).check_password(CHOSEN["password"])


def test_a_link_lasts_thirty_days(nouveau, sam, today, time_machine):
    send_activation(customer=nouveau, by=sam)
    token = token_mailed_to(NEW)
    time_machine.move_to(today + timedelta(days=30))
    with pytest.raises(ActivationExpired):
        activate(token=token, **CHOSEN)
    time_machine.move_to(today + timedelta(days=29, hours=23))
    assert activate(token=token, **CHOSEN).email == NEW


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "é" * 10, "' OR 1=1 --"])
def test_a_forged_link_opens_nothing(nouveau, sam, forged):
    send_activation(customer=nouveau, by=sam)
    with pytest.raises(ActivationUnknown):
        activate(token=forged, **CHOSEN)
    assert not User.objects.filter(email=NEW).exists()


def test_a_link_dies_with_the_address_it_was_sent_to(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    change_contact_email(customer=nouveau, email="autre@example.org", reason="Vu au comptoir", by=sam)
    with pytest.raises(ActivationReplaced):
        activate(token=token_mailed_to(NEW), **CHOSEN)


def test_a_link_dies_with_the_membership_it_was_for(acme, sam):
    membership = factories.MembershipFactory(customer=acme, email=NEW, role=Role.OWNER)
    send_activation(customer=acme, by=sam)
    remove_member(membership=membership, by=sam)
    with pytest.raises(ActivationReplaced):
        activate(token=token_mailed_to(NEW), **CHOSEN)


def test_a_person_no_longer_on_file_is_sent_no_link(acme, sam):
    membership = factories.MembershipFactory(customer=acme, email=NEW, role=Role.OWNER)
    remove_member(membership=membership, by=sam)
    with pytest.raises(activation.MemberRemoved):
        send_activation(customer=acme, by=sam, membership=membership)


def test_a_profile_in_use_keeps_its_password(nouveau, sam):
    user = factories.UserFactory(email=NEW)
    send_activation(customer=nouveau, by=sam)
    with pytest.raises(AccountExists):
        activate(token=token_mailed_to(NEW), **CHOSEN)
    user.refresh_from_db()
    assert user.check_password(factories.PASSWORD)


def test_a_deactivated_profile_is_not_woken_by_a_link(nouveau, sam):
    factories.UserFactory(email=NEW, is_active=False, confirmed=False)
    send_activation(customer=nouveau, by=sam)
    with pytest.raises(AccountExists):
        activate(token=token_mailed_to(NEW), **CHOSEN)
    assert not User.objects.get(email=NEW).is_active


def test_a_sign_up_never_confirmed_is_completed_by_whoever_holds_the_address(nouveau, sam):
    """Somebody typed this address and a password of theirs before its holder did."""
    squatter = factories.UserFactory(email=NEW, confirmed=False, phone="+15145550199")
    send_activation(customer=nouveau, by=sam)
    user = activate(token=token_mailed_to(NEW), **CHOSEN)
    user.refresh_from_db()
    assert user.pk == squatter.pk
    assert user.check_password(CHOSEN["password"])
    assert user.get_full_name() == "Noé Roy"
    assert not user.phone
    assert [address.verified for address in EmailAddress.objects.filter(user=user)] == [True]


def test_an_agent_may_let_in_again_somebody_who_was_removed(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    user = activate(token=token_mailed_to(NEW), **CHOSEN)
    remove_member(membership=Membership.objects.get(), by=sam)
    ActivationRequest.objects.update(created_at=timezone.now() - timedelta(hours=1))
    send_activation(customer=nouveau, by=sam)
    assert activation.accept_activation(token=token_mailed_to(NEW), by=user) == nouveau
    assert nouveau.permissions_for(user)


def test_a_link_is_not_accepted_by_another_person(nouveau, sam, ines):
    send_activation(customer=nouveau, by=sam)
    with pytest.raises(activation.ActivationOfAnother):
        activation.accept_activation(token=token_mailed_to(NEW), by=ines)
    assert not nouveau.permissions_for(ines)


def test_asking_for_a_new_link_writes_to_the_desk_once(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    token = token_mailed_to(NEW)
    activation.ask_for_new_link(token=token)
    desk = OutgoingMessage.objects.filter(recipient=nouveau.merchant.email)
    assert not desk.exists()
    ActivationRequest.objects.update(expires_at=timezone.now())
    activation.ask_for_new_link(token=token)
    activation.ask_for_new_link(token=token)
    assert desk.count() == 1
    assert "20777" in desk.get().subject


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_open_one_space(nouveau, sam):
    send_activation(customer=nouveau, by=sam)
    token = token_mailed_to(NEW)
    both = Barrier(2, timeout=20)

    def run(_number: int) -> str:
        try:
            both.wait()
            return str(activate(token=token, **CHOSEN).pk)
        except ActivationUsed:
            return "used"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(run, range(2)))
    user = User.objects.get(email=NEW)
    assert answers == sorted([str(user.pk), "used"])
    assert Membership.objects.filter(user=user).count() == 1
