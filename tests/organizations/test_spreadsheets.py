"""The team's own file: what is written is read back as it was, whatever program and language it passed through."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from organizations import spreadsheets
from organizations.access import grant_permission
from organizations.loader.reading import Unusable
from organizations.models import Membership
from organizations.permissions import Permission, Role
from organizations.spreadsheets import AT_ONCE, SEVERAL, read, template, written
from organizations.team import Filters
from tests import factories

HEADER = "email,role"


def one(line: str, header: str = HEADER) -> spreadsheets.Entry:
    (entry,) = read(content=f"{header}\n{line}\n".encode())
    return entry


def codes(line: str, header: str = HEADER) -> list[tuple[str, str]]:
    return [(flaw.column, flaw.code) for flaw in one(line, header).flaws]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_what_is_written_is_read_back(acme, alice, bob, language):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_DOCUMENTS)
    edges = {"ceiling": Decimal("1250.50"), "requires_purchase_order": True, "ends_on": date(2130, 1, 1)}
    Membership.objects.filter(user=bob).update(**edges)
    laval = factories.BranchFactory(merchant=acme.merchant, code="laval")
    Membership.objects.get(user=bob).branches.add(laval)
    factories.MembershipFactory(
        customer=acme, role=Role.VISITOR, first_name="=1+1", last_name="@Roy", phone="+15145550123"
    )
    with translation.override(language):
        lines = list(written(customer=acme, filters=Filters()))
        entries = read(content="".join(lines).encode())
    assert [entry.flaws for entry in entries] == [[], [], []]
    found = {entry.cells["email"]: entry for entry in entries}
    his = found["bob@acme.example"]
    assert (his.cells["role"], his.permissions) == ("editor", {Permission.VIEW_INVOICES, Permission.VIEW_DOCUMENTS})
    assert (his.ceiling, his.day("ends_on"), his.day("starts_on")) == (Decimal("1250.5"), date(2130, 1, 1), None)
    assert (his.cells["purchase_order"], his.branches) == ("1", ["laval"])
    assert (found[""].name, found[""].cells["phone"]) == ("=1+1 @Roy", "+15145550123")


@pytest.mark.django_db
def test_what_a_spreadsheet_would_compute_is_written_as_text(acme):
    factories.MembershipFactory(customer=acme, role=Role.VISITOR, first_name="=1+1", phone="+15145550123")
    line = list(written(customer=acme, filters=Filters()))[-1]
    assert "'=1+1" in line
    assert "'+15145550123" in line


def test_the_template_reads_as_a_file_of_nobody():
    for language in ("fr-ca", "en-ca"):
        with translation.override(language):
            assert read(content=template().encode()) == []


def test_no_word_of_a_right_holds_what_parts_them():
    for language in ("fr-ca", "en-ca"):
        with translation.override(language):
            assert [str(right.label) for right in Permission if SEVERAL.search(str(right.label))] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("visitor", "visitor"),
        (" Visiteur ", "visitor"),
        ("ÉDITEUR", "editor"),
        ("editeur", "editor"),
        ("Owner or signatory", "owner"),
    ],
)
def test_a_role_is_its_code_or_its_words_in_either_language(text, code):
    assert one(f"a@x.example,{text}").cells["role"] == code


@pytest.mark.parametrize(
    ("permissions", "kept"),
    [
        ("rent,rent", "rent"),
        (" rent | view_invoices ;rent,, view_invoices ", "rent,view_invoices"),
        ("rent," * 20_000, "rent"),
        (f"rent{' ' * 100_000},rent", "rent"),
    ],
)
def test_a_right_said_many_times_is_said_once(permissions, kept):
    assert one(f'a@x.example,visitor,"{permissions}"', f"{HEADER},permissions").cells["permissions"] == kept


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        *[("", None), ("0", Decimal(0)), ("1250.50", Decimal("1250.5")), ("1 250,50 $", Decimal("1250.5"))],
        *[("$1,250.50", Decimal("1250.5")), ("1,250", Decimal(1250))],
    ],
)
def test_an_amount_is_read_in_either_language_and_none_is_not_zero(text, amount):
    assert one(f'a@x.example;visitor;"{text}"', "email;role;ceiling").ceiling == amount


@pytest.mark.parametrize(
    ("line", "header", "flaw"),
    [
        ("rien,visitor", HEADER, ("email", "not_an_email")),
        ("a@x.example,", HEADER, ("role", "empty")),
        ("a@x.example,emperor", HEADER, ("role", "unknown_code")),
        ("a@x.example,visitor,rule", f"{HEADER},permissions", ("permissions", "unknown_code")),
        ("a@x.example,visitor,hier", f"{HEADER},ends_on", ("ends_on", "not_a_date")),
        ("a@x.example,visitor,2026-02-30", f"{HEADER},starts_on", ("starts_on", "no_such_day")),
        ("a@x.example,visitor,-1", f"{HEADER},ceiling", ("ceiling", "negative")),
        ("a@x.example,visitor,beaucoup", f"{HEADER},ceiling", ("ceiling", "not_a_number")),
        ("a@x.example,visitor,peut-être", f"{HEADER},purchase_order", ("purchase_order", "unknown_code")),
        (f"a@x.example,visitor,{'x' * 81}", f"{HEADER},last_name", ("last_name", "too_long")),
        (f"a@x.example,visitor,a{' ' * 100_000}1", f"{HEADER},phone", ("phone", "too_long")),
        (f"a@x.example,visitor,a{' ' * 100_000}1", f"{HEADER},permissions", ("permissions", "unknown_code")),
        (f"a@x.example,visitor,\0{' ' * 100_000}1", f"{HEADER},last_name", ("last_name", "control_character")),
        ("a@x.example,visitor,\0", f"{HEADER},last_name", ("last_name", "control_character")),
        ("a@x.example", HEADER, ("", "cells")),
    ],
)
def test_a_cell_that_cannot_be_is_named_with_its_reason(line, header, flaw):
    assert flaw in codes(line, header)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"PK\x03\x04\xff\xfe",
        "email,role\nbé@x.example,visitor".encode("latin-1"),
        b'email,role\n"a@x.example,b\nc@x.example,visitor\n',
    ],
)
def test_what_is_no_such_file_is_unusable(content):
    with pytest.raises(Unusable):
        read(content=content)


@pytest.mark.parametrize(
    ("header", "words"),
    [("email", "role"), ("email,role,salaire", "salaire"), ("email,role,role", "role")],
)
def test_a_column_missing_unknown_or_twice_is_named(header, words):
    with pytest.raises(Unusable, match=words):
        read(content=header.encode())


def test_a_header_of_thousands_of_columns_is_refused_in_a_line():
    with pytest.raises(Unusable) as strange:
        read(content=(HEADER + "".join(f",c{number}" for number in range(1, 100_000))).encode())
    assert "c1, c2, c3" in str(strange.value)
    assert "c9, c10, …" in str(strange.value)
    assert "c11" not in str(strange.value)
    with pytest.raises(Unusable, match="email") as twice:
        read(content=("role" + ",email" * 160_000).encode())
    assert str(twice.value).count("email") == 1


def test_a_file_that_is_too_long_is_read_one_line_beyond_what_it_may_have():
    lines = "a@x.example,visitor\n" * (AT_ONCE + 100) + '"never closed'
    assert len(read(content=f"{HEADER}\n{lines}".encode())) == AT_ONCE + 1


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_honest_file_is_read_with_the_numbers_of_its_lines(bom, separator, end):
    lines = [f"Role{separator}EMAIL", f"visitor{separator}a@x.example", "", f"editor{separator}B@x.example"]
    found = read(content=(bom + end.join(lines)).encode())
    assert [(entry.line, entry.cells["email"], entry.cells["role"]) for entry in found] == [
        (2, "a@x.example", "visitor"),
        (4, "b@x.example", "editor"),
    ]
