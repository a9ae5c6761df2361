"""Fields of tickets that no rule may change: zdsync.holds for some tickets, and their release.

Promises that what a person released stays released through a crash (committed before it is said),
and that asking for the tickets of one relation costs no look at the others. Derives nothing
itself: views/holds.sql does. Must not decide what a rule does about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import orjson

from zdsync.mirror.database import Database
from zdsync.mirror.publishing import touch
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql, load

_SCOPE = """select id from desk.tickets -- the scope
    where presence = 'live' and status_type is distinct from 'Closed'"""


def within(tickets: str) -> str:
    """Write zdsync.holds narrowed to the tickets that a query of one column `id` gives.

    Aggregates over all changes come first in the view; a filter on it would come after them.
    """
    _, found, text = load("zdsync.mirror.views", "holds.sql").partition("view zdsync.holds as\n")
    assert found
    assert _SCOPE in text
    return text.replace(_SCOPE, tickets)


def release(database: Database, ticket_id: str, fields: Iterable[str], at: datetime) -> None:
    """Let rules decide these fields again; an empty name stands for all of the ticket."""
    rows = orjson.dumps([[ticket_id, one, naive(at)] for one in fields]).decode()
    with database.transaction():
        database.run(Sql(_RELEASE, (rows,)))
        touch(database)


_RELEASE = """
insert into zdsync.releases
select r[1], r[2], r[3]::timestamp from (select unnest(from_json(?, '[["VARCHAR"]]')) as r)
"""
