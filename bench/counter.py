"""The counter's decision, from the request to the answer, at 10 and at 200,000 members (BENCH_MEMBERS)."""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from urllib.parse import urlencode

from bench.measure import report
from portal.embedded.servers import throwaway

MEMBERS = int(os.environ.get("BENCH_MEMBERS", "200000"))
RUNS = 300
QUERIES, MILLISECONDS, GROWTH = 3, 5.0, 1.3
FIRST = "{Marc,Julie,Louis,Sophie,Martin,Chantal,Patrick,Isabelle,Étienne,Karine,Réjean,Marie-Ève,Jean-François,Anne}"
LAST = (
    "{Tremblay,Gagnon,Roy,Côté,Bouchard,Gauthier,Morin,Lavoie,Fortin,Gagné,Ouellet,Pelletier,Bélanger,Lévesque,"
    "Bergeron,Leblanc,Paquette,Girard,Simard,Boucher,Caron,Beaulieu,Cloutier,Dubé,Poirier,Fournier,Lapointe,Leclerc}"
)
TRADES = "{Construction,Toitures,Excavation,Maçonnerie,Paysages,Plomberie,Coffrages,Peinture,Isolation,Pavages}"
# One company of 10,000 people; twenty for each of the others. Half of all people sign in.
CUSTOMERS = f"""
    INSERT INTO organizations_customer (public_id, merchant_id, number, kind, name, email, phone, phone_extension,
        language, neq, program, terms_days, opened_at, hold_reason, created_at, address_line1, address_line2, city,
        province, postal_code, country)
    SELECT 'b' || lpad(n::text, 9, '0'), %(merchant)s, n::text, 'member',
        ('{TRADES}'::text[])[1 + n %% 10] || ' ' || ('{LAST}'::text[])[1 + n %% 28] || ' ' || n || ' inc.', '',
        '+1514' || (5550000 + n), '', 'fr-ca', '', '', 30, now(), '', now(), '', '', '', '', '', 'CA'
    FROM generate_series(1000, 999 + %(companies)s) n
"""
USERS = f"""
    INSERT INTO accounts_user (password, is_superuser, email, first_name, last_name, phone, phone_extension, language,
        is_staff, is_active, date_joined)
    SELECT '!', false, 'p' || n || '@bench.example', ('{FIRST}'::text[])[1 + n %% 14],
        ('{LAST}'::text[])[1 + (n / 14) %% 28] || '-' || n, '+1418' || (1000000 + n), '', 'fr-ca', false, true, now()
    FROM generate_series(1, %(people)s) n
"""
MEMBERSHIPS = f"""
    INSERT INTO organizations_membership (customer_id, user_id, linked_at, email, first_name, last_name, phone, role,
        requires_purchase_order, created_at)
    SELECT customer.id, person.id, CASE WHEN person.id IS NULL THEN NULL ELSE now() END,
        coalesce(person.email, ''), CASE WHEN person.id IS NULL THEN ('{FIRST}'::text[])[1 + n %% 14] ELSE '' END,
        CASE WHEN person.id IS NULL THEN ('{LAST}'::text[])[1 + (n / 14) %% 28] || '-' || n ELSE '' END, '',
        CASE WHEN n IN (2, 4, 6) OR (n > 10000 AND n %% 20 = 0) THEN 'administrator'
            WHEN n %% 3 = 0 THEN 'visitor' ELSE 'editor' END,
        n %% 4 = 0, now()
    FROM generate_series(1, %(members)s) n
    JOIN organizations_customer customer
        ON customer.number = (CASE WHEN n <= 10000 THEN 1000 ELSE 1001 + n %% greatest(%(companies)s - 1, 1) END)::text
    LEFT JOIN accounts_user person ON n %% 2 = 0 AND person.email = 'p' || n || '@bench.example'
"""
SEARCHES = {
    "three letters of a name": "dub",
    "a whole name": "dubé-3{n} julie",
    "a company by its first word": "constr",
    "a company by its second": "tremb",
    "a customer number": "1010",
    "the end of a phone": "5551015",
    "its last three digits": "015",
    "nobody": "zzz",
}


