"""members.csv: people on file before they sign in, found again by customer and e-mail."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.models import Membership
from tests import factories
from tests.imports import run, write

COLUMNS = "customer_number,email,first_name,last_name,phone,role,starts_on,ends_on"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "members.csv"


def member(email="luc@acme.example", **cells):
    return {
        "customer_number": "10482",
        "email": email,
        "first_name": "Luc",
        "last_name": "Roy",
        "role": "editor",
        **cells,
    }


def test_a_member_is_on_file_and_nobody_is_written_to(acme, path):
    write(
        path, COLUMNS, member(" Luc@ACME.example", phone="514 555-0199", starts_on="2026-01-01", ends_on="2026-12-31")
    )
    assert run("members", path).summary == "created=1 updated=0 unchanged=0 rejected=0"
    kept = Membership.objects.get()
    assert (kept.customer, kept.email, kept.phone, kept.role) == (acme, "luc@acme.example", "+15145550199", "editor")
    assert (kept.starts_on, kept.ends_on, kept.user) == (date(2026, 1, 1), date(2026, 12, 31), None)
    assert not OutgoingMessage.objects.exists()


def test_a_second_run_changes_nothing_and_a_change_updates_whoever_signs_in(acme, bob, path):
    write(path, COLUMNS, member("bob@acme.example", role="editor", first_name="Bob", last_name="Gagnon"))
    assert run("members", path).summary == "created=0 updated=1 unchanged=0 rejected=0"
    assert run("members", path).summary == "created=0 updated=0 unchanged=1 rejected=0"
    assert Membership.objects.get().user == bob
    assert Membership.objects.get().first_name == "Bob"


def test_each_reject_says_why(acme, nadia, path):
    write(
        path,
        COLUMNS,
        member("a@acme.example", customer_number="nobody"),
        member("b@acme.example", role="boss"),
        member("", role="editor"),
        member("c@acme.example", starts_on="2026-02-01", ends_on="2026-01-01"),
        member("d@acme.example"),
        member("D@acme.example"),
        member("e@acme.example", customer_number="30001"),
    )
    outcome = run("members", path)
    assert sorted(outcome.codes) == [
        (2, "customer_number", "unknown_customer"),
        (3, "role", "unknown_code"),
        (4, "email", "empty"),
        (5, "ends_on", "ends_before_start"),
        (7, "email", "repeated"),
        (8, "customer_number", "not_a_member"),
    ]
    assert outcome.summary == "created=1 updated=0 unchanged=0 rejected=6"


def test_whoever_lost_access_does_not_come_back_with_the_next_file(acme, path):
    factories.MembershipFactory(customer=acme, email="luc@acme.example", removed_at=timezone.now())
    write(path, COLUMNS, member())
    assert run("members", path).codes == [(2, "email", "access_ended")]
    assert Membership.objects.active().count() == 0


def test_a_dry_run_writes_nothing(acme, path):
    write(path, COLUMNS, member())
    assert run("members", path, "--dry-run").summary == "created=1 updated=0 unchanged=0 rejected=0"
    assert not Membership.objects.exists()
