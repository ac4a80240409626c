"""customers.csv and the shell every import shares: files of every make, exit codes, idempotence, history."""

from __future__ import annotations

import io
import os
import threading

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.loader import staging
from organizations.loader.customers import new_public_ids
from organizations.models import AuditEvent, Customer, Grant, Membership
from organizations.models.customers import PUBLIC_ID_ALPHABET
from organizations.permissions import Permission
from tests import factories
from tests.imports import run, write

COLUMNS = (
    "number,kind,name,email,phone,language,address_line1,address_line2,city,province,postal_code,country,neq,program,"
    "terms_days,credit_limit"
)


def row(number="A1", **cells):
    return {"number": number, "kind": "business", "name": "Noname inc.", "language": "fr", **cells}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "customers.csv"


def test_a_customer_is_kept_as_in_the_books_in_one_spelling(boreal, path):
    write(
        path,
        COLUMNS,
        row(
            email=" Info@NONAME.example ",
            phone="514 555-0123 poste 12",
            language="en",
            city="Laval",
            province="Québec",
            postal_code="h7a0a1",
            neq="1170 0000 05",
            terms_days=30,
            credit_limit="5000.50",
        ),
    )
    outcome = run("customers", path)
    assert (outcome.summary, outcome.exit_code) == ("created=1 updated=0 unchanged=0 rejected=0", 0)
    kept = Customer.objects.get()
    assert (kept.merchant, kept.email, kept.phone, kept.phone_extension) == (
        boreal,
        "info@noname.example",
        "+15145550123",
        "12",
    )
    assert (kept.language, kept.province, kept.postal_code, kept.country) == ("en-ca", "QC", "H7A 0A1", "CA")
    assert (kept.neq, kept.terms_days, str(kept.credit_limit)) == ("1170000005", 30, "5000.50")
    assert len(kept.public_id) == 10
    assert OutgoingMessage.objects.count() == 0


def test_a_second_run_changes_nothing_and_a_change_updates(boreal, path):
    write(path, COLUMNS, row("A1"), row("A2"))
    run("customers", path)
    before = list(Customer.objects.order_by("pk").values())
    assert run("customers", path).summary == "created=0 updated=0 unchanged=2 rejected=0"
    assert list(Customer.objects.order_by("pk").values()) == before
    write(path, COLUMNS, row("A1", name="Autre nom"), row("A2"))
    assert run("customers", path).summary == "created=0 updated=1 unchanged=1 rejected=0"
    assert Customer.objects.get(number="A1").name == "Autre nom"


def test_a_dry_run_writes_nothing(boreal, path):
    write(path, COLUMNS, row("A1"), row("A2", kind="nobody"))
    outcome = run("customers", path, "--dry-run")
    assert (outcome.summary, outcome.exit_code) == ("created=1 updated=0 unchanged=0 rejected=1", 3)
    assert not Customer.objects.exists()


def test_each_reject_names_line_column_value_and_reason(boreal, path):
    write(
        path,
        COLUMNS,
        row("A1", email="pas un courriel", terms_days="-1"),
        row("A2", neq="1170000001", name="Deux\nlignes"),
        row("A3", country="CA", postal_code="12209"),
        row("A4"),
        row("A4"),
    )
    outcome = run("customers", path)
    assert outcome.codes == [
        (2, "email", "not_an_email"),
        (2, "terms_days", "negative"),
        (3, "neq", "neq_check_digit"),
        (5, "postal_code", "not_a_postal_code"),
        (7, "number", "repeated"),
    ]
    assert outcome.rejects[2] == {
        "line": "3",
        "column": "neq",
        "value": "1170000001",
        "code": "neq_check_digit",
        "reason": outcome.rejects[2]["reason"],
    }
    assert outcome.rejects[2]["reason"]
    assert (outcome.summary, outcome.exit_code) == ("created=1 updated=0 unchanged=0 rejected=4", 3)


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_comma_semicolon_byte_order_mark_and_quotes_are_read(boreal, path, separator, encoding):
    write(path, COLUMNS, row(name='Le « Coin », "chez" ; nous'), separator=separator, encoding=encoding)
    assert run("customers", path).exit_code == 0
    assert Customer.objects.get().name == 'Le « Coin », "chez" ; nous'


def test_line_ends_of_windows_blank_lines_and_columns_in_another_order_are_read(boreal, path):
    names = COLUMNS.split(",")
    cells = row(name="Noname")
    lines = [",".join(reversed(names)), "", ",".join(str(cells.get(name, "")) for name in reversed(names)), ",,,", ""]
    path.write_bytes("\r\n".join(lines).encode())
    outcome = run("customers", path)
    assert (outcome.summary, outcome.codes) == ("created=1 updated=0 unchanged=0 rejected=0", [])


