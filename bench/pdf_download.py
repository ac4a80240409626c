"""A stored PDF through its real view, against a bare view that only asks who is there and sends a file."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.measure import Pair, report
from portal.embedded.servers import throwaway

REQUESTS, RUNS, WARMUP = 400, 7, 1
TARGET = 0.80
SIDES = {"ours": "portal.settings", "limit": "bench.bare.settings"}


def prepare() -> None:
    """A database with one document and its file; prints both addresses and the cookie of its reader."""
    import django

    django.setup()
    from datetime import date
    from decimal import Decimal

    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.cached_db import SessionStore
    from django.core.management import call_command

    from accounts.models import User
    from billing import files
    from billing.services import LineDraft, issue_invoice
    from organizations.models import Customer, Membership, Merchant
    from organizations.permissions import Role

    call_command("migrate", verbosity=0)
    merchant = Merchant.objects.create(slug="bench", name="Bench", legal_name="Bench inc.", is_default=True)
    customer = Customer.objects.create(merchant=merchant, number="1", name="Bench", kind=Customer.Kind.MEMBER)
    user = User.objects.create_user("bench@example.org", "x")
    member = {"customer": customer, "user": user, "email": user.email, "role": Role.ADMINISTRATOR}
    Membership.objects.create(**member, linked_at=user.date_joined)
    line = LineDraft("", "Location", Decimal(1), "day", Decimal(100), Decimal(0), "standard")
    day = date(2026, 11, 1)
    invoice = issue_invoice(
        customer=customer, kind="invoice", number="F-1", issued_on=day, due_on=day, lines=[line] * 5
    )
    files.render_owed()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.EmailBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    print(f"/c/{customer.public_id}/invoices/F-1.pdf", f"/bare/pdf/{invoice.pdfs.get().pk}/", session.session_key)


def side(path: str, cookie: str) -> None:
    """Answers the same request again and again in one process, and prints how long it took."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    status: list[str] = []

    def start(code: str, _headers: list[tuple[str, str]], _problem: Any = None) -> None:
        status[:] = [code]

    def ask() -> int:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "HTTP_COOKIE": f"sessionid={cookie}",
        }
        answer = application(environ, start)
        size = sum(map(len, answer))
        answer.close()
        return size

    size = ask()
    if not status[0].startswith("200") or size < 10_000:
        raise SystemExit(f"{path}: {status[0]}, {size} bytes")
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        for _request in range(REQUESTS):
            ask()
        print(time.perf_counter() - begun, flush=True)


@contextmanager
def process(*arguments: str, settings: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.pdf_download", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, "LOG_LEVEL": "ERROR"},
    ) as started:
        try:
            yield started
        finally:
            started.stdin.close()
            started.wait(timeout=30)


def main() -> None:
    with ExitStack() as stack:
        os.environ.update(stack.enter_context(throwaway()))
        with process("prepare", settings="portal.settings") as preparing:
            ours_path, bare_path, cookie = preparing.stdout.read().split()
        paths = {"ours": ours_path, "limit": bare_path}
        workers = {
            name: stack.enter_context(process("side", paths[name], cookie, settings=module))
            for name, module in SIDES.items()
        }
        for worker in workers.values():
            worker.stdout.readline()
        times: dict[str, list[float]] = {name: [] for name in SIDES}
        for turn in range(WARMUP + RUNS):
            for name, worker in workers.items():
                worker.stdin.write("go\n")
                worker.stdin.flush()
                seconds = float(worker.stdout.readline())
                if turn >= WARMUP:
                    times[name].append(seconds)
    pair = Pair(statistics.median(times["ours"]), statistics.median(times["limit"]))
    report(
        f"stored PDF download ({pair.ours / REQUESTS * 1000:.1f} ms a file)",
        f"{pair.rate_ratio:.2f} × bare",
        target=f"≥ {TARGET:.2f}",
        is_met=pair.rate_ratio >= TARGET,
    )


if __name__ == "__main__":
    {"prepare": prepare, "side": side}.get(sys.argv[1] if sys.argv[1:] else "", main)(*sys.argv[2:])
