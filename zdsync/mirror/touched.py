"""When somebody else last touched a ticket: zdsync.own_writes tells zdsync's own hand apart.

Promises that a write of zdsync never makes a ticket look touched, where its answer or its receipt
shows the modified time that it made. What somebody does in the two seconds after a write whose
answer shows no new modified time counts as zdsync's. Must not call Zoho.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson

from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql


def note(database: Database, written: Mapping[str, tuple[str, datetime]]) -> None:
    """Note writes of zdsync whose rows were just merged.

    `written`: ticket → the modified time that it had right before, and when the last receipt came.
    """
    rows = [[one, before, naive(settled)] for one, (before, settled) in written.items()]
    if not rows:
        return
    with database.transaction():
        database.run(Sql(_MAKE, (orjson.dumps(rows).decode(),)))
        gone = "delete from zdsync.own_writes where ticket_id in (select id from own_now)"
        database.run(Sql(gone))
        database.run(Sql("insert into zdsync.own_writes from own_now"))


# A chain of own writes leads back to who touched the ticket before the first of them. Zoho times
# a tag or comment, if at all, within the call: two seconds more, for whole seconds and its clock.
_MAKE = """
create or replace temp table own_now as
select n.id, case when n.before <= w.until then w.touched_at else n.before end as touched_at,
    greatest(case when n.before <= w.until then w.until end,
        case when t.modified_time > n.before then t.modified_time
            else n.settled + interval 2 second end) as until
from (select r[1] as id, r[2]::timestamp as before, r[3]::timestamp as settled
    from (select unnest(from_json(?, '[["VARCHAR"]]')) as r)) n
join desk.tickets t on t.id = n.id
left join zdsync.own_writes w on w.ticket_id = n.id
"""
