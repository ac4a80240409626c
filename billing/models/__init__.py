"""Documents issued to customers, money received, and the files made from them."""

from billing.models.files import InvoicePdf
from billing.models.invoices import Invoice, InvoiceLine, InvoiceQuerySet, Letterhead
from billing.models.payments import Allocation, Payment

__all__ = ("Allocation", "Invoice", "InvoiceLine", "InvoicePdf", "InvoiceQuerySet", "Letterhead", "Payment")
