"""The pages of a file of people: read, corrected, left out, confirmed once, and on to the signature."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from organizations.models import Mandate
from organizations.spreadsheets import NAMES
from tests import factories
from tests.organizations.signing import member, prepared, sign_batch
from tests.organizations.test_rosters import content
from tests.organizations.test_views_team import at, in_charge

pytestmark = pytest.mark.django_db
__all__ = ("in_charge",)  # a fixture, used by its name
GOOD, BAD = "noe@acme.example,editor,see invoices and balances,,,250,,Noé,Roy", "zut,visitor"


def send(client: object, customer: object, *lines: str, file: bytes | None = None) -> object:
    upload = SimpleUploadedFile("equipe.csv", content(*lines) if file is None else file)
    return client.post(at("team-import", customer), {"file": upload})


def carried_by(page: object) -> dict[str, str]:
    return dict(re.findall(r'name="(content|seen)" value="([^"]*)"', page.text))


def test_a_file_is_read_before_anything_is_done(in_charge, acme, bob):
    page = send(in_charge, acme, GOOD, "bob@acme.example,visitor", BAD)
    words = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert page.status_code == 200
    for expected in ("Nothing is done yet", "1 line cannot be taken", "1 new person", "1 person stays", "Noé Roy",
                     "Editor: See invoices and balances", "$250.00 at most", "Today: Editor", "not an e-mail address",
                     "Leave out the 1 line"):  # fmt: skip
        assert expected in words, expected
    assert at("member", acme, member(bob).pk) in page.text
    assert not Mandate.objects.exists()


def test_confirmed_it_leads_to_the_signature_once(in_charge, acme):
    page = send(in_charge, acme, GOOD)
    answer = in_charge.post(at("team-import", acme), carried_by(page))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign/")
    again = in_charge.post(at("team-import", acme), carried_by(page))
    assert (again.status_code, again.headers["Location"]) == (303, answer.headers["Location"])
    assert Mandate.objects.count() == 1


def test_lines_that_cannot_be_taken_are_left_out_by_choice_alone(in_charge, acme):
    page = send(in_charge, acme, GOOD, BAD)
    refused = in_charge.post(at("team-import", acme), carried_by(page))
    assert refused.status_code == 422
    assert "Say that they are left out" in refused.text
    assert not Mandate.objects.exists()
    answer = in_charge.post(at("team-import", acme), carried_by(refused) | {"leaves_out": "on"})
    assert answer.status_code == 303
    assert [mandate.email for mandate in Mandate.objects.all()] == ["noe@acme.example"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "This file is empty."),
        (b"email,role\n", "nobody below it"),
        (b"email,role,salaire\na@x.example,visitor,1", "Unknown column: salaire"),
        (b"nom\nx", "Missing column: email, role"),
        ("email,role\nbé@x.example,visitor".encode("latin-1"), "Line 2 is not in UTF-8"),
        (b"email,role\n" + b"a@x.example,visitor\n" * 501, "more than 500 lines"),
        (b"email,role\n" + b"a@x.example,visitor\n" * 501 + b'"never closed', "more than 500 lines"),
        (b"email,role\n" + b"a" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_an_unusable_file_is_said_so(in_charge, acme, file, words):
    answer = send(in_charge, acme, file=file)
    assert answer.status_code == 422
    assert words in answer.text
    assert "id_file_error" in answer.text


def test_nothing_sent_is_said_so(in_charge, acme):
    answer = in_charge.post(at("team-import", acme), {})
    assert answer.status_code == 422
    assert "id_file_error" in answer.text


def test_a_page_altered_or_read_by_somebody_else_confirms_nothing(in_charge, client, acme, globex, charlie, bob):
    page = send(in_charge, acme, GOOD)
    carried = carried_by(page)
    altered = in_charge.post(at("team-import", acme), carried | {"content": "x" + carried["content"]})
    assert altered.status_code == 422
    assert "send the file again" in altered.text
    for person, customer in ((bob, acme), (charlie, globex)):
        other = type(in_charge)()
        other.force_login(person)
        assert other.post(at("team-import", customer), carried).status_code == 422
    assert not Mandate.objects.exists()


def test_a_page_of_yesterday_confirms_nothing(in_charge, acme, time_machine):
    carried = carried_by(send(in_charge, acme, GOOD))
    time_machine.move_to(timezone.now() + timedelta(hours=25))
    in_charge.force_login(acme.memberships.get().user)
    assert "send the file again" in in_charge.post(at("team-import", acme), carried).text
    assert not Mandate.objects.exists()


def test_an_editor_reads_which_lines_are_not_theirs_to_give(client, acme, alice, bob):
    client.force_login(bob)
    page = client.get(at("team-import", acme)).text
    assert "permissions" not in page
    assert "(visitor)" in page
    assert "(editor)" not in page
    words = send(client, acme, GOOD, "lea@acme.example,visitor", "alice@acme.example,visitor").text
    assert "Vous pouvez inviter des visiteurs, sans rien de plus" in words
    assert at("member", acme, member(alice).pk) not in words


def test_naming_a_person_of_another_company_shows_nothing_of_them(in_charge, acme, globex, charlie):
    theirs, nobodys = (
        send(in_charge, acme, f"{email},visitor") for email in ("charlie@globex.example", "xxxxxxx@globex.example")
    )
    hidden = re.compile(r'value="[^"]*"')
    assert hidden.sub("", theirs.text).replace("charlie", "xxxxxxx") == hidden.sub("", nobodys.text)


def test_what_a_file_says_is_text_on_the_page(in_charge, acme):
    page = send(in_charge, acme, "a@x.example,visitor,,,,,,<script>alert(1)</script>,=1+1", "<b>zut</b>,visitor").text
    assert "<script>alert" not in page
    assert "&lt;b&gt;zut" in page
    assert "=1+1" in page


def test_the_empty_file_has_the_columns_that_are_read(in_charge, acme):
    answer = in_charge.get(at("team-template", acme))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode() == "\ufeff" + ",".join(NAMES[:-2]) + "\r\n"


def test_the_team_leads_to_the_next_mandates_to_sign(in_charge, acme, alice):
    assert "waits for your signature: nothing" not in in_charge.get(at("team", acme)).text
    mandate = prepared(acme, alice)
    page = in_charge.get(at("team", acme)).text
    assert "waits for your signature: nothing" in page
    assert at("mandate-sign", acme, mandate.pk) in page
    sign_batch(mandate.batch, alice)
    assert "waits for your signature: nothing" not in in_charge.get(at("team", acme)).text


def test_a_file_of_five_hundred_lines_is_read(in_charge, acme):
    factories.BranchFactory(merchant=acme.merchant, code="laval")
    page = send(in_charge, acme, *(f"p{number}@x.example,visitor,,,,250,laval" for number in range(500)))
    assert "500 new people" in page.text
    assert "signed by 100, with 5 codes" in page.text
