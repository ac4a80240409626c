"""The file of a document: owed, made once whatever happens to the workers, tried again after a failure."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from billing import files, tasks
from billing.models import Invoice, InvoicePdf
from billing.services import LineDraft, issue_invoice
from organizations.models import Customer
from tests import factories
from tests.billing.pdf_samples import invoice_of
from tests.judges import ROOT, text_of

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    """Where files of this test are stored."""
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    return tmp_path / "files"


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return invoice_of(customer=acme, lines=2)


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_request_pdf_owes_one_row_however_often_it_is_asked(
    invoice: Invoice, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks() as nudges:
        first = files.request_pdf(invoice=invoice, language="fr-ca")
        second = files.request_pdf(invoice=invoice, language="fr-ca")
    assert first.pk == second.pk
    assert InvoicePdf.objects.get().rendered_at is None
    assert {nudge.task for nudge in nudges} == {"billing.render_pdf"}
    assert nudges[0].kwargs == {"pdf_id": first.pk}


def test_the_worker_makes_and_stores_the_file_privately(invoice: Invoice, folder: Path) -> None:
    pdf = files.request_pdf(invoice=invoice, language="en-ca")
    tasks.render_pdf(pdf_id=pdf.pk)
    pdf.refresh_from_db()
    (path,) = stored(folder)
    content = path.read_bytes()
    assert pdf.file.path == str(path)
    assert (pdf.sha256, pdf.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Net 30 days" in text_of(content)


def test_a_made_file_is_never_made_again(invoice: Invoice, folder: Path) -> None:
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    tasks.render_pdf(pdf_id=pdf.pk)
    (path,) = stored(folder)
    before = path.stat()
    files.request_pdf(invoice=invoice, language="fr-ca")
    assert files.render_pdf(pdf_id=pdf.pk) is False
    assert files.render_owed() == 0
    assert path.stat().st_ino == before.st_ino
    assert InvoicePdf.objects.get().attempts == 1


def test_both_languages_of_a_document_are_two_files(invoice: Invoice, folder: Path) -> None:
    for language in ("fr-ca", "en-ca"):
        files.request_pdf(invoice=invoice, language=language)
    tasks.render_owed_pdfs()
    french, english = InvoicePdf.objects.order_by("-language")
    assert french.sha256 != english.sha256
    assert len(stored(folder)) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_file(invoice: Invoice, folder: Path) -> None:
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    start = threading.Barrier(4)
    made: list[bool] = []

    def work() -> None:
        start.wait(timeout=20)
        made.append(files.render_pdf(pdf_id=pdf.pk))
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sorted(made) == [False, False, False, True]
    assert InvoicePdf.objects.get().attempts == 1
    assert len(stored(folder)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_row_another_worker_is_claiming_is_skipped(invoice: Invoice, folder: Path) -> None:
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    tried: list[int] = []

    def work() -> None:
        tried.append(files.render_owed())
        connections.close_all()

    with transaction.atomic():
        InvoicePdf.objects.select_for_update().get(pk=pdf.pk)
        worker = threading.Thread(target=work)
        worker.start()
        worker.join(timeout=30)
        assert tried == [0]
    assert files.render_owed() == 1


KILLED = """
import os, signal
import django; django.setup()
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = {database!r}
settings.STORAGES["default"]["OPTIONS"]["location"] = {folder!r}
from billing import files
pdf = files._claim(pdf_id={pk})
content = files._rendered(pdf)
files.store(storage=pdf.file.storage, path=files.path_of(pdf=pdf), content=content)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_storing_and_marking_leaves_no_second_file(
    invoice: Invoice, folder: Path, time_machine
) -> None:
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    program = KILLED.format(database=connection.settings_dict["NAME"], folder=str(folder), pk=pdf.pk)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    (path,) = stored(folder)
    before = path.read_bytes()
    # Another one, killed while it wrote, left its draft.
    path.with_name(f".{path.name}.0123abcd").write_bytes(before[:100])
    assert files.render_owed() == 0  # its claim still holds
    time_machine.move_to(timezone.now() + files.CLAIM + timedelta(seconds=5))
    assert files.render_owed() == 1
    pdf.refresh_from_db()
    assert pdf.rendered_at is not None
    assert pdf.attempts == 2
    assert stored(folder) == [path]
    assert path.read_bytes() == before


def test_a_failure_is_kept_on_the_row_and_tried_again_later_and_later(
    invoice: Invoice, folder: Path, time_machine
) -> None:
    time_machine.move_to(NOW, tick=False)
    other = invoice_of(customer=invoice.customer, lines=1, number="F-2")
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    folder.mkdir()
    blocked = folder / "invoices"
    blocked.write_text("a file where the folder should be")
    assert files.render_owed() == 1
    pdf.refresh_from_db()
    assert "invoices" in pdf.last_error
    assert pdf.rendered_at is None
    assert pdf.due_at == NOW + files.FIRST_DELAY
    assert files.render_owed() == 0
    time_machine.move_to(pdf.due_at, tick=False)
    assert files.render_owed() == 1
    pdf.refresh_from_db()
    assert pdf.due_at == timezone.now() + 2 * files.FIRST_DELAY
    assert not files.is_broken(pdf=pdf)
    files.request_pdf(invoice=invoice, language="fr-ca")  # somebody asks for another try now
    assert files.render_owed() == 1
    pdf.refresh_from_db()
    assert files.is_broken(pdf=pdf)
    blocked.unlink()
    files.request_pdf(invoice=other, language="fr-ca")
    time_machine.move_to(pdf.due_at, tick=False)
    assert files.render_owed() == 2
    pdf.refresh_from_db()
    assert pdf.rendered_at == timezone.now()
    assert pdf.last_error == ""
    assert len(stored(folder)) == 2


def test_one_document_that_fails_does_not_stop_the_others(invoice: Invoice, folder: Path) -> None:
    bad = factories.InvoiceFactory(customer=invoice.customer, number="F-BAD")
    InvoicePdf.objects.create(invoice=bad, language="fr-ca")
    blocked = folder / files.path_of(pdf=InvoicePdf.objects.get())
    (blocked / "a-folder-where-the-file-should-be").mkdir(parents=True)
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    assert files.render_owed() == 2
    pdf.refresh_from_db()
    assert pdf.rendered_at is not None
    assert InvoicePdf.objects.get(invoice=bad).last_error


def test_an_issued_document_is_owed_its_pdf_in_the_language_of_the_customer(acme: Customer, folder: Path) -> None:
    acme.language = "en-ca"
    acme.save()
    day = timezone.localdate()
    line = LineDraft("", "Forklift", Decimal(1), "day", Decimal(100), Decimal(0), "standard")
    issued = issue_invoice(customer=acme, kind="invoice", number="F-9", issued_on=day, due_on=day, lines=[line])
    assert InvoicePdf.objects.get(invoice=issued).language == "en-ca"
    assert files.render_owed() == 1
