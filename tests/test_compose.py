"""The container files, read as a machine would: each command, variable, path and service they name exists."""

import os
import re
import shlex
import subprocess
import sys
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from celery.bin.base import CLIContext
from celery.bin.celery import celery
from django.core.management import get_commands, load_command_class
from django.urls import resolve
from granian.cli import cli as granian

from portal.celery import app
from portal.embedded.processes import free_port, wait_until

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
EXAMPLE = (ROOT / ".env.example").read_text()
# Read by the programs in the images, not by our settings.
READ_ELSEWHERE = {"POSTGRES_PASSWORD", "PORT", "GRANIAN_WORKERS", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
READ_ELSEWHERE |= {"PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, argument), continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def image_command() -> list[str]:
    return yaml.safe_load(dict(instructions())["CMD"])


def read_by_settings() -> set[str]:
    return set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', (ROOT / "portal" / "settings.py").read_text()))


def check_command(words: list[str]) -> None:
    """Let the program itself parse its arguments; it refuses what it does not know."""
    program, *rest = words
    if program == "python" and rest[0] == "-c":
        compile(rest[1], "<healthcheck>", "exec")
    elif program == "python":
        script, name, *options = rest
        assert (ROOT / script).is_file()
        load_command_class(get_commands()[name], name).create_parser(script, name).parse_args(options)
    elif program == "celery":
        position = next(place for place, word in enumerate(rest) if word in celery.commands)
        assert rest[:position] == ["-A", "portal"]
        name, *options = rest[position:]
        celery.commands[name].make_context(name, options, obj=CLIContext(app=app, no_color=True, workdir=None))
    else:
        assert program == "granian"
        granian.make_context("granian", rest)
    if program != "python":
        assert program in {script.name for script in entry_points(group="console_scripts")}


def test_the_image_runs_a_web_server_that_exists() -> None:
    check_command(image_command())
    assert dict(instructions())["EXPOSE"] == image_command()[image_command().index("--port") + 1]


@pytest.mark.parametrize("name", OURS)
def test_each_service_of_ours_runs_a_command_that_exists(name: str) -> None:
    check_command(SERVICES[name].get("command") or image_command())
    check = SERVICES[name].get("healthcheck", {}).get("test")
    if check:
        words = check[1:] if check[0] == "CMD" else shlex.split(check[1])
        check_command(words)
        for path in re.findall(r"http://localhost:8000(/\w+)", " ".join(words)):
            assert resolve(path)


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    for word, argument in instructions():
        if word == "COPY":
            source = argument.split()[0]
            assert (ROOT / source).exists(), source
    needed = {"manage.py", "requirements.txt", "portal", "accounts", "organizations", "billing", "templates", "static"}
    assert not needed & ignored
    assert {".env", ".git", "var", ".venv"} <= ignored


def test_the_image_is_prepared_by_commands_that_exist_and_runs_as_an_ordinary_user() -> None:
    steps = " && ".join(argument for word, argument in instructions() if word == "RUN")
    prepared = re.findall(r"python (manage\.py \S+(?: --\S+)*)", steps)
    assert len(prepared) == 2
    for line in prepared:
        check_command(["python", *line.split()])
    assert "--require-hashes -r requirements.txt" in steps
    user = dict(instructions())["USER"]
    assert re.search(rf"useradd .*\b{user}\b", steps)


def test_the_image_has_the_libraries_the_set_up_installs() -> None:
    steps = " ".join(argument for word, argument in instructions() if word == "RUN")
    wanted = re.search(r"apt_install (libpango[\w .-]+)", (ROOT / "tools" / "setup").read_text()).group(1).split()
    assert [name for name in wanted if name not in steps] == []


def test_each_variable_is_read_by_somebody() -> None:
    given = {name for service in OURS.values() for name in service.get("environment", {})}
    given |= set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    given |= {pair.split("=")[0] for word, argument in instructions() if word == "ENV" for pair in argument.split()}
    assert sorted(given - read_by_settings() - READ_ELSEWHERE) == []


def test_each_variable_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked == {name for name in asked if re.search(rf"^(# )?{name}=", EXAMPLE, re.MULTILINE)}
    assert "SECRET_KEY" in EXAMPLE


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_named_by_another_exists(name: str) -> None:
    service = SERVICES[name]
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    for value in service.get("environment", {}).values():
        if "://" in str(value):
            assert urlsplit(re.sub(r"\$\{.*?\}", "x", value)).hostname in SERVICES


def test_the_mail_catcher_of_the_example_is_a_service() -> None:
    address = re.search(r"^EMAIL_URL=(.*)$", EXAMPLE, re.MULTILINE).group(1)
    assert urlsplit(address).hostname in SERVICES
    assert urlsplit(address).port == 1025


def test_everything_the_portal_needs_is_in_the_compose_file() -> None:
    assert {"web", "worker", "beat", "migrate", "postgres", "valkey", "mail"} <= SERVICES.keys()
    assert SERVICES["postgres"]["image"].startswith("postgres:18")


@pytest.mark.slow
def test_the_web_command_of_the_image_answers() -> None:
    port = free_port()
    words = [*image_command()]
    words[words.index("--host") + 1], words[words.index("--port") + 1] = "127.0.0.1", str(port)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    with subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as web:
        try:
            assert wait_until(ready=lambda: answers(port), patience=30, pause=0.2)
        finally:
            web.terminate()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as page:
            return page.status == 200
    except OSError:
        return False
