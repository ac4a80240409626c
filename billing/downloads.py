"""The PDF of a document, to a customer's member: the file, or the page that waits for it."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.answers import see_other
from accounts.models import Language
from accounts.statements import Statement, statement
from billing import files
from billing.models import Invoice, InvoicePdf
from organizations.access import CustomerRequest, requires
from organizations.models import Customer
from organizations.permissions import Permission


@requires(Permission.VIEW_INVOICES, Permission.VIEW_PRICES)
@require_safe
def invoice_pdf(request: CustomerRequest, number: str) -> HttpResponse:
    """The stored file; until it is there, a page that asks for it or waits for it. Reads only."""
    language = _language(request)
    stored = _stored(customer=request.customer, number=number, language=language)
    if stored is None:
        return _not_yet(request, number, language)
    if request.htmx:  # the page that waits: let the browser itself open the file
        return _uncached(HttpResponse(headers={"HX-Redirect": request.get_full_path()}))
    return _file(request, stored)


@requires(Permission.VIEW_INVOICES, Permission.VIEW_PRICES)
@require_POST
def invoice_pdf_prepare(request: CustomerRequest, number: str) -> HttpResponse:
    """Ask for the file, then wait for it; twice is once."""
    language = _language(request)
    invoice = get_object_or_404(request.customer.invoices, number=number)
    files.request_pdf(invoice=invoice, language=language)
    return see_other(_address(request, number, language))


def _language(request: CustomerRequest) -> str:
    """The customer's, unless the address names the other."""
    language = request.GET.get("language", request.customer.language)
    if language not in Language:
        raise Http404
    return language


def _address(request: CustomerRequest, number: str, language: str, name: str = "invoice-pdf") -> str:
    path = reverse(f"billing:{name}", args=[request.customer.public_id, number])
    return path if language == request.customer.language else f"{path}?language={language}"


class Stored(NamedTuple):
    """A file that is there, and what its answer says of it."""

    name: str
    sha256: str
    size: int
    kind: str
    number: str
    language: str


# Where the values of a request go in the statement below: no row holds them.
CUSTOMER, NUMBER, LANGUAGE = -1, "?number", "?lang"


@cache
def _stored_statement() -> Statement:
    made = InvoicePdf.objects.exclude(rendered_at=None).filter(
        invoice__customer=CUSTOMER, invoice__number=NUMBER, language=LANGUAGE
    )
    return statement(
        queryset=made.values_list("file", "sha256", "size", "invoice__kind", "invoice__number", "language")
    )


def _stored(*, customer: Customer, number: str, language: str) -> Stored | None:
    rows = _stored_statement().rows(values={CUSTOMER: customer.pk, NUMBER: number, LANGUAGE: language})
    return Stored(*rows[0]) if rows else None


def _not_yet(request: CustomerRequest, number: str, language: str) -> HttpResponse:
    invoice = get_object_or_404(request.customer.invoices, number=number)
    pdf = InvoicePdf.objects.filter(invoice=invoice, language=language).first()
    is_broken = pdf is not None and files.is_broken(pdf=pdf)
    is_waiting = pdf is not None and not is_broken
    if is_waiting and request.htmx:
        return _uncached(HttpResponse(status=204))  # nothing new: htmx leaves the page as it is
    context = {
        "invoice": invoice,
        "is_waiting": is_waiting,
        "is_broken": is_broken,
        "pdf_url": _address(request, number, language),
        "prepare_url": _address(request, number, language, "invoice-pdf-prepare"),
    }
    page = f"billing/invoice_pdf_wait.html{'#state' if request.htmx else ''}"
    return _uncached(render(request, page, context, status=202 if is_waiting else 200))


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "HX-Request, Cookie"
    return response


def _file(request: HttpRequest, stored: Stored) -> HttpResponse:
    """The bytes, checked again at each request (access may end) and sent only when the browser has not got them."""
    etag = f'"{stored.sha256}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "HX-Request, Cookie",
        "Content-Disposition": content_disposition_header(as_attachment=False, filename=_name(stored)) or "",
        "X-Content-Type-Options": "nosniff",
    }
    response: HttpResponse | None = get_conditional_response(request, etag=etag)
    if response is None and request.method == "HEAD":
        response = HttpResponse(content_type="application/pdf", headers={"Content-Length": str(stored.size)})
    if response is None:  # a few hundred kilobytes at most: read at once, one write to the socket
        with default_storage.open(stored.name, "rb") as file:
            response = HttpResponse(file.read(), content_type="application/pdf")
    for name, value in headers.items():
        response[name] = value
    return response


def _name(stored: Stored) -> str:
    """Facture-F-00001.pdf: the document's own word, then its number."""
    with translation.override(stored.language):
        is_credit = stored.kind == Invoice.Kind.CREDIT_NOTE
        word = slugify(_("Credit note") if is_credit else _("Invoice")).capitalize()
    number = "".join(character if character.isalnum() or character in "-_." else "-" for character in stored.number)
    return f"{word}-{number}.pdf"
