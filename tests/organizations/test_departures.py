"""« This person has left »: everything of theirs ends in one act, and a colleague takes over what was open."""

from __future__ import annotations

from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.models import AuditEvent, Card, CompanyLink, CounterDecision, Mandate, Membership, TakeOver
from organizations.permissions import Permission, Role
from organizations.services import departures
from organizations.services.authority import refuse_proof
from organizations.services.cards import make_card
from organizations.services.cases import answer_case, open_case
from organizations.services.groups import ask_link, confirm_link
from organizations.services.mandates import Invitee, LastAdministrator, write_mandate
from organizations.services.members import change_member, remove_member
from organizations.services.petitions import TakeOverWaiting, ask_take_over
from organizations.services.reach import AdministratorBeyond, ChargeLost
from organizations.terms import Wish
from tests import factories
from tests.organizations.signing import invited as invited_by
from tests.organizations.signing import sign, sign_batch, wished
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db


def member(user) -> Membership:
    return Membership.objects.get(user=user)


@pytest.fixture
def olga(acme):
    """The other administrator."""
    user = factories.UserFactory(email="olga@acme.example", first_name="Olga", last_name="Roy", language="en-ca")
    factories.MembershipFactory(customer=acme, user=user, role=Role.ADMINISTRATOR)
    return user


@pytest.fixture
def invited(acme, bob):
    """Bob invited a visitor, who has not answered."""
    person = Invitee(first_name="Luc", last_name="Dion", email="luc@acme.example")
    wish = Wish(role=Role.VISITOR)
    with transaction.atomic():
        return write_mandate(customer=acme, invitee=person, wish=wish, by=bob, batch=uuid4(), proof="")


def refused_at(customer, merchant, agent) -> CounterDecision:
    return CounterDecision.objects.create(
        merchant=merchant, customer=customer, person="Luc Dion", agent=agent, answer=CounterDecision.Answer.NO,
        reason=CounterDecision.Reason.UNLISTED, act=CounterDecision.Act.REFUSED,
    )  # fmt: skip


def left(acme, user) -> str:
    return reverse("organizations:member-left", args=[acme.public_id, member(user).pk])


def page_of(name, customer, *args) -> str:
    return reverse(f"organizations:{name}", args=[customer.public_id, *args])


def browser(user) -> StrictClient:
    client = StrictClient(headers={"accept-language": "fr-CA"})
    client.force_login(user, backend="accounts.backends.EmailBackend")
    # As signing in with a password writes it.
    UserSession.objects.create(user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="Firefox")
    return client


def test_one_press_ends_all_of_it(acme, alice, olga, bob, invited):
    theirs, mine = browser(bob), browser(alice)
    make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    assert UserSession.objects.filter(user=bob).count() == 1
    asked = mine.get(left(acme, bob)).content.decode()
    assert "Bob Gagnon" in asked
    assert "1 invitation" in asked
    response = mine.post(left(acme, bob), {"successor": member(olga).pk})
    assert response.status_code == 303
    assert not acme.permissions_for(bob)
    assert not Card.objects.live().exists()
    invited.refresh_from_db()
    assert invited.ended_at
    assert not UserSession.objects.filter(user=bob).exists()
    assert theirs.get(acme.get_absolute_url()).status_code == 302  # to sign in again
    letter = OutgoingMessage.objects.get(recipient="olga@acme.example")
    again = Mandate.objects.live().get()
    assert (again.email, again.role, again.prepared_by, again.signed_at) == ("luc@acme.example", "visitor", olga, None)
    assert f"{settings.SITE_URL}{page_of('mandate', acme, again.pk)}" in letter.text
    event = AuditEvent.objects.get(event=AuditEvent.Event.MEMBER_LEFT)
    assert (event.by, event.data["successor"], event.data["invitations"]) == (alice, "Olga Roy", 1)
    receipt = mine.get(response.url).content.decode()
    assert "Olga Roy" in receipt
    assert "1 carte retirée" in receipt


def test_two_presses_are_one_departure(acme, alice, bob):
    mine = browser(alice)
    for _press in range(2):
        assert mine.post(left(acme, bob), {"successor": ""}).status_code == 303
    assert AuditEvent.objects.filter(event=AuditEvent.Event.MEMBER_LEFT).count() == 1


def test_what_is_open_needs_somebody_who_takes_over(acme, alice, bob, invited):
    response = browser(alice).post(left(acme, bob), {"successor": ""})
    assert response.status_code == 422
    assert acme.permissions_for(bob)
    invited.refresh_from_db()
    assert not invited.ended_at


