"""Every letter of the ways in, in both languages: who writes, to whom, why, with which button."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import translation

from accounts.models import OutgoingMessage, User
from organizations.branches import Place
from organizations.models import ActivationRequest, Customer, Mandate, RegisterAlert
from organizations.permissions import Permission, Role
from organizations.services import activation, requests, verification, watch
from organizations.services.authority import refuse_proof
from organizations.services.cases import answer_case, open_case
from organizations.services.counter import refuse_unlisted
from organizations.services.customers import change_contact_email
from organizations.services.departures import declare_gone
from organizations.services.groups import ask_link, refuse_link
from organizations.services.members import ask_for_permission, change_member, grant
from organizations.services.petitions import ask_take_over, ask_to_join
from organizations.services.recognition import recognize
from organizations.services.reviews import begin_review
from registry.models import Change
from tests import factories
from tests.organizations.signing import invited, sign_batch, wished
from tests.organizations.test_activation import token_mailed_to

pytestmark = pytest.mark.django_db
# The button of each letter leads there; a letter that asks nothing of its reader has none.
BUTTONS = {
    "access_changed": "/c/",
    "access_review": "/c/",
    "activation": "/activate/",
    "activation_asked": "",
    "case_answered": "/c/",
    "case_opened": "/admin/",
    "company_link": "/c/",
    "counter_refused": "/c/",
    "handed_over": "/c/",
    "invitation": "/invitations/",
    "email_changed_new": "/accounts/signup/",
    "email_changed_old": "",
    "join_asked": "/c/",
    "take_over": "/c/",
    "organization_asked_again": "/c/",
    "organization_questioned": "/c/",
    "organization_refused": "/c/",
    "organization_verified": "/c/",
    "organization_withdrawn": "/c/",
    "permission_asked": "/c/",
    "proof_refused": "/c/",
    "request_linked": "/c/",
    "request_received": "/welcome/",
    "request_refused": "/welcome/",
    "space_opened": "/c/",
}


# What a register confirms of a company, and what it never can.
MATCHING = [
    {"fact": fact, "declared": "", "registered": "", "verdict": verdict, "code": code, "params": {}}
    for fact, verdict, code in [
        ("neq", "matches", "neq_found"),
        ("name", "matches", "name_exact"),
        ("status", "matches", "status_registered"),
        ("administrator", "unchecked", "administrator_unpublished"),
    ]
]


@pytest.fixture(params=["fr-ca", "en-ca"])
def letters(request: pytest.FixtureRequest, boreal: object, sam: User) -> dict[str, OutgoingMessage]:
    """One of each, by the services that send them, to readers of one language."""
    language = request.param
    account = factories.CustomerFactory(
        merchant=boreal, name="L’Érable & fils", email="a@example.org", language=language
    )
    activation.send_activation(customer=account, by=sam)
    ActivationRequest.objects.update(expires_at=account.created_at)
    activation.ask_for_new_link(token=token_mailed_to("a@example.org"))
    change_contact_email(customer=account, email="b@example.org", reason="Au comptoir", by=sam)
    person = factories.UserFactory(language=language, first_name="Zoé")
    said = {"name": "Zoé", "phone": "", "phone_extension": "", "customer_number": "C-1", "invoice_number": "F-1"}
    said |= {"invoice_total": Decimal("1.00")}
    first = requests.request_access(by=person, merchant=boreal, message="", **said)
    requests.refuse_access_request(access_request=first, reason="Introuvable <ici>.", by=sam)
    second = requests.request_access(by=person, merchant=boreal, message="Encore", **said)
    requests.link_access_request(access_request=second, customer=account, by=sam)
    _send_those_of_a_company(merchant=boreal, language=language, agent=sam)
    _send_those_of_an_identity(merchant=boreal, language=language, agent=sam)
    _send_those_of_a_counter(merchant=boreal, language=language, agent=sam)
    sent = OutgoingMessage.objects.filter(language=language, template__startswith="organizations/")
    return {letter.template.removeprefix("organizations/emails/"): letter for letter in sent}


def _send_those_of_a_company(*, merchant: object, language: str, agent: User) -> None:
    company = factories.CustomerFactory(merchant=merchant, kind=Customer.Kind.MEMBER, language=language)
    administrator, editor = factories.UserFactory(language=language), factories.UserFactory(language=language)
    factories.MembershipFactory(customer=company, email=editor.email, role=Role.EDITOR)
    factories.MembershipFactory(customer=company, email=administrator.email, role=Role.ADMINISTRATOR)
    recognize(user=administrator)
    ask_for_permission(customer=company, permission=Permission.VIEW_INVOICES, by=editor)
    person = company.memberships.get(user=editor)
    sign_batch(grant(membership=person, permission=Permission.VIEW_INVOICES, by=administrator), administrator)
    invited(company, administrator, factories.UserFactory(language=language).email)
    outsider = factories.UserFactory(language="fr-ca", first_name="Léa")
    ask_to_join(merchant=merchant, customer_number=company.number, message="Bonjour <vous>", by=outsider)
    ask_take_over(customer=company, reason="Plus <personne>.", by=editor)
    begin_review(customer=company, quarter=date(2026, 10, 1))
    wish = wished(Role.EDITOR, Permission.VIEW_INVOICES, Permission.CHANGE_BANK_DETAILS)
    sign_batch(change_member(membership=person, wish=wish, by=administrator, proof="proofs/x.pdf"), administrator)
    refuse_proof(mandate=Mandate.objects.proof_waiting().get(), reason="Sans <signature>.", by=agent)


def _send_those_of_a_counter(*, merchant: object, language: str, agent: User) -> None:
    """Somebody is refused, which is asked about and answered; they leave; and the company gets a parent."""
    company = factories.CustomerFactory(merchant=merchant, kind=Customer.Kind.MEMBER, language=language)
    administrator, visitor = factories.UserFactory(language=language), factories.UserFactory()
    chief = factories.MembershipFactory(customer=company, user=administrator, role=Role.ADMINISTRATOR)
    leaving = factories.MembershipFactory(customer=company, user=visitor, role=Role.VISITOR)
    here = Place(merchant=merchant, branch=factories.BranchFactory(merchant=merchant, name="Laval"))
    decision = refuse_unlisted(customer=company, person="Luc <Morin>", place=here, by=agent)
    case = open_case(decision=decision, message="Pourquoi <lui>?", by=administrator)
    answer_case(case=case, answer="Il est <inconnu>.", by=agent)
    declare_gone(membership=leaving, successor=chief, by=administrator)
    link = ask_link(parent=company, customer_number="N-1", message="", by=administrator)
    refuse_link(link=link, decision="Rien <ne> le prouve.", by=agent)


def _send_those_of_an_identity(*, merchant: object, language: str, agent: User) -> None:
    company = factories.CustomerFactory(merchant=merchant, kind=Customer.Kind.MEMBER, language=language)
    administrator = factories.UserFactory(language=language)
    factories.MembershipFactory(customer=company, user=administrator)
    first = factories.VerificationFactory(customer=company, submitted_by=administrator)
    verification.ask_for_more(verification=first, words="Un <certificat>?", by=agent)
    second = factories.VerificationFactory(customer=company, submitted_by=administrator)
    verification.refuse_organization(verification=second, reasons=["name", "other"], words="<Faux>", by=agent)
    third = factories.VerificationFactory(customer=company, submitted_by=administrator, facts=MATCHING)
    verification.verify_organization(verification=third, by=agent)
    edition = factories.EditionFactory()
    for kind in ("renamed", "struck_off"):
        Change.objects.create(edition=edition, neq=third.neq, kind=kind, before={}, after={})
    watch.watch_register()
    renamed, struck_off = RegisterAlert.objects.order_by("change__kind")
    watch.ask_again(alert=renamed, words="<Confirmez>", by=agent)
    watch.withdraw_verification(alert=struck_off, reasons=["status"], words="<Radiée>", by=agent)


def test_every_letter_is_whole(letters, boreal):
    assert set(letters) == set(BUTTONS)
    for name, letter in letters.items():
        assert (letter.sender_name, letter.reply_to) == (boreal.name, boreal.email)
        assert letter.subject
        assert "10435" in letter.text, name  # the phone of a person, with its extension
        for body in (letter.text, letter.html):
            assert "{" not in body, name
            links = set(re.findall(rf"{re.escape(settings.SITE_URL)}(/[^\s\"<]+)", body))
            wanted = BUTTONS[name]
            assert bool(links) == bool(wanted), (name, links)
            assert all(link.startswith(wanted) for link in links), (name, links)


def test_every_letter_speaks_one_language(letters):
    for name, letter in letters.items():
        tag = "fr-CA" if letter.language == "fr-ca" else "en-CA"
        assert f'lang="{tag}"' in letter.html, name
        with translation.override(letter.language):
            reason = str(translation.gettext("A question? A person answers."))
        assert reason in letter.text, name


def test_what_people_wrote_is_escaped_in_html_and_plain_in_text(letters):
    refused = letters["request_refused"]
    assert "Introuvable <ici>." in refused.text
    assert "Introuvable &lt;ici&gt;." in refused.html
    for name, words in {
        "join_asked": "Bonjour <vous>",
        "take_over": "Plus <personne>.",
        "case_opened": "Pourquoi <lui>?",
        "case_answered": "Il est <inconnu>.",
        "company_link": "Rien <ne> le prouve.",
        "counter_refused": "Luc <Morin>",
        "proof_refused": "Sans <signature>.",
        "organization_questioned": "Un <certificat>?",
        "organization_refused": "<Faux>",
        "organization_asked_again": "<Confirmez>",
        "organization_withdrawn": "<Radiée>",
    }.items():
        assert words in letters[name].text
        assert words.replace("<", "&lt;").replace(">", "&gt;") in letters[name].html
    assert "L’Érable & fils" in letters["activation"].text
    assert "L’Érable &amp; fils" in letters["activation"].html


def test_only_the_letter_with_a_link_that_opens_is_sensitive(letters):
    assert {name for name, letter in letters.items() if letter.is_sensitive} == {"activation", "invitation"}


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "fr-ca",
            "Refus au comptoir\N{NO-BREAK SPACE}: Luc <Morin>, au nom de ",
            [
                "succursale Laval",
                "ne figure pas sur la liste",
                "Pour interroger le service du crédit",
            ],
        ),
        (
            "en-ca",
            "Luc <Morin> was refused at the counter in the name of ",
            ["our Laval branch", "is not on the list", "To ask the credit desk about it, open the refusal."],
        ),
    ],
)
def test_a_refusal_at_the_counter_reads_so(boreal, sam, language, subject, words):
    _send_those_of_a_counter(merchant=boreal, language=language, agent=sam)
    letter = OutgoingMessage.objects.get(template="organizations/emails/counter_refused")
    assert letter.subject.startswith(subject)
    for said in words:
        assert said in letter.text
        assert said in letter.html


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr-ca", ["a quitté", "vous a désigné", "Rien n’était ouvert de son côté."]),
        ("en-ca", ["has left", "named you to take over", "Nothing of theirs was open."]),
    ],
)
def test_a_departure_is_handed_over_so(boreal, sam, language, words):
    _send_those_of_a_counter(merchant=boreal, language=language, agent=sam)
    letter = OutgoingMessage.objects.get(template="organizations/emails/handed_over")
    for said in words:
        assert said in letter.text, letter.text
