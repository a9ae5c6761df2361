"""A random sample of a period's tickets, drawn so that the same seed draws the same tickets.

Reads the mirror only; who reads their History is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from zdsync.backtest.ground import PACKAGE
from zdsync.changes.store import Queries
from zdsync.rules.instants import naive
from zdsync.sql import Sql, load

SEED = 7


@dataclass(frozen=True, slots=True)
class Drawn:
    """Tickets in the order in which they were drawn, of `of`; `unread` with their creation."""

    tickets: tuple[str, ...]
    unread: tuple[tuple[str, datetime], ...]
    of: int


def draw(mirror: Queries, since: datetime, until: datetime, count: int, seed: int) -> Drawn:
    """Draw `count` of the tickets created from `since` up to `until`."""
    params = (naive(since), naive(until), str(seed), count)
    rows = mirror.rows(Sql(load(PACKAGE, "sample.sql"), params))
    return Drawn(
        tuple(row[0] for row in rows),
        tuple((id, made.replace(tzinfo=UTC)) for id, made, is_read, _ in rows if not is_read),
        rows[0][3] if rows else 0,
    )


def readable(mirror: Queries, tickets: Sequence[str]) -> tuple[str, ...]:
    """Cut the sample before its first ticket that was not read.

    Whichever ticket the price was not enough for has a long past: to leave it out and go on with
    shorter ones would choose.
    """
    listed = (orjson.dumps(list(tickets)).decode(),)
    read = {row[0] for row in mirror.rows(Sql(_READ, listed))}
    first = next((n for n, one in enumerate(tickets) if one not in read), len(tickets))
    return tuple(tickets[:first])


_READ = """
select ticket_id from zdsync.histories
where ticket_id in (select unnest(from_json(?, '["VARCHAR"]')))
"""
