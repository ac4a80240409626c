"""A pytest plugin: PostgreSQL and Valkey for this run alone, before Django reads its settings."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.embedded.servers import throwaway

_running = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """The controller starts the servers; xdist's workers inherit their addresses."""
    if "PYTEST_XDIST_WORKER" not in os.environ and "COMPTOIR_TEST_SERVERS" not in os.environ:
        os.environ.update(_running.enter_context(throwaway()))
        os.environ["COMPTOIR_TEST_SERVERS"] = "1"
        os.environ["VAR_DIR"] = _running.enter_context(tempfile.TemporaryDirectory(prefix="comptoir-tests-"))
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # pytest-django gives each worker a database; the files and the cache must be apart too.
        os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / worker)
        os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].removesuffix('/0')}/{int(worker[2:]) + 1}"


def pytest_unconfigure(config: pytest.Config) -> None:
    _running.close()
