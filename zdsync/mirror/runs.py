"""zdsync.runs, zdsync.calls and zdsync.journal: what was done, what it cost, what was written.

The journal's truth is its NDJSON files (changes/journal.py); the table is a copy for queries.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

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
_JOURNAL = {
    "change_id": "VARCHAR",
    "run_id": "VARCHAR",
    "plan_id": "VARCHAR",
    "rule_id": "VARCHAR",
    "rules_digest": "VARCHAR",
    "ticket_id": "VARCHAR",
    "field": "VARCHAR",
    "before": "VARCHAR",
    "after": "VARCHAR",
    "outcome": "VARCHAR",
    "http_status": "INTEGER",
    "error": "VARCHAR",
    "intended_at": "TIMESTAMP",
    "settled_at": "TIMESTAMP",
}
# What a line of the kind `found` replaces: an unknown outcome was looked up and is known now.
_FOUND = ("outcome", "http_status", "error", "settled_at")
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


def load_journal(database: Database, lines: Iterable[Mapping[str, Any]]) -> int:
    """Load lines of the journal's files (`kind` intent or receipt); returns intents with news.

    May be repeated with the same lines, and with receipts whose intents came earlier: a line
    fills what it names. A second receipt of one intent changes nothing (promise 5); a line of the
    kind `found` replaces the receipt of an unknown outcome.
    """
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        key = (str(line.get("run_id")), str(line.get("change_id")))
        entry = wanted.setdefault(key, {})
        if line.get("kind") == "found":
            entry["found"] = True
            entry.update((name, _cell(name, line[name])) for name in _FOUND if name in line)
            continue
        entry.update(
            (name, _cell(name, line[name])) for name in _JOURNAL if _news(entry, line, name)
        )
    if not wanted:
        return 0
    database.run(Sql("create or replace temp table journal_read as " + _UNNESTED, _bound(wanted)))
    columns = ", ".join(map(_merged, _JOURNAL))
    joined = "from journal_read n left join zdsync.journal o using (run_id, change_id)"
    database.run(Sql(f"create or replace temp table journal_new as select {columns} {joined}"))
    database.run(
        Sql(
            "delete from zdsync.journal where (run_id, change_id) in "
            "(select (run_id, change_id) from journal_new)"
        )
    )
    fields = ", ".join(_JOURNAL)
    database.run(Sql(f"insert into zdsync.journal select {fields} from journal_new"))
    return len(wanted)


def _merged(name: str) -> str:
    if name in ("change_id", "run_id"):
        return name
    if name in _FOUND:
        found = f"coalesce(n.{name}, o.{name})"
        return f"case when n.found then {found} else coalesce(o.{name}, n.{name}) end as {name}"
    return f"coalesce(o.{name}, n.{name}) as {name}"


_UNNESTED = "select * from (select unnest(from_json(?, ?), recursive := true))"


def _bound(wanted: Mapping[tuple[str, str], Mapping[str, Any]]) -> tuple[str, str]:
    return orjson.dumps(list(wanted.values())).decode(), orjson.dumps(
        [{**_JOURNAL, "found": "BOOLEAN"}]
    ).decode()


def _news(entry: Mapping[str, Any], line: Mapping[str, Any], name: str) -> bool:
    return line.get(name) is not None and entry.get(name) is None


def _cell(name: str, item: Any) -> Any:
    """A value as the table holds it: instants naive in UTC, before and after as text."""
    if _JOURNAL[name] == "TIMESTAMP":
        at = item if isinstance(item, datetime) else datetime.fromisoformat(str(item))
        return naive(at if at.tzinfo else at.replace(tzinfo=UTC))
    if name in ("before", "after") and not isinstance(item, str):
        return orjson.dumps(item).decode()
    return item
