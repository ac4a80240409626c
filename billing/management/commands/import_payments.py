"""import_payments FILE: the merchant's payments from a CSV file."""

from billing.loader.payments import load_payments
from organizations.loader.command import ImportCommand


class Command(ImportCommand):
    help = "Import payments.csv: idempotent, checked line by line."
    load = staticmethod(load_payments)
