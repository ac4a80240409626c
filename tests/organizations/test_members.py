"""Ending a membership, asking for a permission, and giving it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.access import grant_permission, who_can_grant
from organizations.models import AuditEvent, Customer, Membership
from organizations.permissions import Permission, Role
from organizations.services import members
from organizations.services.members import ask_for_permission, grant, remove_member
from tests import factories

pytestmark = pytest.mark.django_db


def member(user: object) -> Membership:
    return Membership.objects.get(user=user)


def test_remove_member_ends_access_from_that_second(acme, alice, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    remove_member(membership=member(bob), by=alice)
    assert not acme.permissions_for(bob)
    assert not acme.grants.exists()
    event = acme.events.get()
    assert (event.event, event.by, event.data["role"]) == (AuditEvent.Event.MEMBER_REMOVED, alice, Role.EDITOR)


def test_remove_member_twice_is_once(acme, alice, bob):
    remove_member(membership=member(bob), by=alice)
    remove_member(membership=member(bob), by=alice)
    assert acme.events.count() == 1


def test_remove_member_refuses_the_last_administrator(acme, alice, bob):
    with pytest.raises(members.LastAdministrator):
        remove_member(membership=member(alice), by=alice)
    assert acme.permissions_for(alice)
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    remove_member(membership=member(alice), by=alice)
    assert not acme.permissions_for(alice)


def test_an_administrator_who_never_came_does_not_replace_the_last_one(acme, alice):
    factories.MembershipFactory(customer=acme, email="absente@acme.example", role=Role.ADMINISTRATOR)
    with pytest.raises(members.LastAdministrator):
        remove_member(membership=member(alice), by=alice)


def test_only_a_company_s_own_people_in_charge_can_grant(acme, alice, bob, charlie, sam):
    gone = factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    Membership.objects.filter(pk=gone.pk).update(ends_on=timezone.localdate() - timedelta(days=1))
    factories.MembershipFactory(customer=acme, email="absente@acme.example", role=Role.ADMINISTRATOR)
    assert [membership.user for membership in who_can_grant(customer=acme)] == [alice]


def test_asking_writes_to_each_person_who_can_grant(acme, alice, bob):
    owner = factories.UserFactory(email="proprio@acme.example", language="en-ca")
    factories.MembershipFactory(customer=acme, user=owner, role=Role.OWNER)
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    french, english = OutgoingMessage.objects.order_by("recipient")
    assert (french.recipient, english.recipient) == ("alice@acme.example", "proprio@acme.example")
    assert "Bob Gagnon" in french.subject
    assert "Read and download invoices" in english.text
    event = acme.events.get()
    assert (event.event, event.data) == (AuditEvent.Event.PERMISSION_ASKED, {"permission": "view_invoices"})


def test_asking_again_the_same_day_writes_to_nobody(acme, alice, bob, today, time_machine):
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    assert OutgoingMessage.objects.count() == 1
    ask_for_permission(customer=acme, permission=Permission.MANAGE_TEAM, by=bob)
    assert OutgoingMessage.objects.count() == 2
    time_machine.move_to(today + timedelta(days=1, seconds=1))
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    assert OutgoingMessage.objects.count() == 3


def test_asking_for_what_one_has_is_refused(acme, alice):
    with pytest.raises(members.PermissionAlreadyGiven):
        ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=alice)


def test_asking_where_nobody_can_grant_is_refused(acme, bob):
    with pytest.raises(members.NobodyCanGrant):
        ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    assert Customer.objects.for_user(bob).exists()


def test_the_letter_leads_to_the_page_that_gives_it(acme, alice, bob):
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    letter = OutgoingMessage.objects.get()
    for body in (letter.text, letter.html):
        assert f"/c/{acme.public_id}/team/{member(bob).pk}/grant/view_invoices/" in body


def test_granting_holds_at_once_and_writes_to_the_person_in_their_language(acme, alice, bob):
    bob.language = "en-ca"
    bob.save()
    grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice)
    assert Permission.VIEW_INVOICES in acme.permissions_for(bob)
    event = acme.events.get()
    assert (event.event, event.by) == (AuditEvent.Event.MEMBER_GRANTED, alice)
    assert event.data == {"member": member(bob).pk, "email": bob.email, "permission": "view_invoices"}
    letter = OutgoingMessage.objects.get()
    assert (letter.recipient, letter.language) == (bob.email, "en-ca")
    for words in ("Alice Tremblay", "Read and download invoices", acme.get_absolute_url()):
        assert words in letter.text


def test_granting_twice_is_once(acme, alice, bob):
    for _click in range(2):
        grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice)
    assert acme.grants.count() == acme.events.count() == OutgoingMessage.objects.count() == 1


def test_granting_what_the_role_gives_already_changes_nothing(acme, alice, bob):
    grant(membership=member(bob), permission=Permission.RENT, by=alice)
    assert not acme.grants.exists()
    assert not acme.events.exists()
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("state", ["removed", "ended"])
def test_granting_to_somebody_who_left_is_refused(acme, alice, bob, state):
    if state == "removed":
        remove_member(membership=member(bob), by=alice)
    else:
        Membership.objects.filter(user=bob).update(ends_on=timezone.localdate() - timedelta(days=1))
    with pytest.raises(members.NotAMember):
        grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice)
    assert not acme.grants.exists()
    assert not OutgoingMessage.objects.exists()


def test_granting_to_somebody_who_never_came_is_refused(acme, alice):
    waiting = factories.MembershipFactory(customer=acme, email="absente@acme.example", role=Role.EDITOR)
    with pytest.raises(members.NotAMember):
        grant(membership=waiting, permission=Permission.VIEW_INVOICES, by=alice)


def test_what_was_granted_ends_with_the_membership(acme, alice, bob):
    grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice)
    remove_member(membership=member(bob), by=alice)
    assert members.permission_granted(membership=member(bob), permission=Permission.VIEW_INVOICES) is not None
    assert not acme.permissions_for(bob)


def test_nobody_gives_a_permission_to_themselves(acme, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    with pytest.raises(members.GivenToOneself):
        grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=bob)
    assert Permission.VIEW_INVOICES not in acme.permissions_for(bob)
