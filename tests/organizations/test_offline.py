"""The list of a counter without network: true when made, dead after some hours, and nobody can write on it."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from organizations import offline
from organizations.models import Customer, Membership
from organizations.permissions import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def laval(boreal):
    return factories.BranchFactory(merchant=boreal, code="laval", name="Laval")


@pytest.fixture
def counter(client, sam, laval, acme):
    Customer.objects.update(opened_at=timezone.now())
    client.force_login(sam)
    return client


def download(counter) -> bytes:
    response = counter.get("/counter/list.csv", {"at": "boreal.laval"})
    assert response.status_code == 200
    return b"".join(response)


def people(counter) -> list[str]:
    rows = list(csv.reader(download(counter).decode().splitlines()))
    return [row[2] for row in rows[3:-1]]


def test_nobody_whose_profile_is_closed_is_on_it(counter, alice, rita):
    assert people(counter) == ["Alice Tremblay", "Rita Côté"]
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert people(counter) == ["Alice Tremblay"]


def test_the_list_says_its_age_and_its_end_first(counter, alice, rita, today):
    rows = list(csv.reader(download(counter).decode().splitlines()))
    assert rows[0] == [
        "comptoir-list",
        "boreal.laval",
        "Laval",
        "2026-11-22T17:00:00+00:00",
        "2026-11-23T01:00:00+00:00",
    ]
    assert "2026-11-22" in rows[1][0]
    assert [row[2:4] for row in rows[3:-1]] == [
        ["Alice Tremblay", "Peut louer et ramasser"],
        ["Rita Côté", "Peut ramasser seulement"],
    ]
    page = counter.get("/counter/list/", {"at": "boreal.laval"}).content.decode()
    assert page.index("sans valeur après") < page.index("Alice Tremblay")


def test_whoever_the_counter_would_refuse_is_not_on_it(counter, boreal, acme, alice, bob, rita, root):
    assert people(counter) == ["Alice Tremblay", "Bob Gagnon", "Rita Côté"]
    quebec = factories.BranchFactory(merchant=boreal, code="quebec", name="Québec")
    Membership.objects.get(user=rita).branches.add(quebec)
    Membership.objects.filter(user=bob).update(ends_on=timezone.localdate() - timedelta(days=1))
    factories.MembershipFactory(customer=acme, first_name="Luc", role=Role.ACCOUNTANT)
    assert people(counter) == ["Alice Tremblay"]
    Customer.objects.filter(pk=acme.pk).update(held_at=timezone.now(), held_by=root, hold_reason="Compte en souffrance")
    assert people(counter) == []


def test_conditions_are_on_it_and_a_name_is_no_formula(counter, acme, alice):
    factories.MembershipFactory(
        customer=acme, first_name="=cmd", last_name="A1", role=Role.EDITOR, ceiling=Decimal(5000),
        requires_purchase_order=True,
    )  # fmt: skip
    (row,) = [line for line in download(counter).decode().splitlines() if "cmd" in line]
    assert "'=cmd A1" in row
    assert "5000" in row


def check(counter, content: bytes) -> str:
    file = SimpleUploadedFile("liste.csv", content)
    response = counter.post("/counter/list/check/", {"at": "boreal.laval", "file": file})
    assert response.status_code == 200
    return response.content.decode()


def test_a_list_is_ours_until_it_is_old(counter, alice, today, time_machine):
    content = download(counter)
    assert "intacte et en vigueur" in check(counter, content)
    time_machine.move_to(today + offline.VALID_FOR)
    assert "périmée" in check(counter, content)


@pytest.mark.parametrize(
    "forge",
    [
        lambda content: content.replace(b"Rita", b"Rose"),
        lambda content: content.replace(b"2026-11-23", b"2027-11-23"),
        lambda content: content[:-3],
        lambda content: content.split(b"signature")[0],
        lambda content: b"",
        lambda content: b"\xff\xfe\x00",
        lambda content: content.replace(b"signature,", b"signature,0"),
    ],
)
def test_a_list_somebody_wrote_on_is_not_ours(counter, alice, rita, today, forge):
    content = forge(download(counter))
    if content:
        assert "Pas une de nos listes" in check(counter, content)
    assert not offline.check(chunks=[content]).is_ours


def test_another_secret_key_signs_nothing_of_ours(counter, alice, settings):
    content = download(counter)
    settings.SECRET_KEY = "another"
    assert not offline.check(chunks=[content]).is_ours


def test_the_list_asks_as_many_queries_for_few_as_for_many(counter, boreal, acme, alice):
    counts = []
    for _more in range(2):
        with CaptureQueriesContext(connection) as asked:
            download(counter)
        counts.append(len(asked))
        for number in range(30):
            factories.MembershipFactory(customer=acme, first_name="A", last_name=f"B{number}", role=Role.VISITOR)
    assert counts[0] == counts[1] <= 4


def printed_mark(counter) -> str:
    page = counter.get("/counter/list/", {"at": "boreal.laval"}).content.decode()
    return re.search(r'class="code">([0-9A-F]{4}(?: [0-9A-F]{4}){3})<', page)[1]


def test_the_list_on_paper_bears_its_age_and_a_fingerprint_of_what_it_says(counter, alice, rita, today):
    page = counter.get("/counter/list/", {"at": "boreal.laval"}).content.decode()
    foot = page[page.index("</table>") :].replace("\N{NO-BREAK SPACE}", " ")
    assert "2 personnes. Établie le 22 novembre 2026" in foot
    first = printed_mark(counter)
    assert printed_mark(counter) == first
    Membership.objects.filter(user=rita).update(role=Role.BUYER)
    second = printed_mark(counter)
    with time_machine.travel(today + timedelta(minutes=1), tick=False):
        third = printed_mark(counter)
    assert len({first, second, third}) == 3