def fill(*, merchant: int, members: int) -> None:
    from django.db import connection

    sizes = {"merchant": merchant, "companies": max(members // 20, 2), "people": members, "members": members}
    with connection.cursor() as cursor:
        for statement in (CUSTOMERS, USERS, MEMBERSHIPS):
            cursor.execute(statement, sizes)
        cursor.execute("VACUUM ANALYZE")


class Asking:
    """An agent’s requests to the entry point of web servers, as a server makes them: no test client between."""

    def __init__(self, *, cookies: str) -> None:
        from portal.wsgi import application

        self._application = application
        self._environ = {
            "REQUEST_METHOD": "GET",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": cookies,
            "HTTP_ACCEPT_LANGUAGE": "fr-CA",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }

    def milliseconds(self, path: str, *, fragment: bool = True, **asked: object) -> float:
        """Of an answer of 200, until its last byte. A fragment is what the page’s own script asks after a scan."""
        environ = self._environ | {"PATH_INFO": path, "QUERY_STRING": urlencode(asked), "wsgi.input": io.BytesIO()}
        environ |= {"HTTP_HX_REQUEST": "true"} if fragment else {}
        statuses: list[str] = []
        begun = time.perf_counter()
        response = self._application(environ, lambda status, headers: statuses.append(status))
        body = b"".join(response)
        response.close()
        taken = (time.perf_counter() - begun) * 1e3
        assert statuses == ["200 OK"], statuses
        assert body, path
        return taken

    def medians(self, *, fragment: bool = True, **asked: object) -> tuple[float, float]:
        """Of the counter, and of an answer that says nothing, in turn: what the machine was worth meanwhile."""
        counter, empty = [], []
        for run in range(RUNS + 20):
            pair = (
                self.milliseconds("/counter/", fragment=fragment, at="bench.laval", **asked),
                self.milliseconds("/healthz"),
            )
            if run >= 20:
                counter.append(pair[0])
                empty.append(pair[1])
        return statistics.median(counter), statistics.median(empty)


def a_company(merchant: object) -> int:
    """Ten people of one company, an administrator among them as in the large ones; an editor of it."""
    from django.utils import timezone

    from tests import factories

    customer = factories.CustomerFactory(merchant=merchant, kind="member", opened_at=timezone.now())
    people = [
        factories.MembershipFactory(customer=customer, user=factories.UserFactory(), role=role)
        for role in ("administrator", *["editor"] * 9)
    ]
    return people[-1].pk


def measure() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from guardian.shortcuts import assign_perm

    from organizations.models import Membership
    from tests import factories

    call_command("migrate", verbosity=0)
    merchant = factories.MerchantFactory(slug="bench", is_default=True)
    factories.BranchFactory(merchant=merchant, code="laval")
    factories.BranchFactory(merchant=merchant, code="quebec")
    agent = factories.UserFactory(is_staff=True)
    assign_perm("serve_merchant", agent, merchant)
    client = Client(headers={"accept-language": "fr-CA"})
    client.force_login(agent, backend="accounts.backends.EmailBackend")
    client.get("/counter/", {"at": "bench.laval"})  # and now has the cookies of who works there
    asking = Asking(cookies="; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()))
    few = a_company(merchant)
    small, empty_before = asking.medians(person=few)
    fill(merchant=merchant.pk, members=MEMBERS)
    count = Membership.objects.count()
    somebody = Membership.objects.filter(role="editor").order_by("-pk")[0].pk
    decision, empty = asking.medians(person=somebody)
    target = f"at most {MILLISECONDS:.0f} ms; {decision / empty:.1f} times an empty answer, {empty:.2f} ms"
    is_met = decision <= MILLISECONDS
    report(f"decision on one person, {count:,} members, p50", f"{decision:.2f} ms", target=target, is_met=is_met)
    grown = decision / empty / (small / empty_before)
    target = f"{grown:.2f} times 10 members in empty answers, at most {GROWTH}"
    report("the same at 10 members", f"{small:.2f} ms", target=target, is_met=grown <= GROWTH)
    page, empty = asking.medians(fragment=False, person=somebody)
    report("the same as a whole page, p50", f"{page:.2f} ms", target=f"{page / empty:.1f} times an empty answer")
    for what, text in SEARCHES.items():
        p50, _empty = asking.medians(q=text)
        with CaptureQueriesContext(connection) as asked:
            client.get("/counter/", {"at": "bench.laval", "q": text})
        is_met = len(asked) <= QUERIES
        report(f"{what}, p50", f"{p50:.2f} ms", target=f"{len(asked)} queries, at most {QUERIES}", is_met=is_met)


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