@pytest.mark.parametrize("heir", ["bob", "rita", "charlie"])
def test_only_who_manages_access_takes_over(request, acme, alice, bob, rita, charlie, invited, heir):
    heir = member(request.getfixturevalue(heir))
    with pytest.raises(departures.SuccessorUnfit):
        departures.declare_gone(membership=member(bob), successor=heir, by=alice)
    assert browser(alice).post(left(acme, bob), {"successor": heir.pk}).status_code == 422
    assert acme.permissions_for(bob)


def test_who_has_another_customer_or_works_for_us_stays_signed_in(acme, globex, alice, bob, rita):
    factories.MembershipFactory(customer=globex, user=bob, role=Role.ACCOUNTANT)
    rita.is_staff = True
    rita.save()
    for user in (bob, rita):
        theirs = browser(user)
        departures.declare_gone(membership=Membership.objects.get(user=user, customer=acme), successor=None, by=alice)
        assert theirs.get(acme.get_absolute_url()).status_code == 404
        assert UserSession.objects.filter(user=user).exists()


def test_the_last_administrator_cannot_be_declared_gone_nor_oneself(acme, alice, olga, sam):
    with pytest.raises(departures.DeclaredByOneself):
        departures.declare_gone(membership=member(alice), successor=None, by=alice)
    remove_member(membership=member(olga), by=alice)
    with pytest.raises(LastAdministrator):
        departures.declare_gone(membership=member(alice), successor=None, by=sam)
    assert acme.permissions_for(alice)


def test_somebody_removed_before_is_completed_with_a_receipt(acme, alice, bob):
    theirs = browser(bob)
    remove_member(membership=member(bob), by=alice)
    assert browser(alice).post(left(acme, bob), {"successor": ""}).status_code == 303
    assert theirs.get("/profile/").status_code == 302


def test_a_person_of_another_company_is_not_found(acme, globex, alice, charlie):
    address = reverse("organizations:member-left", args=[acme.public_id, member(charlie).pk])
    assert browser(alice).post(address, {"successor": ""}).status_code == 404
    assert globex.permissions_for(charlie)


# --- what was open goes on with somebody else -------------------------------------------------


def test_who_takes_over_only_signs_what_was_sent_and_the_link_that_left_is_dead(acme, alice, olga):
    token = invited_by(acme, olga, wish=wished(Role.BUYER, Permission.VIEW_INVOICES, ceiling=250))
    mine = browser(alice)
    assert mine.post(left(acme, olga), {"successor": member(alice).pk}).status_code == 303
    again = Mandate.objects.live().get()
    assert (again.role, again.granted, again.ceiling) == (Role.BUYER, ["view_invoices"], 250)
    assert StrictClient().get(f"/invitations/{token}/").status_code == 410
    receipt = mine.get(left(acme, olga)).text
    assert "1 préparée de nouveau" in receipt
    assert page_of("team", acme) in receipt
    answer = mine.post(page_of("mandate-sign", acme, again.pk))
    assert answer.headers["Location"].startswith("/sign/")
    again.refresh_from_db()
    sign(again.signature, alice)
    assert invited_letters() == 2


def invited_letters() -> int:
    return OutgoingMessage.objects.filter(template="organizations/emails/invitation").count()


def test_what_the_colleague_may_not_give_ends_and_the_letter_says_so(acme, alice, olga):
    """Alice, invited under her other address by Olga, would be inviting herself."""
    invited_by(acme, olga, "alice.deux@acme.example")
    alice.email = "alice.deux@acme.example"
    alice.save()
    departures.declare_gone(membership=member(olga), successor=member(alice), by=alice)
    assert not Mandate.objects.live().exists()
    letter = OutgoingMessage.objects.get(template="organizations/emails/handed_over")
    assert "n’ont pu être préparées de nouveau" in letter.text


def link_to(subsidiary, *, parent, by, agent) -> CompanyLink:
    asked = ask_link(parent=parent, customer_number=subsidiary.number, message="", by=by)
    return confirm_link(link=asked, decision="Vu au registre", by=agent)


def test_invitations_at_a_subsidiary_are_counted_and_handed_over_too(acme, globex, alice, olga, charlie, sam):
    link_to(globex, parent=acme, by=alice, agent=sam)
    invited_by(globex, olga)
    assert "1 invitation" in browser(alice).get(left(acme, olga)).text
    with pytest.raises(departures.SuccessorMissing):
        departures.declare_gone(membership=member(olga), successor=None, by=alice)
    event = departures.declare_gone(membership=member(olga), successor=member(alice), by=alice)
    assert (event.data["invitations"], event.data["prepared"]) == (1, 1)
    again = Mandate.objects.live().get()
    assert (again.customer, again.prepared_by, again.through.parent) == (globex, alice, acme)
    letter = OutgoingMessage.objects.get(template="organizations/emails/handed_over")
    assert page_of("team", globex) in letter.text
    assert "Globex" in letter.text


