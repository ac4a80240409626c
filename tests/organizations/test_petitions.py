"""Asking to join a company that is never said to exist; taking over one whose administrators are gone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.models import AuditEvent, JoinRequest, Mandate, TakeOver
from organizations.permissions import Permission, Role
from organizations.services import petitions
from organizations.services.mandates import BeyondReach, NothingToSign
from organizations.services.members import NotAMember, change_member, remove_member
from organizations.services.petitions import ask_take_over, ask_to_join, decide_join, decide_take_over, oppose_take_over
from organizations.services.requests import ReasonMissing
from tests import factories
from tests.organizations.signing import member, sign_batch, wished

pytestmark = pytest.mark.django_db


def asking(boreal, ines, number="10482"):
    return ask_to_join(merchant=boreal, customer_number=number, message="Je suis Inès.", by=ines)


# --- joining ----------------------------------------------------------------------------------


def test_the_administrators_are_written_to_and_decide(acme, alice, bob, boreal, ines):
    asked = asking(boreal, ines)
    assert asking(boreal, ines) == asked
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == alice.email
    assert "Je suis Inès." in letter.text
    decide_join(join_request=asked, is_accepted=True, by=alice)
    assert not acme.permissions_for(ines)  # an invitation is prepared and signed next
    with pytest.raises(petitions.JoinDecided):
        decide_join(join_request=asked, is_accepted=False, by=alice)


def test_a_number_that_is_nobodys_answers_the_same(client, acme, alice, ines, boreal, today):
    client.force_login(ines)
    pages = []
    for number in ("10482", "nobody"):
        JoinRequest.objects.all().delete()
        answer = client.post("/welcome/join/", {"merchant": boreal.pk, "customer_number": number})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/welcome/join/")
        page = client.get("/welcome/join/").text.replace(number, "N")
        pages.append(re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', "", page))
    assert pages[0] == pages[1]
    assert "Acme" not in pages[0]
    assert OutgoingMessage.objects.count() == 1


def ask_on_the_page(client, boreal, number):
    """What the page then says, with the number left out."""
    answer = client.post("/welcome/join/", {"merchant": boreal.pk, "customer_number": number})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/welcome/join/")
    return re.findall(r"<li><span>N · .*?</li>", client.get("/welcome/join/").text.replace(number, "N"))


@pytest.mark.parametrize("is_accepted", [True, False])
def test_asking_again_tells_nobody_whether_somebody_decided(client, acme, alice, ines, boreal, today, is_accepted):
    client.force_login(ines)
    said = []
    for number in ("10482", "nobody"):
        with time_machine.travel(today, tick=False) as clock:
            first = ask_on_the_page(client, boreal, number)
            for asked in JoinRequest.objects.filter(customer=acme, decided_at=None):
                decide_join(join_request=asked, is_accepted=is_accepted, by=alice)
            clock.shift(timedelta(days=29))
            again = ask_on_the_page(client, boreal, number)
            clock.shift(timedelta(days=2))
            later = ask_on_the_page(client, boreal, number)
            said.append((first, again, later))
    assert said[0] == said[1]
    first, again, later = said[0]
    assert len(first) == len(later) == 1
    assert first == again != later


def test_a_month_later_the_administrators_are_asked_again_in_the_same_line(acme, alice, boreal, ines, today):
    with time_machine.travel(today, tick=False) as clock:
        asked = asking(boreal, ines)
        clock.shift(petitions.ASKED_AGAIN)
        assert asking(boreal, ines) == asked
    assert OutgoingMessage.objects.count() == 2
    assert JoinRequest.objects.get().asked_at == today + petitions.ASKED_AGAIN


@pytest.mark.parametrize("number", ["20001", "30001"])
def test_only_member_companies_are_asked(boreal, ines, nadia, alice, number):
    assert asking(boreal, alice, number).customer is None


def test_a_refusal_is_silent(acme, alice, boreal, ines):
    decide_join(join_request=asking(boreal, ines), is_accepted=False, by=alice)
    assert not OutgoingMessage.objects.filter(recipient=ines.email).exists()


def test_five_a_day_and_no_more(acme, boreal, ines):
    for number in range(5):
        asking(boreal, ines, str(number))
    with pytest.raises(petitions.TooManyJoins):
        asking(boreal, ines, "10482")


def test_accepting_leads_to_the_invitation_filled_in(client, acme, alice, boreal, ines):
    asked = asking(boreal, ines)
    client.force_login(alice)
    page = reverse("organizations:join-requests", args=[acme.public_id])
    assert "Inès Lavoie" in client.get(page).text
    assert "1 personne demande" in client.get(reverse("organizations:team", args=[acme.public_id])).text
    answer = client.post(page, {"accept": asked.pk})
    assert ines.email in client.get(answer.headers["Location"]).text


def test_a_request_to_another_company_is_as_one_that_is_not_there(client, acme, globex, charlie, alice, boreal, ines):
    asked = asking(boreal, ines)
    client.force_login(charlie)
    page = reverse("organizations:join-requests", args=[globex.public_id])
    for chosen in (asked.pk, "x", "²", "9" * 19, "9" * 5000):
        answer = client.post(page, {"accept": chosen})
        assert answer.status_code == 422
        assert ines.last_name not in answer.content.decode()
    asked.refresh_from_db()
    assert asked.decided_at is None


# --- taking over ------------------------------------------------------------------------------


@pytest.fixture
def asked(acme, alice, bob, rita, today):
    return ask_take_over(customer=acme, reason="Alice est partie en mars.", by=bob)


def test_everybody_in_the_company_is_told(acme, alice, bob, rita, asked):
    assert set(OutgoingMessage.objects.values_list("recipient", flat=True)) == {alice.email, bob.email, rita.email}
    for letter in OutgoingMessage.objects.all():
        assert "Alice est partie en mars." in letter.text
    assert member(bob).role == Role.EDITOR


def test_asked_twice_it_is_once_and_by_another_it_waits(acme, bob, rita, asked):
    assert ask_take_over(customer=acme, reason="Encore", by=bob) == asked
    with pytest.raises(petitions.TakeOverWaiting):
        ask_take_over(customer=acme, reason="Moi", by=rita)


def test_who_may_not_ask_is_refused(acme, alice, charlie, bob):
    with pytest.raises(petitions.InCharge):
        ask_take_over(customer=acme, reason="Moi", by=alice)
    with pytest.raises(NotAMember):
        ask_take_over(customer=acme, reason="Moi", by=charlie)
    with pytest.raises(ReasonMissing):
        ask_take_over(customer=acme, reason="  ", by=bob)


def test_an_agent_decides_after_everybody_had_time(acme, bob, sam, asked, today, time_machine):
    with pytest.raises(petitions.StillCooling):
        decide_take_over(take_over=asked, is_accepted=True, decision="Vérifié", by=sam)
    time_machine.move_to(today + timedelta(days=7))
    with pytest.raises(ReasonMissing):
        decide_take_over(take_over=asked, is_accepted=True, decision="", by=sam)
    decide_take_over(take_over=asked, is_accepted=True, decision="Vérifié au registre", by=sam)
    assert Permission.MANAGE_TEAM in acme.permissions_for(bob)
    assert acme.events.filter(event=AuditEvent.Event.TAKE_OVER_DECIDED, by=sam).exists()
    with pytest.raises(petitions.TakeOverOver):
        decide_take_over(take_over=asked, is_accepted=False, decision="Non", by=sam)


@pytest.mark.parametrize("is_signed", [False, True])
def test_what_was_prepared_before_takes_nothing_from_the_new_administrator(
    acme, alice, bob, sam, asked, today, time_machine, is_signed
):
    batch = change_member(membership=member(bob), wish=wished(Role.VISITOR, Permission.VIEW_INVOICES), by=alice)
    if is_signed:
        sign_batch(batch, alice)
    time_machine.move_to(today + timedelta(days=7))
    decide_take_over(take_over=asked, is_accepted=True, decision="Vu l’acte", by=sam)
    with pytest.raises(NothingToSign):
        sign_batch(batch, alice)
    assert member(bob).role == Role.ADMINISTRATOR
    assert not Mandate.objects.live().exists()


def test_an_administrator_who_is_there_ends_it(acme, alice, bob, rita, sam, asked, today, time_machine):
    with pytest.raises(BeyondReach):
        oppose_take_over(take_over=asked, by=rita)
    for _click in range(2):
        oppose_take_over(take_over=asked, by=alice)
    time_machine.move_to(today + timedelta(days=8))
    with pytest.raises(petitions.TakeOverOver):
        decide_take_over(take_over=asked, is_accepted=True, decision="Vérifié", by=sam)
    assert member(bob).role == Role.EDITOR


def test_whoever_left_meanwhile_takes_nothing_over(acme, alice, bob, sam, asked, today, time_machine):
    remove_member(membership=member(bob), by=alice)
    time_machine.move_to(today + timedelta(days=8))
    with pytest.raises(NotAMember):
        decide_take_over(take_over=asked, is_accepted=True, decision="Vérifié", by=sam)
    assert not acme.permissions_for(bob)


def test_the_page_is_one_timeline_for_all(client, acme, alice, rita, asked):
    page = reverse("organizations:take-over", args=[acme.public_id])
    client.force_login(rita)
    assert "Alice est partie en mars." in client.get(page).text
    assert 'name="oppose"' not in client.get(page).text
    client.force_login(alice)
    assert 'name="oppose"' in client.get(page).text
    assert client.post(page, {"oppose": "1"}).status_code == 303
    assert "s’y est opposé" in client.get(page).text


def test_a_take_over_whose_asker_left_gives_way_to_the_next_and_cannot_be_decided(
    client, acme, alice, bob, rita, sam, asked, today, time_machine
):
    remove_member(membership=member(bob), by=alice)
    hers = ask_take_over(customer=acme, reason="Moi", by=rita)
    asked.refresh_from_db()
    assert (asked.withdrawn_at is not None, hers.is_open) == (True, True)
    assert acme.events.filter(event=AuditEvent.Event.TAKE_OVER_WITHDRAWN, by=rita).exists()
    time_machine.move_to(today + timedelta(days=8))
    with pytest.raises(petitions.TakeOverOver):
        decide_take_over(take_over=asked, is_accepted=True, decision="Vérifié", by=sam)
    with pytest.raises(petitions.TakeOverOver):
        oppose_take_over(take_over=asked, by=alice)
    client.force_login(sam)
    assert "Retirée" in client.get(reverse("admin:organizations_takeover_change", args=[asked.pk])).text


def test_agents_decide_in_the_admin_and_only_those_of_the_merchant(
    client, acme, bob, sam, zoe, asked, today, time_machine
):
    time_machine.move_to(today + timedelta(days=8))
    address = reverse("admin:organizations_takeover_accept", args=[asked.pk])
    client.force_login(zoe)
    assert client.get(address).status_code in {302, 404}
    client.force_login(sam)
    assert client.post(address, {"words": ""}).status_code == 422
    assert client.post(address, {"words": "Vérifié au registre"}).status_code == 303
    assert member(bob).role == Role.ADMINISTRATOR
    assert "Vérifié" in client.get(reverse("admin:organizations_takeover_change", args=[asked.pk])).text


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"decided_at": "late", "is_accepted": True, "decision": "Oui"}, "take_over_decided_in_time_with_reason"),
        ({"decided_at": "now", "decided_by": "bob", "is_accepted": True, "decision": "Oui"}, "in_time_with_reason"),
        ({"opposed_at": "now"}, "take_over_opposition_is_whole"),
        ({"decidable_at": "now"}, "take_over_cools_off"),
        ({"opposed_at": "now", "opposed_by": "bob", "withdrawn_at": "now"}, "take_over_ends_one_way"),
    ],
)
def test_a_take_over_that_contradicts_itself_is_refused(bob, asked, today, change, constraint):
    values = {"now": timezone.now(), "late": today + timedelta(days=9), "bob": bob}
    with pytest.raises(IntegrityError, match=constraint):
        TakeOver.objects.update(**{name: values.get(value, value) for name, value in change.items()})


def test_the_database_keeps_one_request_of_each_and_whole_decisions(acme, bob, rita, boreal, ines, asked):
    with pytest.raises(IntegrityError, match="take_over_one_open"), transaction.atomic():
        TakeOver.objects.create(
            customer=acme, asked_by=rita, reason="x", decidable_at=timezone.now() + timedelta(days=1)
        )
    asking(boreal, ines)
    with pytest.raises(IntegrityError, match="join_request_one_open"), transaction.atomic():
        JoinRequest.objects.create(merchant=boreal, user=ines, customer_number="10482")
    with pytest.raises(IntegrityError, match="join_request_decision_is_whole"):
        JoinRequest.objects.update(decided_at=timezone.now())


def test_an_agent_sets_the_contracts_of_a_customer_and_finds_what_waits(
    client, acme, bob, sam, asked, today, time_machine
):
    time_machine.move_to(today + timedelta(days=8))
    client.force_login(sam)
    assert "Reprises à décider" in client.get(reverse("admin:index")).text
    page = client.get(reverse("admin:organizations_customer_change", args=[acme.pk]))
    values = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
    answer = client.post(
        reverse("admin:organizations_customer_change", args=[acme.pk]), values | {"features": ["treasury"]}
    )
    assert answer.status_code == 302
    acme.refresh_from_db()
    assert acme.features == ["treasury"]


def test_who_administers_and_never_signed_in_is_announced_to_at_the_address_on_file(acme, alice, bob):
    factories.MembershipFactory(customer=acme, email="pdg@acme.example", role=Role.OWNER)
    factories.MembershipFactory(customer=acme, email="visite@acme.example", role=Role.VISITOR)
    factories.MembershipFactory(customer=acme, email="parti@acme.example", role=Role.OWNER, removed_at=timezone.now())
    ask_take_over(customer=acme, reason="Partie en juin", by=bob)
    letters = {letter.recipient: letter for letter in OutgoingMessage.objects.all()}
    assert set(letters) == {alice.email, bob.email, "pdg@acme.example"}
    assert "opposez-vous" in letters["pdg@acme.example"].text
    assert letters["pdg@acme.example"].text.startswith("Bonjour,")
