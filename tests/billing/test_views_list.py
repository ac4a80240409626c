"""The list of documents: what it shows, what it hides, and pages that cover every row once."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing import queries
from billing.models import Invoice
from organizations.access import grant_permission
from organizations.permissions import Permission
from tests import factories

NBSP = "\N{NO-BREAK SPACE}"
CREDIT_NOTE = Invoice.Kind.CREDIT_NOTE


def address(customer, query=""):
    return reverse("billing:invoice-list", args=[customer.public_id]) + query


def numbers(response):
    return re.findall(r'class="id nowrap"><a href="[^"]+">([^<]+)</a>', response.content.decode())


def shown(client, customer, query=""):
    return numbers(client.get(address(customer, query)))


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def statuses(acme, today):
    """One document of each status, on 22 November 2026."""
    late, later = date(2026, 11, 11), date(2026, 12, 1)
    factories.InvoiceFactory(customer=acme, number="F-DUE", due_on=later)
    factories.InvoiceFactory(customer=acme, number="F-OVERDUE", issued_on=date(2026, 10, 1), due_on=late)
    part = factories.InvoiceFactory(customer=acme, number="F-PART", due_on=later)
    paid = factories.InvoiceFactory(customer=acme, number="F-PAID", due_on=later)
    payment = factories.PaymentFactory(customer=acme, amount=Decimal("500.00"))
    factories.AllocationFactory(payment=payment, invoice=part, amount=Decimal("14.98"))
    factories.AllocationFactory(payment=payment, invoice=paid, amount=paid.total)
    factories.InvoiceFactory(customer=acme, number="N-CREDIT", kind=CREDIT_NOTE, due_on=later)


def test_a_row_says_number_date_subject_status_total_and_balance(signed_in, acme, today):
    invoice = factories.InvoiceFactory(
        customer=acme, number="F-20790", issued_on=date(2026, 10, 12), due_on=date(2026, 11, 11),
        subtotal=Decimal("1234.00"), taxable_subtotal=Decimal("1234.00"), gst=Decimal("61.70"), qst=Decimal("123.09"),
        po_number="BC-4500", project="Tour Nord", line__description="Chariot élévateur",
    )  # fmt: skip
    payment = factories.PaymentFactory(customer=acme, amount=Decimal(200))
    factories.AllocationFactory(payment=payment, invoice=invoice, amount=Decimal("18.79"))
    page = signed_in.get(address(acme)).content.decode()
    row = re.search(r"<tr><td class=\"id nowrap\">.*?</tr>", page, re.DOTALL)[0]
    for words in (
        "F-20790", "2026-10-12", "Chariot élévateur", "BC-4500 · Tour Nord", f"1{NBSP}418,79{NBSP}$",
        f"1{NBSP}400,00{NBSP}$", 'data-is="overdue"', "11",
    ):  # fmt: skip
        assert words in row


def test_a_phone_reads_which_amount_is_the_total_and_which_the_balance(signed_in, acme):
    factories.InvoiceFactory(customer=acme)
    page = signed_in.get(address(acme)).content.decode()
    assert f'data-label="Total">114,98{NBSP}$' in page
    assert f'data-label="Solde">114,98{NBSP}$' in page


def test_a_credit_note_is_negative_and_names_what_it_corrects(signed_in, acme, today):
    invoice = factories.InvoiceFactory(customer=acme, number="F-20611")
    factories.InvoiceFactory(customer=acme, number="N-00412", kind=CREDIT_NOTE, corrects=invoice)
    page = signed_in.get(address(acme)).content.decode()
    row = next(row for row in page.split("<tr>") if "N-00412" in row)
    assert "F-20611" in row
    assert f"-114,98{NBSP}$" in row
    assert 'data-is="credit"' in row


def test_english_writes_amounts_in_english(client, acme, alice):
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    factories.InvoiceFactory(customer=acme)
    page = client.get(address(acme)).content.decode()
    assert "$114.98" in page
    assert "Most recent" in page or "most recent" in page


def test_the_newest_comes_first_and_only_this_customer_shows(signed_in, acme, globex):
    factories.InvoiceFactory(customer=globex, number="F-GLOBEX")
    factories.InvoiceFactory(customer=acme, number="F-OLD", issued_on=date(2026, 1, 5))
    factories.InvoiceFactory(customer=acme, number="F-NEW", issued_on=date(2026, 11, 5))
    assert shown(signed_in, acme) == ["F-NEW", "F-OLD"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("due", {"F-DUE"}),
        ("overdue", {"F-OVERDUE"}),
        ("part", {"F-PART"}),
        ("paid", {"F-PAID"}),
        ("credit", {"N-CREDIT"}),
        ("open", {"F-DUE", "F-OVERDUE", "F-PART"}),
        ("", {"F-DUE", "F-OVERDUE", "F-PART", "F-PAID", "N-CREDIT"}),
    ],
)
def test_a_status_filter_shows_exactly_the_rows_of_that_word(signed_in, acme, statuses, status, expected):
    assert set(shown(signed_in, acme, f"?status={status}")) == expected
    if status in Invoice.Status.values:
        found = queries.filtered(customer=acme, filters=queries.Filters(status=status))
        assert {document.status for document in found} == {status}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20931", {"F-20931"}),
        ("f-209", {"F-20931"}),
        ("bc-77", {"F-20877"}),
        ("tour nord", {"F-20655"}),
        ("1 234,56", {"F-20655"}),
        ("1234.56", {"F-20655"}),
        ("$1,234.56", {"F-20655"}),
        (f"1{NBSP}234,56{NBSP}$", {"F-20655"}),
        ("-1234,56", {"F-20655"}),
        ("100,00", {"F-20877"}),
        ("1234.5", set()),
        ("nacelle de personne", set()),
        ("%", set()),
        ("_", set()),
    ],
)
def test_search_finds_by_number_order_project_and_amount_as_typed(signed_in, acme, text, expected):
    factories.InvoiceFactory(customer=acme, number="F-20931")
    part = factories.InvoiceFactory(customer=acme, number="F-20877", po_number="BC-7788")
    payment = factories.PaymentFactory(customer=acme)
    factories.AllocationFactory(payment=payment, invoice=part, amount=Decimal("14.98"))
    factories.InvoiceFactory(
        customer=acme, number="F-20655", project="Tour Nord", gst=Decimal(0), qst=Decimal(0),
        subtotal=Decimal("1234.56"), taxable_subtotal=Decimal(0),
    )  # fmt: skip
    response = signed_in.get(address(acme), {"q": text})
    assert set(numbers(response)) == expected


def test_dates_bound_the_day_of_issue_both_days_included(signed_in, acme):
    for day in (1, 2, 3, 4):
        factories.InvoiceFactory(customer=acme, number=f"F-{day}", issued_on=date(2026, 11, day))
    assert shown(signed_in, acme, "?since=2026-11-02&until=2026-11-03") == ["F-3", "F-2"]
    assert shown(signed_in, acme, "?since=2026-11-04") == ["F-4"]
    assert shown(signed_in, acme, "?until=2026-11-01") == ["F-1"]


def test_the_last_twelve_months_are_one_click_away_and_keep_the_other_filters(signed_in, acme, today):
    factories.InvoiceFactory(customer=acme, number="F-OLD", issued_on=date(2025, 11, 20))
    factories.InvoiceFactory(customer=acme, number="F-NEW", issued_on=date(2025, 11, 23))
    page = signed_in.get(address(acme, "?q=F-&status=open")).content.decode()
    link = re.search(r'href="([^"]*since=2025-11-22[^"]*)"', page)[1].replace("&amp;", "&")
    assert "q=F-" in link
    assert "status=open" in link
    assert numbers(signed_in.get(link)) == ["F-NEW"]


@pytest.mark.parametrize("text", ["ecole", "École", "ECOLE", "e\u0301cole", "reno", "Réno"])
def test_search_pays_no_heed_to_accents(signed_in, acme, text):
    factories.InvoiceFactory(customer=acme, number="F-1", project="École Saint-Noël", po_number="RÉNO-4")
    factories.InvoiceFactory(customer=acme, number="F-2", project="Ecole neuve", po_number="reno 5")
    factories.InvoiceFactory(customer=acme, number="F-3", project="Tour Nord")
    assert set(numbers(signed_in.get(address(acme), {"q": text}))) == {"F-1", "F-2"}


@pytest.mark.parametrize(
    "text", [".", "F.1", "(", "[a-z]", "\\", "***=F", "F-1|F-2", "(?i)f", "^F", "1$", "{2}", "*", "\\d"]
)
def test_what_is_typed_is_text_and_no_pattern(signed_in, acme, text):
    factories.InvoiceFactory(customer=acme, number="F-1")
    factories.InvoiceFactory(customer=acme, number="F-2", project=f"avec {text} dedans")
    assert numbers(signed_in.get(address(acme), {"q": text})) == ["F-2"]


@pytest.mark.parametrize("text", ["x" * 101, "F-\0"])
def test_a_search_that_cannot_be_made_is_said_beside_its_field(signed_in, acme, text):
    factories.InvoiceFactory(customer=acme, number="F-1")
    response = signed_in.get(address(acme), {"q": text})
    page = response.content.decode()
    assert 'id="q_error"' in page
    assert 'aria-describedby="q_error"' in page
    assert f'value="{text.replace(chr(0), "")}"' in page
    assert numbers(response) == ["F-1"]


def test_scripts_are_told_too_what_was_not_understood(signed_in, acme):
    headers = {"hx-request": "true", "hx-target": "results"}
    part = signed_in.get(address(acme, "?since=2026-11-03&until=2026-11-02"), headers=headers).content.decode()
    assert 'hx-swap-oob="innerHTML:#errors"' in part
    assert 'id="until_error"' in part
    assert 'id="until_error"' not in signed_in.get(address(acme), headers=headers).content.decode()


def test_a_status_that_is_none_is_said(signed_in, acme):
    assert 'id="status_error"' in signed_in.get(address(acme, "?status=nothing")).content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?since=2026-02-30", "since_error"),
        ("?until=hier", "until_error"),
        ("?since=2026-11-03&until=2026-11-02", "until_error"),
    ],
)
def test_a_date_that_is_none_is_said_beside_its_field_and_filters_nothing(signed_in, acme, query, words):
    factories.InvoiceFactory(customer=acme, number="F-1", issued_on=date(2026, 11, 5))
    response = signed_in.get(address(acme, query))
    assert f'id="{words}"' in response.content.decode()
    assert f'aria-describedby="{words}"' in response.content.decode()
    assert numbers(response) == ["F-1"]


def test_pages_cover_every_row_once_even_on_one_day(signed_in, acme):
    for index in range(60):
        factories.InvoiceFactory(customer=acme, number=f"F-{index:02}", issued_on=date(2026, 11, 1 + index // 40))
    expected = [f"F-{index:02}" for index in range(59, -1, -1)]
    seen, url, sizes = [], address(acme, "?status=open"), []
    while url:
        response = signed_in.get(url)
        seen += numbers(response)
        sizes.append(len(numbers(response)))
        more = re.search(r'id="more-link" href="([^"]+)"', response.content.decode())
        url = more[1].replace("&amp;", "&") if more else ""
        assert not url or "status=open" in url
    assert seen == expected
    assert sizes == [25, 25, 10]


def test_scripts_get_the_next_rows_alone(signed_in, acme):
    factories.InvoiceFactory.create_batch(30, customer=acme)
    more = re.search(r'hx-get="([^"]*after=[^"]+)"', signed_in.get(address(acme)).content.decode())[1]
    part = signed_in.get(more.replace("&amp;", "&"), headers={"hx-request": "true", "hx-target": "more"})
    assert len(numbers(part)) == 5
    assert part.content.decode().strip().startswith("<tbody>")
    assert "<h1" not in part.content.decode()
    assert 'hx-swap-oob="innerHTML:#result"' in part.content.decode()


def test_scripts_get_the_results_of_a_filter_with_a_clean_address(signed_in, acme, statuses):
    part = signed_in.get(
        address(acme, "?q=&status=paid&since=&until="), headers={"hx-request": "true", "hx-target": "results"}
    )
    assert numbers(part) == ["F-PAID"]
    assert "<form" not in part.content.decode()
    assert part.headers["HX-Push-Url"] == address(acme, "?status=paid")
    assert "export.csv?status=paid" in part.content.decode()


@pytest.mark.parametrize(
    "cursor", ["", "x", "2026-13-01.4", "2026-11-01", "2026-11-01.4; drop", "2026-11-01.-1", "٢٠٢٦-11-01.4"]
)
def test_a_cursor_made_up_is_the_first_page(signed_in, acme, cursor):
    factories.InvoiceFactory(customer=acme, number="F-1")
    response = signed_in.get(address(acme), {"after": cursor})
    assert (response.status_code, numbers(response)) == (200, ["F-1"])


def test_a_cursor_of_another_customer_shows_nothing_of_theirs(signed_in, acme, globex):
    theirs = factories.InvoiceFactory(customer=globex, number="F-GLOBEX", issued_on=date(2026, 10, 1))
    factories.InvoiceFactory(customer=acme, number="F-ACME", issued_on=date(2026, 9, 1))
    assert shown(signed_in, acme, f"?after=2026-10-02.{theirs.pk + 1}") == ["F-ACME"]


def test_a_number_with_a_slash_or_a_hash_links_to_its_page(signed_in, acme):
    for number in ("A/1", "F#2", "50 %", "é?3", "export.csv"):
        invoice = factories.InvoiceFactory(customer=acme, number=number)
        response = signed_in.get(address(acme), {"q": number})
        link = re.search(r'class="id nowrap"><a href="([^"]+)"', response.content.decode())[1]
        assert link.replace("&#x27;", "'") == invoice.get_absolute_url()
        assert number in signed_in.get(link).content.decode()


def test_an_empty_account_says_what_will_come(signed_in, acme):
    page = signed_in.get(address(acme)).content.decode()
    assert 'class="empty"' in page
    assert "<table" not in page
    assert "export.csv" not in page


def test_filters_that_exclude_everything_offer_to_show_everything(signed_in, acme):
    factories.InvoiceFactory(customer=acme, number="F-1")
    page = signed_in.get(address(acme, "?q=rien")).content.decode()
    assert 'class="empty"' in page
    assert "F-1" not in page
    assert f'href="{address(acme)}"' in page
    assert 'value="rien"' in page


def test_somebody_elses_words_are_text_not_markup(signed_in, acme):
    factories.InvoiceFactory(customer=acme, project="<script>x</script>", line__description="<b>gras</b>")
    page = signed_in.get(address(acme), {"q": '"><script>y'}).content.decode()
    assert "<script>y" not in page
    page = signed_in.get(address(acme)).content.decode()
    assert "&lt;b&gt;gras" in page
    assert "<script>x" not in page


def test_a_member_without_the_permission_is_told_so_and_sees_no_amount(client, acme, bob):
    client.force_login(bob)
    factories.InvoiceFactory(customer=acme, number="F-1")
    response = client.get(address(acme))
    assert response.status_code == 403
    assert "F-1" not in response.content.decode()
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    assert shown(client, acme) == ["F-1"]


def test_a_stranger_finds_nothing(client, acme, charlie, sam):
    for stranger in (charlie, sam):
        client.force_login(stranger)
        assert client.get(address(acme)).status_code == 404


def test_queries_and_bytes_stay_the_same_whatever_the_number_of_rows(signed_in, acme, alice):
    counts = []
    factories.InvoiceFactory.create_batch(2, customer=acme)
    for more in (0, 198):
        factories.InvoiceFactory.create_batch(
            more, customer=acme, po_number="BC-4500123", project="Tour Nord, phase 2", line__description="x" * 120
        )
        signed_in.get(address(acme))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            response = signed_in.get(address(acme))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 5, [query["sql"] for query in captured.captured_queries]
    assert len(response.content) <= 20_000
    assert len(numbers(response)) == 25
