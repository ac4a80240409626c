"""The records that were not taken: in a table beside the new ones until the switch, then in `Reject`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import connection

from registry.loader.copying import SCHEMA
from registry.loader.flaws import Flaw
from registry.loader.shadow import execute

COLUMNS = 'file, line, "column", value, code, known'
TABLE = f"""
CREATE TABLE {SCHEMA}.reject (
    file text NOT NULL, line bigint NOT NULL, "column" text NOT NULL, value text NOT NULL, code text NOT NULL,
    known text NOT NULL
)
"""
# A name has ten times its line for an id; its version in another language goes with it.
ORPHANS = f"""
WITH gone AS (
    DELETE FROM {SCHEMA}.registry_enterprisename n
    WHERE NOT EXISTS (SELECT FROM {SCHEMA}.registry_enterprise e WHERE e.neq = n.neq) RETURNING id, neq
)
INSERT INTO {SCHEMA}.reject SELECT %(file)s, id / 10, 'NEQ', neq, 'unknown_neq', '' FROM gone WHERE id %% 10 = 0
"""


def reject_names(*, file: str, flaws: Iterable[Flaw]) -> int:
    """Keep the flaws, and turn the names of enterprises that the edition lacks into more; how many."""
    execute(TABLE)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {SCHEMA}.reject VALUES (%s, %s, %s, %s, %s, %s)", list(flaws))
    return execute(ORPHANS, file=file)


def tell_orphans(*, file: str, on_flaw: Callable[[Flaw], None]) -> None:
    """Tell each of them: there may be many, they are fetched a few at a time."""
    database = connection.connection
    with database.transaction(), database.cursor("registry_orphans") as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM {SCHEMA}.reject WHERE file = %s AND code = 'unknown_neq' ORDER BY line", [file]
        )
        for row in cursor:
            on_flaw(Flaw(*row))


def store(*, edition: int) -> None:
    """Keep them all, as those of this edition."""
    execute(
        f"INSERT INTO registry_reject (edition_id, {COLUMNS}) SELECT %(edition)s, {COLUMNS} FROM {SCHEMA}.reject"
        " ORDER BY file, line",
        edition=edition,
    )
