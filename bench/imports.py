"""Customers, a million invoice lines and payments imported, against the same rows accepted by the same tables alone.

The limit is INSERT … SELECT of the finished rows on one connection, with their indexes, keys and triggers: what is left
when nothing is read, judged or looked up. Raw COPY of the bytes into text columns, without an index, is printed beside
it: no import into these tables can come near it, the limit itself does not. All on one server, in turn. The processor
time counts every process: Python, and the server's backends as they end; it says more than the clock on a machine with
other work to do.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg

from bench.measure import report
from portal.embedded.servers import throwaway

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
CUSTOMERS = LINES // 50
KINDS = ("customers", "invoices", "payments")
RATE = 0.50
MEMORY = 200
TABLES = "billing_allocation, billing_payment, billing_invoiceline, billing_invoice, organizations_customer"
INVOICE = (
    "invoice_number,kind,corrects,customer_number,issued_on,due_on,branch,po_number,project,site_address,requested_by,"
    "line_number,sku,description,quantity,unit,unit_price,discount_percent,tax_code"
)
CUSTOMER = (
    "number,kind,name,email,phone,language,address_line1,address_line2,city,province,postal_code,country,neq,program,"
    "terms_days,credit_limit"
)
# What each import writes, in an order the keys allow.
WRITTEN = {
    "customers": ["organizations_customer"],
    "invoices": ["billing_invoice", "billing_invoiceline"],
    "payments": ["billing_allocation", "billing_payment"],
}
OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
WRITES = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY relname
"""
PAYMENT = "payment_number,customer_number,received_on,method,amount,reference,allocations"


class Load(NamedTuple):
    """Of one import: seconds by the clock and of Python's processor time, peak megabytes, its counts."""

    seconds: float
    python: float
    memory: float
    counts: str


@dataclass
class Figures:
    """What the runs of one kind of file took."""

    ours: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    limit_server: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    peak: float = 0.0

    def add(self, mine: Load, *, server: float, plain: float, plain_server: float) -> None:
        self.ours.append(mine.seconds)
        self.python.append(mine.python)
        self.server.append(server)
        self.limit.append(plain)
        self.limit_server.append(plain_server)
        self.peak = max(self.peak, mine.memory)


def generate(folder: Path) -> dict[str, Path]:
    """Documents of 1 to 9 lines, as a rental company issues them; a payment a document."""
    chance = random.Random(1)
    paths = {kind: folder / f"{kind}.csv" for kind in KINDS}
    with paths["customers"].open("w", encoding="utf-8") as out:
        out.write(CUSTOMER + "\n")
        for n in range(CUSTOMERS):
            out.write(
                f"C{n:06},business,Entreprise {n} inc.,c{n}@example.org,514 555-{n % 10000:04},fr,"
                f'"{n}, rue du Quai",,Laval,QC,H7A 0A1,CA,,commercial,30,5000.00\n'
            )
    with paths["invoices"].open("w", encoding="utf-8") as bills, paths["payments"].open("w", encoding="utf-8") as paid:
        bills.write(INVOICE + "\n")
        paid.write(PAYMENT + "\n")
        written = 0
        for document in count(1):
            customer = f"C{chance.randrange(CUSTOMERS):06}"
            day = f"2026-{chance.randint(1, 9):02}-{chance.randint(1, 28):02}"
            head = (
                f"F{document:07},invoice,,{customer},{day},2026-12-31,,BC-{chance.randint(1, 99999)},,"
                '"1200, boul. des Laurentides, Laval",'
            )
            for line in range(1, chance.randint(1, 9) + 1):
                written += 1
                bills.write(
                    f"{head},{line},EQ-{chance.randint(1, 400):03},Location d’une nacelle articulée de 60 pi,"
                    f"{chance.randint(1, 30)},day,{chance.randint(1000, 99999) / 100:.2f},0,standard\n"
                )
            paid.write(f"P{document:07},{customer},{day},transfer,5.00,,F{document:07}:5.00\n")
            if written >= LINES:
                return paths
    return paths


def raw_copy(path: Path) -> float:
    """Seconds to COPY the bytes of the file into a plain table of text columns."""
    columns = path.open(encoding="utf-8").readline().strip().split(",")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_raw")
        connection.execute(f"CREATE TABLE bench_raw ({', '.join(f'{name} text' for name in columns)})")
        begun = time.perf_counter()
        with (
            connection.cursor().copy("COPY bench_raw FROM STDIN (FORMAT csv, HEADER)") as copy,
            path.open("rb") as file,
        ):
            while block := file.read(1 << 18):
                copy.write(block)
        seconds = time.perf_counter() - begun
        connection.execute("DROP TABLE bench_raw")
    return seconds


def keep_rows(connection: psycopg.Connection, kind: str) -> None:
    """Copies of the rows an import has just written, as it wrote them."""
    for table in WRITTEN[kind]:
        connection.execute(f"DROP TABLE IF EXISTS floor_{table}")
        connection.execute(f"CREATE UNLOGGED TABLE floor_{table} AS SELECT * FROM {table} ORDER BY id")


def floor(connection: psycopg.Connection, kind: str) -> float:
    """Seconds the database takes to accept those rows, nothing read, judged or looked up: indexes, keys, triggers."""
    begun = time.perf_counter()
    with connection.transaction():
        for table in WRITTEN[kind]:
            connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM floor_{table}")
    return time.perf_counter() - begun


