"""A desk for the report tests: the views that reports read, in a DuckDB in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from zdsync.sql import Sql

AS_OF = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SINCE = AS_OF - timedelta(days=7)
STATUSES = (
    ("Open", "Open"),
    ("Waiting on Customer", "On Hold"),
    ("Escalated", "Open"),
    ("On Hold", "On Hold"),
    ("Closed", "Closed"),
)
PRIORITIES = ("High", "Medium", "Low")
_CLASS = dict(STATUSES)

_TABLES = """
create schema desk; create schema zdsync;
create table main.tickets (
    id varchar, number varchar, status varchar, status_type varchar, priority varchar,
    department varchar, agent varchar, agent_email varchar, presence varchar, created timestamp,
    modified timestamp, closed timestamp, due timestamp
);
create table desk.tickets (id varchar, assignee_id varchar);
create table main.agents (id varchar, name varchar, is_active boolean);
create table desk.fields (
    module varchar, api_name varchar, pick_list_values json, deleted_at timestamp
);
create table zdsync.cursors (stream varchar, last_pull_at timestamp, complete boolean);
"""


def ago(days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
    """An instant before AS_OF; negative numbers lie after it."""
    return AS_OF - timedelta(days=days, hours=hours, minutes=minutes)


OLD = ago(days=10)


class Desk:
    """Holds tickets and agents; `query` is what a report is given."""

    def __init__(self) -> None:
        self._db = duckdb.connect(":memory:")
        self._db.execute(_TABLES)
        self._count = 0
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    def options(self) -> Desk:
        """Let the portal declare its statuses and priorities."""
        for name, options in (
            ("status", [{"value": value, "statusType": kind} for value, kind in STATUSES]),
            ("priority", [{"value": value} for value in PRIORITIES]),
        ):
            text = json.dumps(options)
            row = {"module": "tickets", "api_name": name, "pick_list_values": text}
            self._insert("desk.fields", row)
        return self

    def ticket(
        self,
        department: str | None = "Support",
        agent: str | None = "Ana",
        status: str | None = "Open",
        *,
        created: datetime | None = OLD,
        kind: str | None = None,
        **more: Any,
    ) -> Desk:
        """Add a ticket; `kind` is the status class, by default that of the status.

        The agent's id is by default the name.
        """
        self._count += 1
        key = str(self._count)
        agent_id = more.pop("agent_id", agent)
        self._insert("desk.tickets", {"id": key, "assignee_id": agent_id})
        row: dict[str, Any] = {
            "id": key,
            "presence": "live",
            "number": key,
            "status": status,
            "status_type": kind or _CLASS.get(status or ""),
            "department": department,
            "agent": agent,
            "created": created,
            "modified": more.get("closed") or created,
        } | more
        self._insert("main.tickets", row)
        return self

    def agents(self, **agents: bool) -> Desk:
        """Add agents by id (and name), active or not."""
        for name, active in agents.items():
            self._insert("main.agents", {"id": name, "name": name, "is_active": active})
        return self

    def pulled(self, at: datetime, *, complete: bool = True) -> Desk:
        row = {"stream": "desk.tickets", "last_pull_at": at, "complete": complete}
        self._insert("zdsync.cursors", row)
        return self

    def query(self, sql: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
        self._flush()
        answer = self._db.execute(sql.text, sql.params)
        return [column[0] for column in answer.description or ()], answer.fetchall()

    def bulk(self, rows: Sequence[dict[str, Any]]) -> Desk:
        for row in rows:
            self.ticket(**row)
        return self

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self._waiting.setdefault(table, []).append(row)

    def _flush(self) -> None:
        """Write what waits, one statement a table: single rows are slow."""
        for table, rows in self._waiting.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            mark = "(" + ", ".join("?" * len(names)) + ")"
            values = [_naive(row.get(name)) for row in rows for name in names]
            marks = ", ".join([mark] * len(rows))
            self._db.execute(f"insert into {table} ({', '.join(names)}) values {marks}", values)
        self._waiting.clear()


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
