"""import_customers FILE: the merchant's customers from a CSV file."""

from organizations.loader.command import ImportCommand
from organizations.loader.customers import load_customers


class Command(ImportCommand):
    help = "Import customers.csv: idempotent, checked line by line."
    load = staticmethod(load_customers)