def server_time(connection: psycopg.Connection) -> float:
    """Processor seconds of the server's backends that have ended; 0 where the system does not say."""
    folder = connection.execute("SHOW data_directory").fetchone()[0]
    try:
        pid = (Path(folder) / "postmaster.pid").read_text().split()[0]
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def spent[Result](connection: psycopg.Connection, work: Callable[[], Result]) -> tuple[Result, float]:
    """What the work gives, and the processor seconds the server spent on it, once its backends have ended."""
    before = server_time(connection)
    result = work()
    for _turn in range(100):
        if connection.execute(OTHERS).fetchone() == (0,):
            break
        time.sleep(0.05)
    # A backend leaves the list before the server has counted it.
    time.sleep(0.3)
    return result, server_time(connection) - before


LOAD = """
import resource, sys, time, django
django.setup()
from pathlib import Path
from importlib import import_module
from django.db import connection
from organizations.loader.staging import Import, Rejects
from organizations.models import Merchant
kind, path = sys.argv[1:]
app = "organizations" if kind == "customers" else "billing"
load = getattr(import_module(f"{app}.loader.{kind}"), f"load_{kind}")
connection.ensure_connection()
run = Import(path=Path(path), merchant=Merchant.objects.get(), rejects=Rejects(path=None, terminal=sys.stderr))
begun, used = time.perf_counter(), time.process_time()
counts = load(run=run)
seconds, used = time.perf_counter() - begun, time.process_time() - used
print(seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, counts)
"""


def load(kind: str, path: Path) -> Load:
    """One import, in a process of its own whose start is not counted."""
    output = subprocess.run([sys.executable, "-c", LOAD, kind, str(path)], check=True, capture_output=True, text=True)
    seconds, used, memory, counts = output.stdout.strip().splitlines()[-1].split(" ", 3)
    return Load(float(seconds), float(used), float(memory), counts)


@contextmanager
def database():
    """A server of its own, with its tables and one merchant."""
    with throwaway() as environment, tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="portal.settings")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "INSERT INTO organizations_merchant (slug, name, legal_name, is_default, hue, website, email, phone,"
                " phone_extension, privacy_officer, privacy_email, gst_number, qst_number, address_line1,"
                " address_line2, city, province, postal_code, country) VALUES ('b', 'B', 'B inc.', true, 165, '',"
                " 'a@b.example', '+15145550100', '', '', '', '', '', '', '', '', '', '', 'CA')"
            )
            yield Path(folder), connection


def main() -> int:
    """Ours and the limit in turn, three medians: a run of a million lines is long enough to be steady."""
    missed = 0
    with database() as (folder, connection):
        paths = generate(folder)
        figures = {kind: Figures() for kind in KINDS}
        for _run in range(RUNS):
            connection.execute(f"TRUNCATE {TABLES} CASCADE")
            for kind, path in paths.items():
                mine, server = spent(connection, lambda kind=kind, path=path: load(kind, path))
                assert "updated=0 unchanged=0 rejected=0" in mine.counts, mine.counts
                plain, plain_server = spent(connection, lambda path=path: raw_copy(path))
                figures[kind].add(mine, server=server, plain=plain, plain_server=plain_server)
                keep_rows(connection, kind)
            for kind, path in paths.items():
                written = writes(connection)
                mine = load(kind, path)
                assert re.match(r"created=0 updated=0 unchanged=\d+ rejected=0", mine.counts), mine.counts
                assert writes(connection) == written, f"the second run wrote: {written} {writes(connection)}"
                figures[kind].again.append(mine.seconds)
            connection.execute(f"TRUNCATE {TABLES} CASCADE")
            for kind in KINDS:
                figures[kind].floor.append(floor(connection, kind))
        for kind, path in paths.items():
            missed += tell(kind, path, figures[kind])
        missed += tell_whole(list(figures.values()))
    return int(missed > 0)


def tell_whole(found: list[Figures]) -> int:
    """Print the books as a whole, pair by pair, and how far the limit itself is from raw COPY; targets missed."""
    ours, alone, plain = (
        [sum(turn) for turn in zip(*columns, strict=True)]
        for columns in ([f.ours for f in found], [f.floor for f in found], [f.limit for f in found])
    )
    ratio = median(limit / mine for limit, mine in zip(alone, ours, strict=True))
    report("the books: rate / the rows alone", f"{ratio:.2f}", target=f">= {RATE}", is_met=ratio >= RATE)
    report("the books: rate / raw COPY", f"{median(plain) / median(ours):.2f}", target="for comparison")
    report("the rows alone / raw COPY", f"{median(plain) / median(alone):.2f}", target="for comparison")
    return int(ratio < RATE)


def writes(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """How many rows were ever written to each table an import writes."""
    connection.execute("SELECT pg_stat_clear_snapshot(), pg_stat_force_next_flush()")
    return connection.execute(WRITES).fetchall()


def tell(kind: str, path: Path, found: Figures) -> int:
    """Print the figures of one kind of file; how many targets it misses."""
    size = path.stat().st_size / 1e6
    first, second, plain = median(found.ours), median(found.again), median(found.limit)
    alone = median(found.floor)
    verdicts = (second < first, found.peak <= MEMORY)
    report(f"import {kind}, {size:.0f} MB: rate / the rows alone ({alone:.2f} s)", f"{alone / first:.2f}")
    report(f"import {kind}: seconds (raw COPY {plain:.2f})", f"{first:.2f}")
    server, plain_server = median(found.server), median(found.limit_server)
    report(
        f"import {kind}: processor, Python + server (raw COPY {plain_server:.2f})",
        f"{median(found.python):.2f} + {server:.2f}",
    )
    report(f"import {kind}: second run, seconds", f"{second:.2f}", target="< first", is_met=verdicts[0])
    report(f"import {kind}: peak memory, MB", f"{found.peak:.0f}", target=f"<= {MEMORY}", is_met=verdicts[1])
    return verdicts.count(False)


if __name__ == "__main__":
    sys.exit(main())
