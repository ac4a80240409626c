"""A real browser, a real worker, a real SMTP sink, and axe on every page a journey visits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from portal.embedded.processes import free_port

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
AUDIT = "document.fonts.ready.then(() => axe.run(document, {resultTypes: ['violations']}))"
PATIENCE = 60  # seconds, for a worker on a busy machine

pytestmark = pytest.mark.e2e
# Playwright keeps an event loop in this thread; our ORM calls between its calls are not async.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: install the package chromium"))


class Mailbox:
    """What the SMTP sink received."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.port = 0
        self._arrival = threading.Condition()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        with self._arrival:
            self.messages.append(message_from_bytes(envelope.content, policy=default))
            self._arrival.notify_all()
        return "250 OK"

    def newest_to(self, recipient: str, *, known: int = 0) -> EmailMessage:
        """Wait for a message to this address beyond the ones already known."""
        with self._arrival:
            has_more = self._arrival.wait_for(lambda: len(self._to(recipient)) > known, timeout=PATIENCE)
            assert has_more, f"no message to {recipient}; got {[str(message['To']) for message in self.messages]}"
            return self._to(recipient)[-1]

    def _to(self, recipient: str) -> list[EmailMessage]:
        return [message for message in self.messages if recipient in str(message["To"])]

    def link_to(self, recipient: str, pattern: str, *, known: int = 0) -> str:
        """The link of that message's plain text."""
        text = self.newest_to(recipient, known=known).get_body(("plain",)).get_content()
        return re.search(rf"https?://\S*{pattern}\S*", text)[0]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    sink = Mailbox()
    sink.port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@pytest.fixture
def worker(
    transactional_db: None, mailbox: Mailbox, live_server: Any, settings: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Celery, on this test's database, writing to this test's sink."""
    settings.SITE_URL = live_server.url
    database = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database),
        "EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "SITE_URL": live_server.url,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "VAR_DIR": str(settings.VAR_DIR),
    }
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--pool", "solo", "--loglevel", "WARNING"]
    process = subprocess.Popen([*command, "--without-gossip", "--without-mingle"], env=environment)
    yield process
    process.terminate()
    process.wait(PATIENCE)


class Visit:
    """One person's browser. Every page it lands on is checked: no axe finding, no script error, nothing off screen."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base = base
        self.problems: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, message: Any) -> None:
        # A refusal (403, 404, 422) is a page, and the browser notes it as an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def open(self, address: str, *, audit: bool = True) -> Page:
        """Go there; `audit=False` for the library's admin, whose pages are not ours to mend."""
        self.page.goto(address if address.startswith("http") else f"{self.base}{address}")
        return self.check() if audit else self.page

    def submit(self, selector: str) -> Page:
        """Press the first button of that selector, and wait for the page it leads to."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        return self.check()

    def download_pdf(self) -> bytes:
        """Ask for the PDF of the invoice on screen, wait for it without reloading by hand, and return its bytes."""
        link = self.page.locator("a[href*='.pdf']").first
        button = self.page.locator("form[action*='pdf'] button").first
        if not link.count():
            button.click()
        link.wait_for()
        address = link.evaluate("a => a.href")
        response = self.page.request.get(address)
        assert response.headers["content-type"] == "application/pdf", address
        return response.body()

    def press(self, name: str) -> Page:
        """Press the button or link of that name, and wait for the page it leads to."""
        target = self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name)).first
        with self.page.expect_navigation():
            target.click()
        return self.check()

    def check(self) -> Page:
        self.page.wait_for_load_state()
        self.page.evaluate(AXE)
        found = self.page.evaluate(AUDIT)["violations"]
        findings = [f"{f['id']}: {f['nodes'][0]['html'][:160]} ({f['nodes'][0]['failureSummary']})" for f in found]
        assert findings == [], self.page.url
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{self.page.url} scrolls sideways by {wide} px"
        assert self.problems == [], self.page.url
        return self.page

    def sign_in(self, email: str, password: str) -> Page:
        self.open("/accounts/login/")
        self.page.fill("[name=login]", email)
        self.page.fill("[name=password]", password)
        with self.page.expect_navigation():
            self.page.locator(
                "form:has([name=password]) button[type=submit], form:has([name=password]) button"
            ).first.click()
        return self.check()


@pytest.fixture
def browse(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Visit]]:
    """Make a new person's browser: language and width in CSS pixels."""
    contexts = []

    def make(*, locale: str = "fr-CA", width: int = 1280, scheme: str = "light") -> Visit:
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": 800}, color_scheme=scheme, accept_downloads=True
        )
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        return Visit(context, live_server.url)

    yield make
    for context in contexts:
        context.close()
