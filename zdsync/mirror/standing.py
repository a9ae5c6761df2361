"""The views of the mirror and the comments on them and on zdsync's own tables.

`CREATE OR REPLACE VIEW` drops comments, so both are applied together, at each open where the
text of a view or a comment changed (a digest in zdsync.options says so).
"""

from __future__ import annotations

import hashlib
import tomllib

from zdsync.mirror.database import Database
from zdsync.mirror.tables import literal
from zdsync.sql import Sql, ident, load

_PACKAGE = "zdsync.mirror.views"
_FILES = (
    *("as_of", "statuses", "status_classes", "open_tickets", "rule_tickets", "ticket_replies"),
    *("ticket_closers", "journal"),
    *("tickets", "contacts", "accounts", "agents", "hidden_fields", "backlog_daily"),
    *("untouched_48h", "possible_duplicates", "holds"),
)


def apply(database: Database) -> None:
    """Create the views and the comments where this file's do not stand yet."""
    digest = _digest()
    if digest in {row[0] for row in database.rows(_stored())}:
        return
    with database.transaction():
        for name in _FILES:
            database.run(Sql(load(_PACKAGE, f"{name}.sql")))
        database.run(Sql(";".join(_comments(database))))
        database.run(Sql("delete from zdsync.options where name = 'views'"))
        database.run(Sql("insert into zdsync.options values ('views', ?)", (digest,)))


def _stored() -> Sql:
    return Sql("select value from zdsync.options where name = 'views'")


def _digest() -> str:
    texts = [load(_PACKAGE, f"{name}.sql") for name in _FILES]
    texts.append(load(_PACKAGE, "comments.toml"))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _comments(database: Database) -> list[str]:
    """The statements for comments.toml: a table per relation, "" is the relation itself."""
    wanted: dict[str, dict[str, str]] = tomllib.loads(load(_PACKAGE, "comments.toml"))
    views = {row[0] for row in database.rows(_view_names())}
    statements = []
    for relation, texts in wanted.items():
        kind = "view" if relation in views else "table"
        for column, text in texts.items():
            target = f"column {ident(relation)}.{ident(column)}" if column else ""
            target = target or f"{kind} {ident(relation)}"
            statements.append(f"comment on {target} is {literal(text)}")
    return statements


def _view_names() -> Sql:
    return Sql(
        "select schema_name || '.' || view_name from duckdb_views() "
        "where database_name = current_database() and not internal"
    )
