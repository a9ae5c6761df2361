"""Merge batches into a stream's table: the law of `versions`, carried out in SQL.

The rows of a round travel as one bound text, a line of JSON a row (executemany takes 100 times
as long, binding lists too). New rows are inserted; known ones are merged with what the
table holds in a temporary table, deleted by rowid and inserted again. No MERGE, no index: see
architecture section 4. The caller holds the transaction.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from zdsync.mirror import merge_sql, versions
from zdsync.mirror.database import Database
from zdsync.mirror.tables import TICKETS, Table
from zdsync.model import RecordBatch, Row, Shape
from zdsync.sql import Sql, ident

_TRASH = ("is_deleted", "is_trashed")
# The link to the CRM that search rows may lack (streams.py), by stream.
_LINKS = {"desk.contacts": "zoho_crm_contact_id", "desk.accounts": "zoho_crm_account_id"}
_SHAPE_BIT = 120  # above the columns: which shapes were read, 120 + Shape
_LINK_SHAPES = (1 << _SHAPE_BIT + Shape.LIST) | (1 << _SHAPE_BIT + Shape.DETAIL)


_By = tuple[str, str | None]  # the actor, and what is that actor's doing


@dataclass(frozen=True, slots=True)
class _Incoming:
    row: Row
    shape: Shape
    read_at: datetime
    text: bytes


@dataclass(frozen=True, slots=True)
class _Decided:
    """One row as JSON with what the merge decided; `take` masks the columns that it writes."""

    take: int
    line: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """What the table holds of one record, as far as the merge needs it."""

    rowid: int
    seen: str | None
    extra: str | None = None
    extra_seen: str | None = None


def upsert(
    database: Database,
    table: Table,
    batches: Sequence[RecordBatch],
    actor: str = "unknown",
    own: str | None = None,
) -> int:
    """Merge batches of one stream; returns how many rows got another value.

    `actor` goes to ticket_changes, for the pairs of ticket and column in `own` (None: for all).
    """
    incoming = [
        _Incoming(row, batch.shape, batch.read_at, orjson.dumps(row))
        for batch in batches
        for row in batch.rows
    ]
    return sum(_merge_round(database, table, part, (actor, own)) for part in _rounds(incoming))


def _rounds(incoming: Iterable[_Incoming]) -> Iterator[list[_Incoming]]:
    """Split so that no id appears twice in a round."""
    rest = list(incoming)
    while rest:
        first: dict[str, _Incoming] = {}
        again = []
        for item in rest:
            if item.row["id"] in first:
                again.append(item)
            else:
                first[item.row["id"]] = item
        yield list(first.values())
        rest = again


def _merge_round(database: Database, table: Table, part: list[_Incoming], by: _By) -> int:
    known = _known(database, table, part)
    fresh = [_decide(table, item, None) for item in part if item.row["id"] not in known]
    merged = [
        _decide(table, item, known[item.row["id"]]) for item in part if item.row["id"] in known
    ]
    if fresh:
        lines = (merge_sql.schema(table), _text(fresh))
        database.run(Sql(merge_sql.insert_new(table), lines))
    changed = _merge_known(database, table, merged, known, by) if merged else 0
    return len(fresh) + changed


def _text(part: Iterable[_Decided]) -> str:
    """A round as one text; JSON holds no raw line break."""
    return b"\n".join(item.line for item in part).decode()


def _known(database: Database, table: Table, part: list[_Incoming]) -> dict[str, _Known]:
    ids = orjson.dumps([item.row["id"] for item in part]).decode()
    extra = ", t.extra, t.extra_seen" if any("extra" in item.row for item in part) else ""
    found = database.rows(
        Sql(
            f"select t.id, t.rowid, t.seen{extra} from {ident(table.name)} t "
            """join (select unnest(from_json(?, '["VARCHAR"]')) as id) n using (id)""",
            (ids,),
        )
    )
    return {row[0]: _Known(*row[1:]) for row in found}


def _decide(table: Table, item: _Incoming, known: _Known | None) -> _Decided:
    read_us = micros(item.read_at)
    row = item.row
    modified = row.get("modified_time") if table.spec.timed else None
    at = versions.version(modified, item.shape, read_us, zlib.crc32(item.text))
    seen = versions.unpack(known.seen) if known else ()
    mask = table.mask(tuple(row)) | 1 << _SHAPE_BIT + item.shape
    verdict = versions.merge(seen, at, mask)
    flags = versions.is_current(verdict, _trash_bits(table))
    text = item.text if "extra" not in row else _with_extra(row, known, at)
    line = (
        b'%b,"zd_at":"%b","zd_rank":%d,"zd_take":"%d","zd_had":"%d","zd_flags":%b,"zd_seen":"%b"}'
        % (
            text[:-1],
            naive(item.read_at).encode(),
            item.shape,
            verdict.take,
            verdict.had,
            b"true" if flags else b"false",
            versions.pack(verdict.seen).encode(),
        )
    )
    return _Decided(verdict.take, line)


def _trash_bits(table: Table) -> int:
    return sum(1 << table.bits[column] for column in _TRASH if column in table.bits)


def _with_extra(row: Row, known: _Known | None, at: versions.Version) -> bytes:
    marks: dict[str, Any] = orjson.loads((known and known.extra_seen) or "{}")
    base = tuple(marks.pop("", at))
    merged, several, top = versions.merge_extra(
        orjson.loads((known and known.extra) or "{}"),
        {key: tuple(mark) for key, mark in marks.items()},
        base,
        row["extra"],
        at,
    )
    return orjson.dumps({**row, "extra": merged, "extra_seen": {"": top, **several}})


def _merge_known(
    database: Database, table: Table, part: list[_Decided], known: Mapping[str, _Known], by: _By
) -> int:
    name = ident(table.name)
    rowids = orjson.dumps([item.rowid for item in known.values()]).decode()
    database.run(
        Sql(
            merge_sql.make_merged(table, [item.take for item in part]),
            (merge_sql.schema(table), _text(part), rowids),
        )
    )
    gone = f"""delete from {name} where rowid in (select unnest(from_json(?, '["BIGINT"]')))"""
    database.run(Sql(gone, (rowids,)))
    columns = ", ".join(ident(column) for column in table.columns)
    database.run(Sql(f"insert into {name} ({columns}) select {columns} from merged"))
    if table.name == TICKETS and database.count(
        Sql(f"select count(*) from merged where {merge_sql.MOVED}")
    ):
        database.run(Sql(merge_sql.keep_changes(table), by))
    return database.count(Sql("select count(*) from merged where zd_changed"))


def unlinked(database: Database, table: Table) -> list[str]:
    """Ids of live rows whose link to the CRM no answer has carried yet."""
    if table.name not in _LINKS:
        return []
    column = _LINKS[table.name]
    known = (1 << table.bits[column]) | _LINK_SHAPES
    rows = database.rows(
        Sql(
            f"select id, seen from {ident(table.name)} "
            f"where {ident(column)} is null and presence = 'live' order by id"
        )
    )
    return [id for id, seen in rows if not versions.carried(seen) & known]


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return round(instant.timestamp() * 1_000_000)


def naive(instant: datetime) -> str:
    """An instant as the mirror writes it: UTC without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
