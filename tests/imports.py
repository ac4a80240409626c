"""Running an import command on rows written in the test, and reading what it rejected."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from django.core.management import call_command


class Outcome:
    """What one run printed, rejected and answered."""

    def __init__(self, *, summary: str, exit_code: int, rejects: list[dict[str, str]]) -> None:
        self.summary = summary
        self.exit_code = exit_code
        self.rejects = rejects

    @property
    def codes(self) -> list[tuple[int, str, str]]:
        return [(int(row["line"]), row["column"], row["code"]) for row in self.rejects]


def run(kind: str, path: Path, *options: str) -> Outcome:
    """Run `import_<kind>` on the file."""
    rejects = path.with_suffix(".rejects.csv")
    out = io.StringIO()
    exit_code = 0
    try:
        call_command(f"import_{kind}", str(path), "--rejects", str(rejects), *options, stdout=out)
    except SystemExit as end:
        exit_code = int(end.code or 0)
    with rejects.open(encoding="utf-8", newline="") as file:
        return Outcome(summary=out.getvalue().strip(), exit_code=exit_code, rejects=list(csv.DictReader(file)))


def write(path: Path, columns: str, *rows: dict[str, object], separator: str = ",", encoding: str = "utf-8") -> Path:
    """Write a file of those columns; a row names the cells it fills."""
    names = columns.split(",")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=separator, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
