"""The text a team is sorted and searched by, whoever changes a name."""

from __future__ import annotations

import pytest

from organizations.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db


def listed(membership: Membership) -> str:
    return Membership.objects.values_list("listed", flat=True).get(pk=membership.pk)


def test_somebody_who_never_came_is_listed_as_the_company_wrote(acme):
    there = {"customer": acme, "role": "visitor"}
    full = factories.MembershipFactory(**there, first_name="Zoé", last_name="L’Écuyer", email="zoe@acme.example")
    assert listed(full) == "l’ecuyer zoe zoe@acme.example"
    assert listed(factories.MembershipFactory(**there, first_name="Léo", phone="+15145550123")) == "leo"
    assert listed(factories.MembershipFactory(**there, email="seul@acme.example")) == "seul@acme.example"


def test_whoever_came_is_listed_under_their_own_name_and_found_under_both(acme, bob):
    membership = acme.memberships.get(user=bob)
    membership.last_name, membership.first_name, membership.email = "Gagné", "Robert", "rg@acme.example"
    membership.save()
    assert listed(membership) == "gagnon bob gagne robert bob@acme.example rg@acme.example"


def test_a_profile_that_changes_changes_every_list(acme, globex, bob):
    other = factories.MembershipFactory(customer=globex, user=bob, role="visitor")
    bob.last_name, bob.email = "Ångström", "b@elsewhere.example"
    bob.save()
    for membership in (acme.memberships.get(user=bob), other):
        assert listed(membership).startswith("angstrom bob ")
        assert "b@elsewhere.example" in listed(membership)


def test_names_too_long_for_an_index_are_names(acme, bob):
    bob.first_name, bob.last_name = "\ufdfa" * 40, "".join(map(chr, range(0xAC00, 0xAC50)))
    bob.save()
    assert len(listed(acme.memberships.get(user=bob))) == 500
