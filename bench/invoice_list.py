"""The invoice list, whole page, against a bare Django view on the same server, database, cache and sessions.

Every request goes to 127.0.0.1. BENCH_INVOICES is the largest account (1,000,000), BENCH_SECONDS a slice of
load (0.4), BENCH_ROUNDS the number of slices (15): short and many, so that a busy machine disturbs both alike.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench.measure import report
from portal.embedded.servers import throwaway

SIZES = (10, 1_000, 100_000)
LARGEST = int(os.environ.get("BENCH_INVOICES", "1000000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.4"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
REQUESTS = 400
WARM_UP = 3
CONNECTIONS = (1, 8)
RATE, GROWTH, QUERIES, BYTES = 0.50, 1.15, 5, 20_000

INVOICES = """
    INSERT INTO billing_invoice (merchant_id, customer_id, letterhead_id, kind, number, issued_on, due_on,
        bill_to_name, bill_to_address, adviser, po_number, project, requisition_number, site_address, requested_by,
        line_count, subtotal, taxable_subtotal, gst, qst, total, settled_amount, created_at)
    SELECT %(merchant)s, %(customer)s, %(letterhead)s, 'invoice', 'F-' || %(customer)s || '-' || n,
        date '2026-11-20' - (n / 400), date '2026-12-20' - (n / 400), 'Client', '', '', 'BC-' || n, 'Tour Nord', '', '',
        '', 1, 100, 100, 5, 9.98, 114.98, CASE WHEN n %% 3 = 0 THEN 0 ELSE 114.98 END, now()
    FROM generate_series(1, %(count)s) n
"""
LINES = """
    INSERT INTO billing_invoiceline (invoice_id, position, sku, description, quantity, unit, unit_price,
        discount_percent, tax_code, amount)
    SELECT id, 1, 'NAC', 'Nacelle articulée de 60 pi, deux semaines', 1, 'week', 100, 0, 'standard', 100
    FROM billing_invoice WHERE customer_id = %(customer)s
"""


class Account:
    """A customer with so many invoices, and the session of the one who reads them."""

    def __init__(self, count: int) -> None:
        # The apps are loaded only once the servers are there.
        from importlib import import_module

        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.db import connection

        from billing.services import letterhead_for
        from organizations.models import Merchant
        from tests import factories

        merchant = Merchant.objects.first() or factories.MerchantFactory(slug="boreal", is_default=True)
        customer = factories.CustomerFactory(merchant=merchant)
        user = factories.UserFactory()
        factories.MembershipFactory(customer=customer, user=user)
        names = {"merchant": merchant.pk, "letterhead": letterhead_for(merchant=merchant).pk}
        with connection.cursor() as cursor:
            cursor.execute(INVOICES, {**names, "customer": customer.pk, "count": count})
            cursor.execute(LINES, {"customer": customer.pk})
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = "accounts.backends.EmailBackend"
        session.save()
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
        self.page, self.bare, self.customer = f"/c/{customer.public_id}/invoices/", f"/bare/{customer.pk}/", customer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(*, settings: str) -> Iterator[int]:
    """A server as `make run` starts it; its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(os.cpu_count() or 1), "--blocking-threads", "1", "--no-ws", "portal.wsgi:application"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings, "LOG_LEVEL": "WARNING"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def fetch(connection: http.client.HTTPConnection, path: str, cookie: str) -> bytes:
    connection.request("GET", path, headers={"Cookie": cookie, "Host": "localhost"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status}")
    return body


def load(*, port: int, path: str, cookie: str, connections: int) -> list[float]:
    """Seconds of each request of one slice; so many connections, each asking again as soon as it is answered."""
    times: list[float] = []
    until = time.perf_counter() + SECONDS

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while (begun := time.perf_counter()) < until:
            fetch(connection, path, cookie)
            times.append(time.perf_counter() - begun)
        connection.close()

    threads = [threading.Thread(target=ask) for _connection in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def rates(*, account: Account, ours: int, bare: int, connections: int) -> tuple[float, float, float]:
    """Requests a second of our page and of the bare view, and their ratio."""
    if connections == 1:
        pages = Page(ours, account.page, account.cookie), Page(bare, account.bare, account.cookie)
        page, view = (1 / seconds for seconds in in_turn(*pages))
        return page, view, page / view
    turns = (ours, account.page), (bare, account.bare)
    counted: list[tuple[float, float]] = []
    for _turn in range(ROUNDS + WARM_UP):
        pair = []
        for port, path in turns:
            begun = time.perf_counter()
            done = load(port=port, path=path, cookie=account.cookie, connections=connections)
            pair.append(len(done) / (time.perf_counter() - begun))
        counted.append((pair[0], pair[1]))
    counted = counted[WARM_UP:]
    page, view = (statistics.median(column) for column in zip(*counted, strict=True))
    return page, view, statistics.median(rate / limit for rate, limit in counted)


class Page(NamedTuple):
    """What to ask, of which server, as whom."""

    port: int
    path: str
    cookie: str


def in_turn(*pages: Page) -> list[float]:
    """Median seconds of each page: one request each in turn, so that whatever else the machine does slows all alike."""
    connections = [http.client.HTTPConnection("127.0.0.1", page.port, timeout=30) for page in pages]
    times: list[list[float]] = [[] for _page in pages]
    for turn in range(REQUESTS + WARM_UP):
        for connection, page, seconds in zip(connections, pages, times, strict=True):
            begun = time.perf_counter()
            fetch(connection, page.path, page.cookie)
            if turn >= WARM_UP:
                seconds.append(time.perf_counter() - begun)
    for connection in connections:
        connection.close()
    return [statistics.median(seconds) for seconds in times]


def growth(*, small: Account, large: Account, query: str, port: int) -> tuple[float, float]:
    """Median seconds of a page of the large account, and its ratio to that of the small one."""
    p50, limit = in_turn(
        Page(port, large.page + query, large.cookie),
        Page(port, small.page, small.cookie),
    )
    return p50, p50 / limit


def queries_of(account: Account) -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"cookie": account.cookie})
    client.get(account.page)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(account.page).status_code == 200
    return len(captured)


