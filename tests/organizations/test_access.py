"""What a member may do: the role's permissions and the grants beyond it, while the membership lasts."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from organizations.access import grant_permission
from organizations.models import Customer, Membership
from organizations.permissions import Permission

pytestmark = pytest.mark.django_db


def test_an_editor_rents_and_does_not_see_invoices(bob, acme):
    assert acme.permissions_for(bob) == {Permission.RENT, Permission.PICK_UP}


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


def test_permissions_cost_two_queries(alice, acme, django_assert_num_queries):
    with django_assert_num_queries(2):
        acme.permissions_for(alice)
