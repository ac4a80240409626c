"""Customers, a million invoice lines and payments imported, against raw COPY of the same bytes into text columns."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median

import psycopg

from bench.measure import report
from portal.embedded.servers import throwaway

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
CUSTOMERS = LINES // 50
KINDS = ("customers", "invoices", "payments")
RATE = 0.30
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
PAYMENT = "payment_number,customer_number,received_on,method,amount,reference,allocations"


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
begun = time.perf_counter()
counts = load(run=run)
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, counts)
"""


def load(kind: str, path: Path) -> tuple[float, float, str]:
    """Seconds, peak megabytes and counts of one import, in a process of its own whose start is not counted."""
    output = subprocess.run([sys.executable, "-c", LOAD, kind, str(path)], check=True, capture_output=True, text=True)
    seconds, memory, counts = output.stdout.strip().splitlines()[-1].split(" ", 2)
    return float(seconds), float(memory), counts


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
        ours: dict[str, list[float]] = {kind: [] for kind in KINDS}
        again: dict[str, list[float]] = {kind: [] for kind in KINDS}
        limit: dict[str, list[float]] = {kind: [] for kind in KINDS}
        peak = dict.fromkeys(KINDS, 0.0)
        for _run in range(RUNS):
            connection.execute(f"TRUNCATE {TABLES} CASCADE")
            for kind, path in paths.items():
                seconds, memory, counts = load(kind, path)
                ours[kind].append(seconds)
                peak[kind] = max(peak[kind], memory)
                assert "updated=0 unchanged=0 rejected=0" in counts, counts
                limit[kind].append(raw_copy(path))
            for kind, path in paths.items():
                writes = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
                seconds, _memory, counts = load(kind, path)
                again[kind].append(seconds)
                assert re.match(r"created=0 updated=0 unchanged=\d+ rejected=0", counts), (counts, writes)
        for kind, path in paths.items():
            missed += tell(kind, path, ours=ours[kind], limit=limit[kind], again=again[kind], peak=peak[kind])
    return int(missed > 0)


def tell(kind: str, path: Path, *, ours: list[float], limit: list[float], again: list[float], peak: float) -> int:
    """Print the figures of one kind of file; how many targets it misses."""
    size = path.stat().st_size / 1e6
    first, second, plain = median(ours), median(again), median(limit)
    verdicts = (plain / first >= RATE, second < first, peak <= MEMORY)
    report(
        f"import {kind}, {size:.0f} MB: rate / raw COPY",
        f"{plain / first:.2f}",
        target=f">= {RATE}",
        is_met=verdicts[0],
    )
    report(f"import {kind}: seconds (raw COPY {plain:.1f})", f"{first:.1f}")
    report(f"import {kind}: second run, seconds", f"{second:.1f}", target="< first", is_met=verdicts[1])
    report(f"import {kind}: peak memory, MB", f"{peak:.0f}", target=f"<= {MEMORY}", is_met=verdicts[2])
    return verdicts.count(False)


if __name__ == "__main__":
    sys.exit(main())
