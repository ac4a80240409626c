"""A team in a real browser: invite, sign by code, accept as a new person or a known one; ask why not, and come back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Frame, Page

from accounts.models import User
from organizations.models import Customer, Invitation, Mandate
from organizations.permissions import Permission
from organizations.services.reviews import begin_review, quarter_of
from tests.e2e.test_signatures import code_mailed, open_document
from tests.factories import PASSWORD, InvoiceFactory, MembershipFactory, UserFactory

MAIN = "main form button[data-kind=main]"
NEW = "noe@acme.example"


@pytest.fixture
def space(transactional_db: None, acme: Customer, alice: User, bob: User) -> Customer:
    InvoiceFactory(customer=acme, number="F-ACME-1")
    return acme


def sign_by_code(person: Any, mailbox: Any, signer: User) -> None:
    """The page to sign is on screen: open the document, ask for the code, type it."""
    page = person.page
    open_document(page)
    page.reload()
    known = len([message for message in mailbox.messages if signer.email in str(message["To"])])
    person.submit("#code button")
    code = code_mailed(mailbox, signer, known=known)
    page.check("#sign [name=agreed]")
    page.fill("#sign [name=code]", code)
    person.submit("#sign button[data-kind=main]")


def invite(person: Any, mailbox: Any, signer: User, email: str) -> None:
    person.sign_in(signer.email, PASSWORD)
    person.press("Équipe")
    page = person.press("Inviter un membre")
    page.fill("[name=people]", f"Noé Roy {email}")
    page.select_option("[name=role]", "editor")
    person.submit("main form button[data-kind=main]")
    assert "/sign/" in page.url
    assert not Invitation.objects.exists()
    sign_by_code(person, mailbox, signer)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_invite_sign_by_code_and_accept_as_a_new_person(browse, worker, mailbox, space, alice, width, scheme):
    administrator = browse(width=width, scheme=scheme)
    invite(administrator, mailbox, alice, NEW)
    newcomer = browse(width=width, scheme=scheme)
    page = newcomer.open(mailbox.link_to(NEW, "invitations"))
    assert "Acme Construction inc." in page.locator("h1").inner_text()
    assert page.locator("#id_address").get_attribute("readonly") is not None
    page.fill("[name=password]", "un long mot de passe")
    page = newcomer.submit(MAIN)
    assert "Acme Construction inc." in page.locator("h1").inner_text()
    assert Permission.RENT in space.permissions_for(User.objects.get(email=NEW))
    assert Invitation.objects.get().opened_at is not None

    administrator.open(f"{space.get_absolute_url()}team/")
    page = administrator.press("Noé Roy")
    page = administrator.press("Ouvrir")
    link = page.locator("a[href$='mandate.pdf']")
    for _ in range(60):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    answer = page.request.get(link.evaluate("a => a.href"))
    assert answer.headers["content-type"] == "application/pdf"
    administrator.open(f"{space.get_absolute_url()}team/mandates/")

    administrator.open(f"{space.get_absolute_url()}team/")
    administrator.press("Noé Roy")
    administrator.press("Mettre fin à son accès")
    administrator.submit("main form button[data-kind=danger]")
    assert newcomer.page.goto(f"{newcomer.base}{space.get_absolute_url()}").status == 404


def test_invite_sign_by_code_and_accept_as_a_known_person(browse, worker, mailbox, space, alice):
    known, other = UserFactory(email=NEW), UserFactory(email="autre@example.org")
    invite(browse(), mailbox, alice, NEW)
    link = mailbox.link_to(NEW, "invitations")
    somebody = browse(width=360)
    somebody.sign_in(other.email, PASSWORD)
    page = somebody.open(link)
    words = page.locator("main").inner_text()
    assert NEW in words
    assert other.email in words
    page = somebody.press(f"Continuer comme {NEW}")
    assert page.url == link
    somebody.submit("main .actions a.button")
    page.fill("[name=login]", known.email)
    page.fill("[name=password]", PASSWORD)
    page = somebody.submit("form:has([name=password]) button")
    assert page.url == link
    page = somebody.press("Accepter l’invitation")
    assert space.permissions_for(known)
    assert User.objects.filter(email=NEW).count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_a_file_is_read_its_bad_line_left_out_then_confirmed_and_signed(
    browse, worker, mailbox, space, alice, width, scheme
):
    person = browse(width=width, scheme=scheme)
    person.sign_in(alice.email, PASSWORD)
    person.open(f"{space.get_absolute_url()}team/")
    page = person.press("Importer un fichier")
    lines = ["email;role;ceiling", f"{NEW};Éditeur;1 250,50", "bob@acme.example;visitor;", "zut;visitor;"]
    page.set_input_files("[name=file]", {"name": "e.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()})
    page = person.submit(MAIN)
    words = page.locator("main").inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "1 ligne ne peut être retenue" in words
    assert "1 250,50 $ au plus" in words
    assert "Aujourd’hui : Éditeur" in words
    page = person.submit(MAIN)
    assert page.locator("[role=alert]").count() == 1
    assert not Mandate.objects.exists()
    page.check("[name=leaves_out]")
    person.submit(MAIN)
    assert "/sign/" in page.url
    sign_by_code(person, mailbox, alice)
    assert mailbox.link_to(NEW, "invitations")
    assert [mandate.email for mandate in Mandate.objects.all()] == [NEW]


def test_everybody_is_reviewed_with_one_press_each(browse, worker, mailbox, space, alice, bob):
    visitor = MembershipFactory(customer=space, role="visitor", first_name="Léo", phone="+15145550123")
    begin_review(customer=space, quarter=quarter_of(day=timezone.localdate()))
    person = browse(width=360)
    link = mailbox.link_to(alice.email, "/review/")
    page = person.open(link)
    assert "/accounts/login/" in page.url
    page.fill("[name=login]", alice.email)
    page.fill("[name=password]", PASSWORD)
    page = person.submit("form:has([name=password]) button")
    assert page.url == link
    person.press("Confirmer Bob Gagnon")
    person.press("Mettre fin à son accès Léo")
    page = person.press("Confirmer toutes les autres personnes")
    assert "terminée le" in page.locator("main").inner_text()
    visitor.refresh_from_db()
    assert visitor.removed_by == alice
    assert space.permissions_for(bob)


def test_why_not_then_granted_then_back_where_they_were(browse, worker, mailbox, space, alice, bob):
    asker = browse(width=360)
    asker.sign_in(bob.email, PASSWORD)
    wanted = f"{space.get_absolute_url()}invoices/?status=open"
    page = asker.open(wanted)
    assert "Alice Tremblay" in page.locator("main").inner_text()
    asker.submit("main form button[data-kind=main]")

    granter = browse()
    granter.sign_in(alice.email, PASSWORD)
    granter.open(mailbox.link_to(alice.email, "/grant/"))
    granter.submit("main form button[data-kind=main]")
    sign_by_code(granter, mailbox, alice)
    assert Mandate.objects.get().effective_at is not None

    back = mailbox.link_to(bob.email, "/invoices/")
    assert back.endswith(wanted)
    page = asker.open(back)
    assert "F-ACME-1" in page.content()
    assert re.search(r"/invoices/\?status=open$", page.url)


class Effort:
    """How many pages a person is shown, and how many times they press, from now on."""

    def __init__(self, page: Page) -> None:
        self.pages = self.presses = 0
        page.on("framenavigated", self._turn)
        page.context.expose_function("pressed", self._press)
        page.context.add_init_script("addEventListener('click', event => event.isTrusted && pressed(), true)")

    def _turn(self, frame: Frame) -> None:
        self.pages += frame.parent_frame is None

    def _press(self) -> None:
        self.presses += 1


def test_giving_a_right_takes_a_few_pages_and_a_few_presses(browse, worker, mailbox, space, alice, bob):
    """A few minutes at most is a few pages; minutes depend on the machine."""
    granter = browse()
    granter.sign_in(alice.email, PASSWORD)
    granter.open(f"{space.get_absolute_url()}team/")
    effort = Effort(granter.page)
    granter.page.reload()
    granter.press("Bob Gagnon")
    granter.page.check("[name=granted][value=view_invoices]")
    granter.submit(MAIN)
    sign_by_code(granter, mailbox, alice)
    assert Permission.VIEW_INVOICES in space.permissions_for(bob)
    # The team, Bob, the mandate, the same once it is read, the code sent, the receipt.
    assert 5 <= effort.pages <= 7, effort.pages
    # Bob, the box, the button; the document, the code, the consent, the signature.
    assert 7 <= effort.presses <= 8, effort.presses


def test_the_last_administrator_stays_and_a_second_is_suggested(browse, worker, space, alice):
    person = browse(width=360)
    person.sign_in(alice.email, PASSWORD)
    page = person.open(f"{space.get_absolute_url()}team/")
    assert "deuxième administrateur" in page.locator("main").inner_text()
    person.press("Alice Tremblay")
    person.press("Mettre fin à son accès")
    page = person.submit("main form button[data-kind=danger]")
    assert page.locator("[role=alert]").count() == 1
    MembershipFactory(customer=space, user=UserFactory(email="deux@acme.example"))
    page = person.submit("main form button[data-kind=danger]")
    assert not space.permissions_for(alice)
