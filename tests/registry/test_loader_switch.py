"""The switch of editions: whole or not at all, whoever reads meanwhile and whenever it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from psycopg import sql

from registry.loader import edition as loader_edition
from registry.loader import shadow
from registry.loader.beside import NamesBeside, ProcessLost
from registry.models import Change, Edition, Enterprise, EnterpriseName
from tests.registry.register import HEADERS, enterprise, merger, name, neq_of, run, text_of, write_register, write_zip

A, B = neq_of(1), neq_of(2)
pytestmark = pytest.mark.django_db(transaction=True)

STRUCTURE = """
SELECT 'column', c.relname, a.attnum::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
    a.attidentity::text, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attcollation::regcollation::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE c.relnamespace = {schema}::regnamespace AND c.relname = ANY({tables}) AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', tablename, indexname, replace(indexdef, schemaname || '.', ''), '', '', '', '', ''
FROM pg_indexes WHERE schemaname = {schema} AND tablename = ANY({tables})
UNION ALL
SELECT 'constraint', c.relname, o.conname, pg_get_constraintdef(o.oid), o.convalidated::text, '', '', '', ''
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
WHERE c.relnamespace = {schema}::regnamespace AND c.relname = ANY({tables})
UNION ALL
SELECT 'table', c.relname, c.relkind::text, c.relpersistence::text, coalesce(c.reloptions::text, ''),
    c.relowner::text, '', '', ''
FROM pg_class c WHERE c.relnamespace = {schema}::regnamespace AND c.relname = ANY({tables})
UNION ALL
SELECT 'sequence', t.relname, s.relname, a.attname, d.deptype::text, '', '', '', ''
FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.refobjsubid > 0 JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_attribute a ON (a.attrelid, a.attnum) = (t.oid, d.refobjsubid)
WHERE s.relkind = 'S' AND s.relnamespace = {schema}::regnamespace AND t.relname = ANY({tables})
ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
def before(tmp_path):
    return run(
        write_register(tmp_path / "before.zip", [enterprise(A)], [name(A, "Ancien inc.")], published=(2026, 10, 1))
    )


@pytest.fixture
def path(tmp_path):
    """The edition to come."""
    rows = [enterprise(A, "RO"), enterprise(B)]
    return write_register(
        tmp_path / "after.zip", rows, [name(A, "Ancien inc."), name(B, "Neuf inc.")], mergers=[merger(B, A)]
    )


