"""Who may not: each form says what is beyond them, of whom or by which edge, and names who else may."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from organizations.access import grant_permission
from organizations.models import Mandate, Membership, Review
from organizations.permissions import Permission, Role
from organizations.services.mandates import prepare_invitations
from organizations.services.members import change_member, remove_member
from organizations.services.reach import ChargeLost, RoleBeyond, VisitorsOnly
from organizations.services.reviews import begin_review
from tests.organizations.signing import invitee, member, wished

pytestmark = pytest.mark.django_db
ASK = 'href="mailto:alice@acme.example"'
OF_ALICE = "Alice Tremblay administre l’entreprise : seul un autre administrateur change cet accès"


def at(name: str, customer: object, *args: object) -> str:
    return reverse(f"organizations:{name}", args=[customer.public_id, *args])


@pytest.fixture
def manager(client, acme, alice, bob):
    """Bob manages the team and is no administrator; he may rent for 500 $ until 2129."""
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    Membership.objects.filter(user=bob).update(ceiling=500, ends_on=date(2129, 12, 31))
    client.force_login(bob)
    return client


def said(answer) -> str:
    assert answer.status_code == 422
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def review(acme, alice, rita) -> Review:
    return begin_review(customer=acme, quarter=date(2026, 10, 1))


@pytest.mark.parametrize("name", ["member-remove", "member-left"])
def test_ending_the_access_of_an_administrator_names_them_and_who_may(manager, acme, alice, name):
    page = said(manager.post(at(name, acme, member(alice).pk)))
    assert OF_ALICE in page
    assert ASK in page
    assert member(alice).removed_at is None


def test_changing_an_administrator_names_them(manager, acme, alice):
    page = said(manager.post(at("member", acme, member(alice).pk), {"role": "editor"}))
    assert OF_ALICE in page
    assert ASK in page


def test_so_does_the_review(manager, acme, alice, review):
    page = said(manager.post(at("team-review", acme), {"review": review.pk, "remove": member(alice).pk}))
    assert OF_ALICE in page
    assert ASK in page


def test_an_invitation_beyond_ones_edges_names_the_edge_and_who_may(manager, acme):
    fields = {"people": "noe@acme.example", "role": "visitor", "ceiling": "501", "ends_on": "2129-12-31"}
    page = said(manager.post(at("team-invite", acme), fields))
    assert "les vôtres sont plus étroites ici : Maximum par transaction" in page
    assert "Dernier jour." not in page
    assert ASK in page
    assert 'value="501"' in page


def test_a_permission_given_beyond_ones_edges_names_the_edge_and_who_may(manager, acme, rita):
    page = said(manager.post(at("permission-grant", acme, member(rita).pk, "rent")))
    assert "plus étroites ici : Dernier jour, Maximum par transaction" in page
    assert ASK in page
    assert not Mandate.objects.exists()


def test_an_address_corrected_beyond_ones_edges_names_the_edge_and_who_may(manager, acme, alice):
    prepare_invitations(customer=acme, people=[(invitee(), wished())], by=alice)
    page = said(manager.post(at("mandate", acme, Mandate.objects.get().pk), {"correct": "1", "email": "a@b.example"}))
    assert "plus étroites ici : Dernier jour, Maximum par transaction" in page
    assert ASK in page


def test_a_role_above_ones_own_is_named(acme, alice, bob):
    with pytest.raises(VisitorsOnly):
        prepare_invitations(customer=acme, people=[(invitee(), wished(Role.EDITOR))], by=bob)
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    with pytest.raises(RoleBeyond, match="Administrateur"):
        prepare_invitations(customer=acme, people=[(invitee(), wished(Role.ADMINISTRATOR))], by=bob)
    assert not Mandate.objects.exists()


def test_who_does_not_manage_access_any_more_reads_so(acme, bob, rita):
    for act in (
        lambda: remove_member(membership=member(rita), by=bob),
        lambda: change_member(membership=member(rita), wish=wished(ceiling=1), by=bob),
    ):
        with pytest.raises(ChargeLost, match="Vous ne gérez plus les accès"):
            act()
    assert member(rita).ceiling is None