def deepest(account: Account) -> str:
    """The query of the last page but one."""
    oldest = account.customer.invoices.order_by("issued_on", "pk").values_list("issued_on", "pk")[30]
    return f"?after={oldest[0].isoformat()}.{oldest[1]}"


def measure() -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    accounts = {count: Account(count) for count in (*SIZES, 25, LARGEST)}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    with web(settings="portal.settings") as ours, web(settings="bench.bare.settings") as bare:
        for count in SIZES:
            for connections in CONNECTIONS:
                rate, limit, share = rates(account=accounts[count], ours=ours, bare=bare, connections=connections)
                what = f"{count:,} invoices, {connections} connection{'s' if connections > 1 else ''}"
                target = f"{share:.2f} of a bare view, at least {RATE:.2f}"
                report(what, f"{rate:.0f}/{limit:.0f} a s", target=target, is_met=share >= RATE)
        largest = accounts[LARGEST]
        for name, query in (("first", ""), ("deepest", deepest(largest))):
            p50, times = growth(small=accounts[25], large=largest, query=query, port=ours)
            target = f"{times:.2f} times 25 invoices, at most {GROWTH}"
            report(f"{name} page of {LARGEST:,}, p50", f"{p50 * 1e3:.1f} ms", target=target, is_met=times <= GROWTH)
        body = fetch(http.client.HTTPConnection("127.0.0.1", ours), accounts[100_000].page, accounts[100_000].cookie)
    assert len(re.findall(rb'class="id nowrap"', body)) == 25
    target = f"at most {BYTES:,}"
    report("bytes before compression", f"{len(body):,}", target=target, is_met=len(body) <= BYTES)
    counts = {queries_of(account) for account in accounts.values()}
    is_met = len(counts) == 1 and max(counts) <= QUERIES
    report("queries a page, at every size", str(sorted(counts)), target=f"at most {QUERIES}, the same", is_met=is_met)


def main() -> None:
    with ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="comptoir-bench-"))
        os.environ.update(running.enter_context(throwaway()))
        os.environ |= {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings", "SECRET_KEY": "bench-only"}
        os.environ |= {"ALLOWED_HOSTS": "localhost,testserver", "LOG_LEVEL": "WARNING"}
        import django  # once the environment says where the servers are

        django.setup()
        measure()


if __name__ == "__main__":
    main()
