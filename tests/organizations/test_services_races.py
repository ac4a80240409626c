"""People who act on one team at the same instant: real connections, each in its own transaction, in either order.

Nothing is left to luck: a row everybody needs is taken first, each is let in once the one before waits for it, and
the database then serves them in the order they came.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Pause

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMessage, User
from accounts.refusals import Refusal
from organizations.models import AuditEvent, Customer, Grant, Invitation, Mandate, Membership
from organizations.permissions import Permission, Role
from organizations.services.invitations import InvitationRevoked, accept_as_new, accept_invitation, invitation_of
from organizations.services.mandates import ask_to_sign
from organizations.services.members import change_member, remove_member
from signatures.models import Seal, SignatureEvent
from signatures.states import State
from tests import factories
from tests.accounts.test_forms import SIGNUP, newest_link, sign_up
from tests.organizations.signing import (
    AT_HOME,
    NEW,
    code_for,
    invited,
    member,
    prepared,
    sign,
    sign_batch,
    token_mailed_to,
    wished,
)

pytestmark = pytest.mark.django_db(transaction=True)
Event = AuditEvent.Event
Act = Callable[[], object]
CHOSEN = {"password": "un long mot de passe", "first_name": "Noé", "last_name": "Roy", "language": "fr-ca"}
BLOCKED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


@pytest.fixture
def olga(acme):
    """Owns Acme, which Alice administers."""
    user = factories.UserFactory(email="olga@acme.example", first_name="Olga", last_name="Roy", language="fr-ca")
    factories.MembershipFactory(customer=acme, user=user, role=Role.OWNER)
    return user


def answer_of(act: Act) -> object:
    """What it says, else the name of its refusal; anything else that is raised fails the test."""
    try:
        return act()
    except Refusal as refusal:
        return type(refusal).__name__
    finally:
        connection.close()


def hold_until(waiting: int) -> None:
    """Until so many connections wait for us."""
    pause = Pause()
    with connection.cursor() as cursor:
        for _try in range(2000):
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(BLOCKED)
            if cursor.fetchone()[0] >= waiting:
                return
            pause.wait(0.01)
    raise AssertionError(f"{waiting} should wait by now")


def at_once(*acts: Act, held: QuerySet) -> list[object]:
    """Each begins and stops at the rows held, in this order; then all of them go on. The answer of each."""
    with ThreadPoolExecutor(len(acts)) as pool:
        with transaction.atomic():
            assert list(held.select_for_update(of=("self",)))
            begun = []
            for act in acts:
                begun.append(pool.submit(answer_of, act))
                hold_until(len(begun))
        return [one.result(timeout=60) for one in begun]


def in_turn(*acts: Act, held: QuerySet) -> list[object]:
    """Each once the one before is done and kept, elsewhere."""
    with ThreadPoolExecutor(1) as pool:
        return [pool.submit(answer_of, act).result(timeout=60) for act in acts]


@pytest.fixture(params=[at_once, in_turn], ids=["at once", "in turn"])
def run(request, acme):
    def play(*acts: Act, held: QuerySet | None = None) -> list[object]:
        return request.param(*acts, held=Customer.objects.filter(pk=acme.pk) if held is None else held)

    return play


def history(customer: Customer) -> list[str]:
    return [event.event for event in customer.events.order_by("pk")]


def written(template: str) -> int:
    return OutgoingMessage.objects.filter(template=f"organizations/emails/{template}").count()


def remove(user: User, by: User) -> str:
    remove_member(membership=Membership.objects.get(user=user), by=by)
    return "removed"


def assert_evidence(request, state: State) -> None:
    """The signature is whole, with its seal and its line, or there is nothing of it."""
    request.refresh_from_db()
    lines = request.events.filter(kind__in=[SignatureEvent.Kind.SIGNED, SignatureEvent.Kind.CANCELLED])
    assert (request.state, [line.kind for line in lines]) == (state, [state])
    assert Seal.objects.count() == (state == State.SIGNED)


# --- a removal during a signature ---------------------------------------------------------------


@pytest.fixture
def promised(acme, alice, bob, olga):
    """Alice is about to sign that Bob sees the invoices: the code is in her hand."""
    batch = change_member(membership=member(bob), wish=wished(Role.EDITOR, Permission.VIEW_INVOICES), by=alice)
    request = ask_to_sign(customer=acme, batch=batch, by=alice, origin=AT_HOME)
    return request, code_for(request, alice)


def assert_out(acme, bob) -> None:
    """Without access, and with nothing that would give it back."""
    assert not acme.permissions_for(bob)
    assert not Grant.objects.filter(user=bob).exists()
    row, mandate = Membership.objects.get(user=bob), Mandate.objects.get()
    assert row.removed_at is not None
    assert mandate.ended_at is not None
    assert row.removed_by == User.objects.get(email="olga@acme.example")


def test_removed_then_signed_for_the_person_gets_nothing_and_nothing_is_signed(run, acme, alice, bob, olga, promised):
    request, code = promised
    removed, signed = run(lambda: remove(bob, olga), lambda: sign(request, alice, code))
    assert (removed, signed in {"NothingToSign", "RequestCancelled"}) == ("removed", True)
    assert_out(acme, bob)
    assert_evidence(request, State.CANCELLED)
    assert Mandate.objects.get().signed_at is None
    assert history(acme) == [Event.MANDATE_PREPARED, Event.MEMBER_REMOVED]
    assert written("access_changed") == 0


def test_signed_for_then_removed_the_person_is_out_and_the_history_says_both(run, acme, alice, bob, olga, promised):
    request, code = promised
    signed, removed = run(lambda: sign(request, alice, code), lambda: remove(bob, olga))
    assert (signed, removed) == (request, "removed")
    assert_out(acme, bob)
    assert_evidence(request, State.SIGNED)
    mandate = Mandate.objects.get()
    assert mandate.signed_at <= mandate.effective_at < mandate.ended_at
    assert history(acme) == [
        Event.MANDATE_PREPARED,
        Event.MANDATE_SIGNED,
        Event.MEMBER_CHANGED,
        Event.MEMBER_REMOVED,
    ]
    assert written("access_changed") == 1


@pytest.fixture
def inviting(acme, alice, olga):
    """Alice is about to sign an invitation: the code is in her hand."""
    request = prepared(acme, alice).signature
    return request, code_for(request, alice)


def test_an_administrator_removed_then_signing_signs_nothing(run, acme, alice, olga, inviting):
    request, code = inviting
    removed, signed = run(lambda: remove(alice, olga), lambda: sign(request, alice, code))
    assert (removed, signed in {"NothingToSign", "RequestCancelled"}) == ("removed", True)
    assert not acme.permissions_for(alice)
    assert_evidence(request, State.CANCELLED)
    mandate = Mandate.objects.get()
    assert (mandate.signed_at, mandate.effective_at, mandate.ended_at is None) == (None, None, False)
    assert not Invitation.objects.exists()
    assert history(acme) == [Event.MANDATE_PREPARED, Event.MEMBER_REMOVED]
    assert written("invitation") == 0


def test_an_administrator_who_signed_then_is_removed_leaves_a_link_that_opens_nothing(run, acme, alice, olga, inviting):
    request, code = inviting
    signed, removed = run(lambda: sign(request, alice, code), lambda: remove(alice, olga))
    assert (signed, removed) == (request, "removed")
    assert not acme.permissions_for(alice)
    assert_evidence(request, State.SIGNED)
    assert history(acme) == [Event.MANDATE_PREPARED, Event.MANDATE_SIGNED, Event.MEMBER_REMOVED]
    with pytest.raises(InvitationRevoked):
        accept_as_new(token=token_mailed_to(NEW), **CHOSEN)
    assert not User.objects.filter(email=NEW).exists()


def test_what_an_administrator_signed_for_a_colleague_outlives_their_own_removal(run, acme, alice, bob, olga, promised):
    request, code = promised
    assert run(lambda: sign(request, alice, code), lambda: remove(alice, olga)) == [request, "removed"]
    assert Permission.VIEW_INVOICES in acme.permissions_for(bob)
    assert not acme.permissions_for(alice)


def test_what_an_administrator_had_not_signed_for_a_colleague_ends_with_them(run, acme, alice, bob, olga, promised):
    request, code = promised
    assert run(lambda: remove(alice, olga), lambda: sign(request, alice, code))[0] == "removed"
    assert Permission.VIEW_INVOICES not in acme.permissions_for(bob)
    assert Membership.objects.active().filter(user=bob).exists()
    assert_evidence(request, State.CANCELLED)


# --- one invitation accepted twice --------------------------------------------------------------


def press(user: User, token: str) -> Act:
    """The button of the invitation, in a browser of this person; where they end."""
    browser = Client(headers={"accept-language": "fr-CA"})
    browser.force_login(user)
    return lambda: browser.post(reverse("organizations:invitation", args=[token]), follow=True)


def assert_accepted_once(acme, person: User) -> None:
    assert Membership.objects.filter(customer=acme, user=person).count() == 1
    assert Invitation.objects.get().accepted_by == person
    assert history(acme).count(Event.INVITATION_ACCEPTED) == 1
    assert Mandate.objects.live().get().membership == member(person)


def test_a_known_person_who_accepts_in_two_browsers_is_one_member(run, acme, alice):
    noah = factories.UserFactory(email=NEW)
    token = invited(acme, alice)
    pages = run(press(noah, token), press(noah, token))
    assert_accepted_once(acme, noah)
    for page in pages:  # both see the space they entered
        assert (page.status_code, page.redirect_chain[-1][0]) == (200, acme.get_absolute_url())


def test_a_promotion_accepted_in_two_browsers_is_one(run, acme, alice, bob):
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    token = token_mailed_to(bob.email)
    answers = run(*[lambda: accept_invitation(token=token, by=bob)] * 2)
    assert answers == [acme.get_absolute_url(), "InvitationAccepted"]
    assert_accepted_once(acme, bob)
    assert member(bob).role == Role.ADMINISTRATOR


@pytest.mark.parametrize("is_theirs_first", [True, False])
def test_two_people_who_accept_one_invitation_are_one_member_whoever_comes_first(run, acme, alice, is_theirs_first):
    noah, lea = factories.UserFactory(email=NEW), factories.UserFactory(email="lea@acme.example")
    token = invited(acme, alice)
    people = [noah, lea] if is_theirs_first else [lea, noah]
    answers = run(*[lambda person=person: accept_invitation(token=token, by=person) for person in people])
    refused = "InvitationAccepted" if is_theirs_first else "SomebodyElse"
    assert sorted(map(str, answers)) == sorted([acme.get_absolute_url(), refused])
    assert_accepted_once(acme, noah)
    assert not acme.permissions_for(lea)


def test_a_stranger_with_the_link_and_the_person_signed_in_make_one_member_and_no_second_profile(run, acme, alice):
    noah = factories.UserFactory(email=NEW)
    token = invited(acme, alice)
    strange = CHOSEN | {"first_name": "Zut", "password": "un autre long mot de passe"}
    taken, accepted = run(
        lambda: accept_as_new(token=token, **strange), lambda: accept_invitation(token=token, by=noah)
    )
    assert (taken, accepted) == ("ProfileInUse", acme.get_absolute_url())
    assert_accepted_once(acme, noah)
    noah.refresh_from_db()
    assert (noah.first_name, noah.check_password(factories.PASSWORD)) == ("Camille", True)


# --- those in charge, against each other --------------------------------------------------------


def demote(user: User, by: User) -> str:
    change_member(membership=Membership.objects.get(user=user), wish=wished(Role.VISITOR), by=by)
    return "demoted"


def in_charge(acme) -> list[User]:
    return [row.user for row in Membership.objects.in_charge().filter(customer=acme)]


@pytest.mark.parametrize(("act", "line"), [(demote, Event.MEMBER_REDUCED), (remove, Event.MEMBER_REMOVED)])
@pytest.mark.parametrize("is_alice_first", [True, False])
def test_two_administrators_against_each_other_leave_the_first(run, acme, alice, olga, act, line, is_alice_first):
    first, second = (alice, olga) if is_alice_first else (olga, alice)
    answers = run(lambda: act(second, by=first), lambda: act(first, by=second))
    assert answers[0] in {"demoted", "removed"}
    assert answers[1] == "ChargeLost"
    assert in_charge(acme) == [first]
    assert history(acme) == [line]


@pytest.mark.parametrize("act", [demote, remove])
def test_two_administrators_who_leave_together_leave_one(run, acme, alice, olga, act):
    answers = run(lambda: act(alice, by=alice), lambda: act(olga, by=olga))
    assert answers[1] == "LastAdministrator"
    assert in_charge(acme) == [olga]
    assert len(history(acme)) == 1


# --- two links, one person ----------------------------------------------------------------------


def test_two_links_of_one_sign_up_confirmed_at_once_make_one_account(run, boreal, time_machine, today):
    customer = factories.CustomerFactory(merchant=boreal, email=SIGNUP["email"])
    browsers, links = [Client(), Client()], []
    sign_up(browsers[0])
    links.append(newest_link())
    time_machine.shift(3600)
    browsers[1].post(reverse("account_login"), {"login": SIGNUP["email"], "password": SIGNUP["password1"]})
    links.append(newest_link())
    assert links[0] != links[1]
    held = EmailAddress.objects.filter(email=SIGNUP["email"])
    pages = run(*[lambda one=one, link=link: one.post(link) for one, link in zip(browsers, links, strict=True)],
                held=held)  # fmt: skip
    assert {page.status_code for page in pages} <= {302, 303}
    user = User.objects.get()
    assert EmailAddress.objects.get().verified
    assert [row.customer for row in Membership.objects.filter(user=user)] == [customer]
    assert history(customer) == [Event.CUSTOMER_OPENED, Event.CUSTOMER_RECOGNIZED]


def test_two_companies_joined_at_once_by_a_new_person_make_one_account(acme, globex, alice, charlie):
    """Neither waits for the other’s company: they meet where the profile is written."""
    invited(acme, alice)
    at_acme = token_mailed_to(NEW)
    invited(globex, charlie)
    tokens = [at_acme, token_mailed_to(NEW)]
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            connection.cursor().execute("LOCK TABLE accounts_user IN SHARE MODE")
            begun = [pool.submit(answer_of, lambda token=token: accept_as_new(token=token, **CHOSEN))
                     for token in tokens]  # fmt: skip
            hold_until(2)
        answers = [one.result(timeout=60) for one in begun]
    user = User.objects.get(email=NEW)
    assert sorted(map(str, answers)) == sorted([str(user), "ProfileInUse"])
    assert EmailAddress.objects.filter(email=NEW).count() == 1
    refused = tokens[answers.index("ProfileInUse")]
    # The other invitation waits for the one person there is, who signs in to accept it.
    assert invitation_of(token=refused).accepted_at is None
    accept_invitation(token=refused, by=user)
    assert Membership.objects.filter(user=user).count() == 2
