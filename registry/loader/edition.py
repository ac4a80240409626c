"""The whole way of an edition: from the ZIP to the tables readers see, or to nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from registry.loader import changes, rejects, shadow
from registry.loader.archive import Archive, File, digest, open_archive
from registry.loader.beside import NamesBeside
from registry.loader.copying import SCHEMA, copy_member
from registry.loader.flaws import Flaw, Unusable
from registry.loader.layouts import Continuations, Enterprises, Establishments, Labels, Layout, Mergers, Names
from registry.loader.numbers import Numbers
from registry.loader.words import count_words
from registry.models import Edition

# Bytes to read from which a second process is worth its start.
WORTH_TWO = 20_000_000
# More records than this that cannot be read: it is not the register as we know it.
TOO_MANY = 10_000


@dataclass
class Progress:
    """What the command shows meanwhile."""

    read: Callable[[int, int], None] = lambda done, total: None
    step: Callable[[str], None] = lambda name: None


@dataclass
class Counts:
    """Records taken and rejected, and what changed since the edition before."""

    enterprises: int = 0
    names: int = 0
    establishments: int = 0
    links: int = 0
    rejected: int = 0
    changes: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        found = {"new": 0, **dict.fromkeys(changes.KINDS, 0), **self.changes}
        taken = {name: getattr(self, name) for name in ("enterprises", "names", "establishments", "links", "rejected")}
        return " ".join(f"{name}={count}" for name, count in {**taken, **found}.items())


@dataclass
class Run:
    """What one run was asked, and what it says while it works."""

    path: Path
    published_on: date | None = None
    is_dry_run: bool = False
    on_flaw: Callable[[Flaw], None] = lambda flaw: None
    progress: Progress = field(default_factory=Progress)
    counts: Counts = field(default_factory=Counts)
    flaws: list[Flaw] = field(default_factory=list)
    done: int = 0
    size: int = 0

    def flaw(self, flaw: Flaw) -> None:
        """Tell it and keep it; Unusable when there are too many."""
        self.on_flaw(flaw)
        self.flaws.append(flaw)
        self.counts.rejected += 1
        if len(self.flaws) > TOO_MANY:
            raise Unusable("too_many_rejects", count=TOO_MANY)

    def read(self, count: int) -> None:
        self.done += count
        self.progress.read(self.done, self.size)


def load_edition(*, run: Run) -> Edition | None:
    """Import the ZIP as the current edition; the edition it already is, unchanged, when it was imported before.

    None after a dry run. Unusable, with everything as before, when the ZIP cannot be taken. Readers see the edition
    before until one transaction puts the new one in its place.
    """
    with shadow.alone(), open_archive(run.path) as archive:
        sha256 = digest(run.path)
        known = Edition.objects.filter(sha256=sha256).first()
        if known is not None:
            return known
        before = Edition.objects.current()
        day = _published_on(archive=archive, run=run, before=before)
        run.size = archive.size
        shadow.create()
        _fill(archive=archive, run=run)
        run.progress.step("orphans")
        _reject_orphans(archive=archive, run=run)
        if not run.is_dry_run:
            run.progress.step("words")
            count_words(schema=SCHEMA)
            shadow.index(progress=run.progress.step)
            shadow.grant()
            shadow.advance_sequences()
        if before is not None:
            run.progress.step("changes")
            run.counts.changes = changes.compute_changes(old_day=before.published_on, new_day=day)
        if run.is_dry_run:
            return None
        run.progress.step("switch")
        edition = Edition(published_on=day, sha256=sha256)
        shadow.switch(record=partial(_record, edition=edition, run=run))
        return edition


def _published_on(*, archive: Archive, run: Run, before: Edition | None) -> date:
    """The day asked for, else the one the ZIP says; never before that of the edition it would replace."""
    day = run.published_on or archive.published_on
    if day is None or day > timezone.localdate() + timedelta(days=1):
        raise Unusable("no_date", day=day or "–")
    if before is not None and day < before.published_on:
        raise Unusable("older", day=day, current=before.published_on)
    return day


def _fill(*, archive: Archive, run: Run) -> None:
    """Fill every table, the names beside the rest when there are many."""
    connection.ensure_connection()
    numbers = Numbers()
    with ExitStack() as stack:
        beside = None
        # Inside a transaction no other connection sees the tables.
        if archive.size >= WORTH_TWO and not connection.in_atomic_block:
            beside = stack.enter_context(
                NamesBeside(path=run.path, address=_address(), on_flaw=run.flaw, progress=run.read)
            )
        copy = partial(_copy, archive=archive, run=run, beside=beside)
        run.counts.enterprises = copy(Enterprises(numbers=numbers))
        run.counts.establishments = copy(Establishments(numbers=numbers))
        run.counts.links = copy(Mergers(numbers=numbers)) + copy(Continuations(numbers=numbers))
        copy(Labels())
        run.counts.names = copy(Names()) if beside is None else beside.result()


def _reject_orphans(*, archive: Archive, run: Run) -> None:
    """Keep what was rejected, and drop the names of enterprises that are not there; Unusable when nothing is left."""
    file = archive.members[File.NAMES].filename
    orphans = rejects.reject_names(file=file, flaws=run.flaws)
    run.counts.names -= orphans
    run.counts.rejected += orphans
    rejects.tell_orphans(file=file, on_flaw=run.on_flaw)
    for what in ("enterprises", "names"):
        if not getattr(run.counts, what):
            raise Unusable(f"no_{what}")


def _copy(layout: Layout, *, archive: Archive, run: Run, beside: NamesBeside | None) -> int:
    """Fill the table of one file, if the ZIP has it, listening to the process beside."""
    if layout.file not in archive.members:
        return 0
    return copy_member(
        archive=archive,
        layout=layout,
        database=connection.connection,
        on_flaw=run.flaw,
        progress=partial(_progress, run=run, beside=beside),
    )


def _progress(count: int, *, run: Run, beside: NamesBeside | None) -> None:
    run.read(count)
    if beside is not None:
        beside.listen()


def _address() -> str:
    """Where our connection goes, for another one."""
    info = connection.connection.info
    return make_conninfo(**{**info.get_parameters(), "password": info.password})


def _record(*, edition: Edition, run: Run) -> None:
    """Write down the edition, current from now on, with its rejects and changes."""
    Edition.objects.filter(is_current=True).update(is_current=False)
    edition.pk = None
    edition.is_current = True
    edition.enterprise_count, edition.name_count = run.counts.enterprises, run.counts.names
    edition.establishment_count, edition.link_count = run.counts.establishments, run.counts.links
    edition.reject_count, edition.new_count = run.counts.rejected, run.counts.changes.get("new", 0)
    edition.save()
    rejects.store(edition=edition.pk)
    if run.counts.changes:
        changes.store_changes(edition=edition.pk)
