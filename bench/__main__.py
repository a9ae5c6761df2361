"""`make bench`: every figure in one run, each beside what is asked for and its floor.

`python -m bench backfill million` runs the named ones alone.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
from collections.abc import Iterator

from bench.measure import run
from bench.rows import Figure, show

RUNS = 5
# In this order: a child's peak memory is never less than its parent's was at its start, and the
# last ones work in this process.
BENCHES = {
    "start": "Start",
    "backfill": "Backfill of 200,000 tickets; answers take 300 ms, ten at once",
    "million": "A mirror of 1,000,000 tickets; answers take no time",
    "checking": "Check of the shipped rules; CPU, the middle of 5",
    "applying": "Applying; answers take 300 ms where time is taken",
    "journal": "Reading the journal, 200,000 writes in the present month",
    "idle": "A day on which nothing happens, at the default pause",
    "publishing": "Publishing 1,000,000 tickets",
    "backtest": "Backtest of the shipped rules over 100,000 tickets of 90 days",
    "rules": "Fifty rules over 1,000,000 mirrored tickets, 200,000 open",
    "planning": "Plan over 100,000 mirrored tickets, 20,000 open",
}


def _startup() -> Iterator[Figure]:
    ours = statistics.median(run(["-m", "zdsync", "--help"]).wall for _ in range(RUNS))
    bare = statistics.median(run(["-c", "import argparse"]).wall for _ in range(RUNS))
    yield Figure("zdsync --help, median of 5", f"{ours:.2f} s", "0.3 s", f"{bare:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    wanted = parser.parse_args().names
    unknown = set(wanted) - set(BENCHES)
    if unknown:
        parser.error(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    for name, title in BENCHES.items():
        if not wanted or name in wanted:
            found = _startup() if name == "start" else _figures(name)
            show(title, list(found))


def _figures(name: str) -> Iterator[Figure]:
    figures: Iterator[Figure] = importlib.import_module(f"bench.{name}").figures()
    return figures


if __name__ == "__main__":
    main()
