"""Kills a running portal's web server, worker, PostgreSQL and Valkey with -9, twenty times, in the middle of work.

Everything runs in a temporary folder, on 127.0.0.1. At the end: every message sent, every PDF made, every
document there once.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from bench.measure import report
from portal.embedded.processes import free_port

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(os.environ.get("KILLS", "20"))
VICTIMS = ("worker", "postgres", "valkey", "web")
MESSAGES_A_ROUND, PDFS_A_ROUND, DOCUMENTS_A_ROUND = 40, 3, 150
CUSTOMER_COLUMNS = (
    "number kind name email phone language address_line1 address_line2 city province postal_code country neq program"
    " terms_days credit_limit"
)
INVOICE_COLUMNS = (
    "invoice_number kind corrects customer_number issued_on due_on branch po_number project site_address requested_by"
    " line_number sku description quantity unit unit_price discount_percent tax_code"
)
PATIENCE = 300  # seconds, for everything owed to be done once the killing stops


class Sink:
    """Counts what arrives, by Message-ID."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.lock = threading.Lock()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        head = envelope.content.split(b"\r\n\r\n", 1)[0].decode()
        ident = next(line for line in head.splitlines() if line.lower().startswith("message-id:"))
        with self.lock:
            self.seen[ident] += 1
        return "250 OK"


