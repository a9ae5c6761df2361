"""A backtest of the shipped rules over 100,000 mirrored tickets of 90 days with their past."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bench.measure import run
from bench.rows import Figure

TICKETS = 100_000

# A ticket's past: taken an hour after its creation, worked on, raised, closed within three days.
_PAST = """
insert into zdsync.ticket_changes
    (ticket_id, field, before, after, changed_at, seen_at, actor, source, not_before, seq)
select id, step.field, step.before, step.after, moment, moment,
    case when id::bigint % 3 = 0 then 'automation' else 'agent' end, 'history', moment, 0
from (
    select t.id, t.created_time + to_minutes(step.minutes) as moment, step
    from desk.tickets t, (select unnest([
        {'field': 'assignee_id', 'before': null, 'after': '101', 'minutes': 60},
        {'field': 'status', 'before': 'Open', 'after': 'In Progress', 'minutes': 60},
        {'field': 'priority', 'before': 'Low', 'after': 'High', 'minutes': 300},
        {'field': 'status', 'before': 'In Progress', 'after': 'Closed', 'minutes': 4000}
    ]) as step)
)
"""
_AS_IT_STANDS = """
update desk.tickets set status = 'Closed', status_type = 'Closed', priority = 'High',
    assignee_id = '101', first_seen_at = created_time
"""


def figures() -> Iterator[Figure]:
    """Try the shipped rules twice: texts to fold, and folded; each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "private" / "mirror.duckdb"
        run(["-m", "bench.backtest", "make", str(path)])  # a child's peak begins with its parent's
        for name in ("first backtest (folds the text)", "next backtest"):
            done = run(["-m", "bench.backtest", "try", str(path)])
            told = json.loads(done.out)
            what = (
                f"{name}: {told['rules']} rules, {TICKETS:,} tickets, {told['moments']:,} moments, "
                f"{told['decisions']:,} decisions, {done.peak_mb:.0f} MB"
            )
            yield Figure(what, f"{told['seconds']:.1f} s, {told['cpu']:.1f} of CPU", "", "")


def _make(path: Path) -> None:
    from bench.planning import fill
    from zdsync.clock import SystemClock
    from zdsync.mirror import Mirror
    from zdsync.sql import Sql

    with Mirror.open(path, memory="1GB", options={}, clock=SystemClock()) as mirror:
        fill(mirror)
        mirror.run(Sql(_PAST))
        mirror.run(Sql(_AS_IT_STANDS))


def _backtest(path: Path) -> None:
    from bench.planning import NOW
    from zdsync.backtest import backtest
    from zdsync.clock import SystemClock
    from zdsync.mirror import Mirror
    from zdsync.rules import load_rules
    from zdsync.sql import Sql

    text = Path(__file__).parent.parent.joinpath("rules.yaml").read_text(encoding="utf-8")
    with Mirror.open(path, memory="1GB", options={}, clock=SystemClock()) as mirror:
        portal = mirror.portal()
        rules = load_rules(text, "rules.yaml", portal).rules
        started, worked = time.perf_counter(), time.process_time()
        since = NOW - timedelta(days=90)
        found = backtest(mirror, rules, portal, since=since, until=NOW)
        took, cpu = time.perf_counter() - started, time.process_time() - worked
        moments = mirror.rows(Sql("SELECT count(*) FROM past_states"))[0][0]
    decisions = sum(len(one.seen) for one in found.tried)
    told = {"rules": len(found.tried), "moments": moments, "decisions": decisions}
    told |= {"seconds": took, "cpu": cpu}
    print(json.dumps(told))


if __name__ == "__main__":
    import sys

    {"make": _make, "try": _backtest}[sys.argv[1]](Path(sys.argv[2]))
