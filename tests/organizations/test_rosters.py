"""A file of people: what each line would do is said, and a confirmation does exactly that, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.models import AuditEvent, Customer, Invitation, Mandate, Membership
from organizations.permissions import Feature, Permission, Role
from organizations.refusals import Refusal
from organizations.services import rosters
from organizations.services.members import remove_member
from organizations.services.rosters import Act, FileChanged, Line, LinesLeft, NobodyNew, foresee, import_team
from organizations.spreadsheets import read, written
from organizations.team import Filters
from tests import factories
from tests.organizations.signing import member, prepared, sign_batch

pytestmark = pytest.mark.django_db
HEADER = "email,role,permissions,starts_on,ends_on,ceiling,branches,first_name,last_name,phone"


def content(*lines: str, header: str = HEADER) -> bytes:
    width = header.count(",")
    return "\n".join([header, *(line + "," * (width - line.count(",")) for line in lines)]).encode()


def foreseen(customer: Customer, by: object, *lines: str) -> list[Line]:
    return foresee(customer=customer, entries=read(content=content(*lines)), by=by)


def only(customer: Customer, by: object, line: str) -> Line:
    (found,) = foreseen(customer, by, line)
    return found


def confirm(customer: Customer, by: object, *lines: str, seen: str = "", leaves_out: bool = False) -> list[object]:
    entries = read(content=content(*lines))
    seen = seen or rosters.fingerprint(lines=foresee(customer=customer, entries=entries, by=by))
    return import_team(customer=customer, entries=entries, seen=seen, leaves_out=leaves_out, by=by)


def test_each_line_says_what_it_would_do(acme, alice, bob, rita):
    prepared(acme, alice, "wait@acme.example")
    lines = foreseen(
        acme,
        alice,
        "noe@acme.example,editor",
        ",visitor,,,,,,Léo,Roy,514 555-0123",
        "bob@acme.example,editor",
        "rita@acme.example,editor",
        "wait@acme.example,visitor",
        "zut@acme.example,emperor",
    )
    assert [line.act for line in lines] == [
        Act.INVITE, Act.LIST, Act.SAME, Act.DIFFERENT, Act.WAITING, Act.REFUSED,
    ]  # fmt: skip
    assert not Mandate.objects.exclude(email="wait@acme.example").exists()


def test_a_confirmation_invites_the_new_ones_and_touches_nobody_else(acme, alice, bob, rita):
    branch = factories.BranchFactory(merchant=acme.merchant, code="laval", name="Laval")
    (batch,) = confirm(
        acme,
        alice,
        "noe@acme.example,editor,See invoices and balances,2130-01-01,2130-12-31,250,laval,Noé,Roy",
        ",visitor,,,,,,Léo,Roy,514 555-0123",
        "rita@acme.example,editor",
    )
    hers, his = Mandate.objects.filter(batch=batch).order_by("pk")
    assert (hers.name, hers.email, hers.role, hers.granted) == (
        "Noé Roy",
        "noe@acme.example",
        "editor",
        ["view_invoices"],
    )
    assert (hers.starts_on, hers.ends_on, hers.ceiling) == (date(2130, 1, 1), date(2130, 12, 31), 250)
    assert list(hers.branches.all()) == [branch]
    assert (his.name, his.phone, his.email) == ("Léo Roy", "+15145550123", "")
    assert member(rita).role == Role.VISITOR
    assert not Invitation.objects.exists()  # not signed yet
    sign_batch(batch, alice)
    assert Invitation.objects.get().mandate == hers
    assert Membership.objects.get(phone="+15145550123").mandates.get() == his
    assert OutgoingMessage.objects.filter(template="organizations/emails/invitation").count() == 1


def test_who_is_no_administrator_gives_no_wider_edges_by_a_file_either(acme, alice, bob):
    Membership.objects.filter(user=bob).update(ends_on=date(2130, 1, 1), ceiling=50)
    counts = []
    for people in (1, 20):
        lines = [f"noe{number}@acme.example,visitor,,,2130-01-02,50" for number in range(people)]
        with CaptureQueriesContext(connection) as asked:
            found = foreseen(acme, bob, *lines)
        counts.append(len(asked))
        assert {(line.act, *[column for column, _words in line.faults]) for line in found} == {(Act.REFUSED, "ends_on")}
    assert counts[0] == counts[1]
    assert only(acme, bob, "lea@acme.example,visitor,,,2130-01-01,50").act == Act.INVITE


def test_the_export_of_the_team_changes_nothing_when_it_comes_back(acme, alice, bob, rita):
    acme.features = [Feature.FINANCING]
    acme.save()
    # Neither worth anything without a contract, nor said twice: a right that brings another one.
    for permission in (Permission.MANAGE_TEAM, Permission.VIEW_TREASURY, Permission.CHANGE_BANK_DETAILS):
        grant_permission(customer=acme, user=bob, permission=permission)
    yesterday = timezone.localdate() - timedelta(days=1)
    Membership.objects.filter(user=rita).update(ceiling=0, requires_purchase_order=True, ends_on=yesterday)
    factories.MembershipFactory(customer=acme, role=Role.VISITOR, first_name="Léo", phone="+15145550123")
    factories.MembershipFactory(customer=acme, role=Role.BUYER, email="later@x.example", starts_on=date(2130, 1, 1))
    entries = read(content="".join(written(customer=acme, filters=Filters())).encode())
    lines = foresee(customer=acme, entries=entries, by=alice)
    assert [line.act for line in lines] == [Act.SAME] * 5
    with pytest.raises(NobodyNew):
        import_team(customer=acme, entries=entries, seen=rosters.fingerprint(lines=lines), leaves_out=True, by=alice)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("a@x.example,visitor,,2130-02-01,2130-01-01", "ends_on", "dernier jour"),
        ("a@x.example,visitor,,,2020-01-01", "ends_on", "déjà passé"),
        ("a@x.example,visitor,operate_funds", "permissions", "contrat de financement"),
        ("a@x.example,visitor,change_bank_details", "permissions", "preuve de pouvoir"),
        ("a@x.example,visitor,,,,,nowhere", "branches", "succursale"),
        (",visitor", "email", "téléphone"),
        (",visitor,,,,,,Léo", "email", "téléphone"),
        (",visitor,,,,,,Léo,Roy,12", "email", "téléphone"),
        (",editor,,,,,,Léo,Roy,514 555-0123", "role", "visiteu"),
    ],
)
def test_what_cannot_be_is_refused_with_its_column_and_reason(acme, alice, line, column, words):
    with translation.override("fr-ca"):
        found = only(acme, alice, line)
    assert found.act is Act.REFUSED
    assert [name for name, _sentence in found.faults] == [column]
    assert words in found.faults[0][1]


@pytest.mark.parametrize(
    "line", ["na\0@b.example,visitor", ",visitor,,,,,,Léo,Roy,514\0", "a\0,visitor,\0,\0,\0,\0,\0"]
)
def test_a_line_no_database_can_be_asked_about_is_refused_among_the_others(acme, alice, line):
    lines = foreseen(acme, alice, line, "a@x.example,visitor")
    assert [line.act for line in lines] == [Act.REFUSED, Act.INVITE]


def test_the_same_person_twice_is_refused_the_second_time(acme, alice):
    lines = foreseen(
        acme, alice, "a@x.example,visitor", "A@X.example,editor",
        ",visitor,,,,,,Léo,Roy,514 555-0123", ",visitor,,,,,,léo,roy,(514) 555-0123",
        ",visitor,,,,,,Léa,Roy,514 555-0123",
    )  # fmt: skip
    assert [line.act for line in lines] == [Act.INVITE, Act.REFUSED, Act.LIST, Act.REFUSED, Act.LIST]
    assert "2" in lines[1].faults[0][1]


def test_a_bad_line_stops_the_whole_file_unless_it_is_left_out(acme, alice):
    lines = ("noe@acme.example,visitor", "zut,visitor")
    with pytest.raises(LinesLeft):
        confirm(acme, alice, *lines)
    assert not Mandate.objects.exists()
    confirm(acme, alice, *lines, leaves_out=True)
    assert [mandate.email for mandate in Mandate.objects.all()] == ["noe@acme.example"]


def test_an_editor_invites_visitors_by_a_file_and_nobody_else(acme, alice, bob):
    lines = foreseen(acme, bob, "a@x.example,visitor", "b@x.example,editor", "c@x.example,visitor,view_invoices")
    assert [line.act for line in lines] == [Act.INVITE, Act.REFUSED, Act.REFUSED]
    confirm(acme, bob, "a@x.example,visitor")
    assert Mandate.objects.get().prepared_by == bob


def test_a_person_of_another_company_is_as_unknown_as_anybody(acme, globex, alice, charlie):
    prepared(globex, charlie, "wait@globex.example")
    factories.MembershipFactory(
        customer=globex, role=Role.VISITOR, first_name="Léo", last_name="Roy", phone="+15145550123"
    )
    lines = foreseen(
        acme, alice, "charlie@globex.example,visitor", "wait@globex.example,visitor", "personne@x.example,visitor",
        ",visitor,,,,,,Léo,Roy,514 555-0123",
    )  # fmt: skip
    assert [line.act for line in lines] == [Act.INVITE] * 3 + [Act.LIST]
    assert all(line.membership is None and line.ended_at is None for line in lines)


def test_a_branch_of_another_merchant_is_unknown(acme, riviere, alice):
    factories.BranchFactory(merchant=riviere, code="ailleurs")
    assert only(acme, alice, "a@x.example,visitor,,,,,ailleurs").act is Act.REFUSED


def test_somebody_whose_access_ended_is_invited_again_and_it_is_said(acme, alice, bob, rita):
    remove_member(membership=member(bob), by=alice)
    past = timezone.localdate() - timedelta(days=3)
    Membership.objects.filter(user=rita).update(ends_on=past)
    removed, ended = foreseen(acme, alice, "bob@acme.example,visitor", "rita@acme.example,visitor")
    assert removed.act is ended.act is Act.INVITE
    assert removed.ended_at.date() == timezone.now().date()
    assert ended.ended_at == past
    confirm(acme, alice, "bob@acme.example,visitor", "rita@acme.example,visitor")
    assert Mandate.objects.count() == 2


def test_one_bad_moment_undoes_everything(acme, alice, bob):
    lines = ("noe@acme.example,visitor", "lea@acme.example,visitor")
    entries = read(content=content(*lines))
    seen = rosters.fingerprint(lines=foresee(customer=acme, entries=entries, by=alice))
    prepared(acme, alice, "lea@acme.example")
    with pytest.raises(FileChanged):
        import_team(customer=acme, entries=entries, seen=seen, leaves_out=False, by=alice)
    assert [mandate.email for mandate in Mandate.objects.all()] == ["lea@acme.example"]


def test_whoever_lost_the_right_in_between_imports_nothing(acme, alice, bob):
    lines = ("noe@acme.example,visitor",)
    seen = rosters.fingerprint(lines=foreseen(acme, bob, *lines))
    remove_member(membership=member(bob), by=alice)
    with pytest.raises(Refusal):
        confirm(acme, bob, *lines, seen=seen)
    assert not Mandate.objects.exists()


def test_more_than_a_hundred_are_prepared_at_once_and_signed_by_hundreds(acme, alice):
    batches = confirm(acme, alice, *(f"p{number}@x.example,visitor" for number in range(201)))
    sizes = [Mandate.objects.filter(batch=batch).count() for batch in batches]
    assert sizes == [100, 100, 1]
    assert AuditEvent.objects.filter(event=AuditEvent.Event.MANDATE_PREPARED).count() == 201


def test_a_file_costs_the_same_queries_for_one_line_and_for_hundreds(acme, alice):
    factories.MembershipFactory.create_batch(50, customer=acme, role=Role.VISITOR)
    counts = []
    for many in (2, 200):
        people = [factories.MembershipFactory(customer=acme, role=Role.VISITOR, email=f"m{many}-{number}@x.example")
                  for number in range(many)]  # fmt: skip
        lines = [f"{person.email},visitor" for person in people] + [
            f"n{number}@x.example,visitor" for number in range(many)
        ]
        with CaptureQueriesContext(connection) as asked:
            foreseen(acme, alice, *lines)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 6


def test_every_process_says_the_same_of_the_same_lines():
    """The page is made by one and confirmed by another, where sets come in another order."""
    program = """
