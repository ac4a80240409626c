"""The register of mandates and its files: every page of it, the sealed PDF, and one of another company."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.models import Mandate
from organizations.permissions import Permission, Role
from organizations.services.members import change_member
from organizations.services.petitions import ask_take_over, decide_take_over
from signatures.models import Seal
from signatures.services import sealing
from tests import factories
from tests.organizations.signing import member, prepared, sign_batch, wished

pytestmark = pytest.mark.django_db


def at(name: str, customer: object, *args: object) -> str:
    return reverse(f"organizations:{name}", args=[customer.public_id, *args])


@pytest.fixture
def in_charge(client, alice):
    """Alice at work, in English."""
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    return client


@pytest.fixture
def signed(acme, alice, bob, folder) -> Mandate:
    """What Bob may do, signed by Alice, its file not made yet."""
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ACCOUNTANT), by=alice), alice)
    return Mandate.objects.select_related("signature__seal").get()


def test_five_hundred_and_one_mandates_are_all_reached_by_name(in_charge, acme, alice, signed):
    people = factories.MembershipFactory.create_batch(501, customer=acme, role=Role.VISITOR)
    now = timezone.now()
    Mandate.objects.bulk_create(
        Mandate(customer=acme, membership=one, first_name="Jo", last_name=f"Roy {n % 7}", role=Role.VISITOR,
                prepared_by=alice, signature=signed.signature, signed_at=now, effective_at=now)
        for n, one in enumerate(people)
    )  # fmt: skip
    seen, query = [], "?"
    while query:
        page = in_charge.get(at("mandate-register", acme) + query)
        seen += [(row.last_name, row.first_name, row.pk) for row in page.context["mandates"]]
        query = f"?{page.context['more']}" if page.context["more"] else ""
        assert (f'href="{query}"'.replace("&", "&amp;") in page.text) == bool(query)
    assert len(seen) == 502
    assert len(set(seen)) == 502
    assert [place[2] for place in seen] == list(
        acme.mandates.order_by("last_name", "first_name", "pk").values_list("pk", flat=True)
    )


def test_the_signed_file_is_downloaded_once_sealed(in_charge, acme, signed):
    assert "being sealed" in in_charge.get(at("mandate-register", acme)).text
    assert in_charge.get(at("mandate-pdf", acme, signed.pk)).status_code == 404
    assert sealing.seal_owed() == 1
    link = at("mandate-pdf", acme, signed.pk)
    for page in (at("mandate-register", acme), at("mandate", acme, signed.pk)):
        assert f'href="{link}"' in in_charge.get(page).text
    answer = in_charge.get(link)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")


def test_a_seal_given_up_is_said_so_and_not_for_ever_being_made(in_charge, acme, signed):
    Seal.objects.update(due_at=None, last_error="Horodatage muet")
    for page in (at("mandate-register", acme), at("mandate", acme, signed.pk)):
        text = in_charge.get(page).text
        assert "could not be sealed" in text
        assert "being sealed" not in text
    assert "what it gives holds" in text
    assert in_charge.get(at("mandate-pdf", acme, signed.pk)).status_code == 404


def test_a_mandate_of_another_company_named_by_id_opens_nothing_and_does_nothing(in_charge, acme, globex, charlie):
    theirs = prepared(globex, charlie)
    letters = OutgoingMessage.objects.count()
    page = at("mandate", acme, theirs.pk)
    assert in_charge.get(page).status_code == 404
    for form in ({"cancel": "1"}, {"resend": "1"}, {"correct": "1", "email": "autre@acme.example"}):
        assert in_charge.post(page, form).status_code == 404
    assert in_charge.post(at("mandate-sign", acme, theirs.pk)).status_code == 404
    assert in_charge.get(at("mandate-pdf", acme, theirs.pk)).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.ended_at, theirs.signed_at, theirs.email) == (None, None, "noe@acme.example")
    assert Mandate.objects.count() == 1
    assert OutgoingMessage.objects.count() == letters


def row_on(in_charge, acme, day: date) -> str:
    """What the register says in that day's line, without the tags."""
    page = in_charge.get(at("mandate-register", acme), {"on": day.isoformat()}).text
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.unescape(body))).strip()


def test_the_register_says_what_was_left_of_each_mandate_on_each_day(
    in_charge, acme, alice, bob, sam, today, time_machine
):
    day = timezone.localdate()
    sign_batch(
        change_member(membership=member(bob), wish=wished(Role.EDITOR, Permission.VIEW_INVOICES), by=alice), alice
    )
    time_machine.move_to(today + timedelta(days=2))
    change_member(membership=member(bob), wish=wished(Role.VISITOR, ceiling=100), by=alice)
    time_machine.move_to(today + timedelta(days=4))
    ends = day + timedelta(days=5)
    change_member(membership=member(bob), wish=wished(Role.VISITOR, ceiling=100, ends_on=ends), by=alice)
    mandate = Mandate.objects.get()
    page = in_charge.get(at("mandate", acme, mandate.pk)).text
    assert "Reduced since" in page
    assert "Pick up and return" in page
    assert "Rent and reserve" not in page
    time_machine.move_to(today + timedelta(days=7))
    assert "Nothing left of it today" in in_charge.get(at("mandate", acme, mandate.pk)).text
    assert row_on(in_charge, acme, day - timedelta(days=1)) == ""
    for after in (0, 1):
        assert "reduced" not in row_on(in_charge, acme, day + timedelta(days=after))
    for after in (2, 3):
        assert "left of it that day: Visitor · Pick up and return · $100.00" in row_on(
            in_charge, acme, day + timedelta(days=after)
        )
    assert "November 27, 2026" in row_on(in_charge, acme, day + timedelta(days=5)).replace("\N{NO-BREAK SPACE}", " ")
    assert "nothing was left of it that day" in row_on(in_charge, acme, day + timedelta(days=6))


def test_a_mandate_is_in_the_register_until_the_day_an_agent_put_its_person_in_charge(
    in_charge, acme, alice, bob, sam, signed, today, time_machine
):
    day = timezone.localdate()
    asked = ask_take_over(customer=acme, reason="Alice est partie.", by=bob)
    time_machine.move_to(today + timedelta(days=7))
    decide_take_over(take_over=asked, is_accepted=True, decision="Vu l’acte", by=sam)
    time_machine.move_to(today + timedelta(days=9))
    assert "Accountant" in row_on(in_charge, acme, day + timedelta(days=7))
    assert row_on(in_charge, acme, day + timedelta(days=8)) == ""


def test_the_register_asks_the_same_of_two_reduced_mandates_and_of_fifty(in_charge, acme, alice, signed):
    def reduced(number: int) -> int:
        for one in factories.MembershipFactory.create_batch(number, customer=acme, role=Role.BUYER):
            now = timezone.now()
            Mandate.objects.create(customer=acme, membership=one, role=Role.BUYER, prepared_by=alice,
                                   signature=signed.signature, signed_at=now, effective_at=now)  # fmt: skip
            change_member(membership=one, wish=wished(Role.VISITOR), by=alice)
        with CaptureQueriesContext(connection) as asked:
            assert "reduced since" in in_charge.get(at("mandate-register", acme)).text
        return len(asked)

    assert reduced(2) == reduced(48) <= 10
