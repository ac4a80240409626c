"""Documents worth printing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.models import Invoice, InvoiceLine
from billing.taxes import line_amount, taxes_on
from organizations.models import Customer
from tests import factories

# description, quantity, unit, unit price, discount, tax code
LINES = [
    ("Location d’une nacelle articulée de 60 pi", "5", "day", "412.50", "0", "standard"),
    ("Exonération de dommages (9,9 %)", "1", "unit", "204.19", "0", "standard"),
    ("Mini-pelle 1,7 t", "1.5", "week", "985", "10", "standard"),
    ("Carburant", "42.375", "l", "1.8875", "0", "standard"),
    ("Permis de la Ville (débours)", "1", "unit", "60", "0", "exempt"),
]


def invoice_of(*, customer: Customer, lines: int = 5, **fields: object) -> Invoice:
    """A full document: every optional mention is there unless a test says otherwise."""
    drafts = [LINES[index % len(LINES)] for index in range(lines)]
    amounts = [
        line_amount(quantity=Decimal(quantity), unit_price=Decimal(price), discount_percent=Decimal(discount))
        for _words, quantity, _unit, price, discount, _tax in drafts
    ]
    taxable = sum((a for a, draft in zip(amounts, drafts, strict=True) if draft[5] == "standard"), Decimal(0))
    taxes = taxes_on(taxable_subtotal=taxable)
    letterhead = {"merchant": customer.merchant, "phone": "+14505550142", "phone_extension": "10435"}
    given = {
        "customer": customer,
        "number": "F-104482",
        "issued_on": date(2026, 11, 1),
        "due_on": date(2026, 12, 1),
        "bill_to_address": "455, rue du Marché\nMontréal (QC)  H4N 1J8",
        "letterhead": factories.LetterheadFactory(**letterhead),
        "branch": factories.BranchFactory(merchant=customer.merchant, name="Laval – Industriel"),
        "adviser": "Mélanie Ouellet",
        "po_number": "PO-88213",
        "project": "Station Du Ruisseau",
        "requisition_number": "RQ-5512",
        "requested_by": "Bob Gagnon",
        "site_address": "12400, av. du Bois, Montréal",
        "line_count": lines,
        "subtotal": sum(amounts, Decimal(0)),
        "taxable_subtotal": taxable,
        "gst": taxes.gst,
        "qst": taxes.qst,
    } | fields
    invoice = factories.InvoiceFactory(line=False, **given)
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=position,
            sku=f"ART-{position:03}",
            description=words,
            quantity=Decimal(quantity),
            unit=unit,
            unit_price=Decimal(price),
            discount_percent=Decimal(discount),
            tax_code=tax,
            amount=amount,
        )
        for position, ((words, quantity, unit, price, discount, tax), amount) in enumerate(
            zip(drafts, amounts, strict=True), 1
        )
    )
    return invoice
