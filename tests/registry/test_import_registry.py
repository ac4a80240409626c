"""What the command shows and answers: progress, the first rejects, exit codes, its place behind the site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from registry.management.commands import import_registry
from tests.registry.register import enterprise, name, neq_of, write_register

ROOT = Path(import_registry.__file__).resolve().parents[3]
A = neq_of(1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "register.zip"


@pytest.mark.django_db
def test_without_a_rejects_file_the_first_rejects_are_on_the_terminal(path, capsys):
    write_register(path, [enterprise(A), *(enterprise(f"117000000{n}") for n in range(30))], [name(A)])
    with pytest.raises(SystemExit) as caught:
        call_command("import_registry", str(path))
    assert caught.value.code == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Entreprise.csv:3: NEQ: '1170000000': ")
    assert (len(lines), lines[-1]) == (import_registry.SHOWN + 1, "…")


@pytest.mark.django_db
def test_on_a_terminal_it_says_how_much_is_read_then_what_it_does(path, monkeypatch, capsys):
    write_register(path, [enterprise(A)], [name(A)])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    call_command("import_registry", str(path))
    told = capsys.readouterr().err
    assert told.endswith("\n")
    shown = [line.strip() for line in told.split("\r")]
    assert any(" % (" in line for line in shown)
    assert "100 % · name_folded" in shown
    assert shown[-1] == "100 % · switch"


@pytest.mark.django_db
def test_elsewhere_it_says_nothing_but_the_summary(path, capsys):
    write_register(path, [enterprise(A)], [name(A)])
    call_command("import_registry", str(path))
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (1, "")


def test_from_a_shell_it_exits_with_2_on_a_bad_file_and_lets_the_site_go_first(tmp_path):
    sitecustomize = tmp_path / "sitecustomize.py"
    sitecustomize.write_text("import atexit, os; atexit.register(lambda: print('niceness', os.nice(0)))\n")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), "import_registry", str(tmp_path / "nothing.zip")],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nothing.zip" in done.stderr
    assert f"niceness {import_registry.NICENESS}" in done.stdout