def rows_of(query: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def structure(schema: str) -> list[tuple]:
    query = sql.SQL(STRUCTURE).format(schema=sql.Literal(schema), tables=sql.Literal(list(shadow.TABLES)))
    return rows_of(query.as_string(connection.connection))


def litter() -> list[tuple]:
    return rows_of("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'registry%'")


def files() -> list[tuple]:
    """Which tables these are: another number, another table."""
    return rows_of(
        f"SELECT oid, relname FROM pg_class WHERE relname IN {tuple(shadow.TABLES)}"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )


def beside() -> psycopg.Connection:
    """Another connection to this database."""
    return psycopg.connect(loader_edition._address())  # noqa: SLF001 - the address of our own connection


def test_the_tables_in_place_are_those_a_fresh_migration_makes(before, path, capsys):
    run(path)
    call_command("sqlmigrate", "registry", "0001", no_color=True)
    statements = capsys.readouterr().out.replace("BEGIN;", "").replace("COMMIT;", "")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA fresh; SET LOCAL search_path = fresh, public")
        cursor.execute(statements)
        fresh = structure("fresh")
        transaction.set_rollback(True)
    assert {row[0] for row in fresh} == {"column", "index", "constraint", "table", "sequence"}
    assert structure("public") == fresh


def test_later_migrations_find_what_they_change(before, path):
    run(path)
    about = EnterpriseName._meta  # noqa: SLF001 - the documented way to read a model
    with transaction.atomic(), connection.schema_editor(atomic=False) as editor:
        editor.remove_index(EnterpriseName, about.indexes[0])
        editor.remove_constraint(EnterpriseName, about.constraints[0])
        editor.remove_field(EnterpriseName, about.get_field("text"))
        editor.alter_db_table(EnterpriseName, "registry_enterprisename", "renamed")
        transaction.set_rollback(True)
    added = EnterpriseName.objects.create(enterprise_id=A, text="Ajouté", state="V", kind="N", folded="ajoute")
    assert added.pk == EnterpriseName.objects.order_by("-pk").first().pk


def test_statistics_and_visibility_are_there_from_the_first_moment(before, path):
    run(path)
    [(rows, visible)] = rows_of(
        "SELECT reltuples, relallvisible FROM pg_class WHERE oid = 'registry_enterprise'::regclass"
    )
    assert (rows, visible) == (2, 1)


class Reader(threading.Thread):
    """Asks again and again, with prepared statements, what edition it is and what the tables hold."""

    def __init__(self) -> None:
        super().__init__()
        self.address = loader_edition._address()  # noqa: SLF001 - the address of our own connection
        self.seen: set[tuple] = set()
        self.failure: Exception | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            with psycopg.connect(self.address, autocommit=True) as database:
                while not self.stop.is_set():
                    self.seen.add(self.look(database))
        except Exception as error:  # noqa: BLE001 - what the test looks for
            self.failure = error

    def look(self, database: psycopg.Connection) -> tuple:
        one = database.execute(
            "SELECT (SELECT published_on::text FROM registry_edition WHERE is_current),"
            " (SELECT count(*) FROM registry_enterprise), (SELECT count(*) FROM registry_enterprisename)", prepare=True
        ).fetchone()  # fmt: skip
        with database.transaction():
            database.execute("LOCK TABLE registry_enterprise IN ACCESS SHARE MODE")
            several = [
                database.execute(query, prepare=True).fetchone()[0]
                for query in (
                    "SELECT published_on::text FROM registry_edition WHERE is_current",
                    "SELECT count(*) FROM registry_enterprise",
                    "SELECT count(*) FROM registry_enterprisename",
                )
            ]
        return (*one, *several)


def test_readers_see_one_edition_or_the_other_and_never_fail(before, tmp_path):
    reader = Reader()
    reader.start()
    for turn in range(1, 6):
        rows = [enterprise(neq_of(n)) for n in range(1, 2 + turn)]
        run(write_register(tmp_path / f"{turn}.zip", rows, published=(2026, 10, 1 + turn)))
    reader.stop.set()
    reader.join()
    assert reader.failure is None
    whole = {(f"2026-10-0{n}", n, n) for n in range(1, 7)}
    # Statement by statement and transaction by transaction; between the two the edition may change.
    assert {seen[:3] for seen in reader.seen} <= whole
    assert {seen[3:] for seen in reader.seen} <= whole
    assert len(reader.seen) > 2


def test_a_transaction_that_holds_the_edition_sees_it_to_its_end(before, path, monkeypatch):
    monkeypatch.setattr(shadow, "PAUSE", 0.01)
    held, release, found = threading.Event(), threading.Event(), []

    def read() -> None:
        try:
            with transaction.atomic():
                edition = Edition.objects.held()
                held.set()
                release.wait(30)
                found.append((edition, Edition.objects.current(), Enterprise.objects.count()))
        finally:
            connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    held.wait(30)
    old = Edition.objects.current()
    tried = shadow._swap  # noqa: SLF001 - the step that waits

    def swap_once_released() -> None:
        try:
            tried()
        finally:
            release.set()

    monkeypatch.setattr(shadow, "_swap", swap_once_released)
    assert run(path).exit_code == 0
    reader.join()
    assert found == [(old, old, 1)]
    assert Enterprise.objects.count() == 2


def test_readers_who_never_leave_make_the_import_give_up(before, path, monkeypatch):
    monkeypatch.setattr(shadow, "PAUSE", 0.01)
    monkeypatch.setattr(shadow, "ATTEMPTS", 2)
    tables = files()
    with beside() as reader:
        reader.execute("SELECT 1 FROM registry_enterprise")
        with pytest.raises(CommandError) as caught:
            run(path)
    assert caught.value.returncode == 2
    assert (files(), litter(), Edition.objects.count()) == (tables, [], 1)


def test_a_view_of_the_tables_is_not_dropped_unasked(before, path):
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW somebody AS SELECT neq FROM registry_enterprise")
    try:
        with pytest.raises(CommandError) as caught:
            run(path)
        assert (caught.value.returncode, "somebody" in str(caught.value)) == (2, True)
        assert rows_of("SELECT * FROM somebody") == [(A,)]
        assert (litter(), Edition.objects.count()) == ([], 1)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP VIEW somebody")


def test_who_may_read_the_tables_may_read_the_next_ones(before, path):
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON registry_enterprise TO PUBLIC")
    run(path)
    granted = "SELECT relname, relacl::text FROM pg_class WHERE relname LIKE 'registry_enterprise%' AND relkind = 'r'"
    [(_names, others), (_enterprises, everybody)] = sorted(rows_of(granted), reverse=True)
    assert (others, "=r/" in everybody) == (None, True)


DRIVER = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from registry.loader import changes, edition, rejects, shadow
edition.WORTH_TWO = 0
module, name = sys.argv[2].split(".")
module = {"changes": changes, "edition": edition, "rejects": rejects, "shadow": shadow}[module]
step = getattr(module, name)
def die(*args, **kwargs):
    step(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, die)
if __name__ == "__main__":
    call_command("import_registry", sys.argv[1])
"""
STEPS = [
    "shadow.create",
    "edition._copy",
    "edition._fill",
    "shadow.index",
    "changes.compute_changes",
    "edition._record",
]


@pytest.mark.parametrize("step", [*STEPS, "shadow._swap"])
def test_killed_after_any_step_the_edition_before_stays_and_the_next_run_completes(before, path, step, tmp_path):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    tables = files()
    command = [sys.executable, "-W", "ignore", str(driver), str(path), step]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (files(), Edition.objects.count(), Change.objects.count()) == (tables, 1, 0)
    assert list(Enterprise.objects.values_list("neq", "status")) == [(A, "IM")]
    outcome = run(path)
    assert outcome.exit_code == 0
    assert dict(Enterprise.objects.values_list("neq", "status")) == {A: "RO", B: "IM"}
    assert (litter(), Edition.objects.count(), Edition.objects.current().published_on.month) == ([], 2, 11)


def environment() -> dict[str, str]:
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    root = str(Path(__file__).resolve().parents[2])
    ours = {"DATABASE_URL": f"postgres://{address}", "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": root}
    return {**os.environ, **ours}


def test_one_import_at_a_time(before, path):
    with beside() as other, pytest.MonkeyPatch.context() as impatient:
        impatient.setattr(shadow, "ATTEMPTS", 4)
        impatient.setattr(shadow, "PAUSE", 0.01)
        other.execute("SELECT pg_advisory_lock(hashtext(%s))", [shadow.LOCK])
        with pytest.raises(CommandError) as caught:
            run(path)
        assert caught.value.returncode == 2
    assert run(path).exit_code == 0


def test_the_same_zip_again_writes_nothing(before, path):
    run(path)
    tables, newest = files(), Edition.objects.current()
    outcome = run(path)
    assert (outcome.exit_code, outcome.rejects) == (0, [])
    assert "déjà été importée" in outcome.summary
    assert "2026-11-01" in outcome.summary
    assert (files(), Edition.objects.count(), Edition.objects.current()) == (tables, 2, newest)


def test_a_dry_run_says_everything_and_changes_nothing(before, path):
    tables = files()
    dry = run(path, "--dry-run")
    assert (files(), litter(), Edition.objects.count(), Change.objects.count()) == (tables, [], 1, 0)
    assert dry.summary == run(path).summary
    assert "enterprises=2 names=2 establishments=0 links=1 rejected=0 new=1 struck_off=1" in dry.summary


def test_two_processes_fill_what_one_does(before, tmp_path, monkeypatch):
    rows = [enterprise(neq_of(n), ADR_DOMCL_LIGN1_ADR=f"{n}, rue du Quai") for n in range(1, 1200)]
    names = [
        name(neq_of(n), f"Nom nº {n}, « dit » Œuvre", NOM_ASSUJ_LANG_ETRNG="" if n % 3 else "Name")
        for n in range(1, 1203)
    ]
    path = write_register(tmp_path / "one.zip", rows, names)
    one = (run(path), contents())
    monkeypatch.setattr(loader_edition, "WORTH_TWO", 0)
    again = write_register(tmp_path / "two.zip", rows, names, published=(2026, 11, 2))
    two = (run(again), contents())
    assert two[0].exit_code == one[0].exit_code == 3
    assert (
        [row["line"] for row in two[0].rejects] == [row["line"] for row in one[0].rejects] == ["1201", "1202", "1203"]
    )
    assert two[1] == one[1]
    assert len(one[1][1]) == 1199 + 399


def contents() -> tuple[list, list]:
    return (
        list(Enterprise.objects.order_by("neq").values_list()),
        list(EnterpriseName.objects.order_by("pk").values_list()),
    )


@pytest.mark.parametrize("file", ["Entreprise.csv", "Nom.csv"])
def test_when_one_process_finds_the_zip_unusable_the_other_stops(before, tmp_path, monkeypatch, file):
    monkeypatch.setattr(loader_edition, "WORTH_TWO", 0)
    members = {known: text_of(known, []) for known in HEADERS}
    members["Entreprise.csv"] = text_of("Entreprise.csv", [enterprise(neq_of(n)) for n in range(3000)])
    members["Nom.csv"] = text_of("Nom.csv", [name(neq_of(n)) for n in range(3000)])
    members[file] = members[file].encode() + b"\xff\n"
    tables = files()
    with pytest.raises(CommandError) as caught:
        run(write_zip(tmp_path / "after.zip", members))
    assert (caught.value.returncode, f"{file}, ligne 3002" in str(caught.value)) == (2, True)
    assert (files(), litter(), Edition.objects.count()) == (tables, [], 1)
    assert rows_of(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()"
    ) == [(0,)]


def test_when_the_process_beside_is_killed_the_import_fails_and_the_edition_before_stays(before, path, monkeypatch):
    def enter(names: NamesBeside) -> NamesBeside:
        os.kill(names.process.pid, signal.SIGKILL)
        return names

    monkeypatch.setattr(loader_edition, "WORTH_TWO", 0)
    monkeypatch.setattr(NamesBeside, "__enter__", enter)
    tables = files()
    with pytest.raises(ProcessLost):
        run(path)
    assert (files(), litter(), Edition.objects.count()) == (tables, [], 1)
