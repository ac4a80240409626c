"""The customer's documents: list, one document, spreadsheet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from accounts.models import Language
from billing import document as words
from billing.export import spreadsheet
from billing.forms import STATUSES, InvoiceFilterForm
from billing.models import Invoice
from billing.queries import PAGE, Cursor, cursor_from, filtered, page_after
from billing.rows import rows_of
from organizations.access import CustomerRequest, requires
from organizations.permissions import Permission

YEAR = timedelta(days=365)
# What htmx asks for, by the element it will put it in; a browser without scripts asks for the page.
FRAGMENTS = {"results": "#results", "more": "#rows"}


@requires(Permission.VIEW_INVOICES, Permission.VIEW_PRICES)
@require_safe
def invoice_list(request: CustomerRequest) -> HttpResponse:
    form = InvoiceFilterForm(request.GET or None)
    filters = form.filters
    cursor = cursor_from(text=request.GET.get("after", ""))
    found = page_after(customer=request.customer, filters=filters, cursor=cursor)
    documents, has_more = found[:PAGE], len(found) > PAGE
    address = reverse("billing:invoice-list", args=[request.customer.public_id])
    last = Cursor(documents[-1].issued_on, documents[-1].pk) if has_more else None
    target = request.htmx.target or ""
    year_ago = timezone.localdate() - YEAR
    response = render(
        request,
        f"billing/invoice_list.html{FRAGMENTS.get(target, '')}",
        {
            "mistakes": form.mistakes,
            "wrong": [name for name, _label, _words in form.mistakes],
            "typed": form.typed,
            "filters": filters,
            "statuses": STATUSES,
            "rows": rows_of(customer=request.customer, documents=documents),
            "result": _result(len(documents), has_more=has_more, is_first=cursor is None),
            "cursor": cursor,
            "fragment": target,
            "more_url": _with(address, filters.query, urlencode({"after": str(last)})) if last else "",
            "year_ago": year_ago,
            "year_url": _with(address, replace(filters, since=year_ago, until=None).query),
            "export_url": _with(reverse("billing:invoice-export", args=[request.customer.public_id]), filters.query),
        },
    )
    if target == "results":
        response["HX-Push-Url"] = _with(address, filters.query)
    response["Vary"] = "HX-Target, Cookie"
    return response


def _with(address: str, *queries: str) -> str:
    query = "&".join(filter(None, queries))
    return f"{address}?{query}" if query else address


def _result(count: int, *, has_more: bool, is_first: bool) -> str:
    """How many rows are shown, said without counting the others."""
    if not count:
        return _("No document")
    names = {"count": count}
    if not is_first:
        return ngettext("%(count)d older document", "%(count)d older documents", count) % names
    if has_more:
        return _("The %(count)d most recent documents") % names
    return ngettext("%(count)d document", "%(count)d documents", count) % names


@requires(Permission.VIEW_INVOICES, Permission.VIEW_PRICES)
@require_safe
def invoice_detail(request: CustomerRequest, number: str) -> HttpResponse:
    documents = request.customer.invoices.select_related("letterhead", "branch", "corrects")
    document = get_object_or_404(documents, number=number)
    document.customer = request.customer
    lines = words.lines_of(document=document)
    status, status_words = words.status_of(document=document)
    return render(
        request,
        "billing/invoice_detail.html",
        {
            "document": document,
            "is_credit": document.kind == Invoice.Kind.CREDIT_NOTE,
            "lines": lines,
            "has_discount": any(line.discount for line in lines),
            "legend": words.legend_of(lines=lines),
            "totals": words.totals_of(document=document),
            "terms": words.terms_of(document=document),
            "credit_left": abs(document.balance),
            "status": status,
            "status_words": status_words,
            "settlements": words.settlements_of(document=document),
            "credit_notes": document.credit_notes.order_by("issued_on", "pk"),
            "pdf_links": _pdf_links(request.customer.language),
        },
    )


def _pdf_links(preferred: str) -> list[tuple[str, str]]:
    """The PDF in the customer's language first, then in the other."""
    labels = {Language.FRENCH.value: _("PDF in French"), Language.ENGLISH.value: _("PDF in English")}
    return sorted(labels.items(), key=lambda link: link[0] != preferred)


@requires(Permission.VIEW_INVOICES, Permission.VIEW_PRICES)
@require_safe
def invoice_export(request: CustomerRequest) -> HttpResponse | StreamingHttpResponse:
    """A filter not understood exports nothing: a file with everything in it would be taken for the answer."""
    form = InvoiceFilterForm(request.GET or None)
    if form.mistakes:
        colon = pgettext("before an error", ":")
        lines = [f"{label}{colon} {words}" for _name, label, words in form.mistakes]
        return HttpResponse("\n".join(lines), status=422, content_type="text/plain; charset=utf-8")
    documents = filtered(customer=request.customer, filters=form.filters)
    name = f"{slugify(_('Invoices'))}-{slugify(request.customer.number)}-{timezone.localdate().isoformat()}.csv"
    return StreamingHttpResponse(
        spreadsheet(documents=documents),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )
