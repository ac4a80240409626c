"""import_invoices FILE: the merchant's invoices and credit notes from a CSV file."""

from billing.loader.invoices import load_invoices
from organizations.loader.command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import invoices.csv: idempotent, checked line by line, whole documents only. "
        "The file may also have the columns requisition_number, adviser, subtotal, gst, qst and total."
    )
    load = staticmethod(load_invoices)
