"""Tags of tickets: desk.ticket_tags and desk.tickets.tags_read_at.

Tags are in no ticket row and may not move the modified time (architecture section 5), so they
have their own order: the later reading wins. `tags_row` is the modified time that the ticket had
then: one with another has moved since. The caller holds the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql

_READ = """
create or replace temp table tags_read as
select t.id as ticket_id, t.tags_read_at is not null as known,
    t.tags_read_at as low
from desk.tickets t
where t.id in (select unnest(from_json(?, '["VARCHAR"]')))
  and (t.tags_read_at is null or t.tags_read_at <= ?::timestamp)
"""
_NEW = """
create or replace temp table tags_new as
select distinct n.ticket_id, n.tag
from (select unnest(from_json(?, '[{"ticket_id": "VARCHAR", "tag": "VARCHAR"}]'),
      recursive := true)) n
join tags_read using (ticket_id)
"""
_CHANGES = """
insert into zdsync.ticket_changes
    (ticket_id, field, before, after, changed_at, seen_at, actor, source, not_before, seq)
select r.ticket_id, 'tag:' || coalesce(o.tag, n.tag),
    case when o.tag is null then 'false' else 'true' end,
    case when n.tag is null then 'false' else 'true' end,
    $1::timestamp, $1::timestamp,
    case when $3::varchar is null
            or [r.ticket_id, 'tag:' || coalesce(o.tag, n.tag)]
                in (select unnest(from_json($3, '[["VARCHAR"]]')))
        then $2 else 'unknown' end,
    'observed', r.low, 0
from (select * from desk.ticket_tags where ticket_id in (select ticket_id from tags_read)) o
full join tags_new n on n.ticket_id = o.ticket_id and n.tag = o.tag
join tags_read r on r.ticket_id = coalesce(o.ticket_id, n.ticket_id) and r.known
where o.tag is null or n.tag is null
"""


def replace(
    database: Database,
    tags: Mapping[str, Sequence[str]],
    read_at: datetime,
    actor: str = "unknown",
    own: str | None = None,
) -> int:
    """Set the tags of tickets to what was read at `read_at`; returns how many changed.

    A first reading counts, a change of a tag counts; only the latter goes to ticket_changes.
    `actor` is named there for the pairs of ticket and `tag:NAME` in `own` (None: for all).
    """
    at = naive(read_at)
    pairs = [{"ticket_id": ticket, "tag": tag} for ticket, names in tags.items() for tag in names]
    run = database.run
    run(Sql(_READ, (orjson.dumps(list(tags)).decode(), at)))
    run(Sql(_NEW, (orjson.dumps(pairs).decode(),)))
    changed = database.count(Sql("select count(*) from tags_read where not known"))
    changed += database.count(Sql(_CHANGES, (at, actor, own)))
    run(Sql("delete from desk.ticket_tags where ticket_id in (select ticket_id from tags_read)"))
    run(Sql("insert into desk.ticket_tags select ticket_id, tag from tags_new"))
    run(
        Sql(
            "update desk.tickets set tags_read_at = ?::timestamp, tags_row = modified_time "
            "where id in (select ticket_id from tags_read)",
            (at,),
        )
    )
    return changed


def swept(
    database: Database,
    tags: Mapping[str, Sequence[str]],
    department_ids: Sequence[str],
    read_at: datetime,
) -> int:
    """Set the tags of all tickets of departments whose every tag was listed from `read_at` on.

    A live ticket that no tag listed has none. Tickets made after the sweep began are left out, and
    so are archived ones: whether the lists show those is not known (desk-tickets.md section 5).
    """
    rows = database.rows(
        Sql(
            "select id from desk.tickets where presence = 'live' "
            """and department_id in (select unnest(from_json(?, '["VARCHAR"]')))"""
            " and created_time < ?::timestamp",
            (orjson.dumps(list(department_ids)).decode(), naive(read_at)),
        )
    )
    complete: dict[str, Sequence[str]] = {row[0]: () for row in rows}
    return replace(database, {**complete, **tags}, read_at)
