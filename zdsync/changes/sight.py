"""How tickets stood when they were planned, and whether one moved since.

Promise 6 asks for more than the field itself: a rule looked at the whole ticket. Its modified time
tells that somebody was there. Must not read Zoho.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson

from zdsync.changes.plan import Plan, Seen
from zdsync.changes.store import Queries
from zdsync.changes.wire import is_tag
from zdsync.model import Change, Row
from zdsync.sql import Sql, load

# The journal has our clock, a ticket Zoho's: this far they may be apart.
SKEW = timedelta(seconds=60)


def sighted(plan: Plan, mirror: Queries) -> Plan:
    """Note of each ticket that applying would write how the mirror holds it."""
    ids = sorted({change.ticket_id for change in plan.writes})
    if not ids:
        return plan
    text = load("zdsync.changes.queries", "sight.sql")
    rows = mirror.rows(Sql(text, (orjson.dumps(ids).decode(),)))
    seen = {
        row[0]: Seen(_aware(row[1]), None if row[2] is None else tuple(row[2]), _aware(row[3]))
        for row in rows
    }
    return replace(plan, seen=seen)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def modified(row: Row) -> datetime | None:
    """The modified time that a ticket's row shows."""
    text = row.get("modified_time")
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def moved(row: Row, seen: Seen) -> bool:
    """Whether a detail shows that somebody wrote to the ticket since it was planned.

    What zdsync itself wrote does not count where the mirror does not know it: after a crash, and
    where a tag or comment of ours moved the time.
    """
    shown = modified(row)
    if shown is None or seen.modified is None or shown == seen.modified:
        return False
    if seen.wrote is None or seen.modified >= seen.wrote - SKEW:
        return True
    return shown > seen.wrote + SKEW


def tags_hold(row: Row, seen: Seen) -> bool:
    """Whether a detail shows that the tags are those that the plan knew.

    They are in no row, and need not move the modified time (desk-tickets.md 2 and 4), but their
    number is there. Where the detail lacks it, as it may lack any key, nothing is shown.
    """
    count = row.get("tag_count")
    return count is not None and seen.tags is not None and int(count) == len(seen.tags)


def on_tags(changes: Iterable[Change]) -> list[Change]:
    """The changes that set a tag, or whose rule looked at the tags."""
    return [one for one in changes if is_tag(one.field) or "tags" in one.evidence]
