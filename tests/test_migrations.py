"""Migrations say what the models say, have a name that means something, and go both ways."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

OURS = {"accounts", "registry", "signatures", "organizations", "billing", "newsletter"}


def ours() -> dict[tuple[str, str], object]:
    loader = MigrationLoader(connection)
    return {key: migration for key, migration in loader.disk_migrations.items() if key[0] in OURS}


@pytest.mark.django_db
def test_no_model_waits_for_a_migration():
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


@pytest.mark.django_db
def test_names_mean_something():
    names = [name for _app, name in ours()]
    assert names
    assert [name for name in names if "_auto_" in name] == []


@pytest.mark.django_db
def test_every_step_can_be_undone():
    steps = [(key, step) for key, migration in ours().items() for step in migration.operations]
    assert steps
    assert [key for key, step in steps if not step.reversible] == []


@pytest.mark.django_db
def test_each_app_is_one_line_without_branches():
    loader = MigrationLoader(connection)
    assert loader.detect_conflicts() == {}
