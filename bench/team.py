"""The team page of a company of 10 and of 10,000 people (BENCH_PEOPLE): first and deepest page, searches, a filter."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.measure import report
from portal.embedded.servers import throwaway

if TYPE_CHECKING:
    from django.test import Client

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "10000"))
RUNS = 60
QUERIES, GROWTH = 5, 1.3


def medians(client: Client, addresses: list[str]) -> list[float]:
    """Milliseconds of each whole page in this process, one after the other in turn."""
    times: list[list[float]] = [[] for _address in addresses]
    for run in range(RUNS + 10):
        for address, taken in zip(addresses, times, strict=True):
            begun = time.perf_counter()
            response = client.get(address)
            if run >= 10:
                taken.append((time.perf_counter() - begun) * 1e3)
            assert response.status_code == 200, address
    return [statistics.median(taken) for taken in times]


def company(people: int) -> str:
    """The team page of a member company of so many people, its addresses, and its administrator."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from tests import factories

    customer = factories.CustomerFactory(kind="member", opened_at="2026-01-01T12:00:00Z")
    alice = get_user_model().objects.get(email="alice@bench.example")
    factories.MembershipFactory(customer=customer, user=alice, role="owner", first_name="Alice", last_name="Aubin")
    for n in range(1, people):
        name = {"first_name": f"Jean-{n}", "last_name": f"Côté-{n % 997}"}
        user = get_user_model().objects.create(email=f"{n}@{people}.example", **name) if n % 2 else None
        phone = "" if user else "+15145550100"
        factories.MembershipFactory(customer=customer, role="visitor", user=user, phone=phone, **name)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE organizations_membership, accounts_user")
    return f"/c/{customer.public_id}/team/"


def measure() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from organizations import team
    from organizations.models import Membership
    from tests import factories

    call_command("migrate", verbosity=0)
    alice = factories.UserFactory(email="alice@bench.example", is_staff=False)
    client = Client(headers={"accept-language": "fr-CA"})
    client.force_login(alice, backend="accounts.backends.EmailBackend")
    small, large = company(10), company(PEOPLE)
    last = Membership.objects.order_by("listed", "pk").filter(customer__public_id=large.split("/")[2])
    deep = quote(team.place_of(membership=last.reverse()[20]))
    pages: list[tuple[str, str]] = [
        ("first page", ""),
        ("deepest page", f"?after={deep}"),
        ("a name that many bear", "?q=cote"),
        ("a name nobody bears", "?q=zzz"),
        ("a role", "?role=owner"),
    ]
    few, *many = medians(client, [small, *(large + query for _what, query in pages)])
    report("team page, 10 people, p50", f"{few:.1f} ms")
    for (what, query), found in zip(pages, many, strict=True):
        with CaptureQueriesContext(connection) as asked:
            client.get(large + query)
        grown = found / few
        is_met = grown <= GROWTH and len(asked) <= QUERIES
        target = f"{grown:.2f} times 10 people, at most {GROWTH}; {len(asked)} queries, at most {QUERIES}"
        report(f"{PEOPLE:,} people, {what}, p50", f"{found:.1f} ms", target=target, is_met=is_met)


def main() -> None:
    with ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="comptoir-bench-"))
        os.environ.update(running.enter_context(throwaway()))
        os.environ |= {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings", "SECRET_KEY": "bench-only"}
        os.environ |= {"ALLOWED_HOSTS": "localhost,testserver", "LOG_LEVEL": "WARNING"}
        import django  # once the environment says where the servers are

        django.setup()
        from django.core.management import call_command

        call_command("collectstatic", verbosity=0, interactive=False)
        measure()


if __name__ == "__main__":
    main()
