"""A portal and a DuckDB for the tests of the rules language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import duckdb

from zdsync.model import Agent, CustomField, Named, Portal
from zdsync.sql import Sql

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

DEPARTMENTS = ("IT", "Support", "Paid Support", "Community", "Trials")

PORTAL = Portal(
    known=True,
    agents=(
        Agent("101", "ana@clinic.example", "Ana Diaz", "z1", True, frozenset({"1", "2"})),
        Agent("102", "sam.lee@clinic.example", "Sam Lee", "z2", True, frozenset({"2"})),
        Agent("103", "sam@maker.example", "Sam Lee", "z3", True, frozenset({"3"})),
    ),
    departments=tuple(Named(str(place), name) for place, name in enumerate(DEPARTMENTS, 1)),
    teams=(Named("t1", "Front Desk", "2"),),
    statuses={
        "Open": "Open",
        "In Progress": "Open",
        "Waiting for Customer": "On Hold",
        "Escalated": "Open",
        "Closed": "Closed",
    },
    priorities=("Low", "Medium", "High"),
    channels=("Email", "Web", "Phone", "Chat"),
    ticket_fields=(
        CustomField(
            "cf_outcome",
            "Picklist",
            ("Provider error", "Failed test", "Broken automation", "Spam", "Resolved"),
        ),
        CustomField("cf_count", "Number"),
        CustomField("cf_flag", "Boolean"),
        CustomField("cf_when", "DateTime"),
        CustomField("cf_note", "Text"),
    ),
)


def duck() -> Callable[[Sql], list[tuple[Any, ...]]]:
    """Open a DuckDB in memory and return its query function."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")

    def query(sql: Sql) -> list[tuple[Any, ...]]:
        return connection.execute(sql.text, list(sql.params)).fetchall()

    return query
