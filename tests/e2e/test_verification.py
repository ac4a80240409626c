"""A company declares itself, is refused, corrects, is verified, and its next invoice bears its name."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from accounts.models import User
from organizations.models import Customer, Verification
from tests.e2e.conftest import Visit
from tests.e2e.test_journeys import bill
from tests.factories import PASSWORD, BranchFactory, EditionFactory, EnterpriseFactory

pytestmark = pytest.mark.django_db(transaction=True)
NEQ = "1170000005"
SEND = "main form button[data-kind=main]"


@pytest.fixture
def register(transactional_db: None) -> None:
    EditionFactory()
    EnterpriseFactory(neq=NEQ, name="RÉNOVATIONS NONAME INC.", address_line1="7 rue du Parc")
    EnterpriseFactory(neq="3370000005", name="RÉNOVATIONS DU PARC S.E.N.C.")


@pytest.fixture
def noname(nadia: User, register: None) -> Customer:
    customer = Customer.objects.get(number="30001")
    BranchFactory(merchant=customer.merchant, code="laval")
    return customer


def words(page: Page) -> str:
    return re.sub(r"\s+", " ", page.locator("main").inner_text())


def declares(person: Visit) -> None:
    """Another name than the registered one, although the register proposes it."""
    person.press("Organisation")
    page = person.press("Déclarer l’entreprise")
    page.fill("[name=neq]", "1170 0000 05")
    page.get_by_role("button", name="RÉNOVATIONS NONAME INC.").wait_for()
    page.fill("[name=legal_name]", "Rénovations Nadia inc.")
    page.fill("[name=administrator_name]", "Nadia Bouchard")
    page = person.submit(SEND)
    assert "À vérifier" in words(page)
    assert "Diffère" in words(page)
    assert "enquête de crédit" in words(page)


def sees_the_difference_and_refuses(agent: Visit) -> None:
    agent.open("/admin/")
    page = agent.press("Rénovations Nadia inc. · Noname")
    assert page.locator("mark").all_inner_texts() == ["Nadia", "NONAME"]
    assert "2026-11-15" in words(page)
    page.locator("summary", has_text="Refuser").click()
    assert page.locator("[name=refusal-reasons][value=name]").is_checked()
    page.fill("[name=refusal-words]", "Le registre dit « Noname ».")
    agent.check()
    page = agent.submit("form[action*=refuse] button[data-kind=danger]")
    assert "Refusé" in words(page)


def corrects(person: Visit, customer: Customer) -> None:
    """With the entry proposed for a name typed."""
    person.open(f"/c/{customer.public_id}/organization/")
    page = person.press("Corriger et envoyer de nouveau")
    assert page.locator("[name=administrator_name]").input_value() == "Nadia Bouchard"
    page.fill("[name=neq]", "")
    page.fill("[name=legal_name]", "rénovations n")
    page.get_by_role("button", name="RÉNOVATIONS NONAME INC.").wait_for()
    person.check()
    page = person.submit(f"button[name=choose][value='{NEQ}']")
    assert page.locator("[name=legal_name]").input_value() == "RÉNOVATIONS NONAME INC."
    page = person.submit(SEND)
    assert "Diffère" not in words(page)


def billed_to(person: Visit, customer: Customer, number: str) -> str:
    bill(customer, number)
    return words(person.open(f"/c/{customer.public_id}/invoices/{number}/"))


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_declared_refused_corrected_verified_billed(width, scheme, browse, worker, mailbox, noname, nadia, sam):
    person, agent = browse(width=width, scheme=scheme), browse(width=width, scheme=scheme)
    person.sign_in(nadia.email, PASSWORD)
    declares(person)

    agent.sign_in(sam.email, PASSWORD)
    sees_the_difference_and_refuses(agent)
    letter = mailbox.newest_to(nadia.email).get_body(("plain",)).get_content()
    assert "Le registre dit « Noname »." in letter
    assert "Nadia Bouchard" in billed_to(person, noname, "F-1")
    page = person.open(mailbox.link_to(nadia.email, "organization"))
    assert "Le nom légal ne concorde pas" in words(page)

    corrects(person, noname)
    waiting = Verification.objects.open().get()
    agent.open(f"/admin/organizations/verification/{waiting.pk}/change/")
    page = agent.submit("form[action*=verify] button")
    assert "sera sur la prochaine facture" in words(page)
    assert "RÉNOVATIONS NONAME INC." in mailbox.newest_to(nadia.email, known=1).get_body(("plain",)).get_content()
    assert "RÉNOVATIONS NONAME INC." in billed_to(person, noname, "F-2")
    person.open(f"/c/{noname.public_id}/organization/")


def test_the_whole_form_without_javascript(chromium: Browser, live_server, noname, nadia):
    context = chromium.new_context(java_script_enabled=False, locale="en-CA", base_url=live_server.url)
    User.objects.filter(pk=nadia.pk).update(language="en-ca")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", nadia.email)
    page.fill("[name=password]", PASSWORD)
    page.locator(SEND).click()
    page.goto(f"/c/{noname.public_id}/organization/declare/")
    page.fill("[name=neq]", "")
    page.fill("[name=legal_name]", "rénovations")
    page.fill("[name=administrator_name]", "Nadia Bouchard")
    page.get_by_role("button", name="Look in the register").click()
    assert page.locator("button[name=choose]").count() == 2
    page.locator(f"button[name=choose][value='{NEQ}']").click()
    assert page.locator("[name=neq]").input_value() == "1170 0000 05"
    page.locator("[name=postal_code]").press("Enter")  # sends, as any form does
    assert "To verify" in page.locator("main").inner_text()
    verification = Verification.objects.get()
    assert (verification.legal_name, verification.administrator_name) == ("RÉNOVATIONS NONAME INC.", "Nadia Bouchard")
    context.close()


def test_a_wrong_number_is_told_beside_its_field_and_nothing_is_lost(browse, noname, nadia):
    person = browse(width=360)
    person.sign_in(nadia.email, PASSWORD)
    page = person.open(f"/c/{noname.public_id}/organization/declare/")
    page.fill("[name=neq]", "1170000001")
    page.fill("[name=legal_name]", "Rénovations Noname inc.")
    page.fill("[name=administrator_name]", "Nadia Bouchard")
    page = person.submit(SEND)
    assert "mal saisi" in page.locator("#id_neq_error").inner_text()
    assert page.locator("[name=neq]").input_value() == "1170000001"
    assert page.locator("[name=administrator_name]").input_value() == "Nadia Bouchard"
