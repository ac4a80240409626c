"""An invoice number with its total, as somebody who says they received it quotes them."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Invoice
from organizations.models import Merchant


def customers_with_invoice(*, merchant: Merchant, number: str, total: Decimal | None) -> dict[int, bool]:
    """The customers billed under this number, by primary key, and whether the total is right to the cent. One query."""
    number = number.strip()
    if not number:
        return {}
    spellings = {number, number.upper(), number.lower()}
    billed = Invoice.objects.filter(merchant=merchant, number__in=spellings).values_list("customer_id", "total")
    return {customer: amount == total for customer, amount in billed}
