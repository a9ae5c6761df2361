"""`make bench`: every figure in one run, each beside what is asked for and its floor."""

from __future__ import annotations

import statistics

from bench import backfill, planning, publishing
from bench.measure import run
from bench.rows import Figure, show

RUNS = 5


def _startup() -> list[Figure]:
    ours = statistics.median(run(["-m", "zdsync", "--help"]).wall for _ in range(RUNS))
    bare = statistics.median(run(["-c", "import argparse"]).wall for _ in range(RUNS))
    return [Figure("zdsync --help, median of 5", f"{ours:.2f} s", "0.3 s", f"{bare:.2f} s")]


def main() -> None:
    show("Start", _startup())
    # Before the plan: a child's peak memory is never less than its parent's was at its start.
    found = list(backfill.figures())
    show("Backfill of 20,000 tickets; answers take 300 ms, five at once", found)
    show("Plan over 100,000 mirrored tickets, 20,000 open", list(planning.figures()))
    show("Publishing 1,000,000 mirrored tickets", list(publishing.figures()))


if __name__ == "__main__":
    main()
