"""A refusal at the counter becomes a question to the credit desk: one press, one row, one answer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.branches import Place
from organizations.models import AuditEvent, CounterCase, CounterDecision, Customer, Membership
from organizations.permissions import Permission, Role
from organizations.services import cases
from organizations.services.cases import answer_case, open_case, why_refused
from organizations.services.counter import record_decision
from organizations.services.departures import declare_gone
from organizations.services.holds import hold_customer, release_customer
from organizations.services.members import remove_member
from tests import factories

pytestmark = pytest.mark.django_db
Act = CounterDecision.Act


@pytest.fixture
def place(boreal) -> Place:
    return Place(merchant=boreal, branch=factories.BranchFactory(merchant=boreal, code="laval", name="Laval"))


@pytest.fixture
def refused(acme, alice, bob, sam, place, today) -> CounterDecision:
    """Bob, refused at Laval because Acme is on hold."""
    Customer.objects.update(opened_at=timezone.now())
    hold_customer(customer=acme, reason="Compte en souffrance", by=sam)
    bobs = Membership.objects.get(user=bob).pk
    return record_decision(membership_id=bobs, place=place, act=Act.REFUSED, by=sam, language="fr-ca")


@pytest.fixture
def olga(acme):
    """The other administrator."""
    user = factories.UserFactory(email="olga@acme.example", first_name="Olga", last_name="Roy")
    factories.MembershipFactory(customer=acme, user=user, role=Role.ADMINISTRATOR)
    return user


def page_of(decision: CounterDecision) -> str:
    return reverse("organizations:refusal", args=[decision.customer.public_id, decision.pk])


def test_the_letter_leads_to_a_page_that_says_who_where_when_and_why(client, acme, alice, sam, refused):
    letter = OutgoingMessage.objects.get(recipient=alice.email)
    assert page_of(refused) in letter.text
    assert client.get(page_of(refused)).status_code == 302  # to sign in
    client.force_login(alice)
    page = client.get(page_of(refused)).text
    for words in (
        "Bob Gagnon",
        "Laval",
        "22\N{NO-BREAK SPACE}novembre\N{NO-BREAK SPACE}2026",
        "Compte en souffrance",
        "service du crédit",
    ):
        assert words in page, words
    assert not CounterCase.objects.exists()


def test_the_reason_stays_as_it_was_said(acme, sam, refused):
    release_customer(customer=acme, by=sam)
    refused = CounterDecision.objects.select_related("customer").get()
    assert "Compte en souffrance" in why_refused(decision=refused, language="fr-ca")
    assert "on hold since November\N{NO-BREAK SPACE}22,\N{NO-BREAK SPACE}2026" in why_refused(
        decision=refused, language="en-ca"
    )


def test_a_ceiling_is_remembered_in_dollars(acme, alice, bob, sam, place):
    Customer.objects.update(opened_at=timezone.now())
    Membership.objects.filter(user=bob).update(ceiling=Decimal(500))
    bobs = Membership.objects.get(user=bob).pk
    record_decision(
        membership_id=bobs, place=place, act=Act.REFUSED, by=sam, language="fr-ca", amount=Decimal("1200.50")
    )
    row = CounterDecision.objects.select_related("customer").get()
    assert "$1,200.50" in why_refused(decision=row, language="en-ca")
    assert "$500.00" in why_refused(decision=row, language="en-ca")


def test_who_sees_no_prices_reads_why_without_an_amount(client, acme, alice, bob, sam, place):
    Customer.objects.update(opened_at=timezone.now())
    Membership.objects.filter(user=bob).update(ceiling=Decimal(777))
    bobs, amount = Membership.objects.get(user=bob).pk, Decimal("4321.09")
    row = record_decision(membership_id=bobs, place=place, act=Act.REFUSED, by=sam, language="fr-ca", amount=amount)
    assert "321,09" in OutgoingMessage.objects.get(recipient=alice.email).text
    blind = factories.UserFactory()
    factories.MembershipFactory(customer=acme, user=blind, role=Role.VISITOR)
    grant_permission(customer=acme, user=blind, permission=Permission.MANAGE_TEAM)
    for address in (reverse("organizations:refusals", args=[acme.public_id]), page_of(row)):
        client.force_login(blind)
        page = client.get(address).text
        assert "Le plafond de cette personne par transaction est dépassé." in page
        assert "321,09" not in page
        assert "777,00" not in page
        client.force_login(alice)
        page = client.get(address).text
        assert "321,09" in page
        assert "777,00" in page


def test_two_presses_ask_once_and_the_desk_is_written_to_once(client, acme, alice, boreal, refused):
    client.force_login(alice)
    for words in ("Nous avons payé hier.", "Encore"):
        assert client.post(page_of(refused), {"message": words}).status_code == 303
    case = CounterCase.objects.get()
    assert (case.asked_by, case.message) == (alice, "Nous avons payé hier.")
    letter = OutgoingMessage.objects.get(recipient=boreal.email)
    assert "Nous avons payé hier." in letter.text
    assert reverse("admin:organizations_countercase_change", args=[case.pk]) in letter.text
    page = client.get(page_of(refused)).text
    assert "Votre question est au service du crédit" in page
    assert "<form" not in page[page.index("<main") : page.index("</main>")]
    assert acme.events.filter(event=AuditEvent.Event.CASE_OPENED, by=alice).count() == 1


def test_the_desk_answers_in_the_admin_and_who_asked_reads_it(client, acme, alice, sam, zoe, refused):
    case = open_case(decision=refused, message="Pourquoi?", by=alice)
    answer = reverse("admin:organizations_countercase_answer", args=[case.pk])
    client.force_login(zoe)
    assert client.post(answer, {"answer": "Non"}).status_code in {302, 404}
    client.force_login(sam)
    assert "Questions sur des refus" in client.get(reverse("admin:index")).text
    assert "Pourquoi?" in client.get(reverse("admin:organizations_countercase_change", args=[case.pk])).text
    assert client.post(answer, {"answer": " "}).status_code == 422
    assert client.post(answer, {"answer": "Le paiement est reçu."}).status_code == 303
    letter = OutgoingMessage.objects.filter(recipient=alice.email).latest("pk")
    assert "Le paiement est reçu." in letter.text
    assert page_of(refused) in letter.text
    client.force_login(alice)
    assert "Le paiement est reçu." in client.get(page_of(refused)).text
    with pytest.raises(cases.AlreadyAnswered):
        answer_case(case=case, answer="Autre", by=sam)
    assert acme.events.filter(event=AuditEvent.Event.CASE_ANSWERED, by=sam).exists()


def answered_to(refused, sam) -> list[str]:
    """Whom the answer is written to."""
    answer_case(case=CounterCase.objects.get(), answer="Le paiement est reçu.", by=sam)
    letters = OutgoingMessage.objects.filter(template="organizations/emails/case_answered")
    return sorted(letters.values_list("recipient", flat=True))


@pytest.mark.parametrize("how", ["handed over", "removed", "demoted", "came back"])
def test_the_answer_goes_to_nobody_who_left(acme, alice, olga, sam, refused, how):
    open_case(decision=refused, message="Pourquoi?", by=olga)
    olgas = Membership.objects.get(user=olga)
    paula = factories.UserFactory(email="paula@acme.example")
    heir = factories.MembershipFactory(customer=acme, user=paula, role=Role.ADMINISTRATOR)
    if how in {"handed over", "came back"}:
        declare_gone(membership=olgas, successor=heir, by=alice)
    elif how == "removed":
        remove_member(membership=olgas, by=alice)
    else:
        Membership.objects.filter(pk=olgas.pk).update(role=Role.VISITOR)
    if how == "came back":
        factories.MembershipFactory(customer=acme, user=olga, role=Role.OWNER)
    expected = {"handed over": [paula.email], "came back": [olga.email]}
    assert answered_to(refused, sam) == expected.get(how, [alice.email, paula.email])


def test_the_answer_follows_from_one_colleague_to_the_next(acme, alice, olga, sam, refused):
    open_case(decision=refused, message="Pourquoi?", by=olga)
    paula = factories.UserFactory(email="paula@acme.example")
    hers = factories.MembershipFactory(customer=acme, user=paula, role=Role.ADMINISTRATOR)
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.ADMINISTRATOR)
    declare_gone(membership=Membership.objects.get(user=olga), successor=hers, by=alice)
    declare_gone(membership=hers, successor=Membership.objects.get(user=alice), by=alice)
    assert answered_to(refused, sam) == [alice.email]
    letter = OutgoingMessage.objects.get(template="organizations/emails/case_answered")
    assert "Olga Roy nous a interrogés" in letter.text
    assert "parce que vous gérez" in letter.text


def test_others_of_the_company_and_of_other_companies_see_none_of_it(client, bob, charlie, refused):
    client.force_login(bob)
    assert client.get(page_of(refused)).status_code == 403
    client.force_login(charlie)
    assert client.post(page_of(refused), {"message": "x"}).status_code == 404
    assert not CounterCase.objects.exists()


def test_the_refusals_of_a_company_are_listed_under_its_team(client, acme, globex, alice, bob, charlie, sam, refused):
    listed = reverse("organizations:refusals", args=[acme.public_id])
    client.force_login(alice)
    assert f'href="{listed}"' in client.get(reverse("organizations:team", args=[acme.public_id])).text
    page = client.get(listed).text
    for words in (f'href="{page_of(refused)}"', "Bob Gagnon", "Laval", "Compte en souffrance", "2026-11-22"):
        assert words in page, words
    assert "Posée" not in page
    assert "Répondue" not in page
    open_case(decision=refused, message="", by=alice)
    page = client.get(listed).text
    assert "Posée" in page
    assert "Répondue" not in page
    answer_case(case=CounterCase.objects.get(), answer="Réglé", by=sam)
    assert "Répondue" in client.get(listed).text
    client.force_login(bob)
    assert client.get(listed).status_code == 403
    client.force_login(charlie)
    assert client.get(listed).status_code == 404
    assert "Bob Gagnon" not in client.get(reverse("organizations:refusals", args=[globex.public_id])).text


def test_the_list_of_refusals_goes_on_at_the_same_cost(client, acme, boreal, alice, sam):
    client.force_login(alice)
    address = reverse("organizations:refusals", args=[acme.public_id])
    counts = []
    for more in (2, 58):
        CounterDecision.objects.bulk_create(
            CounterDecision(merchant=boreal, customer=acme, person=f"P{n}", agent=sam, answer=CounterDecision.Answer.NO,
                            reason=CounterDecision.Reason.UNLISTED, act=Act.REFUSED)
            for n in range(more)
        )  # fmt: skip
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 10
    seen, query = [], ""
    while query is not None:
        page = client.get(address + query)
        seen += [decision.pk for decision, _why, _case in page.context["refusals"]]
        query = f"?before={page.context['more']}" if page.context["more"] else None
    assert seen == list(CounterDecision.objects.order_by("-pk").values_list("pk", flat=True))


def test_a_refusal_of_another_company_is_not_found(client, globex, charlie, refused):
    client.force_login(charlie)
    address = reverse("organizations:refusal", args=[globex.public_id, refused.pk])
    assert client.get(address).status_code == 404


def test_who_was_let_go_leaves_nothing_to_ask(client, acme, alice, bob, sam, place):
    Customer.objects.update(opened_at=timezone.now())
    bobs = Membership.objects.get(user=bob).pk
    row = record_decision(membership_id=bobs, place=place, act=Act.RENTED, by=sam, language="fr-ca")
    client.force_login(alice)
    assert client.get(page_of(row)).status_code == 404
    with pytest.raises(cases.NotRefused):
        open_case(decision=row, message="", by=alice)


def test_the_database_keeps_one_question_a_refusal_and_whole_answers(alice, refused):
    open_case(decision=refused, message="", by=alice)
    with pytest.raises(IntegrityError, match="decision_id"), transaction.atomic():
        CounterCase.objects.create(decision=refused, asked_by=alice)
    with pytest.raises(IntegrityError, match="counter_case_answer_is_whole"):
        CounterCase.objects.update(answered_at=timezone.now())
