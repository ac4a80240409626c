"""Editions of the enterprise register imported, against raw COPY of the same bytes; and the site used meanwhile.

BENCH_ENTERPRISES is the size (3,000,000), BENCH_RUNS how often ours and the limit take turns (5). The processor time
counts every process: Python's and the server's backends; it says more than the clock on a machine with other work.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import psycopg

from bench.imports import spent
from bench.measure import report
from bench.registry_files import write_register
from portal.embedded.servers import throwaway

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
RATE, MEMORY, SLOWER = 0.50, 200, 1.5
# Seconds between two requests of the one who reads invoices meanwhile, and how long the quiet is measured.
EVERY, QUIET = 0.05, 10.0

LOAD = """
import json, resource, sys, time, django
django.setup()
from pathlib import Path
from django.db import connection
from bench.registry_import import Memory
from registry.loader.edition import Progress, Run, load_edition
connection.ensure_connection()
memory = Memory()
memory.start()
steps = []
run = Run(path=Path(sys.argv[1]), progress=Progress(step=lambda name: steps.append((name, time.perf_counter()))))
begun, used = time.perf_counter(), time.process_time()
load_edition(run=run)
ended, used = time.perf_counter(), time.process_time() - used
children = resource.getrusage(resource.RUSAGE_CHILDREN)
at = dict(steps)
filled = steps[0][1]
indexed = at.get("changes", at["switch"])
print(json.dumps({
    "seconds": ended - begun, "fill": filled - begun, "index": indexed - filled, "changes": at["switch"] - indexed,
    "python": used + children.ru_utime + children.ru_stime, "memory": memory.peak, "counts": str(run.counts),
}))
"""


class Memory(threading.Thread):
    """The most this process and those it started ever held, each at its own peak, in megabytes. As Linux says."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[int, float] = {}

    def run(self) -> None:
        while True:
            for pid in (os.getpid(), *children_of(os.getpid())):
                with suppress(OSError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    self.peaks[pid] = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
            time.sleep(0.2)

    @property
    def peak(self) -> float:
        return sum(self.peaks.values())


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


class Load(NamedTuple):
    """Of one import: seconds by the clock, whole and by part, of Python's processor time; megabytes; its counts."""

    seconds: float
    fill: float
    index: float
    changes: float
    python: float
    memory: float
    counts: str

    @property
    def without_indexes(self) -> float:
        return self.seconds - self.index


def load(path: Path) -> Load:
    """One import, in a process of its own whose start is not counted."""
    output = subprocess.run([sys.executable, "-c", LOAD, str(path)], check=True, capture_output=True, text=True)
    found = Load(**json.loads(output.stdout.strip().splitlines()[-1]))
    assert "rejected=0" in found.counts, found.counts
    return found


def unpacked(path: Path) -> list[Path]:
    """The files of the ZIP beside it: the limit reads no ZIP."""
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return sorted(folder.iterdir())


def raw_copy(files: list[Path]) -> float:
    """Seconds to COPY the bytes of the files into plain tables of text columns."""
    seconds = 0.0
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for path in files:
            with path.open(encoding="utf-8-sig") as file:
                columns = file.readline().strip().split(",")
            connection.execute(f"CREATE TABLE bench_raw ({', '.join(f'{name} text' for name in columns)})")
            begun = time.perf_counter()
            with (
                connection.cursor().copy("COPY bench_raw FROM STDIN (FORMAT csv, HEADER)") as copy,
                path.open("rb") as file,
            ):
                while block := file.read(1 << 18):
                    copy.write(block)
            seconds += time.perf_counter() - begun
            connection.execute("DROP TABLE bench_raw")
    return seconds


def forget(connection: psycopg.Connection) -> None:
    """No edition was ever imported, and no work of the server is left over."""
    connection.execute("TRUNCATE registry_edition CASCADE")
    connection.execute("TRUNCATE registry_enterprise, registry_enterprisename, registry_establishment, registry_link")
    connection.execute("CHECKPOINT")


class Disk(threading.Thread):
    """The most the database ever took while it runs, in megabytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self.stop = threading.Event()

    def run(self) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            while not self.stop.wait(0.5):
                self.most = max(self.most, size(connection))


def size(connection: psycopg.Connection) -> float:
    return connection.execute("SELECT pg_database_size(current_database())").fetchone()[0] / 1e6


def measure_rate(path: Path, connection: psycopg.Connection) -> int:
    """Ours and the limit in turn, medians; how many targets are missed."""
    files = unpacked(path)
    size = sum(file.stat().st_size for file in files) / 1e6
    loads, limits, processor, processor_limit = [], [], [], []
    for _run in range(RUNS):
        forget(connection)
        mine, server = spent(connection, lambda: load(path))
        plain, plain_server = spent(connection, lambda: raw_copy(files))
        loads.append(mine)
        limits.append(plain)
        processor.append(mine.python + server)
        processor_limit.append(plain_server)
    limit = median(limits)
    rate = median(plain / mine.without_indexes for mine, plain in zip(loads, limits, strict=True))
    whole = median(plain / mine.seconds for mine, plain in zip(loads, limits, strict=True))
    peak = max(mine.memory for mine in loads)
    report(f"{loads[0].counts.split()[0]}, {size:.0f} MB, indexes and keys apart: rate / raw COPY", f"{rate:.2f}",
           target=f">= {RATE}", is_met=rate >= RATE)  # fmt: skip
    report("the whole, indexes included: rate / raw COPY", f"{whole:.2f}")
    report(f"seconds without indexes (raw COPY {limit:.1f})", f"{median(m.without_indexes for m in loads):.1f}")
    report("seconds of the indexes, keys and checks", f"{median(m.index for m in loads):.1f}")
    report("processor seconds, indexes included (raw COPY, server)",
           f"{median(processor):.1f} ({median(processor_limit):.1f})")  # fmt: skip
    report("peak memory of both processes, MB", f"{peak:.0f}", target=f"<= {MEMORY}", is_met=peak <= MEMORY)
    return [rate >= RATE, peak <= MEMORY].count(False)


def measure_second(path: Path, connection: psycopg.Connection) -> None:
    """The edition after: what changed, how long it takes to know, and the disk both take."""
    one = size(connection)
    disk = Disk()
    disk.start()
    found = load(path)
    disk.stop.set()
    disk.join()
    report("next edition: " + " ".join(found.counts.split()[5:]), f"{found.seconds:.1f} s")
    report("  of which to compare both editions", f"{found.changes:.1f} s")
    report("disk of one edition, and of both during the switch, MB", f"{one:.0f}, {disk.most:.0f}")


@contextmanager
def site() -> Iterator[tuple[int, str, str]]:
    """The portal served, and an invoice list to read: its port, path and cookie."""
    from bench.invoice_list import Account, web

    account = Account(1000)
    with web(settings="portal.settings") as port:
        yield port, account.page, account.cookie


class Visitor(threading.Thread):
    """Reads the invoice list at a steady pace until told to stop; the seconds each page took."""

    def __init__(self, *, port: int, page: str, cookie: str) -> None:
        super().__init__(daemon=True)
        self.port, self.page, self.cookie = port, page, cookie
        self.times: list[float] = []
        self.stop = threading.Event()

    def run(self) -> None:
        from bench.invoice_list import fetch

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.wait(EVERY):
            begun = time.perf_counter()
            fetch(connection, self.page, self.cookie)
            self.times.append(time.perf_counter() - begun)

    def leave(self) -> float:
        """The 95th percentile, in seconds."""
        self.stop.set()
        self.join()
        return quantiles(self.times, n=20)[-1]

    def stay(self, seconds: float) -> float:
        """The same, after so long."""
        self.start()
        time.sleep(seconds)
        return self.leave()


def measure_site(paths: list[Path], connection: psycopg.Connection) -> int:
    """The list page quiet, then during an import, in turn."""
    ratios, quiets, busies = [], [], []
    with site() as (port, page, cookie):
        Visitor(port=port, page=page, cookie=cookie).stay(3)
        for _run in range(max(RUNS // 2, 1)):
            for path in paths:
                quiets.append(Visitor(port=port, page=page, cookie=cookie).stay(QUIET))
                visitor = Visitor(port=port, page=page, cookie=cookie)
                visitor.start()
                subprocess.run(
                    [sys.executable, "manage.py", "import_registry", str(path)], check=True, stdout=subprocess.DEVNULL
                )
                busies.append(visitor.leave())
                ratios.append(busies[-1] / quiets[-1])
            forget(connection)
    ratio = median(ratios)
    quiet, busy = (f"{median(times) * 1e3:.1f} ms" for times in (quiets, busies))
    report(f"invoice list during an import, p95 (quiet {quiet})", busy,
           target=f"{ratio:.2f} times quiet, at most {SLOWER}", is_met=ratio <= SLOWER)  # fmt: skip
    return int(ratio > SLOWER)


def main() -> int:
    with throwaway() as environment, tempfile.TemporaryDirectory() as name:
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="portal.settings")
        os.environ |= {"ALLOWED_HOSTS": "localhost,testserver", "LOG_LEVEL": "WARNING"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        subprocess.run([sys.executable, "manage.py", "collectstatic", "-v0", "--no-input"], check=True)
        import django  # once the environment says where the servers are

        django.setup()
        folder = Path(name)
        paths = [write_register(folder / f"{n}.zip", edition=n) for n in (1, 2)]
        report("bytes of the ZIP", f"{paths[0].stat().st_size:,}")
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            missed = measure_rate(paths[0], connection)
            measure_second(paths[1], connection)
            forget(connection)
            missed += measure_site(paths, connection)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
