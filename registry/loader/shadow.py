"""The tables of the next edition: made like the live ones in a schema of their own, then put in their place.

Names of indexes and constraints are per schema, so the new tables bear the old ones' and later migrations find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.db import InternalError, OperationalError, connection, transaction

from registry.loader.copying import SCHEMA
from registry.loader.flaws import Unusable
from registry.models import Enterprise, EnterpriseName, Establishment, Label, Link, Word

TABLES = tuple(model._meta.db_table for model in (Enterprise, EnterpriseName, Establishment, Link, Label, Word))  # noqa: SLF001 - the documented way to read a model
# Where the old tables wait to be dropped, within one transaction.
OLD = "registry_old"
LOCK = "comptoir registry import"
# How long readers may queue behind the switch, and how often it is tried: pages read for some milliseconds.
LOCK_PATIENCE = "200ms"
ATTEMPTS = 100
PAUSE = 0.2
LOCK_NOT_AVAILABLE, DEPENDED_ON = "55P03", "2BP01"
# Room to sort in, and no more than one processor of the server: the others are for those who use the site.
SETTINGS = {
    "maintenance_work_mem": "256MB",
    "work_mem": "64MB",
    "max_parallel_maintenance_workers": "0",
    "max_parallel_workers_per_gather": "0",
}

CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype IN ('c', 'p', 'u', 'x') ORDER BY contype, conname
"""
INDEXES = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(table)s::regclass AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conindid = c.oid)
ORDER BY c.relname
"""
# What others than the owner may do.
GRANTS = """
SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
    CASE WHEN is_grantable THEN 'WITH GRANT OPTION' ELSE '' END
FROM pg_class, aclexplode(relacl) WHERE oid = %(table)s::regclass AND grantee <> relowner
"""


def execute(query: str, **params: Any) -> int:
    """Run one statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return int(cursor.rowcount)


def rows_of(query: str, **params: Any) -> list[tuple[Any, ...]]:
    """All rows of a short result."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return list(cursor.fetchall())


def home() -> str:
    """The schema of the live tables, quoted."""
    [(schema,)] = rows_of(
        "SELECT quote_ident(nspname) FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
        " WHERE c.oid = %(table)s::regclass",
        table=TABLES[0],
    )
    return str(schema)


@contextmanager
def alone() -> Iterator[None]:
    """The only import of the register; Unusable when another is running. What a killed one left is dropped first."""
    key = "hashtext(%(lock)s)"
    for attempt in range(ATTEMPTS // 2):
        # A killed import keeps the lock until the server notices.
        if rows_of(f"SELECT pg_try_advisory_lock({key})", lock=LOCK) == [(True,)]:
            break
        Event().wait(PAUSE if attempt else 0)
    else:
        raise Unusable("already_running")
    try:
        drop()
        for name, value in SETTINGS.items():
            execute(f"SET {name} = '{value}'")
        yield
    finally:
        # After a lost connection the server has already forgotten the lock, and the next import drops the tables.
        if connection.is_usable() and not connection.needs_rollback:
            drop()
            for name in SETTINGS:
                execute(f"RESET {name}")
            execute(f"SELECT pg_advisory_unlock({key})", lock=LOCK)


def drop() -> None:
    """Leave no litter."""
    execute(f"DROP SCHEMA IF EXISTS {SCHEMA}, {OLD} CASCADE")


def create() -> None:
    """Empty tables like the live ones, without checks and indexes: those are made once the rows are there."""
    live = home()
    execute(f"CREATE SCHEMA {SCHEMA}")
    for table in TABLES:
        execute(
            f"CREATE TABLE {SCHEMA}.{table} (LIKE {live}.{table} INCLUDING ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS)"
        )
        # ANALYZE comes when it is whole, and its rows are frozen.
        execute(f"ALTER TABLE {SCHEMA}.{table} SET (autovacuum_enabled = off)")


def grant() -> None:
    """Whoever may read the live tables may read the new ones."""
    live = home()
    for table in TABLES:
        for privilege, role, option in rows_of(GRANTS, table=f"{live}.{table}"):
            execute(f"GRANT {privilege} ON {SCHEMA}.{table} TO {role} {option}")


def index(*, progress: Callable[[str], None]) -> None:
    """The constraints and indexes of the live tables, under the same names, then statistics."""
    live = home()
    for table in TABLES:
        for name, definition in rows_of(CONSTRAINTS, table=f"{live}.{table}"):
            progress(name)
            execute(f'ALTER TABLE {SCHEMA}.{table} ADD CONSTRAINT "{name}" {definition}')
        for name, definition in rows_of(INDEXES, table=f"{live}.{table}"):
            progress(name)
            execute(definition.replace(f" ON {live}.{table} ", f" ON {SCHEMA}.{table} ", 1))
        progress(table)
        execute(f"ALTER TABLE {SCHEMA}.{table} RESET (autovacuum_enabled)")
        execute(f"ANALYZE {SCHEMA}.{table}")


def advance_sequences() -> None:
    """The loader numbers the names itself: whatever is added to a table later comes after."""
    execute(
        f"SELECT setval(pg_get_serial_sequence('{SCHEMA}.registry_enterprisename', 'id'), coalesce(max(id), 0) + 1)"
        f" FROM {SCHEMA}.registry_enterprisename"
    )


def switch(*, record: Callable[[], None]) -> None:
    """`record` the edition and put the new tables in place of the live ones, in one transaction.

    Readers queue no longer than LOCK_PATIENCE, then go first, and the tables are asked for again.
    """
    with transaction.atomic():
        record()
        for _attempt in range(ATTEMPTS):
            try:
                with transaction.atomic():
                    _swap()
            except (OperationalError, InternalError) as error:
                state = getattr(error.__cause__, "sqlstate", "")
                if state == DEPENDED_ON:
                    raise Unusable("depended_on", error=str(error).strip()) from error
                if state != LOCK_NOT_AVAILABLE:
                    raise
                Event().wait(PAUSE)
            else:
                return
        raise Unusable("readers_stay")


def _swap() -> None:
    live = home()
    execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
    execute(f"LOCK TABLE {', '.join(f'{live}.{table}' for table in TABLES)} IN ACCESS EXCLUSIVE MODE")
    execute(f"CREATE SCHEMA {OLD}")
    for table in TABLES:
        execute(f"ALTER TABLE {live}.{table} SET SCHEMA {OLD}")
        execute(f"ALTER TABLE {SCHEMA}.{table} SET SCHEMA {live}")
    # Without CASCADE: a view that somebody made of them is not ours to drop.
    execute(f"DROP TABLE {', '.join(f'{OLD}.{table}' for table in TABLES)}")
    execute(f"DROP SCHEMA {OLD}")
