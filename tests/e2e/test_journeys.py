"""What people come for, in a real browser: getting in, finding the invoice, keeping the file."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from decimal import Decimal

import pypdf
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.models import Invoice, InvoiceLine
from billing.services import LineDraft, issue_invoice
from organizations.models import AccessRequest, Customer, Merchant
from organizations.services.activation import send_activation
from tests.factories import PASSWORD, BranchFactory, CustomerFactory

MAIN = "main form button[data-kind=main]"


@pytest.fixture
def shop(transactional_db: None, boreal: Merchant) -> Merchant:
    BranchFactory(merchant=boreal, code="laval", name="Laval")
    return boreal


def bill(customer: Customer, number: str, *, price: str = "395.00") -> Invoice:
    """One day of a boom lift, issued today, due in thirty days."""
    today = timezone.localdate()
    line = LineDraft(
        sku="NAC-060",
        description="Nacelle articulée de 60 pi, diesel",
        quantity=Decimal(1),
        unit="day",
        unit_price=Decimal(price),
        discount_percent=Decimal(0),
        tax_code=InvoiceLine.TaxCode.STANDARD,
    )
    with transaction.atomic():
        return issue_invoice(
            customer=customer,
            kind=Invoice.Kind.INVOICE,
            number=number,
            issued_on=today,
            due_on=today + timedelta(days=30),
            lines=[line],
            po_number="BC-4471",
            project="Réfection du pont Viau",
        )


@pytest.fixture
def vinet(shop: Merchant) -> Customer:
    """A business on file by its e-mail, with two invoices; and somebody else's beside it."""
    customer = CustomerFactory(
        merchant=shop, number="VINET", kind=Customer.Kind.BUSINESS, name="Vins Vinet", email="vinet@example.org"
    )
    bill(customer, "F-1001")
    bill(customer, "F-1002", price="118.00")
    bill(CustomerFactory(merchant=shop, number="AUTRE", name="Quelqu’un d’autre"), "F-9999")
    return customer


@pytest.mark.parametrize("width", [360, 1280])
def test_sign_up_link_invoices_pdf(browse, worker, mailbox, vinet, width, tmp_path):
    person = browse(width=width, scheme="dark" if width == 360 else "light")
    person.open("/")
    page = person.open("/accounts/signup/")
    page.fill("[name=first_name]", "Chloé")
    page.fill("[name=last_name]", "Vinet")
    page.fill("[name=email]", "  Vinet@Example.org ")
    page.fill("[name=password1]", "un long mot de passe")
    person.submit(MAIN)

    person.open(mailbox.link_to("vinet@example.org", "confirm-email"))
    page = person.submit(MAIN)
    assert page.locator("h1").inner_text() == "Vins Vinet"
    assert re.search(r"589,82\s\$", page.locator("main").inner_text())

    page = person.press("Factures")
    assert page.locator(".rows tbody tr").count() == 2
    assert "F-9999" not in page.content()
    page = person.press("F-1001")
    assert "Réfection du pont Viau" in page.content()
    assert re.search(r"454,15\s\$", page.locator("main").inner_text())

    content = person.download_pdf()
    (tmp_path / "f.pdf").write_bytes(content)
    text = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / "f.pdf").pages)
    assert "F-1001" in text
    assert "Vins Vinet" in text
    assert hashlib.sha256(content).hexdigest() == Invoice.objects.get(number="F-1001").pdfs.get().sha256


def test_activation_request_password_invoices(browse, worker, mailbox, vinet, sam):
    with transaction.atomic():
        send_activation(customer=vinet, by=sam)
    link = mailbox.link_to("vinet@example.org", "activate")
    person = browse(width=360)
    page = person.open(link)
    assert "Vins Vinet" in page.content()
    page.fill("[name=first_name]", "Chloé")
    page.fill("[name=last_name]", "Vinet")
    page.fill("[name=password]", "un long mot de passe")
    page = person.submit(MAIN)
    assert page.locator("h1").inner_text() == "Vins Vinet"
    assert "F-1002" in page.content()

    again = browse()
    page = again.open(link)
    assert page.locator("[name=password]").count() == 0


def test_unknown_e_mail_request_agent_links_history(browse, worker, mailbox, vinet, sam):
    total = Invoice.objects.get(number="F-1001").total
    person = browse()
    page = person.open("/accounts/signup/")
    page.fill("[name=first_name]", "Chloé")
    page.fill("[name=last_name]", "Vinet")
    page.fill("[name=email]", "chloe@ailleurs.example")
    page.fill("[name=password1]", "un long mot de passe")
    person.submit(MAIN)
    person.open(mailbox.link_to("chloe@ailleurs.example", "confirm-email"))
    page = person.submit(MAIN)
    assert "chloe@ailleurs.example" in page.locator("main").inner_text()
    assert "10435" in page.locator("main").inner_text()
    page.fill("[name=customer_number]", "vinet")
    page.fill("[name=invoice_number]", "F-1001")
    page.fill("[name=invoice_total]", str(total).replace(".", ","))
    person.submit("#request button[data-kind=main]")
    asked = AccessRequest.objects.get()

    agent = browse()
    agent.sign_in(sam.email, PASSWORD)
    page = agent.open("/admin/", audit=False)
    assert "Chloé Vinet" in page.content()
    page = agent.open(f"/admin/organizations/accessrequest/{asked.pk}/change/", audit=False)
    with page.expect_navigation():
        page.locator("form[action*='link'] button").first.click()
    asked.refresh_from_db()
    assert asked.customer == vinet

    page = person.open("/")
    assert page.locator("h1").inner_text() == "Vins Vinet"
    assert "F-1001" in page.content()
    assert "Vins Vinet" in mailbox.newest_to("chloe@ailleurs.example", known=2).get_body(("plain",)).get_content()


