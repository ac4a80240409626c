"""import_registry ZIP: an edition of the enterprise register, as the registrar publishes it."""

from __future__ import annotations

import csv
import os
import sys
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, Self, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.loader.edition import Progress, Run, load_edition
from registry.loader.flaws import Flaw, Unusable
from registry.loader.reasons import refusal, sentence

UNUSABLE = 2
SOME_REJECTED = 3
# Seconds between two figures on a terminal.
PAUSE = 0.2
COLUMNS = ("file", "line", "column", "value", "code", "reason")
SHOWN = 20
# The lowest priority.
NICENESS = 19


class Command(BaseCommand):
    """Exits 0 when all was taken or the edition is there already, 3 when some was rejected, 2 on an unusable ZIP."""

    help = "Import an edition of the enterprise register: readers see the one before until it is whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="ZIP", help="as published by the Registraire des entreprises")
        parser.add_argument("--dry-run", action="store_true", help="check and compare everything, change nothing")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="where to write what was refused, and why")
        parser.add_argument(
            "--published-on",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="default: the date of the newest file in the ZIP",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """From a terminal or a scheduler: whoever uses the site meanwhile goes first."""
        os.nice(NICENESS)
        super().run_from_argv(argv)

    def handle(self, *_args: object, **options: Any) -> None:
        path = options["file"]
        if not path.is_file():
            raise CommandError(_("There is no file %(path)s.") % {"path": path}, returncode=UNUSABLE)
        with ExitStack() as stack:
            try:
                stream = options["rejects"] and stack.enter_context(
                    options["rejects"].open("w", encoding="utf-8", newline="")
                )
                run = Run(
                    path=path,
                    published_on=options["published_on"],
                    is_dry_run=options["dry_run"],
                    on_flaw=Rejects(stream),
                    progress=stack.enter_context(Meter()).progress if sys.stderr.isatty() else Progress(),
                )
                edition = load_edition(run=run)
            except Unusable as error:
                raise CommandError(f"{path}: {refusal(error)}", returncode=UNUSABLE) from error
            except OSError as error:
                raise CommandError(f"{path}: {error}", returncode=UNUSABLE) from error
        if edition is not None and not run.done:
            self.stdout.write(
                _("This ZIP was already imported on %(day)s, as the edition of %(edition)s.")
                % {"day": f"{timezone.localtime(edition.imported_at):%Y-%m-%d}", "edition": edition}
            )
            return
        self.stdout.write(str(run.counts))
        if run.counts.rejected:
            raise SystemExit(SOME_REJECTED)


class Rejects:
    """Writes each record that was not taken to the file asked for, or the first ones to the terminal."""

    def __init__(self, stream: TextIO | None) -> None:
        self.count = 0
        self.writer = csv.writer(stream, lineterminator="\n") if stream else None
        if self.writer is not None:
            self.writer.writerow(COLUMNS)

    def __call__(self, flaw: Flaw) -> None:
        self.count += 1
        if self.writer is not None:
            self.writer.writerow((*flaw[:5], sentence(flaw)))
        elif self.count <= SHOWN:
            sys.stderr.write(f"{flaw.file}:{flaw.line}: {flaw.column}: {flaw.value!r}: {sentence(flaw)}\n")
        elif self.count == SHOWN + 1:
            sys.stderr.write("…\n")


class Meter:
    """Rewrites one line of the terminal: how much is read, then which index is being built."""

    def __init__(self) -> None:
        self.told_at = 0.0
        self.progress = Progress(read=self.read, step=self.step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        sys.stderr.write("\n")

    def read(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.told_at >= PAUSE or done >= total:
            self.told_at = now
            self._rewrite(f"{100 * done // max(total, 1):3d} % ({done:,}/{total:,})")

    def step(self, name: str) -> None:
        self._rewrite(f"100 % · {name}")

    @staticmethod
    def _rewrite(text: str) -> None:
        sys.stderr.write(f"\r{text:<60}")
        sys.stderr.flush()
