"""Rows for the tests of the mirror."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Row, Shape
from zdsync.sql import Sql

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TICKETS = "desk.tickets"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def stamp(minutes: float) -> str:
    """A modified time as rows carry it."""
    return at(minutes).replace(tzinfo=None).isoformat(sep=" ")


def ticket(id: str = "1", modified: float | None = 0, **columns: Any) -> Row:
    row: Row = {"id": id, **columns}
    if modified is not None:
        row["modified_time"] = stamp(modified)
    return row


def batch(
    *rows: Row, shape: Shape = Shape.SEARCH, read: float = 10, stream: str = TICKETS
) -> RecordBatch:
    return RecordBatch(stream, shape, rows, at(read))


def one(mirror: Mirror, columns: str, table: str = TICKETS, id: str = "1") -> Any:
    """The cells of one row; a single cell comes bare."""
    rows = mirror.rows(Sql(f"select {columns} from {table} where id = ?", (id,)))
    assert len(rows) == 1, rows
    return rows[0][0] if len(rows[0]) == 1 else rows[0]
