"""import_members FILE: the merchant's members from a CSV file."""

from organizations.loader.command import ImportCommand
from organizations.loader.members import load_members


class Command(ImportCommand):
    help = "Import members.csv: idempotent, checked line by line."
    load = staticmethod(load_members)
