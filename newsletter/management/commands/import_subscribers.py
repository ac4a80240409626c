"""import_subscribers FILE: consents with their evidence from a CSV file."""

from newsletter.loader.subscribers import load_subscribers
from organizations.loader.command import ImportCommand


class Command(ImportCommand):
    help = "Import subscribers.csv: each line a consent and its evidence; whoever left is never subscribed again."
    load = staticmethod(load_subscribers)