def test_sign_in_with_totp(browse, vinet, alice):
    person = browse()
    person.sign_in(alice.email, PASSWORD)
    page = person.open("/accounts/2fa/totp/activate/")
    if page.locator("[name=password]").count():
        page.fill("[name=password]", PASSWORD)
        page = person.submit("main form:has([name=password]) button")
    secret = page.locator("main .code").first.inner_text().strip()
    page.fill("[name=code]", code_of(secret))
    person.submit("main form:has([name=code]) button[data-kind=main], main form:has([name=code]) button")

    other = browse(width=360)
    page = other.sign_in(alice.email, PASSWORD)
    assert "2fa/authenticate" in page.url
    page.fill("[name=code]", "000000")
    page = other.submit("main form:has([name=code]) button")
    assert page.locator("[aria-invalid=true]").count()
    page.fill("[name=code]", code_of(secret))
    page = other.submit("main form:has([name=code]) button")
    assert page.locator("h1").inner_text() == "Acme Construction inc."


def test_a_passkey_that_does_not_answer_says_so(browse, vinet):
    page = browse().open("/accounts/login/")
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    empty = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": {**empty, "isUserVerified": True}})
    assert not page.locator("[data-passkey-trouble]").is_visible()
    page.locator("#passkey_login").click()
    page.locator("[data-passkey-trouble]").wait_for(state="visible", timeout=10_000)


def test_without_a_script_no_button_pretends_to_ask_for_a_passkey(chromium, live_server, vinet):
    without = chromium.new_context(java_script_enabled=False)
    try:
        page = without.new_page()
        page.goto(f"{live_server.url}/accounts/login/")
        assert not page.locator("#passkey_login").is_visible()
        assert page.locator("[name=password]").is_visible()
    finally:
        without.close()


def code_of(secret: str) -> str:
    """The TOTP code of now."""
    return format_hotp_value(hotp_value(secret.replace(" ", ""), next(yield_hotp_counters_from_time())))


@pytest.mark.parametrize(("locale", "other"), [("fr-CA", "en-ca"), ("en-CA", "fr-ca")])
def test_both_languages(browse, vinet, ines, locale, other):
    User.objects.filter(pk=ines.pk).update(language=locale.lower())
    person = browse(locale=locale)
    words = {"fr-CA": "Ouvrir une session", "en-CA": "Sign in"}
    page = person.open("/accounts/login/")
    assert page.locator("html").get_attribute("lang") == locale
    assert page.locator("h1").inner_text() == words[locale]
    page = person.submit(f"button[name=language][value={other}]:visible")
    assert page.locator("html").get_attribute("lang") != locale
    person.sign_in(ines.email, PASSWORD)
    assert person.page.locator("html").get_attribute("lang") == locale


def test_pages_of_a_person_alone(browse, vinet, ines):
    """Everything a person may open about themselves, at both widths: axe finds nothing, nothing scrolls sideways."""
    for width in (360, 1280):
        person = browse(width=width)
        person.sign_in(ines.email, PASSWORD)
        for address in (
            "/profile/",
            "/accounts/email/",
            "/accounts/password/change/",
            "/accounts/2fa/",
            "/accounts/sessions/",
        ):
            page = person.open(address)
            assert page.locator("h1").count() == 1
    visitor = browse(width=360)
    for address in ("/", "/accounts/login/", "/accounts/password/reset/", "/accounts/login/code/", "/nowhere/"):
        assert visitor.open(address).locator("h1").count() == 1


def test_a_missing_permission_explains_itself(browse, vinet, acme, alice, bob):
    bill(acme, "F-2001")
    person = browse()
    person.sign_in(bob.email, PASSWORD)
    page = person.open(f"/c/{acme.public_id}/invoices/")
    words = page.locator("main").inner_text()
    assert "Voir les factures et les soldes" in words
    assert "Alice Tremblay" in words
    assert "F-2001" not in words
    page = person.submit("main form[action*='ask'] button")
    assert page.locator("h1").count() == 1


def test_the_whole_list_without_javascript(chromium, live_server, vinet, ines):
    for number in range(30):
        bill(Customer.objects.get(number="20001"), f"G-{number:03}")
    context = chromium.new_context(java_script_enabled=False, locale="fr-CA", base_url=live_server.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", ines.email)
    page.fill("[name=password]", PASSWORD)
    page.locator(MAIN).click()
    page.get_by_role("link", name="Factures").first.click()
    seen = set(page.locator(".rows tbody td.id, .rows tbody th").all_inner_texts())
    page.locator("a[href*='after=']").click()
    seen |= set(page.locator(".rows tbody td.id, .rows tbody th").all_inner_texts())
    assert {f"G-{number:03}" for number in range(30)} <= {re.sub(r"\s", "", text) for text in seen}
    context.close()
