"""The organization page and its form: what a company sees of itself, what it can do next, what a wrong number says."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from organizations.models import Customer, Merchant, Organization, RegisterAlert, Verification
from organizations.permissions import Role
from organizations.services.verification import (
    ask_for_more,
    refuse_organization,
    submit_identity,
    verify_organization,
)
from organizations.services.watch import ask_again, watch_register, withdraw_verification
from registry.models import Change, Edition
from tests import factories
from tests.factories import EditionFactory, EnterpriseFactory
from tests.organizations.test_verification import DECLARED

pytestmark = pytest.mark.django_db
FORM = {name: value for name, value in DECLARED.items() if value}


@pytest.fixture
def page(client: Client, acme: Customer, alice: User) -> Client:
    """Alice’s browser; she reads English."""
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def register(db: None) -> Edition:
    EnterpriseFactory(
        neq="1170000005",
        name="CONSTRUCTION ACME INC.",
        address_line1="1200 rue Notre-Dame E",
        address_line2="Montréal (Québec)",
        address_line4="H2L2R5",
    )
    return EditionFactory()


def detail(customer: Customer) -> str:
    return reverse("organizations:organization-detail", args=[customer.public_id])


def declare(customer: Customer) -> str:
    return reverse("organizations:organization-declare", args=[customer.public_id])


def entries(customer: Customer) -> str:
    return reverse("organizations:organization-entries", args=[customer.public_id])


def read(client: Client, customer: Customer) -> str:
    return client.get(detail(customer)).content.decode().replace("\u00a0", " ")


# --- the page ---------------------------------------------------------------------------------


def test_before_anything_is_declared_it_says_what_to_do(page, acme):
    content = read(page, acme)
    assert "Not declared yet" in content
    assert f'href="{declare(acme)}"' in content
    assert "It is not a credit check" in content
    assert "No edition of the register is loaded here." in content
    assert "<strong>Acme Construction inc.</strong>" in content


def test_a_declaration_that_waits_shows_its_comparison_and_the_edition_of_each_fact(page, register, acme, alice):
    submit_identity(customer=acme, by=alice, **DECLARED)
    content = read(page, acme)
    assert "To verify" in content
    assert content.count("edition of 2026-11-15") == 4
    assert "CONSTRUCTION ACME INC." in content
    assert "The open data name no person" in content


def test_an_unknown_neq_says_what_to_do(page, register, acme, alice):
    submit_identity(customer=acme, by=alice, **DECLARED | {"neq": "8870000005"})
    content = read(page, acme)
    assert "Not in the register" in content
    assert "The edition of November 15, 2026 does not hold this NEQ." in content
    assert "Read the number again on a document" in content


def test_verified_it_says_whose_name_invoices_bear(page, register, acme, alice, sam):
    verification = submit_identity(customer=acme, by=alice, **DECLARED)
    verify_organization(verification=verification, by=sam)
    content = read(page, acme)
    assert "Verified identity" in content
    assert "New invoices are in this name: <strong>Construction Acme inc.</strong>" in content
    assert "Sam" not in content


def test_verified_by_itself_says_what_was_not_checked(page, register, acme, alice, boreal):
    Merchant.objects.update(verifies_by_itself=True)
    submit_identity(customer=Customer.objects.get(pk=acme.pk), by=alice, **DECLARED)
    content = read(page, acme)
    assert "by the portal itself" in content
    assert "Cannot be checked here" in content


def test_refused_it_gives_the_reasons_the_words_and_the_next_step(page, register, acme, alice, sam):
    verification = submit_identity(customer=acme, by=alice, **DECLARED)
    refuse_organization(verification=verification, reasons=["name"], words="Voyez <le certificat>.", by=sam)
    content = read(page, acme)
    assert "The legal name does not match" in content
    assert "Voyez &lt;le certificat&gt;." in content
    assert "Correct and send again" in content
    assert "<strong>Alice Tremblay</strong>" in content
    assert "bear the name of a person" in content
    form = page.get(declare(acme)).content.decode()
    assert 'value="Construction Acme inc."' in form
    assert "Voyez &lt;le certificat&gt;." in form


def test_a_question_shows_and_is_answered(page, register, acme, alice, sam):
    verification = submit_identity(customer=acme, by=alice, **DECLARED)
    ask_for_more(verification=verification, words="Quel certificat?", by=sam)
    content = read(page, acme)
    assert "Quel certificat?" in content
    assert "Answer and send again" in content
    assert "Quel certificat?" in page.get(declare(acme)).content.decode()
    assert page.post(declare(acme), FORM | {"note": "Le voici."}).status_code == 303
    assert acme.verifications.open().get().note == "Le voici."


def test_a_change_waits_beside_the_identity_in_force_and_a_new_neq_says_the_steps(page, register, acme, alice, sam):
    verify_organization(verification=submit_identity(customer=acme, by=alice, **DECLARED), by=sam)
    EnterpriseFactory(neq="3370000005", name="CONSTRUCTION ACME INC.")
    submit_identity(customer=acme, by=alice, **DECLARED | {"neq": "3370000005"})
    content = read(page, acme)
    assert "1170 0000 05" in content
    assert "3370 0000 05" in content
    assert "the identity verified before stays in force" in content
    assert "A new NEQ is a new company" in content
    assert "new credit application" in content


def test_the_history_is_for_those_who_declare(page, register, acme, alice, sam):
    first = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": "Zénith inc."})
    refuse_organization(verification=first, reasons=["name"], words="Non.", by=sam)
    submit_identity(customer=acme, by=alice, **DECLARED)
    content = read(page, acme)
    assert "History" in content
    assert "Zénith inc." in content
    assert "Non." in content
    accountant = factories.UserFactory(language="en-ca")
    factories.MembershipFactory(customer=acme, user=accountant, role=Role.ACCOUNTANT)
    page.force_login(accountant, backend=settings.AUTHENTICATION_BACKENDS[0])
    content = read(page, acme)
    assert "CONSTRUCTION ACME INC." in content
    assert "Zénith inc." not in content
    assert declare(acme) not in content


def test_what_changed_in_the_register_shows_once_an_agent_decided(page, acme, alice, sam):
    verification = factories.VerificationFactory(
        customer=acme, submitted_by=alice, edition=EditionFactory(published_on="2026-10-01"), state="superseded"
    )
    factories.OrganizationFactory(customer=acme, verification=verification)
    Edition.objects.update(is_current=False)
    edition = EditionFactory()
    for kind in ("renamed", "struck_off"):
        Change.objects.create(edition=edition, neq="1170000005", kind=kind, before={}, after={})
    watch_register()
    assert "register changed" not in read(page, acme)
    renamed, struck_off = RegisterAlert.objects.order_by("change__kind")
    ask_again(alert=renamed, words="Confirmez le nom.", by=sam)
    content = read(page, acme)
    assert "asked you to declare the company again" in content
    assert "Confirmez le nom." in content
    withdraw_verification(alert=struck_off, reasons=["status"], words="Radiée.", by=sam)
    content = read(page, acme)
    assert "No longer verified" in content
    assert "The registration is not in force" in content
    assert "Radiée." in content


def test_an_individual_has_no_such_page_nor_a_way_to_it(client, ines):
    customer = Customer.objects.get(number="20001")
    client.force_login(ines, backend=settings.AUTHENTICATION_BACKENDS[0])
    for address in (detail(customer), declare(customer), entries(customer)):
        assert client.get(address).status_code == 404
    assert detail(customer) not in client.get(customer.get_absolute_url()).content.decode()


def test_the_menu_leads_there_for_those_who_may_see_it(page, acme, bob, client):
    assert f'href="{detail(acme)}"' in page.get(acme.get_absolute_url()).content.decode()
    client.force_login(bob, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert detail(acme) not in client.get(acme.get_absolute_url()).content.decode()


# --- the form ---------------------------------------------------------------------------------


def test_a_declaration_is_sent_once_and_waits(page, acme, alice):
    for _click in range(2):
        answer = page.post(declare(acme), FORM | {"neq": " 1170-0000 05 ", "postal_code": "h2l2r5"})
        assert (answer.status_code, answer.headers["Location"]) == (303, detail(acme))
    verification = Verification.objects.get()
    assert (verification.neq, verification.postal_code) == ("1170000005", "H2L 2R5")
    assert (verification.submitted_by, verification.state) == (alice, "pending")


@pytest.mark.parametrize(("code", "province"), [("ZZZ", ""), ("ZZZ", "QC"), ("D1A 1A1", "Québec"), ("75001", "on")])
def test_a_postal_code_that_is_not_canadian_is_refused_in_words_and_stays(page, acme, code, province):
    answer = page.post(declare(acme), FORM | {"postal_code": code, "province": province})
    assert answer.status_code == 422
    assert f"“{code}” is not a Canadian postal code: write it as H2L 2R5." in answer.text
    assert f'value="{code}"' in answer.text
    assert not Verification.objects.exists()


def test_elsewhere_a_postal_code_is_as_it_is_written_there(page, acme):
    assert page.post(declare(acme), FORM | {"postal_code": "05401", "province": "Vermont"}).status_code == 303
    assert Verification.objects.get().postal_code == "05401"


WRONG = [
    ("11700000X5", "An NEQ holds digits only: take out “X”."),
    ("117000001", "An NEQ has ten digits, and this one has 9."),
    ("4470000005", "An NEQ begins with 11, 22, 33 or 88, and this one begins with 44."),
    ("1170000001", "A digit is mistyped"),
    ("123456782", "This is a federal business number (BN)."),
    ("123456782 RT 0001", "This is a federal business number (BN)."),
    ("", "This field is required."),
]


@pytest.mark.parametrize(("typed", "words"), WRONG)
def test_each_kind_of_wrong_neq_says_which_and_keeps_what_was_typed(typed, words, page, acme):
    answer = page.post(declare(acme), FORM | {"neq": typed})
    content = answer.content.decode()
    assert answer.status_code == 422
    assert words in content
    assert f'value="{typed}"' in content or not typed
    assert 'value="Construction Acme inc."' in content
    assert not Verification.objects.exists()


@pytest.mark.parametrize("name", ["Acme\x07 inc.", "Acme \u202e inc."])
def test_a_name_no_invoice_could_print_is_not_taken(name, page, acme):
    assert page.post(declare(acme), FORM | {"legal_name": name}).status_code == 422
    assert not Verification.objects.exists()


def test_a_name_on_two_lines_is_one_line(page, acme):
    page.post(declare(acme), FORM | {"legal_name": "  Acme\r\n  inc. "})
    assert Verification.objects.get().legal_name == "Acme inc."


def test_what_is_verified_already_is_refused_in_words(page, register, acme, alice, sam):
    verify_organization(verification=submit_identity(customer=acme, by=alice, **DECLARED), by=sam)
    answer = page.post(declare(acme), FORM)
    assert answer.status_code == 422
    assert "already verified" in answer.content.decode()


def test_the_form_begins_with_what_the_books_hold(page, acme):
    Customer.objects.update(neq="1170000005", city="Montréal")
    content = page.get(declare(acme)).content.decode()
    assert 'value="Acme Construction inc."' in content
    assert 'value="1170 0000 05"' in content
    assert 'value="Montréal"' in content
    assert "It is not a credit check" in content


# --- what the register proposes ---------------------------------------------------------------


def test_a_whole_neq_proposes_its_entry_with_the_edition_s_date(page, register, acme):
    content = page.get(entries(acme), {"neq": "1170 0000 05"}).content.decode().replace("\u00a0", " ")
    assert "CONSTRUCTION ACME INC." in content
    assert "edition of November 15, 2026" in content
    assert "Registered" in content
    assert "<html" not in content


def test_a_name_proposes_entries_and_nothing_found_says_so(page, register, acme):
    def proposed(name: str) -> str:
        return page.get(entries(acme), {"legal_name": name}).content.decode().replace("\u00a0", " ").strip()

    assert "1170 0000 05" in proposed("construction ac")
    assert proposed("co") == ""
    for name in ("zénith", "\x00abc", "%%%", "x" * 9000):
        assert "Nothing like it" in proposed(name)


def test_a_name_in_use_finds_its_company_and_says_by_which_name(page, register, acme):
    enterprise = EnterpriseFactory(neq="1170000054", name="9000-0019 QUÉBEC INC.")
    factories.EnterpriseNameFactory(enterprise=enterprise, text="TOITURES ACME", kind="A")
    content = page.get(entries(acme), {"legal_name": "toitures"}).content.decode()
    assert "9000-0019 QUÉBEC INC." in content
    assert "found as “TOITURES ACME”" in content


def test_without_scripts_the_form_looks_and_fills_itself(page, register, acme):
    looked = page.post(declare(acme), {"legal_name": "construction", "administrator_name": "A T", "look": "1"})
    content = looked.content.decode()
    assert looked.status_code == 200
    assert 'name="choose" value="1170000005"' in content
    assert 'value="A T"' in content
    assert "aria-invalid" not in content
    chosen = page.post(declare(acme), {"administrator_name": "A T", "choose": "1170000005"}).content.decode()
    assert 'value="1170 0000 05"' in chosen
    assert 'value="CONSTRUCTION ACME INC."' in chosen
    assert 'value="A T"' in chosen
    for value in ("1200 rue Notre-Dame E", "Montréal", "QC", "H2L 2R5"):
        assert f'value="{value}"' in chosen
    kept = page.post(declare(acme), {"city": "Laval", "choose": "1170000005"}).content.decode()
    assert 'value="Laval"' in kept
    assert "Notre-Dame" not in kept
    assert not Verification.objects.exists()


@pytest.mark.parametrize("chosen", ["9999999999", "x", ""])
def test_an_entry_that_is_none_fills_nothing(chosen, page, register, acme):
    content = page.post(declare(acme), {"legal_name": "Acme", "choose": chosen}).content.decode()
    assert 'value="Acme"' in content


def test_without_an_edition_nothing_is_proposed_and_the_form_says_so(page, acme):
    assert page.get(entries(acme), {"neq": "1170000005"}).content.decode().strip() == ""
    content = page.get(declare(acme)).content.decode()
    assert "No edition of the register is loaded here" in content
    assert 'name="look"' not in content
    assert page.post(declare(acme), FORM).status_code == 303


def test_nobody_copies_the_register_through_the_form(page, register, acme):
    for _question in range(60):
        assert page.get(entries(acme), {"neq": "1170000005"}).status_code == 200
    refused = page.get(entries(acme), {"neq": "1170000005"})
    assert refused.status_code == 429
    assert "Many searches" in refused.content.decode()
    assert "Many searches" in page.post(declare(acme), {"neq": "1170000005", "look": "1"}).content.decode()


def test_the_page_asks_the_database_few_things(page, register, acme, alice, sam, django_assert_max_num_queries):
    for name in ("A", "B", "C", "D"):
        verification = submit_identity(customer=acme, by=alice, **DECLARED | {"legal_name": name})
        refuse_organization(verification=verification, reasons=["name"], words="", by=sam)
    assert Organization.objects.exists()
    with django_assert_max_num_queries(9):
        page.get(detail(acme))
