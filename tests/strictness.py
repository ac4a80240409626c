"""What a test run refuses although production forgives it: unknown template variables, a GET that writes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connection
from django.test import Client, TestCase

ROOT = Path(__file__).resolve().parent.parent
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY)\b", re.IGNORECASE)
# Being seen is not a change: sessions note it.
NOTES = re.compile(r'"(django_session|usersessions_usersession)"')


class UnknownVariable(Exception):
    """A template of ours names something its view did not give."""


class FailOnUnknown(str):
    """Django formats `string_if_invalid` with the name it could not find; ours raises, a library's stays empty."""

    __slots__ = ()

    def __mod__(self, name: object) -> str:
        origin = _template_on_stack()
        if origin is not None and ROOT in origin.parents and "site-packages" not in origin.parts:
            raise UnknownVariable(f"{{{{ {name} }}}} in {origin.relative_to(ROOT)}")
        return ""


def _template_on_stack() -> Path | None:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the only way to learn which template asked
    while frame is not None:
        node = frame.f_locals.get("self")
        origin = getattr(node, "origin", None)
        if origin is not None and getattr(origin, "name", "").startswith("/"):
            return Path(origin.name)
        frame = frame.f_back
    return None


class WroteOnGet(AssertionError):
    """GET and HEAD never write: browsers, scanners and robots send them unasked."""


def _refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if WRITES.match(sql) and not NOTES.search(sql):
        raise WroteOnGet(sql)
    return execute(sql, params, many, context)


class StrictClient(Client):
    """Runs on-commit callbacks after each request, and fails a GET that writes."""

    def request(self, **environment: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            if environment.get("REQUEST_METHOD", "GET") not in {"GET", "HEAD"}:
                return super().request(**environment)
            with connection.execute_wrapper(_refuse_writes):
                return super().request(**environment)
