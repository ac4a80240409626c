"""Preparing a database and its files: each step once."""

import gettext
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import translation

from portal.management.commands import prepare
from portal.management.commands.compilemessages import compile_catalogue

CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "%(count)s order"
msgid_plural "%(count)s orders"
msgstr[0] "%(count)s commande"
msgstr[1] "%(count)s commandes"

#, fuzzy
msgid "Invoice"
msgstr "Facteur"
"""


def test_translations_compile_without_the_programs_of_gettext(tmp_path: Path) -> None:
    source = tmp_path / "fr_CA" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(CATALOGUE)
    compile_catalogue(source=source, target=source.with_suffix(".mo"))
    with source.with_suffix(".mo").open("rb") as file:
        french = gettext.GNUTranslations(file)
    # Zero is singular in French, unlike in English.
    assert french.ngettext("%(count)s order", "%(count)s orders", 0) == "%(count)s commande"
    assert french.ngettext("%(count)s order", "%(count)s orders", 2) == "%(count)s commandes"
    assert french.gettext("Invoice") == "Invoice"


def test_a_catalogue_is_compiled_again_only_when_it_changed(tmp_path: Path, settings: object) -> None:
    folder = tmp_path / "fr_CA" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(CATALOGUE)
    settings.BASE_DIR, settings.LOCALE_PATHS = tmp_path, [tmp_path]
    said = [StringIO(), StringIO(), StringIO()]
    call_command("compilemessages", stdout=said[0])
    call_command("compilemessages", stdout=said[1])
    later = source.stat().st_mtime + 10
    os.utime(source, (later, later))
    call_command("compilemessages", stdout=said[2])
    assert [bool(text.getvalue()) for text in said] == [True, False, True]


def test_what_was_compiled_is_read_by_the_process_that_compiled_it(tmp_path: Path, settings: object) -> None:
    """The first start compiles, then tells the demo: in French."""
    folder = tmp_path / "fr_CA" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(CATALOGUE)
    settings.BASE_DIR, settings.LOCALE_PATHS = tmp_path, [tmp_path]
    with translation.override("fr-ca"):
        words = lambda: translation.ngettext("%(count)s order", "%(count)s orders", 2)  # noqa: E731 - asked twice
        assert words() == "%(count)s orders"
        call_command("compilemessages", verbosity=0)
        assert words() == "%(count)s commandes"


def test_static_files_are_collected_again_only_when_one_changed(tmp_path: Path, settings: object) -> None:
    files = tmp_path / "files"
    files.mkdir()
    settings.STATICFILES_DIRS = [files]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    (files / "one.css").write_text("a{}")
    assert prepare.has_new_static_files()
    prepare.collect_static()
    assert (tmp_path / "collected" / "one.css").read_text() == "a{}"
    assert not prepare.has_new_static_files()
    (files / "one.css").write_text("b{color:red}")
    assert prepare.has_new_static_files()


@pytest.mark.django_db
def test_the_demo_is_loaded_once_into_a_database_even_if_it_is_emptied_later() -> None:
    assert not prepare.has_demo_stamp()
    prepare.leave_demo_stamp()
    assert prepare.has_demo_stamp()


@pytest.mark.django_db
def test_a_migrated_database_has_nothing_to_migrate() -> None:
    assert not prepare.has_migrations_to_apply()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'billing'")
    assert prepare.has_migrations_to_apply()
