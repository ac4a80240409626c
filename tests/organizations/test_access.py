"""What a member may do: the role's permissions and the grants beyond it, while the membership lasts."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from organizations.access import grant_permission, memberships_at, permissions_by
from organizations.models import Customer, Membership
from organizations.permissions import NEEDING_PROOF, Feature, Permission, Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_editor_rents_and_does_not_see_invoices(bob, acme):
    held = acme.permissions_for(bob)
    assert held >= {Permission.RENT, Permission.PICK_UP, Permission.INVITE_VISITORS}
    assert not held & {Permission.VIEW_INVOICES, Permission.MANAGE_TEAM, Permission.MANAGE_ORGANIZATION}


def test_a_grant_adds_to_the_role(bob, acme):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    assert Permission.VIEW_INVOICES in acme.permissions_for(bob)
    assert bob.has_perm("organizations.view_invoices", acme)


def test_a_grant_does_not_outlive_its_membership(bob, acme):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    Membership.objects.filter(user=bob).update(ends_on=timezone.localdate() - timedelta(days=1))
    assert acme.permissions_for(bob) == frozenset()
    assert not bob.has_perm("organizations.view_invoices", acme)


def test_a_membership_of_tomorrow_gives_nothing_today(bob, acme):
    Membership.objects.filter(user=bob).update(starts_on=timezone.localdate() + timedelta(days=1))
    assert not Customer.objects.for_user(bob).exists()


def test_the_last_day_counts(bob, acme, today):
    Membership.objects.filter(user=bob).update(ends_on=date(2026, 11, 22))
    assert list(Customer.objects.for_user(bob)) == [acme]


def test_a_closed_customer_gives_nothing(alice, acme):
    Customer.objects.filter(pk=acme.pk).update(closed_at=timezone.now())
    assert acme.permissions_for(alice) == frozenset()
    assert not Customer.objects.for_user(alice).exists()


def test_a_stranger_has_nothing(charlie, acme):
    assert acme.permissions_for(charlie) == frozenset()


def test_permissions_cost_one_query(alice, bob, acme, django_assert_num_queries):
    for person in (alice, bob):
        with django_assert_num_queries(1):
            assert acme.permissions_for(person)


def test_the_door_knows_what_was_granted_without_asking_again(bob, acme, django_assert_num_queries):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    with django_assert_num_queries(1):
        membership = memberships_at(public_id=acme.public_id, user=bob)[0]
        assert Permission.VIEW_INVOICES in permissions_by(membership=membership)


def test_what_needs_a_contract_is_worth_nothing_without_it(alice, acme):
    assert Permission.OPERATE_FUNDS not in acme.permissions_for(alice)
    acme.features = [Feature.FINANCING]
    assert Permission.OPERATE_FUNDS in acme.permissions_for(alice)


def test_what_needs_a_proof_of_authority_comes_with_no_role(alice, acme):
    acme.features = list(Feature)
    assert not acme.permissions_for(alice) & NEEDING_PROOF
    grant_permission(customer=acme, user=alice, permission=Permission.CHANGE_BANK_DETAILS)
    assert Permission.CHANGE_BANK_DETAILS in acme.permissions_for(alice)


def test_the_door_puts_its_customer_first_and_the_others_by_name(acme, globex, riviere, alice):
    elsewhere = factories.CustomerFactory(merchant=riviere, name="Abélard inc.")
    closed = factories.CustomerFactory(merchant=acme.merchant, closed_at=timezone.now())
    for customer in (globex, elsewhere, closed):
        factories.MembershipFactory(customer=customer, user=alice, role=Role.VISITOR)
    yesterday = timezone.localdate() - timedelta(days=1)
    factories.MembershipFactory(
        customer=factories.CustomerFactory(merchant=acme.merchant), user=alice, ends_on=yesterday
    )
    found = memberships_at(public_id=globex.public_id, user=alice)
    assert [membership.customer for membership in found] == [globex, elsewhere, acme]
    assert [membership.role for membership in found] == [Role.VISITOR, Role.VISITOR, Role.ADMINISTRATOR]
    assert [membership.customer.merchant for membership in found] == [acme.merchant, riviere, acme.merchant]
    assert memberships_at(public_id=closed.public_id, user=alice)[0].customer == elsewhere


def test_the_door_finds_one_customer_among_very_many_in_one_query(boreal, alice, django_assert_num_queries):
    customers = factories.CustomerFactory.create_batch(20, merchant=boreal, name="Même nom")
    for customer in customers:
        factories.MembershipFactory(customer=customer, user=alice)
    with django_assert_num_queries(1):
        found = memberships_at(public_id=customers[-1].public_id, user=alice)
    assert found[0].customer == customers[-1]
    assert len(found) == 13
