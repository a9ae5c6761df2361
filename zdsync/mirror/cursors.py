"""Where each stream stands: zdsync.cursors, and what a full refresh no longer lists."""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson

from zdsync.errors import Vanishing
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.model import Cursor, Span
from zdsync.sql import Sql, ident

_FEW = 3  # so many may be missing from a list, whatever the share: one team of five is no fault


def load(database: Database, stream: str) -> Cursor:
    """Read the cursor of a stream; a new one if there is none."""
    rows = database.rows(
        Sql(
            "select value, pending, complete, last_pull_at, deep_at from zdsync.cursors "
            "where stream = ?",
            (stream,),
        )
    )
    if not rows:
        return Cursor(stream)
    value, pending, complete, last_pull_at, deep_at = rows[0]
    spans = tuple(Span(_instant(low), _instant(high)) for low, high in orjson.loads(pending))
    return Cursor(stream, aware(value), spans, complete, aware(last_pull_at), aware(deep_at))


def save(database: Database, cursor: Cursor) -> None:
    """Replace the cursor of a stream. The caller holds the transaction."""
    pending = [[naive(span.low), naive(span.high)] for span in cursor.pending]
    database.run(Sql("delete from zdsync.cursors where stream = ?", (cursor.stream,)))
    database.run(
        Sql(
            "insert into zdsync.cursors values "
            "(?, ?::timestamp, ?::json, ?, ?::timestamp, ?::timestamp)",
            (
                cursor.stream,
                stamp(cursor.value),
                orjson.dumps(pending).decode(),
                cursor.complete,
                stamp(cursor.last_pull_at),
                stamp(cursor.deep_at),
            ),
        )
    )


def bury(
    database: Database,
    stream: str,
    ids: Iterable[str],
    read_at: datetime,
    presence: str = "gone",
    *,
    since: Mapping[str, datetime] | None = None,
) -> int:
    """Give records their tombstone unless they were read after `read_at`; returns how many.

    `since` tells when Zoho deleted some of them. That is kept where no later reading showed the
    record; else the tombstone would fall with the next stale row.
    """
    told = [[one, stamp((since or {}).get(one))] for one in ids]
    return database.count(
        Sql(
            # numbered: DuckDB counts the marks of an update's "from" first
            f"update {ident(stream)} t set presence = $1, deleted_at = "
            "case when n.at > t.pulled_at and n.at < $2::timestamp then n.at "
            "else $2::timestamp end "
            "from (select r[1] as id, r[2]::timestamp as at from "
            """(select unnest(from_json($3, '[["VARCHAR"]]')) as r)) n """
            "where t.id = n.id and t.pulled_at < $2::timestamp "
            "and (coalesce(t.deleted_at, t.pulled_at) <= t.pulled_at or t.presence <> $1)",
            (presence, naive(read_at), orjson.dumps(told).decode()),
        )
    )


def bury_missing(
    database: Database,
    stream: str,
    seen_ids: Iterable[str],
    read_at: datetime,
    *,
    accept: bool = False,
) -> int:
    """Tombstones for rows that a full listing left out. Raises Vanishing if too many are.

    Absence is weaker than a bin's word: a lost right or a half answer looks the same. So a list
    that comes back empty, or lacks more than three rows that are more than a tenth, is a fault,
    unless a person accepts it.
    """
    listed = set(seen_ids)
    rows = database.rows(Sql(f"select id from {ident(stream)} where deleted_at is null"))
    missing = [row[0] for row in rows if row[0] not in listed]
    many = len(missing) > _FEW and len(missing) * 10 > len(rows)
    if missing and not accept and (many or len(missing) == len(rows)):
        raise Vanishing(
            f"{stream} lists {len(rows) - len(missing)} of {len(rows)} known records: kept all",
            "check the scopes and the role of the token's user; if the records are really gone, "
            f"run zdsync pull {stream} --accept-deletes",
        )
    return bury(database, stream, missing, read_at) if missing else 0


def stamp(instant: datetime | None) -> str | None:
    """An instant as the mirror writes it, or nothing."""
    return None if instant is None else naive(instant)


def aware(instant: datetime | None) -> datetime | None:
    """An instant as the mirror returns it, made UTC."""
    return None if instant is None else instant.replace(tzinfo=UTC)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
