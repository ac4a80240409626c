"""Issuing an invoice or a credit note: computed, checked, and final from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict, Unpack, cast

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from billing import taxes
from billing.files import request_pdf
from billing.models import Allocation, Invoice, InvoiceLine, Letterhead
from billing.services.shapes import (
    refuse_missing_text,
    refuse_unfit_document_number,
    refuse_unfit_numbers,
    refuse_unfit_text,
)
from organizations.models import Branch, Customer, Merchant, Organization
from organizations.refusals import Refusal


class DocumentWithoutLines(Refusal):
    """A document says at least one good or service."""

    sentence = _("A document needs at least one line.")


class NumberTaken(Refusal):
    """The merchant has already issued a document of that number."""

    sentence = _("%(number)s is already issued.")


class DueBeforeIssue(Refusal):
    """A document cannot be due before it exists."""

    sentence = _("The due date, %(due)s, is before the date of the document, %(issued)s.")


class DiscountBeyondPrice(Refusal):
    """A discount takes off between nothing and the whole price."""

    sentence = _("Line %(position)d takes off more than its price: %(discount)s per cent.")


class KindUnknown(Refusal):
    """A document is an invoice or a credit note."""

    sentence = _("“%(kind)s” is neither an invoice nor a credit note.")


class CorrectionUnfit(Refusal):
    """Only a credit note corrects, and only an invoice is corrected."""

    sentence = _("%(number)s cannot be corrected: only a credit note corrects, and only an invoice is corrected.")


class CorrectedInvoiceMissing(Refusal):
    """A credit note corrects an invoice of its own customer."""

    sentence = _("%(number)s is not an invoice of %(customer)s.")


class TaxCodeUnknown(Refusal):
    """A line is taxable, exempt or zero-rated."""

    sentence = _("“%(code)s” is not a tax code of line %(position)d.")


class BranchOfAnotherMerchant(Refusal):
    """A document names a branch of its own merchant."""

    sentence = _("%(branch)s is not a branch of %(merchant)s.")


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line to issue; its amount is computed."""

    sku: str
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount_percent: Decimal
    tax_code: str


class Mentions(TypedDict, total=False):
    """What a document may also say about the work it bills."""

    adviser: str
    po_number: str
    project: str
    requisition_number: str
    site_address: str
    requested_by: str


def document_name(*, customer: Customer) -> str:
    """The name a document issued now bears: the legal name once verified, a person's once refused, else the books'."""
    organization = Organization.objects.filter(customer=customer).first()
    return (organization.name_on_documents if organization is not None else "") or customer.name


def letterhead_for(*, merchant: Merchant) -> Letterhead:
    """The supplier as documents issued now print it; written anew when something on it has changed."""
    printed = {
        "name": merchant.name,
        "legal_name": merchant.legal_name,
        "address": "\n".join(merchant.envelope_lines(language=Language.FRENCH)),
        "phone": str(getattr(merchant.phone, "as_e164", merchant.phone)),
        "phone_extension": merchant.phone_extension,
        "email": merchant.email,
        "website": merchant.website,
        "gst_number": merchant.gst_number,
        "qst_number": merchant.qst_number,
    }
    same = Letterhead.objects.filter(merchant=merchant, **printed).order_by("pk").first()
    return same or Letterhead.objects.create(merchant=merchant, **printed)


@transaction.atomic
def issue_invoice(
    *,
    customer: Customer,
    kind: str,
    number: str,
    issued_on: date,
    due_on: date,
    lines: Sequence[LineDraft],
    corrects: Invoice | None = None,
    branch: Branch | None = None,
    **mentions: Unpack[Mentions],
) -> Invoice:
    """Issue a document for good; a credit note at once pays what it corrects, up to what is unpaid. Owes the PDF."""
    _refuse_unfit_document(customer=customer, kind=kind, issued_on=issued_on, due_on=due_on, branch=branch)
    refuse_unfit_document_number(model=Invoice, number=number)
    refuse_unfit_text(model=Invoice, **cast(dict[str, str], mentions))
    rows = _lines_of(drafts=lines)
    corrected = _corrected(customer=customer, kind=kind, corrects=corrects)
    invoice = Invoice(
        merchant_id=customer.merchant_id,
        customer=customer,
        letterhead=letterhead_for(merchant=customer.merchant),
        kind=kind,
        number=number,
        corrects=corrected,
        issued_on=issued_on,
        due_on=due_on,
        bill_to_name=document_name(customer=customer),
        bill_to_address="\n".join(customer.envelope_lines(language=customer.language)),
        branch=branch,
        line_count=len(rows),
        **mentions,
        **_amounts(rows=rows),
    )
    _insert(invoice=invoice, rows=rows)
    if corrected is not None:
        _use_credit(credit_note=invoice, invoice=corrected)
    request_pdf(invoice=invoice, language=customer.language)
    return invoice


