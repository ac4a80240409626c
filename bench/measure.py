"""Interleaved timing and one line a figure. Nothing here knows what is measured."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Pair(NamedTuple):
    """Medians in seconds of two things timed in turn."""

    ours: float
    limit: float

    @property
    def time_ratio(self) -> float:
        """Our time over the limit's: lower is better."""
        return self.ours / self.limit

    @property
    def rate_ratio(self) -> float:
        """Our rate over the limit's: higher is better."""
        return self.limit / self.ours


def interleave(*, ours: Callable[[], object], limit: Callable[[], object], runs: int = 5, warmup: int = 1) -> Pair:
    """Run ours, limit, ours, limit … and take the median of each; the warm-up is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(warmup + runs):
        for work, seconds in zip((ours, limit), times, strict=True):
            gc.collect()
            begun = time.perf_counter()
            work()
            if turn >= warmup:
                seconds.append(time.perf_counter() - begun)
    return Pair(*(statistics.median(seconds) for seconds in times))


def report(what: str, figure: str, *, target: str = "", is_met: bool | None = None) -> None:
    """Print one figure, with its target and whether it was met."""
    verdict = {None: "", True: "  ok", False: "  MISSED"}[is_met]
    print(f"{what:<58} {figure:>16}   {target}{verdict}", flush=True)


def peak_memory() -> float:
    """The most this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
