"""What is wrong with a record, or with the ZIP as a whole: codes, which `reasons` puts in words."""

from __future__ import annotations

from typing import NamedTuple


class Unusable(Exception):
    """Nothing can be imported from this ZIP, and nothing was. `code` and `values` say why."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        """It also comes from the process beside ours."""
        return _again, (type(self), self.code, self.values)


def _again(kind: type[Unusable], code: str, values: dict[str, object]) -> Unusable:
    return kind(code, **values)


class Unfit(Exception):
    """A record cannot be taken: why, which column, its value, and what would have been right."""

    def __init__(self, code: str, *, column: str = "", value: bytes = b"", known: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.column = column
        self.value = value
        self.known = known


class Flaw(NamedTuple):
    """A record that was not taken: its file, its first line, and what `Unfit` said."""

    file: str
    line: int
    column: str
    value: str
    code: str
    known: str = ""
