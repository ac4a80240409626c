"""Loads the demo once."""

from django.core.management.base import BaseCommand

from portal import demo


class Command(BaseCommand):
    help = "Load the demo: two merchants, forty customers, eighteen months of invoices. Once."

    def handle(self, *args: object, **options: object) -> None:
        if not demo.tell(progress=lambda step: self.stdout.write(f"Demo: {step}…")):
            self.stdout.write("Demo: already there.")
        # Each signature is a transaction of its own: after the story, which is one.
        demo.tell_team()
        demo.tell_counter()
