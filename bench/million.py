"""A mirror of 1,000,000 tickets: an incremental pull of 100 changed ones, and a reconcile.

206,000 tickets are pulled, then laid five times behind one another on both sides (world.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import Took, run, settings
from bench.rows import Figure

TICKETS, TIMES = 206_000, 5  # some are spam, trashed or archived: a million live
CHANGED = 100
PULLED = (
    *("desk.tickets", "desk.contacts", "desk.accounts"),
    *("crm.contacts", "crm.accounts", "crm.leads"),
)
_LAST = """
select (select count(*) from desk.tickets),
    (select pulled from zdsync.runs r where r.run_id = l.run_id),
    (select date_diff('millisecond', started_at, finished_at) from zdsync.runs r
        where r.run_id = l.run_id),
    coalesce(sum(milliseconds), 0), count(c.run_id), coalesce(sum(credits), 0)
from (select max(run_id) as run_id from zdsync.runs) l left join zdsync.calls c using (run_id)
group by l.run_id
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the last run came to, as the mirror's own books have it; times in seconds."""

    tickets: int
    pulled: int
    seconds: float
    waiting: float
    calls: int
    credits: float


def figures() -> Iterator[Figure]:
    """Pull, grow, pull once more, edit, pull, reconcile; each a process of its own."""
    with tempfile.TemporaryDirectory() as folder, _world() as ask:
        env = settings(ask(), folder) | {"ZDSYNC_EDITION": "enterprise"}
        mirror = Path(folder) / "private" / "mirror.duckdb"
        _zdsync(["pull"], env)
        ask({"grow": TIMES, "mirror": str(mirror)})
        quiet, nothing = _zdsync(["pull", *PULLED], env), _spent(mirror)
        ask({"edit": CHANGED})
        took, spent = _zdsync(["pull", *PULLED], env), _spent(mirror)
        assert spent.pulled >= CHANGED, took.out
        yield Figure("tickets mirrored", f"{spent.tickets:,}", "", "")
        yield Figure("rows read", f"{spent.pulled:,}", "", f"{CHANGED} changed")
        yield Figure("calls", f"{spent.calls}", "12", f"{nothing.calls} where nothing changed")
        own, idle = spent.seconds - spent.waiting, nothing.seconds - nothing.waiting
        yield Figure("ours: run less waiting", f"{own:.2f} s", "1 s", f"{idle:.2f} s, no change")
        text = f"{took.wall:.2f} s, CPU {took.cpu:.2f} s"
        floor = f"{quiet.wall:.2f} s, CPU {quiet.cpu:.2f} s, no change"
        yield Figure("the command: start, pull, publish", text, "", floor)
        yield Figure("peak memory", f"{took.peak_mb:.0f} MB", "400 MB", f"{quiet.peak_mb:.0f} MB")
        took = _zdsync(["reconcile", "desk.tickets"], env)
        compared = _spent(mirror)
        price = f"{compared.credits:.0f} credits, {compared.calls} calls"
        yield Figure("reconcile: equal mirror", price, "60 credits", "")
        own = compared.seconds - compared.waiting
        text = f"{compared.seconds:.2f} s, {own:.2f} s of them ours, {took.peak_mb:.0f} MB"
        yield Figure("reconcile: time", text, "", "")
        yield Figure("reconcile: said", " ".join(took.out.split())[:160], "", "")


def _zdsync(argv: list[str], env: dict[str, str]) -> Took:
    took = run(["-m", "zdsync", *argv], env)
    assert took.code == 0, took.out
    return took


def _spent(mirror: Path) -> Spent:
    with duckdb.connect(str(mirror), read_only=True) as books:
        row = books.execute(_LAST).fetchone()
    assert row
    return Spent(row[0], row[1], row[2] / 1000, float(row[3]) / 1000, row[4], row[5])


@contextmanager
def _world() -> Iterator[Any]:
    """Serve the growing portal; call the result for the credentials, then with wishes."""
    argv = [sys.executable, "-m", "bench.world", str(TICKETS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin and process.stdout

        def ask(wish: dict[str, Any] | None = None) -> Any:
            assert process.stdin and process.stdout
            if wish is not None:
                process.stdin.write(json.dumps(wish) + "\n")
                process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            yield ask
        finally:
            process.terminate()
