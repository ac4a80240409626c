"""The rules of the house that a machine can check: sizes, names, directions, what never appears."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField, OneToOneField
from django.db.models import signals as model_signals

ROOT = Path(__file__).resolve().parent.parent
# From the top: an app imports only apps below it.
LADDER = ["portal", "newsletter", "billing", "organizations", "registry", "signatures", "accounts"]
APPS = sorted(LADDER)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "base", "mixins", "misc"}
ENTRY_POINTS = {"manage", "settings", "apps", "urls", "wsgi", "celery"}
# Inside an app, from the top: urls, then what people and clocks call, then shapes, then verbs, then nouns.
FLOORS = {"models": 0, "services": 1, "forms": 2, "views": 3, "admin": 3, "tasks": 3, "urls": 4}
SAVE_SIGNALS = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"}


def python_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


CODE = python_files(*APPS)
TESTS = python_files("tests")
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
PAGES = [path for path in TEMPLATES if path.suffix == ".html" and not {"emails", "email", "pdf"} & set(path.parts)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions_of(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef))


def imports_of(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def test_the_ladder_names_every_app_of_ours():
    ours = {config.label for config in apps.get_app_configs() if (ROOT / config.label).is_dir()}
    assert ours == set(LADDER)


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=name_of)
def test_a_module_says_what_it_is_for(path):
    if path.name != "__init__.py" or path.read_text().strip():
        docstring = ast.get_docstring(tree_of(path))
        assert docstring, "no docstring at the top"
        assert len(docstring.splitlines()) <= 8


@pytest.mark.parametrize("path", [*CODE, *TESTS, *python_files("bench")], ids=name_of)
def test_no_module_has_a_name_that_means_nothing(path):
    assert path.stem not in FORBIDDEN_NAMES or name_of(path) == "portal/database/base.py"  # Django’s name for it


def test_sizes_stay_readable():
    limits = [(400, CODE), (600, TESTS), (150, [path for path in TEMPLATES if path.suffix in {".html", ".txt"}])]
    lengths = [(len(path.read_text().splitlines()), limit, path) for limit, paths in limits for path in paths]
    assert [(name_of(path), length) for length, limit, path in lengths if length > limit] == []


def test_functions_stay_readable():
    functions = [(path, node) for path in CODE for node in functions_of(path)]
    assert [f"{name_of(p)}:{n.name}" for p, n in functions if n.end_lineno - n.lineno + 1 > 40] == []


def test_keys_point_down_the_ladder():
    """A key written as a string escapes import-linter."""
    heights = {label: -rank for rank, label in enumerate(LADDER)}
    upward = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()  # noqa: SLF001 - the documented way to read a model
        if isinstance(field, ForeignKey | OneToOneField | ManyToManyField)
        and model._meta.app_label in heights  # noqa: SLF001 - same
        and heights.get(field.related_model._meta.app_label, -99) > heights[model._meta.app_label]  # noqa: SLF001 - same
    ]
    assert upward == []


def test_inside_an_app_imports_go_down_a_floor():
    upward = []
    for path in CODE:
        app, *inner = path.relative_to(ROOT).with_suffix("").parts
        floor = FLOORS.get(inner[0])
        for _node, module in imports_of(tree_of(path)):
            parts = module.split(".")
            if floor is not None and parts[0] == app and len(parts) > 1 and FLOORS.get(parts[1], floor) > floor:
                upward.append(f"{name_of(path)} imports {module}")
    assert upward == []


def test_an_import_inside_a_function_says_why():
    silent = [
        f"{name_of(path)}:{node.lineno}"
        for path in CODE
        for function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and "#" not in path.read_text().splitlines()[node.lineno - 1]
    ]
    assert silent == []


def test_nothing_listens_to_saving():
    names = {f"{model_signals.__name__}.{name}" for name in SAVE_SIGNALS}
    listening = [
        f"{name_of(path)}: {module}" for path in CODE for _n, module in imports_of(tree_of(path)) if module in names
    ]
    assert listening == []


def test_a_lock_names_its_row():
    loose = [f"{name_of(p)}:{i}" for p in CODE for i, line in enumerate(p.read_text().splitlines(), 1)
             if "select_for_update(" in line and "of=(" not in line]  # fmt: skip
    assert loose == []


def test_views_start_from_the_customer_of_the_request():
    """`.objects.all()` in a view is a list that nobody asked access for."""
    views = [path for path in CODE if "views" in path.stem or path.parent.name == "views"]
    assert views
    assert [name_of(path) for path in views if ".objects.all()" in path.read_text()] == []


def test_tests_do_not_mock_our_code():
    forbidden = re.compile(r"unittest\.mock|\bmocker\b|MagicMock|time\.sleep\(")
    own = Path(__file__)
    assert [name_of(path) for path in TESTS if path != own and forbidden.search(path.read_text())] == []


def test_tests_mirror_the_code():
    strays = []
    for path in TESTS:
        if path.name.startswith("test_") and path.parent.name in APPS:
            app, noun = path.parent.name, path.stem.removeprefix("test_")
            modules = {part for code in python_files(app) for part in (code.stem, *code.relative_to(ROOT).parts[:-1])}
            if not any(noun == module or noun.startswith(f"{module}_") for module in modules):
                strays.append(name_of(path))
    assert strays == []


def test_no_forgotten_work():
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    silenced = re.compile(r"# (noqa|type: ignore)(?!.*(?: - |  # ))")
    own = Path(__file__)
    found = [
        f"{name_of(path)}:{number}"
        for path in [*CODE, *TESTS]
        if path != own
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line) or silenced.search(line)
    ]
    assert found == []


# --- templates --------------------------------------------------------------------------------


def test_every_template_is_used():
    """By a view, a tag, another template, or the library whose page it replaces."""
    ours = "\n".join(path.read_text() for path in [*CODE, *TEMPLATES])
    library = {"account", "mfa", "usersessions", "allauth", "admin", "unfold", "unfold_guardian"}
    by_name = {"400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"}
    unused = []
    for path in TEMPLATES:
        name = str(path.relative_to(ROOT / "templates"))
        stem = re.sub(r"_(subject|message|sms)\.(txt|html)$", "", name)
        if name.split("/", maxsplit=1)[0] in library or name in by_name or name in ours:
            continue
        # A mail is named by its beginning, with or without its folder.
        if stem != name and (f'"{stem}"' in ours or f'"{Path(stem).name}"' in ours):
            continue
        unused.append(name)
    assert unused == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_holds_no_inline_script_style_or_handler(path):
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))", text)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("path", [p for p in TEMPLATES if p.suffix in {".html", ".txt"}], ids=name_of)
def test_loads_are_one_a_line_and_sorted(path):
    loads = re.findall(r"{% load ([^%]+) %}", path.read_text())
    assert all(" " not in load for load in loads if " from " not in load)
    assert loads == sorted(loads)


def test_each_mail_has_subject_text_and_html():
    kinds = {"subject.txt", "message.txt", "message.html"}
    mails: dict[str, set[str]] = {}
    for path in TEMPLATES:
        match = re.fullmatch(r"(.+)_(subject\.txt|message\.txt|message\.html)", str(path))
        if match:
            mails.setdefault(match[1], set()).add(match[2])
    assert mails
    assert {mail: kinds - found for mail, found in mails.items() if found != kinds} == {}


def test_the_stylesheet_stays_light():
    assert sum(len(path.read_bytes()) for path in (ROOT / "static" / "css").rglob("*.css")) < 40_000


def test_colours_are_custom_properties():
    """One place says what a colour is; print and forced colours name system colours."""
    literal = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(")
    sheets = [path for path in (ROOT / "static" / "css").rglob("*.css") if path.name != "tokens.css"]
    assert [name_of(path) for path in sheets if literal.search(path.read_text())] == []
