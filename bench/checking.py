"""`zdsync check` of the shipped file: alone, beside a mirror of 2,000 tickets and of 100,000.

CPU seconds, user and system, as the operating system accounts for them: on a busy machine the wall
clock tells how busy it is. A whole command is what a person waits for, with the start of Python and
its imports; in-process is the check alone. Each is done once before it counts: texts are folded
once, and compiled modules are kept, as on any machine where zdsync was run before.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.measure import Took, run
from bench.rows import Figure

RULES = Path(__file__).parent.parent / "rules.yaml"
RUNS = 5
BESIDE = {
    0: "without a mirror",
    2_000: "2,000 mirrored tickets",
    100_000: "100,000 mirrored tickets, 20,000 open",
}
# What no check does without: its reader of YAML, its settings, templates, database.
_BARE = "import duckdb, jinja2, pydantic_settings, ruamel.yaml"


def figures() -> Iterator[Figure]:
    """Check the shipped file, each time in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        bare = _median(["-c", _BARE], kept)
        for tickets, said in BESIDE.items():
            data = Path(folder) / str(tickets)
            if tickets:
                run(["-m", "bench.checking", "make", str(data), str(tickets)], kept)
            env = {**kept, "ZDSYNC_RULES": str(RULES), "ZDSYNC_DATA_DIR": str(data)}
            env["ZDSYNC_MEMORY"] = "1GB"
            whole = _median(["-m", "zdsync", "check"], env)
            alone = statistics.median(float(_try(env).out) for _ in range(RUNS))
            asked = "1 s" if not tickets else ""
            what = f"check {said}: the whole command, {whole.peak_mb:.0f} MB"
            yield Figure(what, f"{whole.cpu:.2f} s", asked, f"{bare.cpu:.2f} s")
            yield Figure(f"check {said}: in-process", f"{alone:.2f} s", asked, "")


def _median(argv: Sequence[str], env: Mapping[str, str]) -> Took:
    """Run once, then RUNS times; return the run in the middle."""
    run(argv, env)
    return sorted((run(argv, env) for _ in range(RUNS)), key=lambda one: one.cpu)[RUNS // 2]


def _try(env: Mapping[str, str]) -> Took:
    return run(["-m", "bench.checking", "try"], env)


def _make(data: str, tickets: str) -> None:
    from bench.mirrored import fill
    from zdsync.clock import SystemClock
    from zdsync.mirror import Mirror

    private, many = Path(data) / "private", int(tickets)
    private.mkdir(parents=True, mode=0o700)
    with Mirror.open(
        private / "mirror.duckdb", memory="1GB", options={}, clock=SystemClock()
    ) as mirror:
        fill(mirror, many, many // 5)


def _alone() -> None:
    from zdsync.clock import SystemClock
    from zdsync.inspection import inspect
    from zdsync.settings import load_settings

    settings, clock = load_settings(), SystemClock()
    started = time.process_time()
    inspect(settings, clock)
    print(time.process_time() - started)


if __name__ == "__main__":
    import sys

    {"make": _make, "try": _alone}[sys.argv[1]](*sys.argv[2:])
