"""Everything between a running database and the first page: schema, translations, static files, demo data."""

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

DEMO_STAMP = "comptoir: demo data loaded"


class Command(BaseCommand):
    """Each step is skipped when it has nothing to do, so that a second start is quick."""

    help = "Migrate, compile the translations, collect the static files and, in a demo, load its data once."

    def handle(self, *_args: object, **_options: object) -> None:
        """Run the four steps in order."""
        if has_migrations_to_apply():
            self.stdout.write("Migrating the database …")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("compilemessages", verbosity=0)
        if has_new_static_files():
            self.stdout.write("Collecting the static files …")
            collect_static()
        if settings.DEMO and not has_demo_stamp():
            self.stdout.write("Loading the demo data …")
            call_command("seed_demo")
            leave_demo_stamp()


def has_migrations_to_apply() -> bool:
    """Whether `migrate` has something to do; it takes a second to find that out for itself."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def has_new_static_files() -> bool:
    """Whether a static file changed since the last collection."""
    stamp = static_stamp()
    return not stamp.exists() or stamp.read_text() != static_fingerprint()


def collect_static() -> None:
    """Collect, and remember what was collected."""
    static_stamp().unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    static_stamp().write_text(static_fingerprint())


def static_stamp() -> Path:
    """The file that holds the fingerprint of the collected files."""
    return Path(settings.STATIC_ROOT) / ".collected"


def static_fingerprint() -> str:
    """A digest of the names, sizes and dates of all static files."""
    files = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            about = Path(storage.path(name)).stat()
            files.append((name, about.st_size, about.st_mtime_ns))
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()


def has_demo_stamp() -> bool:
    """Whether the demo data were loaded into this very database: a comment on it says so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        return cursor.fetchone()[0] == DEMO_STAMP


def leave_demo_stamp() -> None:
    """Remember in the database itself that it has its demo data; deleting them later is then respected."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE {name} IS '{DEMO_STAMP}'")
