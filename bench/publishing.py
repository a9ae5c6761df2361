"""1,000,000 mirrored tickets published, beside a plain `cp` of the same file with fsync."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.rows import Figure
from zdsync.clock import SystemClock
from zdsync.mirror import Mirror
from zdsync.sql import Sql

TICKETS = 1_000_000
RUNS = 3

# One row is one ticket as a search row leaves it. Parameters: how many, sentences (a JSON list).
_FILL = """
insert into desk.tickets by name
with words as materialized (select from_json($1, '["VARCHAR"]') as w),
rows as (select i, (hash(i) >> 2)::bigint as h, timestamp '2020-01-01' + to_seconds(i * 180) as made
    from range($2) t(i))
select
    (189200000000000000 + i)::varchar as id, (i + 1)::varchar as ticket_number,
    (1892000000000 + h % 6)::varchar as department_id,
    (1892100000000 + h % 200000)::varchar as contact_id,
    (1892200000000 + h % 20000)::varchar as account_id,
    case when h % 7 > 0 then (1892300000000 + h % 60)::varchar end as assignee_id,
    (1892400000000 + h % 12)::varchar as team_id,
    w[1 + h % len(w)][:60] as subject,
    w[1 + (h // 7 % len(w))] || ' ' || w[1 + (h // 11 % len(w))] || ' '
        || w[1 + (h // 13 % len(w))] as description,
    case when i > $2 * 0.95 then 'Open' else 'Closed' end as status,
    case when i > $2 * 0.95 then 'Open' else 'Closed' end as status_type,
    ['Low', 'Medium', 'High', null][1 + (h // 3 % 4)] as priority,
    ['Email', 'Web', 'Phone'][1 + (h // 5 % 3)] as channel,
    'customer' || (h % 200000) || '@example.com' as email,
    'https://desk.zoho.eu/support/clinic/ShowHomePage.do#Cases/dv/' || i as web_url,
    '1892500000001' as layout_id, 'English' as language,
    made as created_time, made + to_seconds(h % 900000) as modified_time,
    case when i <= $2 * 0.95 then made + to_seconds(h % 800000) end as closed_time,
    made + to_days(3) as due_date, made + to_seconds(h % 70000)
        as customer_response_time,
    h % 9 as thread_count, h % 4 as comment_count,
    false as is_spam, false as is_archived, h % 2 = 0 as is_read, h % 20 = 0 as is_over_due,
    json_object('channel', 'EMAIL', 'isDraft', false, 'direction', 'in') as last_thread,
    json_object('cf_outcome', 'solved', 'cf_floor', h % 40, 'cf_case', md5(i::varchar)) as cf,
    'live' as presence, made + to_days(30) as pulled_at,
    made as status_since, 'first_seen' as status_since_source,
    to_base(h, 36, 13) || to_base(i, 36, 8) as seen
from rows, words
"""
_TEXT = (
    "login password invoice patient clinic waiting appointment scanner report licence update "
    "please since yesterday cannot open message error again customer called number account "
    "therapy device order delivery missing the a not with for our after before screen printer"
)


def figures() -> Iterator[Figure]:
    """Publish, change one ticket and publish again, publish again with nothing changed."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("ZDSYNC_BENCH_DIR")) as folder:
        private = Path(folder) / "private" / "mirror.duckdb"
        target = Path(folder) / "mirror.duckdb"
        with Mirror.open(private, memory="512MB", options={}, clock=SystemClock()) as mirror:
            fill(mirror, TICKETS)
            mirror.publish(target)
            seen = []
            for number in range(RUNS):
                _edit(mirror, number)
                seen.append(_timed(lambda: mirror.publish(target)))
            mirror.publish(target)
            before = target.stat()
            idle = _timed(lambda: mirror.publish(target))
            after = target.stat()
            assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
            without = _timed(lambda: mirror.publish(target, exclude=["desk.tickets.description"]))
            megabytes = private.stat().st_size / 1e6
        floors = [_timed(lambda: _copy(private, Path(folder) / "floor")) for _ in range(RUNS)]
        bare = [
            _timed(lambda: _copy(private, Path(folder) / "floor", sync=False)) for _ in range(RUNS)
        ]
    yield Figure("file", f"{megabytes:.0f} MB", "", "")
    yield Figure(
        "published after a change, of 3",
        f"{min(seen):.2f} to {max(seen):.2f} s",
        "2 s",
        f"{min(floors):.2f} to {max(floors):.2f} s (cp, fsync)",
    )
    yield Figure("without descriptions (built anew)", f"{without:.2f} s", "", "")
    yield Figure("the disk's part: fsync", "", "", f"{min(floors) - min(bare):.2f} s")
    yield Figure("published, nothing changed", f"{idle * 1000:.1f} ms, no copy", "0", "")


def fill(mirror: Mirror, count: int) -> None:
    """Put `count` tickets into the mirror at once."""
    dice = random.Random(5)
    sentences = [" ".join(dice.choices(_TEXT.split(), k=16)) for _ in range(20_000)]
    mirror.run(Sql(_FILL, (json.dumps(sentences), count)))


def _edit(mirror: Mirror, number: int) -> None:
    mirror.set_tags({str(189200000000000000 + number): [f"bench{number}"]}, SystemClock().now())


def _copy(source: Path, to: Path, *, sync: bool = True) -> None:
    to.unlink(missing_ok=True)
    subprocess.run(["cp", str(source), str(to)], check=True)
    if sync:
        with to.open("rb") as file:
            os.fsync(file.fileno())


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    from bench.rows import show

    show(f"Publishing {TICKETS:,} tickets", list(figures()))
