"""A group of companies and a question about a refusal, in a real browser, between a company and an agent."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from organizations.branches import Place
from organizations.models import CompanyLink, CounterCase, CounterDecision, Customer
from organizations.services.counter import refuse_unlisted
from tests.factories import PASSWORD

MAIN = "main form button[data-kind=main]"
LOOKS = pytest.mark.parametrize(("width", "scheme", "language"), [(360, "dark", "fr-ca"), (1280, "light", "en-ca")])


@pytest.fixture
def people(transactional_db: None, browse: Any, alice: User, sam: User) -> Any:
    """Alice of Acme and Sam the agent, signed in, reading one language."""

    def signed_in(*, width: int, scheme: str, language: str) -> tuple[Any, Any]:
        visits = []
        for user in (alice, sam):
            user.language = language
            user.save()
            visits.append(browse(width=width, scheme=scheme))
            visits[-1].sign_in(user.email, PASSWORD)
        return visits[0], visits[1]

    return signed_in


@LOOKS
def test_a_subsidiary_named_confirmed_opened_and_ended(people, acme, globex, width, scheme, language):
    Customer.objects.filter(pk=globex.pk).update(kind=Customer.Kind.MEMBER, opened_at=timezone.now())
    alice, sam = people(width=width, scheme=scheme, language=language)
    team = reverse("organizations:team", args=[globex.public_id])
    alice.page.goto(f"{alice.base}{team}")
    assert globex.name not in alice.page.content()
    page = alice.open(reverse("organizations:subsidiaries", args=[acme.public_id]))
    page.fill("[name=customer_number]", globex.number)
    alice.submit(MAIN)
    link = CompanyLink.objects.get()
    sam.open(reverse("admin:organizations_companylink_change", args=[link.pk]))
    page = sam.open(reverse("admin:organizations_companylink_accept", args=[link.pk]))
    page.fill("main form textarea", "Même actionnaire, vu au registre.")
    sam.submit(MAIN)
    alice.open(reverse("organizations:subsidiaries", args=[acme.public_id]))
    page = alice.open(team)
    assert globex.name in page.content()
    page = alice.open(reverse("organizations:subsidiary-end", args=[acme.public_id, link.pk]))
    alice.submit("main form button")
    alice.page.goto(f"{alice.base}{team}")
    assert globex.name not in alice.page.content()


@LOOKS
def test_a_refusal_is_asked_about_and_answered(people, acme, alice, sam, boreal, width, scheme, language):
    place = Place(merchant=boreal, branch=boreal.branches.first())
    refuse_unlisted(customer=acme, person="Luc Inconnu", place=place, by=sam)
    boss, agent = people(width=width, scheme=scheme, language=language)
    address = reverse("organizations:refusal", args=[acme.public_id, CounterDecision.objects.get().pk])
    page = boss.open(address)
    page.fill("[name=message]", "Il travaille pour nous depuis lundi.")
    boss.submit(MAIN)
    case = CounterCase.objects.get()
    agent.open(reverse("admin:organizations_countercase_changelist"))
    agent.open(reverse("admin:organizations_countercase_change", args=[case.pk]))
    page = agent.open(reverse("admin:organizations_countercase_answer", args=[case.pk]))
    page.fill("[name=answer]", "Ajoutez-le à votre équipe, il passera.")
    agent.submit(MAIN)
    assert "Ajoutez-le à votre équipe" in boss.open(address).content()