import django; django.setup()
from organizations.permissions import Permission
from organizations.services.rosters import Act, Line, fingerprint
from organizations.spreadsheets import Entry
from organizations.terms import Wish
wish = Wish("visitor", frozenset(Permission), branches=frozenset(range(0, 900, 7)))
print(fingerprint(lines=[Line(Entry(2, {}, {}, []), Act.INVITE, wish)]))
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop()) > 60


@pytest.mark.django_db(transaction=True)
def test_two_confirmations_at_the_same_instant_are_one(acme, alice):
    lines = ("noe@acme.example,visitor", ",visitor,,,,,,Léo,Roy,514 555-0123")
    seen = rosters.fingerprint(lines=foreseen(acme, alice, *lines))
    start = Barrier(2)

    def attempt(_number: int) -> list[uuid.UUID]:
        start.wait()
        try:
            return confirm(acme, alice, *lines, seen=seen)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(attempt, range(2))
    assert first == second
    assert Mandate.objects.count() == 2


def test_a_waiting_person_is_not_asked_for_twice(acme, alice):
    confirm(acme, alice, ",visitor,,,,,,Léo,Roy,514 555-0123", "a@x.example,visitor")
    again = foreseen(acme, alice, ",visitor,,,,,,Léo,Roy,514 555-0123", "a@x.example,editor")
    assert [line.act for line in again] == [Act.WAITING, Act.WAITING]
