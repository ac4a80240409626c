"""Invitations: nothing leaves unsigned, one link for all cases, once, and only for whom it was sent to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations.models import AuditEvent, Invitation, Mandate, Membership
from organizations.permissions import Permission, Role
from organizations.services import invitations, mandates
from organizations.services.invitations import accept_as_new, accept_invitation, hash_of, resend_invitation
from organizations.services.mandates import cancel_mandate, correct_address, prepare_invitations
from organizations.services.members import change_member, remove_member
from organizations.services.recognition import recognize
from signatures.models import SignatureRequest
from tests import factories
from tests.organizations.signing import (
    NEW,
    invited,
    invitee,
    member,
    only_invitation,
    prepared,
    sign,
    sign_batch,
    token_mailed_to,
    wished,
)

pytestmark = pytest.mark.django_db
State = Invitation.State
MOMENT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
CHOSEN = {"password": "un long mot de passe", "first_name": "Noé", "last_name": "Roy", "language": "fr-ca"}


# --- nothing leaves unsigned ------------------------------------------------------------------


def test_nothing_leaves_before_the_signature_and_the_invitation_leaves_with_it(acme, alice):
    mandate = prepared(acme, alice)
    assert not Invitation.objects.exists()
    assert not OutgoingMessage.objects.filter(recipient=NEW).exists()
    sign(mandate.signature, alice)
    mandate.refresh_from_db()
    assert mandate.signed_at is not None
    assert mandate.effective_at is None
    assert only_invitation().state == State.SENT
    assert token_mailed_to(NEW)


def test_the_token_is_kept_as_a_hash_and_its_letter_is_sensitive(acme, alice):
    token = invited(acme, alice)
    invitation = only_invitation()
    assert invitation.token_hash == hash_of(token) != token
    assert invitation.message.is_sensitive
    assert invitation.expires_at - invitation.sent_at == timedelta(days=14)


def test_sixty_people_are_invited_by_one_signature(acme, alice):
    emails = [f"p{n}@acme.example" for n in range(60)]
    mandate = prepared(acme, alice, *emails)
    assert SignatureRequest.objects.get().french.page_count == 60
    sign(mandate.signature, alice)
    assert Invitation.objects.count() == 60
    assert OutgoingMessage.objects.filter(template="organizations/emails/invitation").count() == 60


def test_an_invited_address_is_not_recognised_before_it_accepts(acme, alice):
    person = factories.UserFactory(email=NEW)
    invited(acme, alice)
    assert recognize(user=person) == []
    assert not acme.permissions_for(person)


# --- refusals before anything -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "refusal"),
    [
        ("alice@acme.example", mandates.InvitesOneself),
        ("  ALICE@acme.example ", mandates.InvitesOneself),
        ("Bob@Acme.example", mandates.AlreadyMember),
        ("", mandates.NobodyNamed),
    ],
)
def test_who_cannot_be_invited_is_refused_in_words(acme, alice, bob, email, refusal):
    with pytest.raises(refusal):
        prepare_invitations(customer=acme, people=[(invitee(email), wished())], by=alice)
    assert not Mandate.objects.exists()


def test_one_refusal_undoes_the_whole_batch(acme, alice, bob):
    people = [(invitee("ok@acme.example"), wished()), (invitee(bob.email), wished())]
    with pytest.raises(mandates.AlreadyMember):
        prepare_invitations(customer=acme, people=people, by=alice)
    assert not Mandate.objects.exists()
    assert not acme.events.exists()


def test_the_same_address_in_other_letters_is_invited_once(acme, alice):
    prepared(acme, alice)
    with pytest.raises(mandates.AlreadyWaiting):
        prepare_invitations(customer=acme, people=[(invitee("NOE@Acme.example"), wished())], by=alice)


@pytest.mark.parametrize(
    ("role", "granted"),
    [(Role.EDITOR, ()), (Role.ADMINISTRATOR, ()), (Role.VISITOR, (Permission.VIEW_INVOICES,)), (Role.BUYER, ())],
)
def test_an_editor_invites_visitors_and_nobody_else(acme, alice, bob, role, granted):
    with pytest.raises(mandates.BeyondReach):
        prepare_invitations(customer=acme, people=[(invitee(), wished(role, *granted))], by=bob)
    invited(acme, bob)
    assert only_invitation().mandate.role == Role.VISITOR


@pytest.mark.parametrize("person", ["rita", "charlie", "sam"])
def test_visitors_strangers_and_agents_invite_nobody(request, acme, globex, person):
    with pytest.raises(mandates.BeyondReach):
        prepare_invitations(customer=acme, people=[(invitee(), wished())], by=request.getfixturevalue(person))


def test_only_member_companies_have_a_team(nadia):
    noname = member(nadia).customer
    with pytest.raises(mandates.NoTeam):
        prepare_invitations(customer=noname, people=[(invitee(), wished())], by=nadia)


def test_a_branch_of_another_merchant_is_refused(acme, alice, riviere):
    elsewhere = factories.BranchFactory(merchant=riviere)
    with pytest.raises(mandates.BranchUnknown):
        prepare_invitations(customer=acme, people=[(invitee(), wished(branches=frozenset({elsewhere.pk})))], by=alice)


# --- people of the counter --------------------------------------------------------------------


def test_somebody_without_e_mail_is_listed_for_the_counter_once_signed(acme, alice):
    people = [(invitee("", phone="+15145550123"), wished())]
    batch = prepare_invitations(customer=acme, people=people, by=alice)
    assert not Membership.objects.filter(user=None).exists()
    sign_batch(batch, alice)
    listed = Membership.objects.get(user=None)
    assert (listed.name, listed.phone, listed.email, listed.role) == ("Noé Roy", "+15145550123", "", Role.VISITOR)
    assert listed.mandates.get().effective_at is not None
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("facts", "wish", "refusal"),
    [
        ({"phone": ""}, wished(), mandates.NobodyNamed),
        ({"phone": "+15145550123", "first_name": "", "last_name": ""}, wished(), mandates.NobodyNamed),
        ({"phone": "+15145550123"}, wished(Role.EDITOR), mandates.CounterOnly),
        ({"phone": "+15145550123"}, wished(Role.VISITOR, Permission.VIEW_INVOICES), mandates.CounterOnly),
    ],
)
def test_the_counter_knows_visitors_by_name_and_phone_only(acme, alice, facts, wish, refusal):
    with pytest.raises(refusal):
        prepare_invitations(customer=acme, people=[(invitee("", **facts), wish)], by=alice)


def test_somebody_without_e_mail_is_listed_once(acme, alice):
    once = [(invitee("", phone="+15145550123"), wished())]
    again = [(invitee("", first_name="NOE", last_name="roy", phone="+15145550123"), wished(ceiling=5))]
    batch = prepare_invitations(customer=acme, people=once, by=alice)
    with pytest.raises(mandates.AlreadyWaiting, match="NOE roy"):
        prepare_invitations(customer=acme, people=again, by=alice)
    sign_batch(batch, alice)
    with pytest.raises(mandates.AlreadyMember, match="NOE roy"):
        prepare_invitations(customer=acme, people=again, by=alice)
    for other in ({"phone": "+15145550124"}, {"phone": "+15145550123", "first_name": "Zoé"}):
        prepare_invitations(customer=acme, people=[(invitee("", **other), wished())], by=alice)
    remove_member(membership=Membership.objects.get(user=None), by=alice)
    assert prepare_invitations(customer=acme, people=again, by=alice)


# --- accepting --------------------------------------------------------------------------------


def test_a_new_person_accepts_with_the_address_locked(acme, alice, today):
    branch = factories.BranchFactory(merchant=acme.merchant)
    wish = wished(Role.EDITOR, Permission.VIEW_INVOICES, ceiling=500, requires_purchase_order=True,
                  branches=frozenset({branch.pk}))  # fmt: skip
    user = accept_as_new(token=invited(acme, alice, wish=wish), **CHOSEN)
    joined = member(user)
    assert (user.email, user.emailaddress_set.get().verified) == (NEW, True)
    assert (joined.role, joined.ceiling, joined.requires_purchase_order) == (Role.EDITOR, 500, True)
    assert list(joined.branches.all()) == [branch]
    assert {Permission.RENT, Permission.VIEW_INVOICES} <= acme.permissions_for(user)
    mandate = joined.mandates.get()
    assert mandate.effective_at == only_invitation().accepted_at == today
    assert acme.events.filter(event=AuditEvent.Event.INVITATION_ACCEPTED, by=user).exists()


def test_a_known_person_accepts_without_a_second_account(acme, alice, ines):
    token = invited(acme, alice, ines.email)
    with pytest.raises(invitations.ProfileInUse):
        accept_as_new(token=token, **CHOSEN)
    accept_invitation(token=token, by=ines)
    assert User.objects.filter(email=ines.email).count() == 1
    assert acme.permissions_for(ines) == {Permission.PICK_UP}


def test_somebody_else_cannot_accept(acme, alice, charlie):
    token = invited(acme, alice)
    with pytest.raises(invitations.SomebodyElse):
        accept_invitation(token=token, by=charlie)
    assert not acme.permissions_for(charlie)


def test_an_invitation_is_accepted_once(acme, alice):
    token = invited(acme, alice)
    user = accept_as_new(token=token, **CHOSEN)
    remove_member(membership=member(user), by=alice)
    with pytest.raises(invitations.InvitationAccepted):
        accept_invitation(token=token, by=user)
    assert not acme.permissions_for(user)


def test_a_removed_person_comes_back_by_a_new_mandate_only(acme, alice, bob):
    remove_member(membership=member(bob), by=alice)
    token = invited(acme, alice, bob.email)
    assert not acme.permissions_for(bob)
    accept_invitation(token=token, by=bob)
    assert acme.permissions_for(bob) == {Permission.PICK_UP}
    assert Membership.objects.filter(user=bob).count() == 2


def test_a_member_who_holds_the_address_under_another_is_not_changed_by_it(acme, alice, bob):
    bob.emailaddress_set.create(email="bob@ailleurs.example", verified=True)
    token = invited(acme, alice, "bob@ailleurs.example")
    with pytest.raises(invitations.AlreadyIn):
        accept_invitation(token=token, by=bob)
    assert member(bob).role == Role.EDITOR


def on_file_of_another(acme, **days: object) -> User:
    """Another profile, whose row bears an address of the company that is not theirs."""
    other = factories.UserFactory(email="autre@ailleurs.example")
    factories.MembershipFactory(customer=acme, user=other, email="comptoir@acme.example", role=Role.EDITOR, **days)
    return other


def test_an_address_still_on_file_for_somebody_whose_access_is_over_lets_its_holder_in(acme, alice):
    other = on_file_of_another(acme, ends_on=timezone.localdate() - timedelta(days=3))
    token = invited(acme, alice, "comptoir@acme.example")
    user = accept_as_new(token=token, **CHOSEN)
    assert Permission.PICK_UP in acme.permissions_for(user)
    assert not acme.permissions_for(other)
    assert member(other).email == "comptoir@acme.example"


def test_a_known_person_whose_address_is_on_file_for_another_comes_in_too(acme, alice, ines):
    token = invited(acme, alice, ines.email)
    Membership.objects.filter(user=alice).update(email=ines.email)  # since it was prepared
    accept_invitation(token=token, by=ines)
    assert Permission.PICK_UP in acme.permissions_for(ines)


def test_an_address_of_somebody_whose_access_begins_later_is_a_member_already(acme, alice):
    on_file_of_another(acme, starts_on=timezone.localdate() + timedelta(days=3))
    with pytest.raises(mandates.AlreadyMember):
        prepared(acme, alice, "comptoir@acme.example")


def test_a_person_on_file_becomes_the_member_they_were(acme, alice):
    on_file = factories.MembershipFactory(customer=acme, email=NEW, role=Role.BUYER, last_name="Royal")
    user = accept_as_new(token=invited(acme, alice), **CHOSEN)
    assert member(user) == on_file
    assert member(user).role == Role.VISITOR


@pytest.mark.parametrize("token", ["", "x" * 43, "forgé"])
def test_a_guessed_token_opens_nothing(acme, alice, token):
    invited(acme, alice)
    with pytest.raises(invitations.InvitationUnknown):
        invitations.invitation_of(token=token)


def test_an_expired_invitation_opens_nothing_until_it_is_sent_again(acme, alice, today, time_machine):
    token = invited(acme, alice)
    time_machine.move_to(today + timedelta(days=14))
    assert only_invitation().state == State.EXPIRED
    with pytest.raises(invitations.InvitationExpired):
        accept_as_new(token=token, **CHOSEN)
    resend_invitation(mandate=only_invitation().mandate, by=alice)
    with pytest.raises(invitations.InvitationUnknown):
        accept_as_new(token=token, **CHOSEN)
    assert accept_as_new(token=token_mailed_to(NEW), **CHOSEN).email == NEW


def test_a_second_click_on_send_again_sends_nothing(acme, alice):
    token = invited(acme, alice)
    resend_invitation(mandate=only_invitation().mandate, by=alice)
    assert token_mailed_to(NEW) == token
    assert OutgoingMessage.objects.filter(recipient=NEW).count() == 1


def test_nothing_is_sent_again_that_was_never_signed(acme, alice):
    with pytest.raises(invitations.NotSigned):
        resend_invitation(mandate=prepared(acme, alice), by=alice)


def test_a_revoked_invitation_opens_nothing(acme, alice):
    token = invited(acme, alice)
    for _click in range(2):
        cancel_mandate(mandate=only_invitation().mandate, by=alice)
    assert only_invitation().state == State.REVOKED
    with pytest.raises(invitations.InvitationRevoked):
        accept_as_new(token=token, **CHOSEN)
    assert not User.objects.filter(email=NEW).exists()
    assert acme.events.filter(event=AuditEvent.Event.MANDATE_CANCELLED).count() == 1


def test_another_address_is_another_mandate_to_sign(acme, alice):
    token = invited(acme, alice, "neo@acme.example", wish=wished(Role.BUYER, ceiling=100))
    batch = correct_address(mandate=only_invitation().mandate, email=" NOE@acme.example", by=alice)
    with pytest.raises(invitations.InvitationRevoked):
        accept_as_new(token=token, **CHOSEN)
    assert not OutgoingMessage.objects.filter(recipient=NEW).exists()
    sign_batch(batch, alice)
    user = accept_as_new(token=token_mailed_to(NEW), **CHOSEN)
    assert (member(user).role, member(user).ceiling) == (Role.BUYER, 100)


def test_the_invitations_of_somebody_who_left_no_longer_work(acme, alice, bob):
    token = invited(acme, bob)
    remove_member(membership=member(bob), by=alice)
    with pytest.raises(invitations.InvitationRevoked):
        accept_as_new(token=token, **CHOSEN)


def test_a_closed_customer_takes_nobody_in(acme, alice):
    token = invited(acme, alice)
    type(acme).objects.filter(pk=acme.pk).update(closed_at=timezone.now())
    with pytest.raises(invitations.InvitationRevoked):
        accept_as_new(token=token, **CHOSEN)


# --- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "queued"}, State.SENT),
        ({"status": "sent"}, State.SENT),
        ({"status": "sent", "delivered_at": MOMENT}, State.DELIVERED),
        ({"status": "sent", "returned_at": MOMENT, "return_reason": "550 5.1.1 unknown"}, State.FAILED),
        ({"status": "sent", "delivered_at": MOMENT, "returned_at": MOMENT}, State.FAILED),
        ({"status": "failed"}, State.FAILED),
    ],
)
def test_delivery_is_what_the_outbox_and_the_mail_service_say(acme, alice, fields, state):
    invited(acme, alice)
    sent_at = MOMENT if fields["status"] == "sent" else None
    OutgoingMessage.objects.filter(pk=only_invitation().message_id).update(sent_at=sent_at, **fields)
    assert only_invitation().state == state


def test_a_return_without_its_moment_is_refused(acme, alice):
    invited(acme, alice)
    with pytest.raises(IntegrityError, match="message_return_has_moment"), transaction.atomic():
        OutgoingMessage.objects.update(return_reason="550")


def test_opened_is_noted_once(acme, alice, today, time_machine):
    token = invited(acme, alice)
    invitations.mark_opened(token=token)
    time_machine.move_to(today + timedelta(hours=1))
    invitations.mark_opened(token=token)
    assert (only_invitation().state, only_invitation().opened_at) == (State.OPENED, today)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"accepted_at": "now", "accepted_by": "alice", "revoked_at": "now"}, "invitation_accepted_or_revoked"),
        ({"accepted_at": "now"}, "invitation_accepted_by_somebody"),
    ],
)
def test_an_invitation_that_contradicts_itself_is_refused(acme, alice, change, constraint):
    invited(acme, alice)
    values = {"now": timezone.now(), "alice": alice}
    with pytest.raises(IntegrityError, match=constraint):
        Invitation.objects.update(**{name: values[value] for name, value in change.items()})


# --- at the same instant ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_who_accept_the_same_invitation_at_once_make_one_member(acme, alice):
    with transaction.atomic():
        mandate = prepared(acme, alice)
    sign(mandate.signature, alice)
    token, gate = token_mailed_to(NEW), Barrier(2)

    def accept(first_name: str) -> str:
        try:
            gate.wait(timeout=20)
            return accept_as_new(token=token, **CHOSEN | {"first_name": first_name}).first_name
        except (invitations.InvitationAccepted, invitations.ProfileInUse) as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = set(pool.map(accept, ["Noé", "Léa"]))
    assert "InvitationAccepted" in answers or "ProfileInUse" in answers
    assert Membership.objects.filter(email=NEW).count() == 1
    assert User.objects.get(email=NEW).first_name in answers


# --- what was promised and is no longer wished -------------------------------------------------


def test_who_may_do_less_from_now_on_is_not_promoted_by_a_link_sent_before(acme, alice, bob):
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    token = token_mailed_to(bob.email)
    assert change_member(membership=member(bob), wish=wished(Role.VISITOR), by=alice) is None
    with pytest.raises(invitations.InvitationRevoked):
        accept_invitation(token=token, by=bob)
    assert member(bob).role == Role.VISITOR


def test_what_somebody_demoted_has_invited_opens_nothing(acme, alice, bob):
    """The author gave what they may no longer give; nothing half-done is left."""
    factories.MembershipFactory(customer=acme, user=(olga := factories.UserFactory()), role=Role.ADMINISTRATOR)
    token = invited(acme, olga, wish=wished(Role.ADMINISTRATOR))
    change_member(membership=member(olga), wish=wished(Role.VISITOR), by=alice)
    with pytest.raises(invitations.InvitationRevoked):
        accept_as_new(token=token, **CHOSEN)
    assert not User.objects.filter(email=NEW).exists()
    assert Mandate.objects.get().effective_at is None


def test_what_somebody_demoted_may_still_give_is_accepted(acme, alice, bob):
    factories.MembershipFactory(customer=acme, user=(olga := factories.UserFactory()), role=Role.ADMINISTRATOR)
    token = invited(acme, olga)
    change_member(membership=member(olga), wish=wished(Role.EDITOR), by=alice)
    assert acme.permissions_for(accept_as_new(token=token, **CHOSEN))
