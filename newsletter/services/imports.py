"""subscribers.csv on a page: what the file would do, said first; then, confirmed, done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from newsletter.loader.subscribers import COLUMNS, load_subscribers
from organizations.loader.reading import Flaw, Source
from organizations.loader.staging import Counts, Import, execute, lock_key, value_of
from organizations.models import Merchant
from organizations.refusals import Refusal

if TYPE_CHECKING:
    from accounts.models import User


class ImportUnderWay(Refusal):
    sentence: str | Promise = _("Another file of this merchant is being imported. Try again in a minute.")


class FileChanged(Refusal):
    sentence: str | Promise = _(
        "What is known of these people has changed since you read this page: nothing was done. Read it again, then "
        "confirm."
    )


class LinesLeft(Refusal):
    sentence: str | Promise = _(
        "Some lines cannot be taken: nothing was done. Say that they are left out, or correct the file and send it "
        "again."
    )


class NothingNew(Refusal):
    sentence: str | Promise = _("This file says nothing new: there is nothing to import.")


class Foreseen:
    """What became of a file, or would: hears of each line that is refused."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self.whose: dict[int, str] = {}  # the address of a refused line, as written
        self.counts = Counts()

    def add(self, flaw: Flaw) -> None:
        self.flaws.append(flaw)

    @property
    def new(self) -> int:
        """The consents that are written."""
        return self.counts.created + self.counts.updated

    @property
    def fingerprint(self) -> str:
        """The same for the same outcome, in any language and in any process."""
        said = "\n".join([str(self.counts), *(f"{flaw.line} {flaw.column} {flaw.code}" for flaw in self.flaws)])
        return hashlib.sha256(said.encode()).hexdigest()


def foresee(*, merchant: Merchant, content: bytes) -> Foreseen:
    """What a confirmation would do, nothing of it done; raises Unusable when it is no such file, ImportUnderWay."""
    with _alone(merchant):
        return _load(merchant, content, is_dry_run=True)


def import_consents(*, merchant: Merchant, content: bytes, seen: str, leaves_out: bool, by: User) -> Foreseen:
    """Write what was foreseen and `seen`, in the name of who confirms; whoever left meanwhile stays out all the same.

    Raises what `foresee` does, FileChanged, LinesLeft, NothingNew.
    """
    with _alone(merchant):
        foreseen = _load(merchant, content, is_dry_run=True)
        if foreseen.fingerprint != seen:
            raise FileChanged
        if foreseen.flaws and not leaves_out:
            raise LinesLeft
        if not foreseen.new:
            raise NothingNew
        return _load(merchant, content, is_dry_run=False, by=by)


def _load(merchant: Merchant, content: bytes, *, is_dry_run: bool, by: User | None = None) -> Foreseen:
    foreseen = Foreseen()
    with NamedTemporaryFile() as file:  # the reader of every import reads a file; this one ends with the request
        file.write(content)
        file.flush()
        run = Import(path=Path(file.name), merchant=merchant, rejects=foreseen, is_dry_run=is_dry_run, by=by)
        foreseen.counts = load_subscribers(run=run)
        if is_dry_run:
            foreseen.whose = _addresses(run.path, lines={flaw.line for flaw in foreseen.flaws})
    foreseen.flaws.sort(key=lambda flaw: (flaw.line, flaw.column, flaw.code))
    return foreseen


def _addresses(path: Path, *, lines: set[int]) -> dict[int, str]:
    """A flaw keeps the cell that is wrong, and an empty one does not tell whose it is."""
    if not lines:
        return {}
    source = Source(path, COLUMNS)
    pick = source.pick(COLUMNS[:1])
    return {line: pick(cells).strip() for line, cells in source.records(flaws=[]) if line in lines}


@contextmanager
def _alone(merchant: Merchant) -> Iterator[None]:
    """A command may be importing a long file: nobody waits for it at a page."""
    who = {"key": lock_key(kind="subscribers"), "merchant": merchant.pk}
    if not value_of("SELECT pg_try_advisory_lock(%(key)s::integer, %(merchant)s::integer)", **who):
        raise ImportUnderWay
    try:
        yield
    finally:
        execute("SELECT pg_advisory_unlock(%(key)s::integer, %(merchant)s::integer)", **who)
