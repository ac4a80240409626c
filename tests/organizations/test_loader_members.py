"""members.csv: people on file before they sign in, found again by customer and e-mail."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.models import Membership
from organizations.permissions import Permission, Role
from organizations.services.members import change_member
from tests import factories
from tests.imports import run, write
from tests.organizations.signing import wished

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


def test_what_a_company_took_away_does_not_come_back_with_the_next_file(acme, alice, bob, path):
    luc = factories.MembershipFactory(customer=acme, email="luc@acme.example", role=Role.EDITOR)
    ends_on = date(2130, 1, 1)
    for membership in (luc, Membership.objects.get(user=bob)):
        change_member(membership=membership, wish=wished(Role.VISITOR, ends_on=ends_on), by=alice)
    write(path, COLUMNS, member("bob@acme.example", phone="514 555-0199"), member(), member("lea@acme.example"))
    outcome = run("members", path)
    code = "managed_by_company"
    assert sorted(outcome.codes) == [(2, "ends_on", code), (2, "role", code), (3, "ends_on", code), (3, "role", code)]
    assert outcome.summary == "created=1 updated=0 unchanged=0 rejected=2"
    assert all("visitor" in row["reason"] for row in outcome.rejects if row["column"] == "role")
    assert all("2130-01-01" in row["reason"] for row in outcome.rejects if row["column"] == "ends_on")
    kept = Membership.objects.filter(email__in=["bob@acme.example", "luc@acme.example"])
    assert {(row.role, row.ends_on, row.phone) for row in kept} == {(Role.VISITOR, ends_on, "")}


def test_nobody_who_is_in_is_raised_by_a_file(acme, alice, bob, rita, path):
    write(path, COLUMNS, member("rita@acme.example", role="administrator", first_name="Rita", last_name="Côté"))
    assert run("members", path).codes == [(2, "role", "managed_by_company")]
    assert acme.permissions_for(rita) == {Permission.PICK_UP}


def test_a_file_that_demotes_the_last_administrator_is_told_so_and_the_rest_is_taken(acme, alice, path):
    write(
        path,
        COLUMNS,
        member("alice@acme.example", role="visitor", first_name="Alice", last_name="Tremblay"),
        member("alice@acme.example", role="administrator", first_name="Alice", last_name="T."),
        member(),
    )
    outcome = run("members", path)
    assert outcome.codes == [(2, "role", "managed_by_company"), (3, "email", "repeated")]
    assert (outcome.summary, outcome.exit_code) == ("created=1 updated=0 unchanged=0 rejected=2", 3)
    assert Membership.objects.get(user=alice).role == Role.ADMINISTRATOR


def test_somebody_on_file_who_never_came_still_follows_the_file(acme, path):
    write(path, COLUMNS, member())
    run("members", path)
    write(path, COLUMNS, member(role="visitor", ends_on="2130-01-01"))
    assert run("members", path).summary == "created=0 updated=1 unchanged=0 rejected=0"
    assert Membership.objects.get().role == Role.VISITOR


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