@pytest.fixture
def eve(globex):
    """Invites for Globex, where nobody is in charge."""
    user = factories.UserFactory(email="eve@globex.example", first_name="Eve", last_name="Caron")
    factories.MembershipFactory(customer=globex, user=user, role=Role.EDITOR)
    return user


def test_where_nobody_is_in_charge_an_administrator_of_the_parent_takes_over(acme, globex, alice, eve, bob, sam):
    link_to(globex, parent=acme, by=alice, agent=sam)
    invited_by(globex, eve)
    mine = browser(alice)
    page = mine.get(left(globex, eve)).text
    assert f'<option value="{member(alice).pk}">Alice Tremblay · Acme Construction inc.</option>' in page
    assert mine.post(left(globex, eve), {"successor": member(bob).pk}).status_code == 422
    assert mine.post(left(globex, eve), {"successor": member(alice).pk}).status_code == 303
    assert not globex.permissions_for(eve)
    again = Mandate.objects.live().get()
    assert (again.customer, again.prepared_by, again.through.parent) == (globex, alice, acme)
    letter = OutgoingMessage.objects.get(template="organizations/emails/handed_over")
    assert letter.recipient == alice.email
    assert mine.get(page_of("mandate", globex, again.pk)).status_code == 200
    sign_batch(again.batch, alice)
    assert OutgoingMessage.objects.filter(template="organizations/emails/invitation").count() == 2


def test_with_an_administrator_of_its_own_a_subsidiary_hands_nothing_up(acme, globex, alice, eve, charlie, sam):
    link_to(globex, parent=acme, by=alice, agent=sam)
    invited_by(globex, eve)
    assert list(departures.heirs_of(membership=member(eve))) == [member(charlie)]
    with pytest.raises(departures.SuccessorUnfit):
        departures.declare_gone(membership=member(eve), successor=member(alice), by=alice)


def test_without_a_link_a_company_where_nobody_is_in_charge_has_no_heir(acme, globex, alice, eve, sam):
    asked = ask_link(parent=acme, customer_number=globex.number, message="", by=alice)
    assert not departures.heirs_of(membership=member(eve)).exists()
    confirm_link(link=asked, decision="Vu au registre", by=sam)
    assert list(departures.heirs_of(membership=member(eve))) == [member(alice)]


def test_the_answer_to_a_question_is_read_by_who_took_over_from_the_parent(acme, globex, boreal, alice, eve, sam):
    """By letter, and it leads to what they may open."""
    link_to(globex, parent=acme, by=alice, agent=sam)
    case = open_case(decision=refused_at(globex, boreal, sam), message="", by=eve)
    departures.declare_gone(membership=member(eve), successor=member(alice), by=alice)
    answer_case(case=case, answer="Réglé.", by=sam)
    page = page_of("refusal", globex, case.decision_id)
    for template in ("handed_over", "case_answered"):
        letter = OutgoingMessage.objects.get(template=f"organizations/emails/{template}")
        assert letter.recipient == alice.email
        assert f"{settings.SITE_URL}{page}" in letter.text
    assert "Réglé." in letter.text
    assert "Réglé." in browser(alice).get(page).text


def test_what_does_not_end_is_not_counted(acme, globex, alice, olga, charlie, sam):
    """Olga also administers the parent company: what she gave from there is not of her membership here."""
    link = link_to(acme, parent=globex, by=charlie, agent=sam)
    person = Invitee(first_name="Luc", last_name="Dion", email="luc@acme.example")
    with transaction.atomic():
        kept = write_mandate(customer=acme, invitee=person, wish=Wish(role=Role.VISITOR), by=olga, batch=uuid4(),
                             proof="", through=link)  # fmt: skip
    event = departures.declare_gone(membership=member(olga), successor=None, by=alice)
    assert event.data["invitations"] == 0
    kept.refresh_from_db()
    assert kept.ended_at is None


@pytest.fixture
def questioned(acme, boreal, olga, sam):
    """Olga asked about somebody refused at a counter."""
    return open_case(decision=refused_at(acme, boreal, sam), message="Pourquoi?", by=olga)


def test_an_open_question_needs_a_colleague_and_the_receipt_says_who_reads_the_answer(acme, alice, olga, questioned):
    mine = browser(alice)
    assert "1 question" in mine.get(left(acme, olga)).text
    assert mine.post(left(acme, olga), {"successor": ""}).status_code == 422
    assert mine.post(left(acme, olga), {"successor": member(alice).pk}).status_code == 303
    receipt = mine.get(left(acme, olga)).text
    assert "1 transmise" in receipt
    letter = OutgoingMessage.objects.get(template="organizations/emails/handed_over")
    assert page_of("refusal", acme, questioned.decision_id) in letter.text


