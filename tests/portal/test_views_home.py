"""A customer's home: the account at a glance, or what a person may do who may not see it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts.models import OutgoingMessage
from billing.models import Invoice
from billing.summary import account_summary
from organizations.access import PermissionMissing
from organizations.permissions import Permission, Role
from portal.views import permission_denied
from tests import factories


def words(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def account(acme, today):
    """Late: 114.98. Coming: 100.00 of 114.98 on 1 December. Credits: 114.98 unused, and 5.00 of money."""
    late = factories.InvoiceFactory(
        customer=acme, number="F-LATE", issued_on=date(2026, 10, 1), due_on=date(2026, 11, 11)
    )
    coming = factories.InvoiceFactory(customer=acme, number="F-COMING", issued_on=date(2026, 11, 2))
    paid = factories.InvoiceFactory(customer=acme, number="F-PAID", due_on=date(2026, 11, 25))
    payment = factories.PaymentFactory(customer=acme, amount=Decimal("134.96"))
    factories.AllocationFactory(payment=payment, invoice=coming, amount=Decimal("14.98"))
    factories.AllocationFactory(payment=payment, invoice=paid, amount=paid.total)
    factories.InvoiceFactory(customer=acme, number="N-1", kind=Invoice.Kind.CREDIT_NOTE, due_on=date(2026, 11, 1))
    acme.credit_limit = Decimal("1000.00")
    acme.save()
    return late


def test_account_summary_counts_credits_and_money_not_used_against_the_balance(acme, globex, account):
    factories.InvoiceFactory(customer=globex)
    summary = account_summary(customer=acme)
    assert summary.balance == Decimal("214.98") - Decimal("114.98") - Decimal("5.00")
    assert (summary.invoice_count, summary.credits) == (2, Decimal("119.98"))
    assert (summary.overdue, summary.overdue_count, summary.overdue_days) == (Decimal("114.98"), 1, 11)
    assert summary.overdue_since == date(2026, 11, 12)
    assert (summary.next_due_on, summary.next_due) == (date(2026, 12, 1), Decimal("100.00"))
    assert summary.available_credit == Decimal("905.00")
    assert [row.number for row in summary.latest] == ["F-COMING", "N-1", "F-PAID", "F-LATE"]


def test_nothing_is_available_beyond_the_limit_and_no_limit_says_nothing(acme, account):
    acme.credit_limit = Decimal("50.00")
    assert account_summary(customer=acme).available_credit == 0
    acme.credit_limit = None
    assert account_summary(customer=acme).available_credit is None


def test_an_account_without_documents_owes_nothing(acme):
    summary = account_summary(customer=acme)
    assert (summary.balance, summary.overdue, summary.next_due_on, summary.latest) == (0, 0, None, [])


def test_the_due_day_itself_is_not_late(acme, today):
    factories.InvoiceFactory(customer=acme, due_on=date(2026, 11, 22))
    summary = account_summary(customer=acme)
    assert (summary.overdue, summary.next_due_on) == (0, date(2026, 11, 22))


def test_home_shows_the_account_in_figures_and_words(client, acme, alice, account):
    client.force_login(alice)
    text = words(client.get(acme.get_absolute_url()))
    for expected in (
        "Acme Construction inc.", "10482", "95,00 $", "119,98 $", "114,98 $", "2026-12-01", "100,00 $", "905,00 $",
        "1 000,00 $", "F-LATE", "F-COMING", "N-1",
    ):  # fmt: skip
        assert expected in text, expected


def test_home_leads_to_what_its_figures_are_made_of(client, acme, alice, account):
    client.force_login(alice)
    page = client.get(acme.get_absolute_url()).content.decode()
    links = re.findall(r'href="([^"]+\?status=\w+)"', page)
    found = [re.findall(r'class="id nowrap"><a [^>]+>([^<]+)<', client.get(link).content.decode()) for link in links]
    assert found == [["F-COMING", "F-LATE"], ["F-LATE"]]


def test_home_without_amounts_says_what_one_may_do_and_who_administers(client, acme, alice, bob, account):
    client.force_login(bob)
    response = client.get(acme.get_absolute_url())
    text = words(response)
    assert "$" not in text
    assert "F-LATE" not in text
    assert "Alice Tremblay" in text
    assert "alice@acme.example" in text
    assert reverse("billing:invoice-list", args=[acme.public_id]) not in response.content.decode()


def test_home_names_each_permission_and_the_role(client, acme, bob):
    bob.language = "en-ca"
    bob.save()
    client.force_login(bob)
    text = words(client.get(acme.get_absolute_url()))
    for expected in ("Editor", "Rent and reserve", "Pick up and return", "Nobody administers this account yet"):
        assert expected in text
    assert "Give and withdraw access" not in text


def test_home_of_a_role_that_sees_no_invoice_says_what_it_may_do(client, acme):
    user = factories.UserFactory(language="en-ca")
    factories.MembershipFactory(customer=acme, user=user, role=Role.REQUESTER)
    client.force_login(user)
    text = words(client.get(acme.get_absolute_url()))
    assert "Send orders for approval" in text
    assert "Requester" in text


def test_home_names_what_is_missing_and_one_press_asks_for_it(client, acme, alice, bob):
    bob.language = "en-ca"
    bob.save()
    client.force_login(bob)
    page = client.get(acme.get_absolute_url()).content.decode()
    ask = reverse("organizations:ask-permission", args=[acme.public_id, "view_invoices"])
    assert f'action="{ask}"' in page
    for right, shown in (("manage_team", True), ("rent", False), ("operate_funds", False)):
        address = reverse("organizations:ask-permission", args=[acme.public_id, right])
        assert (f'action="{address}"' in page) == shown, right
    assert client.post(ask, {"back": acme.get_absolute_url()}).status_code == 303
    assert OutgoingMessage.objects.get().recipient == alice.email
    after = client.get(acme.get_absolute_url())
    assert f'action="{ask}"' not in after.content.decode()
    assert "You asked on" in words(after)


def test_home_of_a_business_that_is_no_member_says_nothing_of_taking_over(client, nadia):
    nadia.memberships.update(role=Role.BUYER)
    client.force_login(nadia)
    page = client.get(nadia.memberships.get().customer.get_absolute_url()).content.decode()
    assert "take-over" not in page


def test_who_does_not_administer_is_led_to_a_take_over_and_who_does_is_not(client, acme, alice, bob):
    take_over = f'href="{reverse("organizations:take-over", args=[acme.public_id])}"'
    client.force_login(bob)
    assert take_over in client.get(acme.get_absolute_url()).content.decode()
    refused = client.get(reverse("billing:invoice-list", args=[acme.public_id]))
    assert refused.status_code == 403
    assert take_over in refused.content.decode()
    assert client.get(reverse("organizations:take-over", args=[acme.public_id])).status_code == 200
    client.force_login(alice)
    assert take_over not in client.get(acme.get_absolute_url()).content.decode()


def test_the_page_that_refuses_says_when_a_contract_lacks(client, acme, alice):
    """No page needs such a right yet: the door is asked for one."""
    request = RequestFactory().get("/")
    request.user = alice
    request.membership = alice.memberships.select_related("customer").get()
    request.session = {}
    for permission, is_said in ((Permission.OPERATE_FUNDS, True), (Permission.VIEW_INVOICES, False)):
        with translation.override("en-ca"):
            answer = permission_denied(request, PermissionMissing(customer=acme, permission=permission))
        assert ("It is of use only with a financing contract" in answer.content.decode()) == is_said


def test_home_without_amounts_takes_at_most_nine_queries(client, acme, alice, bob):
    client.force_login(bob)
    with CaptureQueriesContext(connection) as captured:
        client.get(acme.get_absolute_url())
    assert len(captured) <= 9


def test_home_takes_at_most_eight_queries_however_large_the_account(client, acme, alice):
    client.force_login(alice)
    counts = []
    for more in (2, 60):
        factories.InvoiceFactory.create_batch(more, customer=acme)
        factories.PaymentFactory.create_batch(more, customer=acme)
        client.get(acme.get_absolute_url())
        with CaptureQueriesContext(connection) as captured:
            client.get(acme.get_absolute_url())
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 8


def test_who_chooses_among_customers_may_ask_to_join_another(client, acme, globex, alice):
    factories.MembershipFactory(customer=globex, user=alice, role=Role.ACCOUNTANT)
    client.force_login(alice)
    page = client.get(reverse("portal:landing")).content.decode()
    assert f'href="{reverse("organizations:join")}"' in page
    assert client.get(reverse("organizations:join")).status_code == 200


def test_someone_with_several_customers_chooses_by_name_number_and_role(client, acme, globex, alice):
    factories.MembershipFactory(customer=globex, user=alice, role=Role.ACCOUNTANT)
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    response = client.get(reverse("portal:landing"))
    text = words(response)
    for expected in ("Acme Construction inc.", "10482", "Administrator", "Globex ltée", "10977", "Accountant"):
        assert expected in text
    assert f'href="{globex.get_absolute_url()}"' in response.content.decode()


def test_someone_with_many_customers_chooses_among_all_of_them(client, boreal, alice):
    customers = factories.CustomerFactory.create_batch(20, merchant=boreal)
    for customer in customers:
        factories.MembershipFactory(customer=customer, user=alice)
    client.force_login(alice)
    page = client.get(reverse("portal:landing")).content.decode()
    missing = [customer.number for customer in customers if page.count(f'href="{customer.get_absolute_url()}"') < 1]
    assert missing == []


def test_two_accounts_of_one_name_are_told_apart_by_their_merchant(client, acme, ines, riviere):
    theirs = factories.CustomerFactory(merchant=riviere, number="20001", name="Inès Lavoie")
    factories.MembershipFactory(customer=theirs, user=ines, role=Role.OWNER)
    client.force_login(ines)
    choice = client.get(reverse("portal:landing")).content.decode()
    home = client.get(theirs.get_absolute_url()).content.decode()
    for page in (
        choice.partition('class="choose"')[2],
        home.partition('class="menu switch"')[2].partition("</details>")[0],
    ):
        entries = [entry.partition("</a>")[0] for entry in page.split("<li>")[1:3]]
        assert sorted(merchant in entry for entry in entries for merchant in ("Location Boréal", "Club Rivière")) == [
            False, False, True, True,
        ]  # fmt: skip


def test_with_one_merchant_its_name_is_not_repeated_beside_each_account(client, acme, globex, alice):
    factories.MembershipFactory(customer=globex, user=alice, role=Role.ACCOUNTANT)
    client.force_login(alice)
    page = client.get(reverse("portal:landing")).content.decode()
    assert "Location Boréal" not in page.partition('class="choose"')[2].partition("</ul>")[0]
