"""What the loader knows without Django is what the models say."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.apps import apps

from registry.loader import layouts
from registry.models import Enterprise, EnterpriseName, Link

LAYOUTS = [
    layouts.Enterprises,
    layouts.Names,
    layouts.Establishments,
    layouts.Mergers,
    layouts.Continuations,
    layouts.Labels,
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_fills_every_column_of_its_table_and_its_texts_are_never_null(layout):
    abouts = [model._meta for model in apps.get_app_config("registry").get_models()]  # noqa: SLF001 - documented
    [about] = [about for about in abouts if about.db_table == layout.table]
    fields = {field.column: field for field in about.concrete_fields}
    assert {column for column, field in fields.items() if not field.primary_key} <= set(layout.targets) <= set(fields)
    # One that is a choice is never empty.
    free = {column for column, field in fields.items() if not field.choices}
    texts = {column for column in layout.targets if fields[column].get_internal_type() == "TextField"}
    assert texts & free <= set(layout.texts)
    assert [column for column in layout.texts if fields[column].null] == []


def test_the_codes_are_those_of_the_models():
    assert list(layouts.STATUSES) == Enterprise.Status.values
    assert list(layouts.STATES) == EnterpriseName.State.values
    assert list(layouts.KINDS) == EnterpriseName.Kind.values
    assert set(Link.Kind.values) == {"merger", "continuation"}


def test_the_process_beside_loads_no_django():
    code = "import sys, registry.loader.beside; print([name for name in sys.modules if name.startswith('django')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
