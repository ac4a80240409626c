"""The register searched while somebody types, and a declaration compared, at the size of the real register.

Typed are the beginnings of names, of names with the last word first, of mistyped ones, of words that many names share,
and of numbers. Each is asked a few times and the best counts, for the machine has other work; the first time is printed
beside it. Comparing is pure Python: its processor time. BENCH_ENTERPRISES sets the size.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.measure import report
from bench.registry_files import ENTERPRISES, write_register
from portal.embedded.servers import throwaway

SAMPLE = 400
TEXTS = 1500  # of each kind
IN_SQL, TYPING, COMPARING = 1.0, 20.0, 5.0  # milliseconds, p95
MANY_NAMES = 50
TURNS = 5
SHARED = (
    "construction",
    "gestion",
    "les entreprises",
    "québec",
    "inc",
    "laval",
    "saint",
    "associés",
    "holdings",
    "de la",
)
# A letter or more is sent when nobody types for a moment: each of the first ones, then one in three.
SLOW, FAST = 6, 3


def elapsed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def p95(times: list[float]) -> float:
    return quantiles(times, n=100)[94]


def keystrokes(name: str) -> Iterator[str]:
    """The texts that are sent while a name is typed, from two letters to the whole of it."""
    return (name[:end] for end in range(2, len(name) + 1) if end < SLOW or end % FAST == 0 or end == len(name))


def turned(name: str) -> str:
    """The last word first, the legal form left out."""
    words = re.sub(r",|(inc|ltée|s\.e\.n\.c\.r\.l)\.?$", "", name.lower()).split()
    return " ".join(words[-1:] + words[:-1])


def mistyped(name: str, chance: random.Random) -> str:
    """One letter left out, doubled, or changed with the next one."""
    place = chance.randrange(2, max(3, len(name) - 6))
    head, letter, following, tail = (
        name[:place],
        name[place : place + 1],
        name[place + 1 : place + 2],
        name[place + 2 :],
    )
    return chance.choice(
        (head + following + tail, head + 2 * letter + following + tail, head + following + letter + tail)
    ).lower()


def texts(names: list[str], numbers: list[str]) -> dict[str, list[str]]:
    """What is typed, by the way it is."""
    chance = random.Random(1)
    whole = {
        "names": [name.lower() for name in names],
        "names, last word first": list(map(turned, names)),
        "mistyped names": [mistyped(name, chance) for name in names],
        "words many names share": SHARED,
        "numbers": [f"{number[:4]} {number[4:8]} {number[8:]}" for number in numbers],
    }
    typed = {kind: [text for name in wanted for text in keystrokes(name)] for kind, wanted in whole.items()}
    return {kind: chance.sample(found, min(TEXTS, len(found))) for kind, found in typed.items()}


@contextmanager
def register() -> Iterator[None]:
    """A server of its own with one edition, imported as an operator would."""
    with throwaway() as environment, tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="portal.settings")
        archive = write_register(Path(folder) / "register.zip", enterprises=ENTERPRISES)
        for command in (["migrate", "-v0"], ["import_registry", str(archive)]):
            subprocess.run([sys.executable, "manage.py", *command], check=True, stdout=subprocess.DEVNULL)
        archive.unlink()
        import django  # only now do the servers exist

        django.setup()
        yield


def statements(execute: Callable[..., Any], sql: str, params: Any, *rest: Any, spent: list[float]) -> Any:
    """Run a statement and note what it took, its way to the server and back included."""
    begun = time.perf_counter()
    try:
        return execute(sql, params, *rest)
    finally:
        spent.append((time.perf_counter() - begun) * 1000)


def in_sql(work: Callable[[], object]) -> float:
    """Milliseconds the statements of the work take."""
    from django.db import connection

    spent: list[float] = []
    with connection.execute_wrapper(partial(statements, spent=spent)):
        work()
    return sum(spent)


def sample(query: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


def within(what: str, times: list[float], *, target: float) -> int:
    """Print the 95th of a hundred; 1 when it is beyond the target."""
    found = p95(times)
    report(what, f"{found:.2f}", target=f"<= {target:g}", is_met=found <= target)
    return int(found > target)


def look_up(numbers: list[str]) -> int:
    """By NEQ: the enterprise with its names."""
    from registry.models import Enterprise

    times = [
        min(in_sql(lambda number=number: Enterprise.objects.by_neq(number)) for _turn in range(TURNS))
        for number in numbers
    ]
    return within("register, by NEQ: statements, ms, p95", times, target=IN_SQL)


def type_names(names: list[str], numbers: list[str]) -> int:
    """By the beginning of a name or a number."""
    from registry.search import suggest

    missed = 0
    for kind, typed in texts(names, numbers).items():
        runs = [[elapsed(lambda text=text: suggest(text=text)) for _turn in range(TURNS)] for text in typed]
        found = sum(bool(suggest(text=text)) for text in typed)
        missed += within(f"register, typing {kind}: ms, p95", [min(run) for run in runs], target=TYPING)
        report(
            "    the median; p95 of the first time",
            f"{median(map(min, runs)):.2f}; {p95([run[0] for run in runs]):.2f}",
        )
        report("    texts that find something, of how many", f"{found} of {len(typed)}")
    return missed


def compare_names(names: list[str]) -> int:
    """A declaration with each name of its enterprise; then with as many as the largest ones have."""
    from registry.names import best

    chance = random.Random(2)
    missed = 0
    for count in (5, MANY_NAMES):
        times = []
        for name in names:
            declared, known = mistyped(name, chance), [name, *chance.sample(names, count - 1)]
            begun = time.process_time()
            best(declared=declared, registered=known)
            times.append((time.process_time() - begun) * 1000)
        missed += within(f"a declaration compared with {count} names: ms, p95", times, target=COMPARING)
    return missed


def main() -> int:
    """One line a figure; how many miss their target decides the exit code."""
    with register():
        names = sample(f"SELECT text FROM registry_enterprisename ORDER BY md5(id::text) LIMIT {SAMPLE}")
        numbers = sample(f"SELECT neq FROM registry_enterprise ORDER BY md5(neq) LIMIT {SAMPLE}")
        [counted] = sample(
            "SELECT enterprise_count || ' enterprises, ' || name_count || ' names' FROM registry_edition"
        )
        report("register", counted)
        missed = look_up(numbers) + type_names(names, numbers) + compare_names(names)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
