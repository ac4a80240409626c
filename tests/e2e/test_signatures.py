"""Signing in a real browser: from the letter to the sealed copy, and the page that recognises it without seeing it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import Page, Request

from accounts.models import User
from billing.files import render_pdf, request_pdf
from organizations.models import Merchant
from signatures import links
from signatures.models import SignatureEvent, SignatureRequest
from tests.factories import PASSWORD, InvoiceFactory
from tests.signatures.judges import is_valid
from tests.signatures.samples import asked_of

MAIN = "main form button[data-kind=main]"
Kind = SignatureEvent.Kind


@pytest.fixture
def by_sam(transactional_db: None, alice: User, sam: User, boreal: Merchant) -> Any:
    """Sam asks Alice to sign, in her language."""

    def ask(**more: Any) -> SignatureRequest:
        with transaction.atomic():
            return asked_of(alice, merchant=boreal, by=sam, in_english=True, capacity="Administratrice d’Acme", **more)

    return ask


def open_document(page: Page, number: int = 0) -> None:
    """Press the button that opens the document in a tab of its own, and close that tab."""
    with page.context.expect_page() as opened:
        page.locator("#read form button").nth(number).click()
    opened.value.wait_for_load_state()
    opened.value.close()


def code_mailed(mailbox: Any, person: User, *, known: int) -> str:
    text = mailbox.newest_to(person.email, known=known).get_body(("plain",)).get_content()
    return re.search(r"\b\d{6}\b", text)[0]


def copy_of(page: Page) -> bytes:
    """The sealed copy, once the worker has made it."""
    link = page.locator("a[href$='signed.pdf']")
    for _ in range(60):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    answer = page.request.get(link.evaluate("a => a.href"))
    assert answer.headers["content-type"] == "application/pdf"
    return answer.body()


@pytest.mark.parametrize(
    ("width", "scheme", "language"), [(360, "dark", "fr-ca"), (1280, "light", "en-ca"), (1280, "dark", "fr-ca")]
)
def test_from_the_letter_to_the_sealed_copy(browse, worker, mailbox, by_sam, alice, width, scheme, language, tmp_path):
    alice.language = language
    alice.save()
    asked = by_sam(language=language)
    link = mailbox.link_to(alice.email, "/sign/")
    person = browse(width=width, scheme=scheme, locale="fr-CA" if language == "fr-ca" else "en-CA")
    page = person.open(link)
    assert "Alice" not in page.locator("main").inner_text()  # named only to herself
    page.locator("main a.button").click()
    page.fill("[name=login]", alice.email)
    page.fill("[name=password]", PASSWORD)
    page = person.submit("form:has([name=password]) button")
    assert page.url == link
    assert page.locator("h1").inner_text() == asked.title_in(language)

    refused = person.submit("#code button")
    assert refused.locator("#code [role=alert]").is_visible()
    page = person.open(link)
    open_document(page)
    page = person.open(link)
    if language == "en-ca":
        open_document(page, 1)
        page = person.open(link)
        page.locator("[name=language][value=en-ca]").check()
    page = person.submit("#code button")
    code = code_mailed(mailbox, alice, known=1)
    page.fill("[name=code]", f"{(int(code) + 1) % 10**6:06}")
    page.check("[name=agreed]")
    page = person.submit("#sign button")
    assert page.locator("#sign [role=alert]").is_visible()
    assert page.locator("[name=agreed]").is_checked()
    page.fill("[name=code]", f"{code[:3]} {code[3:]}")
    page = person.submit("#sign button")
    assert page.locator("h1").inner_text() in {"Le document est signé", "The document is signed"}

    content = copy_of(page)
    person.check()
    assert is_valid(content)
    asked.refresh_from_db()
    assert (asked.state, asked.language) == ("sealed", language)
    assert content.startswith(bytes(asked.document.content))
    said = mailbox.newest_to(alice.email, known=2).get_body(("plain",)).get_content()
    assert links.address_of(request=asked) in said
    kinds = list(asked.events.order_by("pk").values_list("kind", flat=True))
    assert kinds[-4:] == [Kind.CODE_WRONG, Kind.CONSENT_GIVEN, Kind.SIGNED, Kind.SEALED]

    path = tmp_path / "copie.pdf"
    path.write_bytes(content)
    page = person.open("/verify/")
    with page.expect_navigation():
        page.set_input_files("#id_file", path)
    person.check()
    assert asked.title in page.locator(".verdict").inner_text()


def test_somebody_without_a_profile_declines_with_a_reason(browse, worker, mailbox, by_sam, alice):
    asked = by_sam(is_named=False)
    person = browse(width=360)
    page = person.open(mailbox.link_to(alice.email, "/sign/"))
    page = person.press("Refuser de signer")
    page = person.submit("main form button")
    assert page.locator("[aria-invalid=true]").count() == 1
    page.fill("[name=reason]", "Je ne suis plus administratrice.")
    page = person.submit("main form button")
    assert page.locator("h1").inner_text() == "Vous avez refusé de signer"
    assert asked.events.get(kind=Kind.DECLINED).data["reason"] == "Je ne suis plus administratrice."


def test_links_that_open_nothing_more(browse, by_sam, alice, bob):
    """Given up, forged, and somebody else's: each page says why, at both widths."""
    asked = by_sam()
    other = browse()
    other.sign_in(bob.email, PASSWORD)
    page = other.open(links.path_of(request=asked))
    assert bob.email in page.locator("main").inner_text()
    assert alice.email not in page.content()
    SignatureRequest.objects.filter(pk=asked.pk).update(state="cancelled", ended_at=asked.requested_at, remind_at=None)
    for width, scheme in ((360, "light"), (1280, "dark")):
        visitor = browse(width=width, scheme=scheme)
        assert visitor.open("/sign/forged/").locator("h1").count() == 1
        mine = browse(width=width, scheme=scheme)
        mine.sign_in(alice.email, PASSWORD)
        assert "Plus rien à signer" in mine.open(links.path_of(request=asked)).locator("main").inner_text()