def _refuse_unfit_document(
    *, customer: Customer, kind: str, issued_on: date, due_on: date, branch: Branch | None
) -> None:
    if kind not in Invoice.Kind:
        raise KindUnknown(kind=kind)
    if due_on < issued_on:
        raise DueBeforeIssue(due=due_on.isoformat(), issued=issued_on.isoformat())
    if branch is not None and branch.merchant_id != customer.merchant_id:
        raise BranchOfAnotherMerchant(branch=branch, merchant=customer.merchant)


def _lines_of(*, drafts: Sequence[LineDraft]) -> list[InvoiceLine]:
    if not drafts:
        raise DocumentWithoutLines
    return [_line_of(draft=draft, position=position) for position, draft in enumerate(drafts, 1)]


def _line_of(*, draft: LineDraft, position: int) -> InvoiceLine:
    refuse_unfit_text(model=InvoiceLine, sku=draft.sku)
    refuse_missing_text(model=InvoiceLine, description=draft.description, unit=draft.unit)
    refuse_unfit_numbers(
        model=InvoiceLine,
        quantity=draft.quantity,
        unit_price=draft.unit_price,
        discount_percent=draft.discount_percent,
    )
    if draft.discount_percent > 100:  # noqa: PLR2004 - the whole price
        raise DiscountBeyondPrice(discount=draft.discount_percent, position=position)
    if draft.tax_code not in InvoiceLine.TaxCode:
        raise TaxCodeUnknown(code=draft.tax_code, position=position)
    amount = taxes.line_amount(
        quantity=draft.quantity, unit_price=draft.unit_price, discount_percent=draft.discount_percent
    )
    refuse_unfit_numbers(model=InvoiceLine, amount=amount)
    return InvoiceLine(
        position=position,
        sku=draft.sku,
        description=draft.description,
        quantity=draft.quantity,
        unit=draft.unit,
        unit_price=draft.unit_price,
        discount_percent=draft.discount_percent,
        tax_code=InvoiceLine.TaxCode(draft.tax_code),
        amount=amount,
    )


def _amounts(*, rows: Sequence[InvoiceLine]) -> dict[str, Decimal]:
    taxable = sum((row.amount for row in rows if row.tax_code == InvoiceLine.TaxCode.STANDARD), Decimal("0.00"))
    subtotal = sum((row.amount for row in rows), Decimal("0.00"))
    due = taxes.taxes_on(taxable_subtotal=taxable)
    amounts = {
        "subtotal": subtotal,
        "taxable_subtotal": taxable,
        "gst": due.gst,
        "qst": due.qst,
        "total": subtotal + due.gst + due.qst,
    }
    refuse_unfit_numbers(model=Invoice, **amounts)
    return amounts


def _corrected(*, customer: Customer, kind: str, corrects: Invoice | None) -> Invoice | None:
    """The invoice a credit note corrects, locked until its credit is used."""
    if corrects is None:
        return None
    if kind != Invoice.Kind.CREDIT_NOTE or corrects.kind != Invoice.Kind.INVOICE:
        raise CorrectionUnfit(number=corrects.number)
    mine = Invoice.objects.select_for_update(of=("self",), no_key=True).filter(pk=corrects.pk, customer=customer)
    locked = mine.first()
    if locked is None:
        raise CorrectedInvoiceMissing(number=corrects.number, customer=customer)
    return locked


def _insert(*, invoice: Invoice, rows: Sequence[InvoiceLine]) -> None:
    try:
        with transaction.atomic():
            invoice.save(force_insert=True)
    except IntegrityError as error:
        if "invoice_number_unique" not in str(error):
            raise
        raise NumberTaken(number=invoice.number) from error
    for row in rows:
        row.invoice = invoice
    InvoiceLine.objects.bulk_create(rows)


def _use_credit(*, credit_note: Invoice, invoice: Invoice) -> None:
    amount = min(credit_note.total, invoice.total - invoice.settled_amount)
    if amount > 0:
        Allocation.objects.create(credit_note=credit_note, invoice=invoice, amount=amount)
        credit_note.refresh_from_db(fields=["settled_amount"])
