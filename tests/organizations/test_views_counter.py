"""The counter as an agent uses it: one field, the answer, and what they decide is kept and told."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.models import OutgoingMessage, User
from organizations import cards
from organizations.models import Branch, Card, CounterDecision, Customer, Membership
from organizations.permissions import Role
from organizations.services.cards import make_card
from organizations.services.members import remove_member
from tests import factories

pytestmark = pytest.mark.django_db
ANSWER = re.compile(r'class="verdict" data-is="(\w+)"')


@pytest.fixture
def laval(boreal) -> Branch:
    return factories.BranchFactory(merchant=boreal, code="laval", name="Laval")


@pytest.fixture
def counter(client, sam, laval, acme):
    """Sam, signed in at the only counter; the people of Acme may come."""
    Customer.objects.update(opened_at=timezone.now())
    client.force_login(sam)
    return client


def see(counter, **asked) -> str:
    response = counter.get("/counter/", asked)
    assert response.status_code == 200
    return response.content.decode()


def member(user) -> Membership:
    return Membership.objects.get(user=user)


def act(counter, user, what, **typed):
    return counter.post("/counter/decide/", {"at": "boreal.laval", "person": member(user).pk, "act": what, **typed})


def test_the_answer_says_whose_identity_to_check(counter, rita):
    assert "Identité à vérifier : une pièce avec photo au nom de Rita Côté." in see(counter, q="cote").replace(
        "\N{NO-BREAK SPACE}", " "
    )
    Membership.objects.filter(user=rita).update(removed_at=timezone.now())
    assert "Identité à vérifier" not in see(counter, q="cote")


@pytest.mark.parametrize(
    ("who", "answer", "words"),
    [
        ("gagnon", "rent", "Peut louer et ramasser"),
        ("cote", "pick_up", "Peut ramasser seulement"),
        ("luc", "no", "Non"),
    ],
)
def test_the_answer_is_said_at_once(counter, alice, bob, rita, acme, who, answer, words):
    factories.MembershipFactory(customer=acme, first_name="Luc", last_name="Roy", role=Role.ACCOUNTANT)
    page = see(counter, q=who)
    assert ANSWER.findall(page) == [answer]
    assert f"<strong>{words}</strong>" in page
    assert "Acme Construction inc." in page
    assert "Alice Tremblay" in page  # whom to call


def test_nobody_of_that_name_is_a_no(counter, alice):
    page = see(counter, q="inconnu")
    assert ANSWER.findall(page) == ["no"]
    assert "Personne, sur aucune liste" in page


def test_removing_somebody_is_a_no_on_the_next_request(counter, alice, bob):
    assert ANSWER.findall(see(counter, q="gagnon")) == ["rent"]
    remove_member(membership=member(bob), by=alice)
    assert ANSWER.findall(see(counter, q="gagnon")) == ["no"]
    assert act(counter, bob, "rented").status_code == 422
    assert not CounterDecision.objects.exists()


def test_a_closed_profile_is_a_no_in_words_by_name_and_by_card(counter, alice, bob):
    code = cards.code_of(card=make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)[0])
    assert ANSWER.findall(see(counter, q=code)) == ["rent"]
    User.objects.filter(pk=bob.pk).update(is_active=False)
    page = see(counter, q="gagnon")
    assert ANSWER.findall(page) == ["no"]
    assert "Le profil de cette personne est fermé" in page
    assert "elle ne vaut plus rien" in see(counter, q=code)
    assert act(counter, bob, "rented").status_code == 422
    assert act(counter, bob, "refused").status_code == 303
    assert CounterDecision.objects.get().reason == CounterDecision.Reason.PROFILE


def test_an_amount_above_the_ceiling_changes_the_answer(counter, alice, bob):
    Membership.objects.filter(user=bob).update(ceiling=Decimal(5000))
    assert ANSWER.findall(see(counter, q="gagnon", amount="5 000,00 $")) == ["rent"]
    page = see(counter, q="gagnon", amount="5 000,01")
    assert ANSWER.findall(page) == ["pick_up"]
    assert "5\N{NO-BREAK SPACE}000,01\N{NO-BREAK SPACE}$" in page


def test_a_mistyped_amount_is_said_and_the_answer_stays(counter, alice, bob):
    page = see(counter, q="gagnon", amount="beaucoup")
    assert ANSWER.findall(page) == ["rent"]
    assert 'aria-invalid="true"' in page
    assert 'value="beaucoup"' in page


def test_several_people_are_a_list_each_with_their_answer(counter, alice, bob, rita):
    page = see(counter, q="acme")
    links = re.findall(r'href="(/counter/\?at=boreal\.laval&amp;person=\d+)"', page)
    assert len(links) == 3
    assert ANSWER.findall(see(counter, person=member(bob).pk)) == ["rent"]
    assert ANSWER.findall(counter.get(links[0].replace("&amp;", "&")).content.decode()) == ["rent"]


def test_the_branch_is_chosen_once_and_stands_in_the_address(counter, boreal, alice, bob, laval):
    quebec = factories.BranchFactory(merchant=boreal, code="quebec", name="Québec")
    member(bob).branches.add(quebec)
    choice = see(counter, q="gagnon")
    assert ANSWER.findall(choice) == []
    assert '?at=boreal.quebec"' in choice
    assert ANSWER.findall(see(counter, at="boreal.laval", q="gagnon")) == ["no"]
    assert ANSWER.findall(see(counter, at="boreal.quebec", q="gagnon")) == ["rent"]
    again = counter.get("/counter/", {"q": "gagnon"})
    assert (again.status_code, again.url) == (302, "/counter/?q=gagnon&at=boreal.quebec")
    assert counter.get("/counter/", {"at": "boreal.nulle-part"}).status_code == 404


def test_an_agent_of_another_merchant_finds_nobody(client, zoe, riviere, alice, acme):
    factories.BranchFactory(merchant=riviere, code="quai")
    client.force_login(zoe)
    assert "Acme" not in client.get("/counter/", {"q": "tremblay"}).content.decode()
    answer = client.post("/counter/decide/", {"person": member(alice).pk, "act": "refused"})
    assert answer.status_code == 422
    assert client.get("/counter/", {"at": "boreal.laval"}).status_code == 404
    assert client.post("/counter/unlisted/", {"company": acme.public_id, "name": "X"}).status_code == 404
    assert not CounterDecision.objects.exists()


def test_who_is_no_longer_an_agent_finds_no_page(client, sam, boreal, laval):
    client.force_login(sam)
    assert client.get("/counter/").status_code == 200
    sam.is_staff = False
    sam.save()
    assert client.get("/counter/").status_code == 404


def test_letting_go_is_kept_with_all_of_it(counter, sam, alice, bob, laval):
    Membership.objects.filter(user=bob).update(ceiling=Decimal(5000), requires_purchase_order=True)
    assert act(counter, bob, "rented", amount="1 200,50", purchase_order="BC-77").status_code == 303
    row = CounterDecision.objects.get()
    assert (row.person, row.agent, row.branch, row.customer) == ("Bob Gagnon", sam, laval, member(bob).customer)
    assert (row.answer, row.reason, row.act) == ("rent", "", "rented")
    assert (row.amount, row.purchase_order, row.is_told) == (Decimal("1200.50"), "BC-77", False)
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"amount": "100"}, "numéro du bon de commande"),
        ({"purchase_order": "BC-77"}, "inscrivez le montant"),
        ({"amount": "5000,01", "purchase_order": "BC-77"}, "dépasse le plafond"),
        ({"amount": "-1", "purchase_order": "BC-77"}, "supérieure ou égale"),
    ],
)
def test_letting_go_beyond_an_edge_is_refused_and_what_was_typed_stays(counter, alice, bob, typed, words):
    Membership.objects.filter(user=bob).update(ceiling=Decimal(5000), requires_purchase_order=True)
    response = act(counter, bob, "rented", **typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page.replace("\N{NO-BREAK SPACE}", " ")
    assert all(f'value="{value}"' in page for value in typed.values())
    assert not CounterDecision.objects.exists()


@pytest.mark.parametrize(
    ("amount", "words"), [("-1", "supérieure ou égale"), ("beaucoup", "Écrivez un montant comme sur la facture")]
)
def test_a_mistyped_amount_is_said_once(counter, alice, bob, amount, words):
    acting = act(counter, bob, "rented", amount=amount).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    asking = see(counter, q="gagnon", amount=amount).replace("\N{NO-BREAK SPACE}", " ")
    for page in (acting, asking):
        assert page.count(words) == 1
        assert page.count('aria-invalid="true"') == 1
        assert f'value="{amount}"' in page


def test_an_amount_mistyped_for_somebody_who_may_not_rent_is_said_too(counter, alice, rita):
    """Their form asks for none: what was sent all the same is answered in its summary."""
    page = act(counter, rita, "picked_up", amount="-1").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert page.count("supérieure ou égale") == 1


def test_a_visitor_is_let_go_to_pick_up_and_never_to_rent(counter, alice, rita):
    assert act(counter, rita, "rented").status_code == 422
    assert act(counter, rita, "picked_up").status_code == 303
    assert CounterDecision.objects.get().act == "picked_up"


def test_two_clicks_are_one_decision(counter, alice, bob, time_machine, today):
    act(counter, bob, "rented", amount="10")
    act(counter, bob, "rented", amount="10")
    assert CounterDecision.objects.count() == 1
    act(counter, bob, "rented", amount="11")
    time_machine.move_to(today + timedelta(minutes=1))
    act(counter, bob, "rented", amount="10")
    assert CounterDecision.objects.count() == 3


def test_a_refusal_is_told_to_the_administrators_once_an_hour(counter, alice, rita, bob, time_machine, today):
    act(counter, rita, "refused")
    mail = OutgoingMessage.objects.get()
    assert mail.recipient == "alice@acme.example"
    assert "Rita Côté" in mail.subject
    assert "ramasse et rapporte" in mail.text
    assert "Laval" in mail.text
    for minutes in (20, 59):
        time_machine.move_to(today + timedelta(minutes=minutes))
        act(counter, rita, "refused")
    assert OutgoingMessage.objects.count() == 1
    act(counter, bob, "refused")  # another person
    assert OutgoingMessage.objects.count() == 2
    assert "établir" in OutgoingMessage.objects.latest("pk").text
    time_machine.move_to(today + timedelta(minutes=61))
    act(counter, rita, "refused")
    assert OutgoingMessage.objects.count() == 3
    assert list(CounterDecision.objects.order_by("pk").values_list("is_told", flat=True)) == [
        True, False, False, True, True,
    ]  # fmt: skip


def test_a_refusal_is_told_in_the_language_of_each(counter, acme, alice, rita):
    owner = factories.UserFactory(email="boss@acme.example", language="en-ca")
    factories.MembershipFactory(customer=acme, user=owner, role=Role.OWNER)
    act(counter, rita, "refused")
    french, english = OutgoingMessage.objects.order_by("recipient")
    assert "ramasse et rapporte" in french.text
    assert "picks up and returns" in english.text


def test_somebody_nobody_entered_is_refused_and_told(counter, acme, alice, bob):
    page = see(counter, company=acme.public_id)
    assert "Quelqu’un d’autre de Acme" in page or "Quelqu’un d’autre" in page
    response = counter.post(
        "/counter/unlisted/", {"at": "boreal.laval", "company": acme.public_id, "name": " Julie Dubois "}
    )
    assert response.status_code == 303
    row = CounterDecision.objects.get()
    assert (row.person, row.membership, row.reason, row.act) == ("Julie Dubois", None, "unlisted", "refused")
    assert "Julie Dubois" in OutgoingMessage.objects.get().subject


def test_a_stranger_without_a_name_is_asked_for_one(counter, acme, alice):
    response = counter.post("/counter/unlisted/", {"at": "boreal.laval", "company": acme.public_id, "name": ""})
    assert response.status_code == 422
    assert not CounterDecision.objects.exists()


def test_a_hold_stops_everybody_of_the_company_at_once(counter, acme, alice, bob, root):
    Customer.objects.filter(pk=acme.pk).update(held_at=timezone.now(), held_by=root, hold_reason="Compte en souffrance")
    page = see(counter, q="gagnon")
    assert ANSWER.findall(page) == ["no"]
    assert "Compte en souffrance" in page


def test_a_decision_is_never_rewritten(counter, alice, bob):
    act(counter, bob, "rented")
    for change in (lambda rows: rows.update(act="refused"), lambda rows: rows.delete()):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change(CounterDecision.objects.filter())


def test_the_page_asks_three_queries_for_one_person_or_many(counter, boreal, alice, bob, rita, sam):
    counter.get("/counter/", {"q": "gagnon"})
    for asked in ({"q": "gagnon"}, {"q": "acme"}, {"person": member(bob).pk}, {"q": "personne"}):
        with CaptureQueriesContext(connection) as queries:
            counter.get("/counter/", {"at": "boreal.laval", **asked})
        # The person at work, the branches they serve, the answer.
        assert len(queries) == 3, [query["sql"] for query in queries]
    for number in range(60):
        factories.MembershipFactory(customer=factories.CustomerFactory(merchant=boreal), last_name=f"Gagnon{number}")
    with CaptureQueriesContext(connection) as queries:
        counter.get("/counter/", {"at": "boreal.laval", "q": "gagnon"})
    assert len(queries) == 3


def test_an_agent_of_two_merchants_chooses_where_they_are(counter, sam, riviere, alice):
    assign_perm("serve_merchant", sam, riviere)
    page = see(counter)
    assert "boreal.laval" in page
    assert '?at=riviere"' in page
    assert "Alice" not in see(counter, at="riviere", q="tremblay")


# --- the card ---------------------------------------------------------------------------------


def test_a_scanned_card_is_its_person(counter, alice, bob, today):
    card, _pin = make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    page = see(counter, q=cards.code_of(card=card))
    assert ANSWER.findall(page) == ["rent"]
    assert "Carte reconnue" in page
    # A scanner types after what was in the field.
    assert ANSWER.findall(see(counter, q="dub" + cards.code_of(card=card).lower())) == ["rent"]


def test_a_code_serves_one_decision(counter, alice, bob, today, time_machine):
    card, _pin = make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)

    def seen() -> str:
        return re.search(r'name="seen" value="([^"]+)"', see(counter, q=cards.code_of(card=card)))[1]

    first = seen()
    time_machine.move_to(today + timedelta(minutes=2))  # identity takes time to check
    assert act(counter, bob, "rented", seen=first).status_code == 303
    assert CounterDecision.objects.get().shown == "phone"
    replayed = act(counter, bob, "picked_up", seen=first)
    assert replayed.status_code == 422
    assert "déjà" in replayed.content.decode()
    assert act(counter, bob, "picked_up", seen=seen()).status_code == 303


def test_a_card_seen_is_nobody_elses(counter, alice, bob, rita, today, time_machine):
    card, _pin = make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    seen = cards.seal(cards.read(text=cards.code_of(card=card), merchant_id=member(bob).customer.merchant_id))
    assert act(counter, rita, "picked_up", seen=seen).status_code == 422
    assert act(counter, rita, "picked_up", seen="forgé").status_code == 422
    time_machine.move_to(today + timedelta(minutes=16))
    assert act(counter, bob, "rented", seen=seen).status_code == 422
    assert not CounterDecision.objects.exists()


def test_a_printed_card_asks_its_pin_and_the_fifth_wrong_one_withdraws_it(counter, alice, rita):
    card, pin = make_card(membership=member(rita), kind=Card.Kind.PRINTED, by=alice)
    code = cards.code_of(card=card)
    page = see(counter, q=code)
    assert ANSWER.findall(page) == []
    assert 'name="pin"' in page
    right = counter.post("/counter/pin/", {"at": "boreal.laval", "code": code, "pin": pin})
    assert ANSWER.findall(right.content.decode()) == ["pick_up"]
    wrong = f"{(int(pin) + 1) % 10**6:06}"
    for _try in range(5):
        answer = counter.post("/counter/pin/", {"at": "boreal.laval", "code": code, "pin": wrong})
        assert answer.status_code == 422
        assert ANSWER.findall(answer.content.decode()) == []
    card.refresh_from_db()
    assert card.revoked_at
    assert counter.post("/counter/pin/", {"at": "boreal.laval", "code": code, "pin": pin}).status_code == 422
    assert "retirée" in see(counter, q=code)


def test_the_card_of_who_was_removed_says_nothing(counter, alice, bob):
    card, _pin = make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    code = cards.code_of(card=card)
    remove_member(membership=member(bob), by=alice)
    page = see(counter, q=code)
    assert ANSWER.findall(page) == []
    assert "retirée" in page


def test_the_pages_own_script_gets_the_answer_alone(counter, alice, bob, today):
    card, _pin = make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    typed = counter.get("/counter/", {"q": "gagnon"}, headers={"hx-request": "true"}).content.decode()
    scanned = counter.get("/counter/", {"q": cards.code_of(card=card)}, headers={"hx-request": "true"}).content.decode()
    for fragment in (typed, scanned):
        assert ANSWER.findall(fragment) == ["rent"]
        assert "<html" not in fragment
    # After a scan the field is empty again, ready for the next card.
    assert 'hx-swap-oob="true"' in scanned
    assert 'id="q"' not in typed
