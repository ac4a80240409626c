"""Ending a membership, asking for a permission, and giving it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.access import grant_permission, who_can_grant
from organizations.models import AuditEvent, Customer, Invitation, Mandate, Membership
from organizations.permissions import EVERYTHING, ROLE_PERMISSIONS, Feature, Permission, Role
from organizations.services import members
from organizations.services.invitations import accept_invitation
from organizations.services.mandates import (
    AuthorityLost,
    BeyondReach,
    CounterOnly,
    GivenToOneself,
    Invitee,
    LastAdministrator,
    NoTeam,
    prepare_invitations,
)
from organizations.services.members import ask_for_permission, change_member, grant, remove_member
from organizations.services.proofs import ProofMissing
from organizations.services.reach import BeyondEdges, RightOfNoUse
from tests import factories
from tests.organizations.signing import sign_batch, token_mailed_to, wished

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
    with pytest.raises(LastAdministrator):
        remove_member(membership=member(alice), by=alice)
    assert acme.permissions_for(alice)
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    remove_member(membership=member(alice), by=alice)
    assert not acme.permissions_for(alice)


def test_who_manages_the_team_alone_ends_no_administrator_s_access(acme, alice, bob, rita, sam):
    factories.MembershipFactory(customer=acme, user=(olga := factories.UserFactory()), role=Role.ADMINISTRATOR)
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    with pytest.raises(BeyondReach):
        remove_member(membership=member(olga), by=bob)
    with pytest.raises(BeyondReach):
        remove_member(membership=member(bob), by=rita)
    assert acme.permissions_for(olga)
    remove_member(membership=member(rita), by=bob)
    remove_member(membership=member(olga), by=sam)
    assert not acme.permissions_for(rita) | acme.permissions_for(olga)


def test_who_was_removed_meanwhile_removes_nobody(acme, alice, bob):
    factories.MembershipFactory(customer=acme, user=(olga := factories.UserFactory()), role=Role.ADMINISTRATOR)
    remove_member(membership=member(alice), by=olga)
    with pytest.raises(BeyondReach):
        remove_member(membership=member(bob), by=alice)


def test_an_administrator_whose_profile_is_closed_neither_grants_nor_replaces_the_last_one(acme, alice, bob):
    closed = factories.UserFactory(is_active=False)
    factories.MembershipFactory(customer=acme, user=closed, role=Role.ADMINISTRATOR)
    with pytest.raises(LastAdministrator):
        remove_member(membership=member(alice), by=alice)
    with pytest.raises(LastAdministrator):
        change_member(membership=member(alice), wish=wished(Role.EDITOR), by=alice)
    assert [membership.user for membership in who_can_grant(customer=acme)] == [alice]
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob)
    assert [letter.recipient for letter in OutgoingMessage.objects.all()] == [alice.email]
    remove_member(membership=member(closed), by=alice)


def test_an_administrator_who_never_came_does_not_replace_the_last_one(acme, alice):
    factories.MembershipFactory(customer=acme, email="absente@acme.example", role=Role.ADMINISTRATOR)
    with pytest.raises(LastAdministrator):
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
    assert (event.event, event.data) == (AuditEvent.Event.PERMISSION_ASKED, {"permission": "view_invoices", "back": ""})


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


def test_granting_holds_once_signed_and_writes_to_the_person_in_their_language(acme, alice, bob):
    bob.language = "en-ca"
    bob.save()
    batch = grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice)
    assert Permission.VIEW_INVOICES not in acme.permissions_for(bob)
    sign_batch(batch, alice)
    assert Permission.VIEW_INVOICES in acme.permissions_for(bob)
    event = acme.events.latest("pk")
    assert (event.event, event.by) == (AuditEvent.Event.MEMBER_CHANGED, alice)
    letter = OutgoingMessage.objects.get(template="organizations/emails/access_changed")
    assert (letter.recipient, letter.language) == (bob.email, "en-ca")
    for words in ("Alice Tremblay", "See invoices and balances", acme.get_absolute_url()):
        assert words in letter.text


def test_what_was_given_leads_back_to_where_it_was_missing(acme, alice, bob):
    page = f"{acme.get_absolute_url()}invoices/?status=open"
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob, back=page)
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    assert page in OutgoingMessage.objects.get(template="organizations/emails/access_changed").text


def test_a_page_they_asked_from_for_something_else_or_before_is_none_to_go_back_to(acme, alice, bob, time_machine):
    ask_for_permission(customer=acme, permission=Permission.VIEW_INVOICES, by=bob, back=f"/c/{acme.public_id}/asked/")
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_DOCUMENTS, by=alice), alice)
    change_member(membership=member(bob), wish=wished(Role.EDITOR, Permission.VIEW_DOCUMENTS), by=alice)
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    letters = OutgoingMessage.objects.filter(template="organizations/emails/access_changed").order_by("pk")
    assert ["/asked/" in letter.text for letter in letters] == [True, False, False]


def test_who_is_promoted_for_a_permission_they_asked_goes_on_where_it_was_missing(client, acme, alice, bob):
    page = f"{acme.get_absolute_url()}team/?state=ended"
    ask_for_permission(customer=acme, permission=Permission.MANAGE_TEAM, by=bob, back=page)
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    client.force_login(bob)
    answer = client.post(f"/invitations/{token_mailed_to(bob.email)}/")
    assert (answer.status_code, answer.headers["Location"]) == (303, page)


def test_a_right_without_its_contract_is_neither_asked_nor_given_whatever_is_posted(client, acme, alice, bob):
    useless = Permission.OPERATE_FUNDS  # needs a financing contract
    with pytest.raises(RightOfNoUse):
        grant(membership=member(bob), permission=useless, by=alice)
    with pytest.raises(RightOfNoUse):
        change_member(membership=member(bob), wish=wished(Role.VISITOR, useless), by=alice)
    people = [(Invitee("Noé", "Roy", "noe@acme.example"), wished(Role.VISITOR, useless))]
    with pytest.raises(RightOfNoUse):
        prepare_invitations(customer=acme, people=people, by=alice)
    pages = {
        alice: f"/c/{acme.public_id}/team/{member(bob).pk}/grant/{useless}/",
        bob: f"/c/{acme.public_id}/ask/{useless}/",
    }
    for user, page in pages.items():
        client.force_login(user)
        answer = client.post(page)
        assert answer.status_code == 422
        assert "un contrat de financement" in answer.text
        assert "<button" not in answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    assert not Mandate.objects.exists()
    assert not OutgoingMessage.objects.exists()
    acme.features = [Feature.FINANCING]
    acme.save()
    assert ask_for_permission(customer=acme, permission=useless, by=bob)
    sign_batch(grant(membership=member(bob), permission=useless, by=alice), alice)
    acme.features = []
    acme.save()
    batch = change_member(membership=member(bob), wish=wished(Role.EDITOR, useless, Permission.VIEW_INVOICES), by=alice)
    assert batch  # the contract ended: what they had is not given again


def test_outside_member_companies_nothing_of_a_team_is_asked_nor_given(client, boreal, nadia):
    company = nadia.memberships.get().customer
    luc = factories.UserFactory()
    factories.MembershipFactory(customer=company, user=luc, role=Role.EDITOR)
    with pytest.raises(NoTeam):
        grant(membership=member(luc), permission=Permission.VIEW_INVOICES, by=nadia)
    home = company.get_absolute_url()
    for user, page in ((nadia, f"team/{member(luc).pk}/grant/view_invoices/"), (luc, "ask/view_invoices/")):
        client.force_login(user)
        for answer in (client.get(home + page), client.post(home + page)):
            assert "L’équipe est réservée aux entreprises membres" in answer.text
    assert not Mandate.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_granting_what_the_role_gives_already_changes_nothing(acme, alice, bob):
    assert grant(membership=member(bob), permission=Permission.RENT, by=alice) is None
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
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    mandate = Mandate.objects.get()
    remove_member(membership=member(bob), by=alice)
    mandate.refresh_from_db()
    assert mandate.ended_at is not None
    assert not acme.permissions_for(bob)
    assert not acme.grants.exists()


def test_nobody_gives_a_permission_to_themselves(acme, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    with pytest.raises(GivenToOneself):
        grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=bob)
    assert Permission.VIEW_INVOICES not in acme.permissions_for(bob)


# --- changing ---------------------------------------------------------------------------------


def test_a_decrease_holds_at_once_and_needs_no_signature(acme, alice, bob):
    branch = factories.BranchFactory(merchant=acme.merchant)
    wish = wished(Role.VISITOR, ceiling=100, requires_purchase_order=True, branches=frozenset({branch.pk}))
    assert change_member(membership=member(bob), wish=wish, by=alice) is None
    changed = member(bob)
    assert (changed.role, changed.ceiling, changed.requires_purchase_order) == (Role.VISITOR, 100, True)
    assert list(changed.branches.all()) == [branch]
    assert acme.permissions_for(bob) == {Permission.PICK_UP}
    assert not Mandate.objects.exists()
    assert acme.events.get().event == AuditEvent.Event.MEMBER_REDUCED


def test_the_same_again_leaves_no_trace(acme, alice, bob):
    assert change_member(membership=member(bob), wish=wished(Role.EDITOR), by=alice) is None
    assert not acme.events.exists()


@pytest.mark.parametrize(
    ("had", "wish"),
    [
        ({}, wished(Role.ADMINISTRATOR)),
        ({}, wished(Role.EDITOR, Permission.VIEW_INVOICES)),
        ({"ceiling": 0}, wished(Role.EDITOR, ceiling=1)),
        ({"ceiling": 100}, wished(Role.EDITOR)),
        ({"ends_on": date(2130, 1, 1)}, wished(Role.EDITOR, ends_on=date(2130, 1, 2))),
        ({"ends_on": date(2130, 1, 1)}, wished(Role.EDITOR)),
        ({"starts_on": date(2130, 1, 1)}, wished(Role.EDITOR)),
        ({"requires_purchase_order": True}, wished(Role.EDITOR)),
    ],
)
def test_every_increase_waits_for_a_signature(acme, alice, bob, had, wish):
    Membership.objects.filter(user=bob).update(**had)
    before = acme.permissions_for(bob), Membership.objects.filter(user=bob).values().get()
    batch = change_member(membership=member(bob), wish=wish, by=alice)
    assert batch is not None
    assert (acme.permissions_for(bob), Membership.objects.filter(user=bob).values().get()) == before


@pytest.mark.parametrize(("former", "to"), [(Role.EDITOR, Role.ADMINISTRATOR), (Role.EDITOR, Role.OWNER),
                                            (Role.ADMINISTRATOR, Role.OWNER)])  # fmt: skip
def test_a_higher_role_is_signed_and_accepted_even_where_it_gives_no_permission_more(acme, alice, bob, former, to):
    Membership.objects.filter(user=bob).update(role=former)
    for permission in EVERYTHING - ROLE_PERMISSIONS[former]:
        grant_permission(customer=acme, user=bob, permission=permission)
    batch = change_member(membership=member(bob), wish=wished(to), by=alice)
    assert member(bob).role == former
    sign_batch(batch, alice)
    assert member(bob).role == former
    accept_invitation(token=token_mailed_to(bob.email), by=bob)
    assert member(bob).role == to


def test_nobody_makes_themself_the_owner(acme, alice):
    with pytest.raises(GivenToOneself):
        change_member(membership=member(alice), wish=wished(Role.OWNER), by=alice)
    assert member(alice).role == Role.ADMINISTRATOR


def test_what_is_taken_away_does_not_wait_for_what_is_given(acme, alice, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_DOCUMENTS)
    batch = change_member(
        membership=member(bob), wish=wished(Role.EDITOR, Permission.VIEW_INVOICES, ceiling=50), by=alice
    )
    assert not acme.permissions_for(bob) & {Permission.VIEW_DOCUMENTS, Permission.VIEW_INVOICES}
    assert member(bob).ceiling == 50
    sign_batch(batch, alice)
    assert Permission.VIEW_INVOICES in acme.permissions_for(bob)
    assert member(bob).ceiling == 50


def test_no_day_in_common_leaves_one_of_what_they_had_until_the_signature(acme, alice, bob):
    today = timezone.localdate()
    Membership.objects.filter(user=bob).update(starts_on=today + timedelta(days=2))
    batch = change_member(membership=member(bob), wish=wished(Role.EDITOR, ends_on=today - timedelta(days=1)), by=alice)
    assert (member(bob).starts_on, member(bob).ends_on) == (today + timedelta(days=2),) * 2
    assert batch is not None


def test_a_branch_more_is_an_increase_and_a_branch_less_is_none(acme, alice, bob):
    one, two = factories.BranchFactory.create_batch(2, merchant=acme.merchant)
    member(bob).branches.set([one])
    both = wished(Role.EDITOR, branches=frozenset({one.pk, two.pk}))
    sign_batch(change_member(membership=member(bob), wish=both, by=alice), alice)
    assert set(member(bob).branches.all()) == {one, two}
    assert (
        change_member(membership=member(bob), wish=wished(Role.EDITOR, branches=frozenset({two.pk})), by=alice) is None
    )
    assert set(member(bob).branches.all()) == {two}


def test_another_wish_replaces_the_one_that_waits(acme, alice, bob):
    first = change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice)
    second = change_member(membership=member(bob), wish=wished(Role.ACCOUNTANT), by=alice)
    assert Mandate.objects.get(batch=first).ended_at is not None
    sign_batch(second, alice)
    assert member(bob).role == Role.ACCOUNTANT


def test_nobody_widens_their_own_edges(acme, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    Membership.objects.filter(user=bob).update(ceiling=10)
    with pytest.raises(GivenToOneself):
        change_member(membership=member(bob), wish=wished(Role.EDITOR, Permission.MANAGE_TEAM), by=bob)


@pytest.mark.parametrize("who", ["bob", "rita", "charlie"])
def test_who_does_not_manage_the_team_changes_nobody(request, acme, rita, globex, who):
    with pytest.raises(BeyondReach):
        change_member(membership=member(rita), wish=wished(Role.VISITOR, ceiling=1), by=request.getfixturevalue(who))
    assert member(rita).ceiling is None


def test_a_manager_who_is_no_administrator_neither_makes_nor_touches_one(acme, alice, bob, rita):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    with pytest.raises(BeyondReach):
        change_member(membership=member(rita), wish=wished(Role.ADMINISTRATOR), by=bob)
    with pytest.raises(BeyondReach):
        change_member(membership=member(alice), wish=wished(Role.EDITOR), by=bob)


@pytest.fixture
def limited(acme, bob):
    """Bob manages the team and is no administrator: one branch, 500 $, a purchase order, until 2129."""
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    branch = factories.BranchFactory(merchant=acme.merchant)
    edges = {"ceiling": 500, "requires_purchase_order": True, "ends_on": date(2129, 12, 31)}
    Membership.objects.filter(user=bob).update(starts_on=date(2026, 1, 1), **edges)
    member(bob).branches.set([branch])
    return edges | {"branches": frozenset({branch.pk})}


@pytest.mark.parametrize(
    "wider",
    [
        {"ceiling": 501},
        {"ceiling": None},
        {"requires_purchase_order": False},
        {"ends_on": None},
        {"ends_on": date(2130, 1, 1)},
        {"branches": frozenset()},
    ],
)
def test_who_is_no_administrator_gives_no_wider_edges_than_their_own(acme, alice, bob, rita, limited, wider):
    ines = Invitee(first_name="Inès", last_name="Roy", email="ines.roy@acme.example")
    wish = wished(Role.EDITOR, **(limited | wider))
    with pytest.raises(BeyondEdges) as invited:
        prepare_invitations(customer=acme, people=[(ines, wish)], by=bob)
    with pytest.raises(BeyondEdges) as changed:
        change_member(membership=member(rita), wish=wish, by=bob)
    assert invited.value.edges == changed.value.edges == list(wider)
    assert not Mandate.objects.exists()
    Membership.objects.filter(user=rita).update(ceiling=1)
    assert change_member(membership=member(rita), wish=wished(Role.EDITOR, **(limited | {"ceiling": 500})), by=bob)
    assert prepare_invitations(customer=acme, people=[(ines, wish)], by=alice)


def test_what_somebody_has_already_is_not_given_by_who_takes_some_of_it_away(acme, bob, rita, limited):
    assert change_member(membership=member(rita), wish=wished(Role.VISITOR, ceiling=900), by=bob) is None
    assert (member(rita).ceiling, member(rita).ends_on) == (900, None)
    with pytest.raises(BeyondEdges):
        change_member(membership=member(rita), wish=wished(Role.VISITOR, ceiling=901), by=bob)
    with pytest.raises(BeyondEdges):  # a right more, within the edges somebody else gave: signed by Bob, it is his word
        change_member(membership=member(rita), wish=wished(Role.VISITOR, Permission.RENT, ceiling=900), by=bob)


def test_an_editor_with_a_last_day_invites_visitors_until_that_day(client, acme, bob):
    ends_on = timezone.localdate() + timedelta(days=30)
    Membership.objects.filter(user=bob).update(ends_on=ends_on)
    client.force_login(bob)
    address = f"/c/{acme.public_id}/team/invite/"
    assert f'value="{ends_on.isoformat()}"' in client.get(address).content.decode()
    fields = {"people": "noe@acme.example", "role": "visitor"}
    for wider in ("", (ends_on + timedelta(days=1)).isoformat()):
        answer = client.post(address, fields | {"ends_on": wider})
        assert answer.status_code == 422
        assert "plus étroites ici\N{NO-BREAK SPACE}: Dernier jour" in answer.content.decode()
    assert not Mandate.objects.exists()
    assert client.post(address, fields | {"ends_on": ends_on.isoformat()}).status_code == 303


def test_edges_narrowed_before_the_signature_undo_it(acme, alice, bob, limited):
    ines = Invitee(first_name="Inès", last_name="Roy", email="ines.roy@acme.example")
    batch = prepare_invitations(customer=acme, people=[(ines, wished(Role.VISITOR, **limited))], by=bob)
    Membership.objects.filter(user=bob).update(ceiling=100)
    with pytest.raises(AuthorityLost):
        sign_batch(batch, bob)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("wish", [wished(Role.EDITOR), wished(Role.ADMINISTRATOR, ends_on=date(2130, 1, 1))])
def test_the_last_administrator_neither_steps_down_nor_gets_a_last_day(acme, alice, wish):
    with pytest.raises(LastAdministrator):
        change_member(membership=member(alice), wish=wish, by=alice)
    assert member(alice).role == Role.ADMINISTRATOR


def test_what_needs_a_proof_is_refused_without_the_document(acme, alice, bob):
    with pytest.raises(ProofMissing):
        grant(membership=member(bob), permission=Permission.CHANGE_BANK_DETAILS, by=alice)
    assert not Mandate.objects.exists()


# --- known at the counter only ----------------------------------------------------------------


@pytest.fixture
def listed(acme, alice):
    """Luc, whom counters know by his name and phone."""
    luc = Invitee(first_name="Luc", last_name="Roy", email="", phone="+15145550111")
    wish = wished(ceiling=50, requires_purchase_order=True, ends_on=date(2130, 1, 1))
    sign_batch(prepare_invitations(customer=acme, people=[(luc, wish)], by=alice), alice)
    return Membership.objects.get(first_name="Luc")


def test_an_increase_for_somebody_without_an_address_holds_once_signed(acme, alice, listed):
    branch = factories.BranchFactory(merchant=acme.merchant)
    wish = wished(ceiling=500, branches=frozenset({branch.pk}))
    batch = change_member(membership=listed, wish=wish, by=alice)
    assert Membership.objects.get(pk=listed.pk).ceiling == 50
    sign_batch(batch, alice)
    changed = Membership.objects.get(pk=listed.pk)
    assert (changed.ceiling, changed.requires_purchase_order, changed.ends_on) == (500, False, None)
    assert list(changed.branches.all()) == [branch]
    assert Mandate.objects.get(batch=batch).effective_at is not None
    assert acme.events.latest("pk").event == AuditEvent.Event.MEMBER_CHANGED
    assert not Invitation.objects.exists()
    assert not OutgoingMessage.objects.filter(recipient="").exists()


@pytest.mark.parametrize("wish", [wished(Role.EDITOR), wished(Role.VISITOR, Permission.RENT)])
def test_somebody_without_an_address_is_given_nothing_beyond_the_counter(acme, alice, listed, wish):
    with pytest.raises(CounterOnly):
        change_member(membership=listed, wish=wish, by=alice)
    assert Mandate.objects.count() == 1


def test_somebody_on_file_with_an_address_still_accepts_what_is_given(acme, alice):
    waiting = factories.MembershipFactory(customer=acme, email="luc@acme.example", role=Role.VISITOR)
    sign_batch(change_member(membership=waiting, wish=wished(Role.EDITOR), by=alice), alice)
    assert Membership.objects.get(pk=waiting.pk).role == Role.VISITOR
    assert OutgoingMessage.objects.filter(recipient="luc@acme.example").exists()
