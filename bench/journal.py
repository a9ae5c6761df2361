"""What planning and recovering read of the journal, after 200,000 writes in the present month.

Each reading is a process of its own; its peak memory counts what Python and zdsync take, which the
floor of the first line is: nothing read. The clock is the journal's.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from bench.measure import run
from bench.rows import Figure

WRITES = 200_000
NOW = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
RUN = 500  # writes of one run


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return NOW.timestamp()

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


def figures() -> Iterator[Figure]:
    """Read by a process that finds no mark, by one that finds it, and again by the same."""
    with tempfile.TemporaryDirectory() as folder:
        size = _make(Path(folder) / "journal")
        none = run(["-m", "bench.journal", folder, "0"]).peak_mb
        first = run(["-m", "bench.journal", folder, "1"])
        second = run(["-m", "bench.journal", folder, "2"])
    began, (again, quiet) = json.loads(first.out)[0], json.loads(second.out)
    asked = f"{first.peak_mb:.0f} MB of memory"
    yield Figure(f"all of it, {size / 1e6:.0f} MB, once: {asked}", f"{began:.2f} s", "", "")
    yield Figure("a new process", f"{again:.2f} s", "", "")
    yield Figure("a quiet tick", f"{quiet:.4f} s", "", "")
    yield Figure("memory of a service for it", f"{second.peak_mb - none:.0f} MB", "", "")


def _make(folder: Path) -> int:
    folder.mkdir()
    step, path = (NOW - BEGAN) / WRITES, folder / "2026-03.ndjson"
    with path.open("wb") as file:
        for number in range(WRITES):
            for line in _lines(number, BEGAN + number * step):
                file.write(orjson.dumps(line) + b"\n")
    return path.stat().st_size


def _lines(number: int, at: datetime) -> list[dict[str, object]]:
    ours = {"run_id": f"2026{number // RUN:07d}-abcdef", "change_id": f"{number:016x}"}
    intent = {
        "kind": "intent", "plan_id": f"{number // RUN:012x}", "intended_at": at.isoformat(),
        "rules_digest": "d" * 16, "rule_id": "overdue-high", "ticket_id": str(10**14 + number),
        "field": "priority", "before": None, "after": "High", "wire": {"priority": "High"},
        "wire_before": {"priority": None}, "evidence": ["created_at", "department", "status"],
        "rule_digest": "e" * 16, "command": "run", "action": "set",
    }  # fmt: skip
    receipt = {
        "kind": "receipt", "outcome": "applied", "http_status": 200, "error": "",
        "settled_at": (at + timedelta(seconds=1)).isoformat(),
    }  # fmt: skip
    return [{**intent, **ours}, {**receipt, **ours}]


def main() -> None:
    from zdsync.changes.journal import Journal
    from zdsync.changes.tails import cut_off

    journal, took = Journal(Path(sys.argv[1]) / "journal", Clock()), []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        cut_off(journal.recent(), "d" * 16, NOW)
        assert not journal.unsettled()
        took.append(time.perf_counter() - began)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
