"""import_invoices FILE: the merchant's invoices from a CSV file."""

from billing.loader.invoices import load_invoices
from organizations.loader.command import ImportCommand


class Command(ImportCommand):
    help = "Import invoices.csv: idempotent, checked line by line."
    load = staticmethod(load_invoices)
