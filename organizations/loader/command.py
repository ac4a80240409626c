"""The shell of the import commands: options, progress, summary, exit codes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from organizations.loader.reading import Unusable
from organizations.loader.staging import Counts, Import, Rejects
from organizations.models import Merchant

UNUSABLE = 2
SOME_REJECTED = 3
# Seconds between two figures on a terminal.
PAUSE = 0.2


class ImportCommand(BaseCommand):
    """Runs one loader on one file: exits 0 when all was taken, 3 when some was rejected, 2 on an unusable file."""

    load: Callable[..., Counts]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV in UTF-8, comma or semicolon, with a header")
        parser.add_argument("--merchant", metavar="SLUG", help="default: the only one, or the default one")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="where to write what was refused, and why")

    def handle(self, *_args: object, **options: Any) -> None:
        merchant = merchant_of(slug=options["merchant"])
        if not options["file"].is_file():
            raise CommandError(_("There is no file %(path)s.") % {"path": options["file"]}, returncode=UNUSABLE)
        try:
            rejects = Rejects(path=options["rejects"], terminal=sys.stderr)
        except OSError as error:
            raise CommandError(str(error), returncode=UNUSABLE) from error
        run = Import(
            path=options["file"],
            merchant=merchant,
            rejects=rejects,
            is_dry_run=options["dry_run"],
            progress=Meter() if sys.stderr.isatty() else None,
        )
        try:
            counts = type(self).load(run=run)
        except (Unusable, OSError) as error:
            raise CommandError(f"{options['file']}: {error}", returncode=UNUSABLE) from error
        finally:
            rejects.close()
        self.stdout.write(str(counts))
        if counts.rejected:
            raise SystemExit(SOME_REJECTED)


class Meter:
    """Rewrites one line of the terminal: how much of the file is read, then how many records are written."""

    def __init__(self) -> None:
        self.told_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.told_at >= PAUSE or done >= total:
            self.told_at = now
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r{100 * done // max(total, 1):3d} % ({done:,}/{total:,}){end}")
            sys.stderr.flush()


def merchant_of(*, slug: str | None) -> Merchant:
    """The merchant named, else the default one."""
    merchant = Merchant.objects.filter(slug=slug).first() if slug else Merchant.objects.default()
    if merchant is None:
        known = ", ".join(Merchant.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(_("Unknown merchant. There are: %(slugs)s.") % {"slugs": known or "–"}, returncode=UNUSABLE)
    return merchant