def test_a_take_over_they_asked_ends_and_blocks_nobody(acme, alice, bob, rita):
    ask_take_over(customer=acme, reason="Alice est partie.", by=bob)
    with pytest.raises(TakeOverWaiting):
        ask_take_over(customer=acme, reason="Moi.", by=rita)
    mine = browser(alice)
    assert mine.post(left(acme, bob), {"successor": ""}).status_code == 303
    assert not TakeOver.objects.open().exists()
    assert "tout le monde en est informé" in mine.get(left(acme, bob)).text
    told = OutgoingMessage.objects.filter(template="organizations/emails/take_over", recipient=rita.email).latest("pk")
    assert "a quitté l’entreprise" in told.text
    assert "a quitté l’entreprise" in browser(rita).get(page_of("take-over", acme)).text
    assert ask_take_over(customer=acme, reason="Moi.", by=rita).is_open


@pytest.mark.parametrize("is_gone", [True, False])
def test_the_refusal_of_a_proof_is_read_by_who_took_over(acme, alice, olga, bob, sam, is_gone):
    wish = wished(Role.BUYER, Permission.CHANGE_BANK_DETAILS)
    sign_batch(change_member(membership=member(bob), wish=wish, by=olga, proof="proofs/x.pdf"), olga)
    if is_gone:
        with pytest.raises(departures.SuccessorMissing):
            departures.declare_gone(membership=member(olga), successor=None, by=alice)
        event = departures.declare_gone(membership=member(olga), successor=member(alice), by=alice)
        assert (event.data["proofs"], event.data["invitations"]) == (1, 0)
        assert "1 transmise" in browser(alice).get(left(acme, olga)).text
    refuse_proof(mandate=Mandate.objects.live().get(), reason="Illisible", by=sam)
    letter = OutgoingMessage.objects.get(template="organizations/emails/proof_refused")
    assert letter.recipient == (alice if is_gone else olga).email


def test_the_receipt_is_found_again_on_the_page_of_the_member(acme, alice, bob):
    mine, page = browser(alice), page_of("member", acme, member(bob).pk)
    remove_member(membership=member(bob), by=alice)
    assert left(acme, bob) in mine.get(page).text
    mine.post(left(acme, bob), {"successor": ""})
    assert "Reçu de son départ" in mine.get(page).text
    assert page_of("member-remove", acme, member(bob).pk) not in mine.get(page).text


@pytest.fixture
def old(acme, alice, olga, bob) -> Membership:
    """What Bob had before he was removed; he came back since, and is at work."""
    ended = member(bob)
    remove_member(membership=ended, by=alice)
    factories.MembershipFactory(customer=acme, user=bob, role=Role.EDITOR)
    ended.refresh_from_db()
    return ended


def test_the_departure_of_who_came_back_is_that_of_the_access_that_ended_alone(acme, alice, olga, bob, old, invited):
    theirs = browser(bob)
    asked = ask_take_over(customer=acme, reason="Alice est partie.", by=bob)
    page = browser(alice).get(page_of("member-left", acme, old.pk)).content.decode()
    assert "1 invitation" not in page
    event = departures.declare_gone(membership=old, successor=None, by=alice)
    assert {name: event.data[name] for name in ("invitations", "take_overs", "cards", "sessions", "signed_out")} == {
        "invitations": 0, "take_overs": 0, "cards": 0, "sessions": 0, "signed_out": 0,
    }  # fmt: skip
    asked.refresh_from_db()
    invited.refresh_from_db()
    assert (asked.withdrawn_at, invited.ended_at) == (None, None)
    assert acme.permissions_for(bob)
    assert theirs.get(acme.get_absolute_url()).status_code == 200


def test_who_may_not_end_an_access_declares_nobody_gone_whose_access_ended(acme, alice, olga, bob, rita):
    Membership.objects.filter(user=bob).update(role=Role.ADMINISTRATOR)
    ended = member(bob)
    remove_member(membership=ended, by=alice)
    with pytest.raises(ChargeLost):
        departures.declare_gone(membership=ended, successor=None, by=rita)
    grant_permission(customer=acme, user=rita, permission=Permission.MANAGE_TEAM)
    with pytest.raises(AdministratorBeyond):
        departures.declare_gone(membership=ended, successor=None, by=rita)
    assert departures.departure_of(membership=ended) is None


def test_who_came_back_does_not_take_over_from_themself(acme, alice, olga, bob, old):
    Membership.objects.filter(user=bob, removed_at=None).update(role=Role.ADMINISTRATOR)
    assert {row.user for row in departures.heirs_of(membership=old)} == {alice, olga}
