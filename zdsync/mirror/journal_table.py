"""zdsync.journal: the journal as a table, a copy of its files for questions.

Promises that lines may be loaded again, in batches, and with receipts whose intents came earlier.
Must not read the files (journal_load does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from zdsync.mirror.database import Database
from zdsync.sql import Sql, load

_PACKAGE = "zdsync.mirror.queries"
_TEXTS = (
    *("kind", "run_id", "change_id", "plan_id", "rule_id", "rules_digest", "rule_digest"),
    *("command", "action", "ticket_id", "field", "outcome", "error", "intended_at", "settled_at"),
)
_LINE = orjson.dumps(
    {
        **dict.fromkeys(_TEXTS, "VARCHAR"),
        **{"before": "JSON", "after": "JSON", "evidence": ["VARCHAR"], "http_status": "INTEGER"},
    }
).decode()
_COLUMNS = (
    *("change_id", "run_id", "plan_id", "rule_id", "rules_digest", "ticket_id", "field"),
    *("before", "after", "outcome", "http_status", "error", "intended_at", "settled_at"),
    *("action", "evidence", "rule_digest", "command"),
)
_DROP = """
delete from zdsync.journal
where (run_id, change_id) in (select (run_id, change_id) from journal_merged where is_held)
"""


def merge(database: Database, lines: Iterable[Mapping[str, Any] | bytes]) -> int:
    """Load lines, decoded or as they stand; returns the intents that they tell of."""
    raw = (line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    text = b"[" + b",".join(raw) + b"]"
    if text == b"[]":
        return 0
    database.run(Sql(load(_PACKAGE, "journal_read.sql"), (text.decode(), _LINE)))
    database.run(Sql(load(_PACKAGE, "journal_merged.sql")))
    many = database.count(Sql("select count(*) from journal_merged"))
    if database.count(Sql("select count(*) from journal_merged where is_held")):
        database.run(Sql(_DROP))
    columns = ", ".join(_COLUMNS)
    database.run(
        Sql(f"insert into zdsync.journal ({columns}) select {columns} from journal_merged")  # noqa: S608 - constants
    )
    return many
