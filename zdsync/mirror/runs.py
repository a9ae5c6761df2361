"""zdsync.runs and zdsync.calls: what was done, and what it cost."""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import orjson

from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.model import Call
from zdsync.sql import Sql, ident

_CALLS = {
    "at": "TIMESTAMP",
    "system": "VARCHAR",
    "stream": "VARCHAR",
    "method": "VARCHAR",
    "endpoint": "VARCHAR",
    "status": "INTEGER",
    "credits": "DOUBLE",
    "milliseconds": "BIGINT",
}
_COUNTS = ("pulled", "applied", "already", "stale", "rejected", "unknown")


def record_calls(database: Database, run_id: str, calls: Sequence[Call]) -> None:
    """Keep what each call of a run cost."""
    if not calls:
        return
    rows = [{**asdict(call), "at": naive(call.at)} for call in calls]
    fields = ", ".join(map(ident, _CALLS))
    database.run(
        Sql(
            f"insert into zdsync.calls select ?, {fields} "
            "from (select unnest(from_json(?, ?), recursive := true))",
            (run_id, orjson.dumps(rows).decode(), orjson.dumps([_CALLS]).decode()),
        )
    )


def start(database: Database, run_id: str, command: str, at: datetime) -> None:
    """Note that a run began; a run that never ends shows as `running`."""
    database.run(
        Sql(
            "insert into zdsync.runs (run_id, command, started_at, outcome) "
            "values (?, ?, ?::timestamp, 'running')",
            (run_id, command, naive(at)),
        )
    )


def finish(
    database: Database,
    run_id: str,
    outcome: str,
    at: datetime,
    *,
    counts: Mapping[str, int],
    error: str = "",
) -> None:
    """Note how a run ended. `counts`: pulled, and the journal's outcomes."""
    columns = ", ".join(f"{name} = ?" for name in _COUNTS)
    database.run(
        Sql(
            "update zdsync.runs set finished_at = ?::timestamp, outcome = ?, "
            f"{columns}, error = ? where run_id = ?",
            (
                naive(at),
                outcome,
                *(counts.get(name, 0) for name in _COUNTS),
                error or None,
                run_id,
            ),
        )
    )
