"""What analysts do not get of a column that ZDSYNC_PUBLISH_EXCLUDE names, wherever it lies.

Pure but for reading the names of columns. Used by the copy that is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from zdsync.errors import Misconfigured
from zdsync.mirror.database import Database
from zdsync.personal import VALUES, Named, named, no_column
from zdsync.sql import Sql, ident

_HELD = """
select schema_name || '.' || table_name, list(column_name) from duckdb_columns()
where database_name = current_database() and schema_name in ('desk', 'crm', 'zdsync')
group by 1
"""


def columns(database: Database) -> dict[str, list[str]]:
    """The columns of each table of the mirror."""
    return dict(database.rows(Sql(_HELD)))


def refuse_unknown(exclude: Sequence[str], have: Mapping[str, Sequence[str]]) -> None:
    """Raise Misconfigured for names that are no column; `have` lists the columns by table."""
    known = sorted(f"{table}.{column}" for table, columns in have.items() for column in columns)
    wrong = [
        name
        for name, one in zip(exclude, named(exclude), strict=True)
        if f"{one.table}.{one.column}" not in known or (one.key and one.column != "cf")
    ]
    if wrong:
        setting = "ZDSYNC_PUBLISH_EXCLUDE"
        problems = [no_column(setting, one, known) for one in wrong]
        raise Misconfigured(f"{setting} names no column: {', '.join(wrong)}", problems)


def shown(table: str, column: str, columns: Sequence[str], hidden: Sequence[Named]) -> Sql:
    """One column of the copy, without what analysts do not get.

    What an excluded column holds lies in other places too: a value that misfits in `extra`, its
    changes in zdsync.ticket_changes, what was written in zdsync.journal.
    """
    mine = [one for one in hidden if one.table == table]
    name = ident(column)
    if any(one.column == column and not one.key for one in mine):
        return Sql(f"null as {name}")
    if column == "extra" or (column == "cf" and any(one.key for one in mine)):
        keys = [one.api_key for one in mine if one.key or column == "extra"]
        return Sql(f"json_merge_patch({name}, ?) as {name}", (_patch(keys),)) if keys else Sql(name)
    fields = [field for one in hidden for field in one.fields]
    if fields and "field" in columns and "ticket_id" in columns and column in VALUES:
        listed = json.dumps(fields)
        own = """field in (select unnest(from_json(?, '["VARCHAR"]')))"""
        return Sql(f"case when {own} then null else {name} end as {name}", (listed,))
    return Sql(name)


def _patch(keys: Iterable[str]) -> str:
    return json.dumps(dict.fromkeys(keys))