def test_the_whole_way_without_javascript(chromium, live_server, worker, mailbox, by_sam, alice):
    by_sam(is_named=False)
    context = chromium.new_context(java_script_enabled=False, locale="fr-CA")
    try:
        page = context.new_page()
        page.goto(mailbox.link_to(alice.email, "/sign/"))
        open_document(page)
        page.locator("#code button").click()
        page.check("[name=agreed]")
        page.fill("[name=code]", code_mailed(mailbox, alice, known=1))
        page.locator("#sign button").click()
        assert page.locator("h1").inner_text() == "Le document est signé"
        digest = hashlib.sha256(copy_of(page)).hexdigest()
        page.goto(f"{live_server.url}/verify/")
        assert not page.locator("[data-drop]").is_visible()
        page.fill("[name=sha256]", digest)
        page.locator("main form button").click()
        assert "De nous, intact" in page.locator(".verdict").inner_text()
    finally:
        context.close()


DROP = """([content, name]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, { type: "application/pdf" }));
    const zone = document.querySelector("[data-drop]");
    for (const type of ["dragover", "drop"])
        zone.dispatchEvent(new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def drop(page: Page, content: bytes) -> None:
    """Let a real file go over the page."""
    with page.expect_navigation():
        page.evaluate(DROP, [base64.b64encode(content).decode(), "facture.pdf"])


@pytest.mark.parametrize(("width", "scheme", "locale"), [(360, "dark", "en-CA"), (1280, "light", "fr-CA")])
def test_a_dropped_invoice_is_recognised_and_never_sent(browse, transactional_db, acme, width, scheme, locale):
    pdf = request_pdf(invoice=InvoiceFactory(customer=acme, number="F-104482"), language="fr-ca")
    assert render_pdf(pdf_id=pdf.pk)
    pdf.refresh_from_db()
    with pdf.file.open("rb") as file:
        content = file.read()
    visitor = browse(width=width, scheme=scheme, locale=locale)
    sent: list[Request] = []
    visitor.page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - Playwright marks what it calls
    page = visitor.open("/verify/")
    drop(page, content)
    visitor.check()
    words = page.locator("main").inner_text()
    assert "F-104482" in words
    assert re.search(r"114[.,]98", words)
    posted = [request.post_data_buffer or b"" for request in sent if request.method == "POST"]
    assert len(posted) == 1
    assert hashlib.sha256(content).hexdigest().encode() in posted[0]
    assert len(posted[0]) < 400
    assert b"%PDF" not in posted[0]

    drop(page, content.replace(b"/Type", b"/tYpe", 1))
    visitor.check()
    words = page.locator("main").inner_text()
    assert "F-104482" not in words
    assert page.locator(".verdict[data-is=no]").is_visible()


def test_a_file_that_cannot_be_read_says_so(browse, transactional_db, boreal):
    visitor = browse()
    page = visitor.open("/verify/")
    page.evaluate("""() => {
        const gone = { files: [{ arrayBuffer: () => Promise.reject(new Error("gone")) }] };
        const event = new Event("drop", { cancelable: true });
        Object.defineProperty(event, "dataTransfer", { value: gone });
        document.querySelector("[data-drop]").dispatchEvent(event);
    }""")
    page.locator("[data-state=failed]").wait_for(state="visible")
    assert not page.locator("[data-state=busy]").is_visible()
    assert Path(page.url).name == "verify"
