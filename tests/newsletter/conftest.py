"""The mail server that campaigns of these tests leave for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import mail
from portal.mailers import mailers
from tests.sinks import Sink, running


@pytest.fixture(params=[False, True], ids=["step by step", "pipelined"])
def sink(settings, tmp_path: Path, request) -> Iterator[Sink]:
    with running(Sink()) as sink:
        sink.pipelines = request.param
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        yield sink
        mail.hang_up()