@contextmanager
def portal(*, folder: Path, smtp_port: int, port: int) -> Iterator[dict[str, str]]:
    """The product as `make run` starts it, in a folder of its own."""
    environment = os.environ | {
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "DEMO": "0",
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("DATABASE_URL", None)
    environment.pop("REDIS_URL", None)
    with (folder / "portal.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "start"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            until(lambda: answers(port=port), patience=120, what="the first page")
            yield environment
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def answers(*, port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as page:
        return page.status == 200
    return False


def until(is_done: Any, *, patience: float, what: str) -> None:
    deadline = time.monotonic() + patience
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.25)


def write_files(*, folder: Path) -> list[Path]:
    """customers.csv, then one file of invoices a round."""
    with (folder / "customers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CUSTOMER_COLUMNS.split())
        client = {"number": "K1", "kind": "business", "name": "Client K1", "language": "fr", "country": "CA"}
        writer.writerow([client.get(name, "") for name in CUSTOMER_COLUMNS.split()])
    files = []
    for part in range(ROUNDS):
        path = folder / f"invoices{part}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(INVOICE_COLUMNS.split())
            for document in range(DOCUMENTS_A_ROUND):
                for line in (1, 2):
                    writer.writerow([f"R{part}-{document}", "invoice", "", "K1", "2026-11-01", "2026-12-01", "", "", "",
                                     "", "", line, "S", "Nacelle", 2, "day", "10.10", 0, "standard"])  # fmt: skip
        files.append(path)
    return files


def run_import(command: str, path: Path, *, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", command, str(path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(name: str, *, folder: Path) -> None:
    """Kill -9 the process that the portal runs under that name, and the children of its group."""
    with suppress(OSError, ValueError):
        os.killpg(int((folder / "run" / f"{name}.pid").read_text()), signal.SIGKILL)


class Owed:
    """Writes what the portal owes; counts only what was committed."""

    def __init__(self) -> None:
        self.messages = 0
        self.pdfs = 0

    def write(self) -> None:
        from django.db import transaction  # settings need the running database

        from accounts.models import OutgoingMessage  # same
        from accounts.nudges import nudge  # same
        from billing.files import request_pdf  # same
        from billing.models import Invoice  # same

        with transaction.atomic():
            for number in range(MESSAGES_A_ROUND):
                OutgoingMessage.objects.create(
                    template="bench", language="fr-ca", recipient=f"p{number}@example.org", subject="Bonjour", text="…"
                )
            nudge("accounts.deliver")
        self.messages += MESSAGES_A_ROUND
        for invoice in Invoice.objects.filter(pdfs=None).order_by("pk")[:PDFS_A_ROUND]:
            with transaction.atomic():
                request_pdf(invoice=invoice, language="fr-ca")
            self.pdfs += 1


def insist(work: Any) -> None:
    """Do it again until the database is back: what a person would do with a page that failed."""
    from django.db import DatabaseError, connection  # settings need the running database

    for _attempt in range(120):
        try:
            return work()
        except DatabaseError:
            connection.close()
            time.sleep(0.5)
    raise SystemExit("the database did not come back")


def main() -> None:
    dice = random.Random(7)
    sink = Sink()
    smtp_port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    with tempfile.TemporaryDirectory(prefix="comptoir-kills-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with portal(folder=folder, smtp_port=smtp_port, port=free_port()) as environment:
            work(folder=folder, environment=environment, sink=sink, dice=dice)
    controller.stop()


def work(*, folder: Path, environment: dict[str, str], sink: Sink, dice: random.Random) -> None:
    from portal.embedded import environment as addresses  # only now do they exist

    os.environ.update(environment | addresses(var_dir=folder), DJANGO_SETTINGS_MODULE="portal.settings")
    import django  # settings need the running database

    django.setup()
    prepare(folder=folder, environment=environment)
    owed, files = Owed(), write_files(folder=folder)
    for turn in range(ROUNDS):
        importing = run_import("import_invoices", files[turn], environment=environment)
        insist(owed.write)
        time.sleep(dice.uniform(0.1, 1.5))
        kill(VICTIMS[turn % len(VICTIMS)], folder=folder)
        if turn % 3 == 0:
            importing.kill()
        importing.wait(300)
    for path in files:
        until(
            lambda path=path: run_import("import_invoices", path, environment=environment).wait() == 0,
            patience=PATIENCE,
            what=path.name,
        )
    judge(owed=owed, sink=sink, port=int(environment["PORT"]))


def prepare(*, folder: Path, environment: dict[str, str]) -> None:
    from organizations.models import Merchant  # settings need the running database

    Merchant.objects.create(
        slug="kills", name="Location", legal_name="Location inc.", email="a@example.org", phone="+15145550100",
        privacy_officer="Directrice", privacy_email="b@example.org", gst_number="808437370 RT 0001",
        qst_number="1224002901 TQ 0001",
    )  # fmt: skip
    write_files(folder=folder)
    assert run_import("import_customers", folder / "customers.csv", environment=environment).wait() == 0


def judge(*, owed: Owed, sink: Sink, port: int) -> None:
    """Wait for everything owed, then count."""
    from accounts.models import OutgoingMessage  # settings need the running database
    from billing.models import Invoice, InvoicePdf  # same

    until(lambda: not insist(OutgoingMessage.objects.waiting().exists), patience=PATIENCE, what="the messages")
    until(lambda: not insist(InvoicePdf.objects.filter(rendered_at=None).exists), patience=PATIENCE, what="the PDF")
    until(lambda: answers(port=port), patience=60, what="the web server")
    repeats = sum(count - 1 for count in sink.seen.values())
    files = {pdf.file.name for pdf in InvoicePdf.objects.all() if pdf.file.size == pdf.size}
    documents = Invoice.objects.count()
    broken = [i.pk for i in Invoice.objects.prefetch_related("lines") if i.lines.all().count() != i.line_count]
    report(f"{ROUNDS} kills: messages received, of those committed", f"{len(sink.seen)} of {owed.messages}",
           target="all", is_met=len(sink.seen) >= owed.messages)  # fmt: skip
    report("  messages received twice", str(repeats), target="≤ 10 a kill", is_met=repeats <= 10 * ROUNDS)
    report("  PDF made, of those owed", f"{len(files)} of {InvoicePdf.objects.count()}", target="all, one file each",
           is_met=len(files) == InvoicePdf.objects.count() >= owed.pdfs)  # fmt: skip
    report("  documents, whole and once", f"{documents} of {ROUNDS * DOCUMENTS_A_ROUND}", target="all",
           is_met=documents == ROUNDS * DOCUMENTS_A_ROUND and not broken)  # fmt: skip


if __name__ == "__main__":
    main()
