"""Django's compilemessages without gettext's programs, which a fresh machine does not have."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation.reloader import translation_file_changed


class Command(BaseCommand):
    """Writes each .mo that is missing or older than its .po."""

    help = "Compile the translations (.po to .mo) of the project."
    requires_system_checks = []

    def handle(self, *_args: object, **options: object) -> None:
        """Compile what needs it, each file in one step so that a reader never sees half of one.

        This process reads what it compiled: whatever it tells next, a demo for instance, is told in the new words.
        """
        for folder in settings.LOCALE_PATHS:
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
                target = source.with_suffix(".mo")
                if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
                    continue
                compile_catalogue(source=source, target=target)
                translation_file_changed(None, target)
                if options["verbosity"]:
                    self.stdout.write(f"Compiled {source.relative_to(settings.BASE_DIR)}.")


def compile_catalogue(*, source: Path, target: Path) -> None:
    """Compile one .po; fuzzy and empty entries are left out, as msgfmt does."""
    draft = target.with_suffix(".mo.new")
    with source.open("rb") as text, draft.open("wb") as binary:
        # Without a language Babel drops the plural rule of the file: « 0 commandes ».
        write_mo(binary, read_po(text, locale=source.parent.parent.name))
    draft.replace(target)
