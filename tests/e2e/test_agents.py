"""Every kind of page of the agents' admin in a real browser: axe, console, width; and a decision without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.models import InvoicePdf
from organizations.models import AccessRequest, ActivationRequest, AuditEvent, Customer, RegisterAlert
from registry.models import Change
from signatures.models import Seal
from tests import factories
from tests.organizations.test_letters import MATCHING
from tests.signatures.samples import asked_of, signed_by

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = [
    "organizations_customer",
    "organizations_membership",
    "organizations_accessrequest",
    "organizations_activationrequest",
    "organizations_verification",
    "organizations_registeralert",
    "organizations_auditevent",
    "organizations_merchant",
    "organizations_branch",
    "billing_invoice",
    "billing_payment",
    "accounts_outgoingmessage",
    "signatures_signaturerequest",
]


@pytest.fixture
def asked(acme: Customer, alice: User, sam: User) -> AccessRequest:
    """One of everything, and a person who says they are of Noname."""
    invoice = factories.InvoiceFactory(customer=acme, number="F-1")
    InvoicePdf.objects.create(invoice=invoice, language="fr-ca", attempts=2, last_error="Fonte absente")
    payment = factories.PaymentFactory(customer=acme)
    factories.AllocationFactory(payment=payment, invoice=invoice)
    factories.BranchFactory(merchant=acme.merchant)
    why = "Compte en souffrance depuis soixante jours, malgré trois rappels"
    factories.CustomerFactory(merchant=acme.merchant, held_at=timezone.now(), held_by=sam, hold_reason=why)
    waiting = factories.VerificationFactory(customer=acme, submitted_by=alice, facts=MATCHING)
    change = Change.objects.create(
        edition=factories.EditionFactory(),
        neq=waiting.neq,
        kind="struck_off",
        before={"status": "IM"},
        after={"status": "RD"},
    )
    verified = factories.OrganizationFactory(customer=acme)
    RegisterAlert.objects.create(organization=verified, change=change)
    AuditEvent.objects.create(merchant=acme.merchant, customer=acme, event="customer_opened", by=alice)
    factories.OutgoingMessageFactory(merchant_slug="boreal", status="failed", last_error="550 inconnu")
    invited = factories.CustomerFactory(merchant=acme.merchant, email="neuf@example.org")
    ActivationRequest.objects.create(
        customer=invited,
        email="neuf@example.org",
        token_hash="1" * 64,
        created_by=sam,
        expires_at=timezone.now() - timedelta(days=1),
    )
    signed_by(alice, asked_of(alice, merchant=acme.merchant, in_english=True, capacity="Administratrice d’Acme"))
    Seal.objects.update(attempts=2, last_error="TimestampRequestError: le serveur ne répond pas")
    factories.CustomerFactory(merchant=acme.merchant, number="30001", name="Noname", kind="business")
    person = factories.UserFactory(email="compta@noname.example")
    return AccessRequest.objects.create(
        merchant=acme.merchant, user=person, name="Luc Bouchard", customer_number="30001"
    )


def addresses(asked: AccessRequest, acme: Customer) -> list[str]:
    first = {name: apps.get_model(*name.split("_")).objects.order_by("pk").first().pk for name in LISTS}
    first |= {"organizations_customer": acme.pk, "organizations_merchant": acme.merchant_id}
    return [
        reverse("admin:index"),
        *(reverse(f"admin:{name}_changelist") for name in LISTS),
        *(reverse(f"admin:{name}_change", args=[first[name]]) for name in LISTS),
        reverse("admin:organizations_customer_changelist") + "?q=introuvable",
        reverse("admin:organizations_customer_activation"),
        reverse("admin:organizations_customer_contact_email", args=[acme.pk]),
        reverse("admin:organizations_accessrequest_refuse", args=[asked.pk]),
        reverse("admin:accounts_outgoingmessage_again", args=[first["accounts_outgoingmessage"]]),
        reverse("admin:billing_invoice_make", args=[first["billing_invoice"], "fr-ca"]),
        reverse("admin:signatures_signaturerequest_again", args=[first["signatures_signaturerequest"]]),
    ]


@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "fr-ca"), (390, "dark", "en-ca")])
def test_every_page_is_accessible_quiet_and_fits(width, scheme, language, browse, sam, acme, asked):
    sam.language = language
    sam.save()
    visit = browse(width=width, scheme=scheme)
    visit.sign_in(sam.email, factories.PASSWORD)
    for address in addresses(asked, acme):
        visit.open(address)


# The cells that begin with a date or are a figure, and stand on more than one line.
ON_TWO_LINES = r"""cells => cells.filter(cell => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    const lines = new Set([...text.getClientRects()].map(box => Math.round(box.bottom / 12)));
    return /^(\d{4}-\d\d-\d\d|[A-Z]?-?[\d\s,.$]+$)/.test(cell.innerText) && lines.size > 1;
}).map(cell => cell.innerText)"""


def test_dates_and_numbers_never_wrap_in_a_list(browse, sam, acme, asked):
    Customer.objects.update(name="Les Entreprises de location Beauchemin et fils inc.", email="x" * 50 + "@y.ca")
    visit = browse(width=1280)
    visit.sign_in(sam.email, factories.PASSWORD)
    for name in LISTS:
        visit.open(reverse(f"admin:{name}_changelist"))
        assert visit.page.eval_on_selector_all(".list td", ON_TWO_LINES) == []


def test_an_agent_goes_from_the_queue_to_the_decision_in_two_clicks(browse, sam, acme, asked):
    visit = browse()
    visit.sign_in(sam.email, factories.PASSWORD)
    visit.open(reverse("admin:index"))
    visit.press("Luc Bouchard")
    assert visit.page.locator(".candidates li").first.inner_text().startswith("Noname")
    visit.submit(".candidates button")
    asked.refresh_from_db()
    assert asked.status == AccessRequest.Status.LINKED
    assert asked.customer.name == "Noname"
