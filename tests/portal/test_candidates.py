"""Who an unrecognised person probably is: each clue alone, their order, and what must never be proposed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from organizations.models import AccessRequest, Customer, Merchant
from portal.candidates import likeness, rank
from tests import factories


def ask(merchant: Merchant, *, email: str = "someone@gmail.com", **said: object) -> AccessRequest:
    person = factories.UserFactory(email=email, first_name="", last_name="")
    return AccessRequest.objects.create(merchant=merchant, user=person, name=said.pop("name", "X"), **said)


def reasons(request: AccessRequest) -> dict[str, list[str]]:
    return {item.customer.name: [str(reason) for reason in item.reasons] for item in rank(access_request=request)}


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"number": "00310"}, {"customer_number": "310"}),
        ({"number": "AB-1"}, {"customer_number": " ab-1 "}),
        ({"email": "moi@gmail.com"}, {"email": "moi@gmail.com"}),
        ({"email": "info@nord.example"}, {"email": "luc@nord.example"}),
        ({"phone": "+15145550188"}, {"phone": "(514) 555-0188"}),
        ({"name": "Côté, Anne-Marie"}, {"name": "Anne-Marie Côté"}),
    ],
)
def test_each_clue_alone_proposes_the_customer_with_one_reason(theirs, said, boreal):
    customer = factories.CustomerFactory(merchant=boreal, **theirs)
    factories.CustomerFactory(merchant=boreal, name="Sans rapport", email="z@gmail.com")
    found = reasons(ask(boreal, **said))
    assert list(found) == [customer.name]
    assert len(found[customer.name]) == 1


def test_an_invoice_with_its_total_outweighs_a_number_and_a_wrong_total_is_said(boreal):
    right = factories.CustomerFactory(merchant=boreal, name="Juste")
    numbered = factories.CustomerFactory(merchant=boreal, name="Numéro", number="55")
    factories.InvoiceFactory(customer=right, number="F-1")
    asked = ask(boreal, invoice_number="f-1", invoice_total=Decimal("114.98"), customer_number="55")
    assert list(reasons(asked)) == ["Juste", "Numéro"]
    asked.invoice_total = Decimal("114.97")
    assert list(reasons(asked)) == ["Numéro", "Juste"]
    assert len(reasons(asked)["Juste"]) == 1
    assert numbered.number == "55"


def test_clues_add_up(boreal):
    factories.CustomerFactory(merchant=boreal, name="Un indice", number="55", phone="+15145550000")
    factories.CustomerFactory(merchant=boreal, name="Deux indices", number="0055", phone="+15145550188")
    assert list(reasons(ask(boreal, customer_number="55", phone="514 555-0188"))) == ["Deux indices", "Un indice"]


def test_an_address_everybody_can_have_is_no_clue(boreal):
    factories.CustomerFactory(merchant=boreal, email="autre@gmail.com")
    assert reasons(ask(boreal, email="moi@gmail.com")) == {}


def test_another_merchants_and_closed_customers_are_not_proposed(boreal, riviere):
    factories.CustomerFactory(merchant=riviere, number="55")
    factories.CustomerFactory(merchant=boreal, number="055", closed_at=timezone.now())
    assert reasons(ask(boreal, customer_number="55")) == {}


def test_a_person_on_file_is_a_clue(boreal):
    company = factories.CustomerFactory(
        merchant=boreal, name="Excavation Roy", kind=Customer.Kind.MEMBER, email="info@roy.example"
    )
    factories.MembershipFactory(customer=company, last_name="Gagné", email="x@roy.example")
    assert len(reasons(ask(boreal, email="lg@roy.example", name="Luc Gagné"))["Excavation Roy"]) == 2


def test_ranking_takes_three_queries_and_proposes_eight_at_most(boreal, django_assert_num_queries):
    for index in range(20):
        factories.CustomerFactory(merchant=boreal, name=f"Toiture Gagné {index}")
    asked = ask(boreal, name="Toiture Gagné", invoice_number="F-1")
    with django_assert_num_queries(3):
        assert len(rank(access_request=asked)) == 8


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Anne Côté", "COTE ANNE", 1, 1),
        ("Construction Acme inc.", "Acme", 1, 1),
        ("Gagné Toitures", "Gagnon Toitures", 0.6, 0.99),
        ("Luc Roy", "Zoé Fortin", 0, 0.5),
        ("inc.", "Construction", 0, 0),
        ("", "Acme", 0, 0),
    ],
)
def test_names_are_alike_whatever_accents_order_and_legal_forms(one, other, least, most):
    assert least <= likeness(one, other) <= most