def test_a_record_of_another_length_is_rejected_alone(boreal, path):
    write(path, COLUMNS, row("A1"))
    with path.open("a") as file:
        file.write("A2,business\nA3,business,x" + "," * 40 + "\n")
    outcome = run("customers", path)
    assert outcome.codes == [(3, "", "cells"), (4, "", "cells")]
    assert Customer.objects.get().number == "A1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide|empty"),
        (COLUMNS.replace("number,", "").encode() + b"\n", "number"),
        (COLUMNS.encode() + b",favourite_colour\n", "favourite_colour"),
        (COLUMNS.encode() + b",name\n", "name"),
        (COLUMNS.encode() + "\nA1,business,Québec".encode("latin-1") + b"," * 13, "2"),
        (COLUMNS.encode() + b'\nA1,business,"never closed' + b"x\n" * 100_000, "2"),
        (COLUMNS.encode() + b"\n" + b"x" * 3_000_000, "2"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff\xfe", "1"),
        (COLUMNS.encode("utf-16"), "1"),
    ],
)
def test_an_unusable_file_exits_2_and_says_why(boreal, path, content, words):
    path.write_bytes(content)
    with pytest.raises(CommandError, match=words) as caught:
        call_command("import_customers", str(path))
    assert caught.value.returncode == 2
    assert not Customer.objects.exists()


def test_latin_1_deep_in_the_file_names_its_line_and_loads_nothing(boreal, path):
    write(path, COLUMNS, *(row(f"A{n}", name="Québec " * 20) for n in range(20_000)))
    with path.open("ab") as file:
        file.write("Z,business,Québec\n".encode("latin-1"))
    with pytest.raises(CommandError, match="20002"):
        call_command("import_customers", str(path))
    assert not Customer.objects.exists()


def test_an_unknown_merchant_or_a_missing_file_exits_2(boreal, riviere, path):
    write(path, COLUMNS, row())
    for arguments in ([str(path), "--merchant", "nobody"], [str(path) + "x"]):
        with pytest.raises(CommandError) as caught:
            call_command("import_customers", *arguments)
        assert caught.value.returncode == 2
    assert run("customers", path, "--merchant", "riviere").exit_code == 0
    assert Customer.objects.get().merchant == riviere


def test_the_same_number_belongs_to_each_merchant_apart(boreal, riviere, path):
    write(path, COLUMNS, row("A1"))
    run("customers", path)
    assert run("customers", path, "--merchant", "riviere").summary == "created=1 updated=0 unchanged=0 rejected=0"


def test_another_contact_address_ends_what_the_old_one_gave_and_is_kept_in_the_history(boreal, path, nadia):
    customer = Customer.objects.get(number="30001")
    grant_permission(customer=customer, user=nadia, permission=Permission.VIEW_INVOICES)
    other = factories.MembershipFactory(customer=customer, email="comptable@noname.example", role="accountant")
    write(path, COLUMNS, row("30001", name="Noname", email="neuf@noname.example"))
    assert run("customers", path).summary == "created=0 updated=1 unchanged=0 rejected=0"
    event = AuditEvent.objects.get(event=AuditEvent.Event.CUSTOMER_EMAIL_CHANGED)
    assert event.customer == customer
    assert event.data == {"old": "nadia@noname.example", "new": "neuf@noname.example", "reason": "import"}
    assert list(Membership.objects.active()) == [other]
    assert not Grant.objects.exists()
    assert not Customer.objects.for_user(nadia).exists()
    assert OutgoingMessage.objects.count() == 0


def test_a_member_company_keeps_its_people_when_its_address_changes(alice, acme, path):
    Customer.objects.update(email="alice@acme.example")
    write(path, COLUMNS, row(acme.number, kind="member", email="neuf@acme.example"))
    run("customers", path)
    assert Customer.objects.for_user(alice).get() == acme


def test_batches_add_up_whatever_their_size(boreal, path, monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 7)
    write(path, COLUMNS, *(row(f"A{n}") for n in range(40)))
    assert run("customers", path).summary == "created=40 updated=0 unchanged=0 rejected=0"
    assert Customer.objects.count() == 40


def test_public_ids_are_fair_and_never_alike():
    ids = new_public_ids(count=5000)
    assert len(set(ids)) == 5000
    letters = "".join(ids)
    assert set(letters) == set(PUBLIC_ID_ALPHABET)
    assert {len(one) for one in ids} == {10}
    expected = len(letters) / len(PUBLIC_ID_ALPHABET)
    assert all(abs(letters.count(letter) - expected) < 0.15 * expected for letter in PUBLIC_ID_ALPHABET)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_the_same_time_wait_for_each_other(path):
    boreal = factories.MerchantFactory(slug="boreal", is_default=True)
    write(path, COLUMNS, row())
    settings = connection.settings_dict
    other = psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
        autocommit=True,
    )
    done = threading.Event()
    with other:
        key = staging.lock_key(kind="customers")
        other.execute("SELECT pg_advisory_lock(%s::integer, %s::integer)", (key, boreal.pk))
        thread = threading.Thread(target=_import, args=(path, done))
        thread.start()
        assert not done.wait(1)
        assert not Customer.objects.exists()
        other.execute("SELECT pg_advisory_unlock_all()")
        assert done.wait(20)
        thread.join()
    assert Customer.objects.count() == 1


def _import(path, done):
    try:
        call_command("import_customers", str(path), stdout=io.StringIO())
    finally:
        connection.close()
        done.set()


def test_without_a_rejects_file_the_first_reasons_are_on_the_terminal(boreal, path, capsys):
    write(path, COLUMNS, *(row(f"A{n}", kind="nobody") for n in range(30)))
    with pytest.raises(SystemExit):
        call_command("import_customers", str(path), stdout=io.StringIO())
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 21
    assert shown[0].startswith("2: kind: 'nobody': ")
    assert os.linesep not in shown[0]
