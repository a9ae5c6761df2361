"""No id stands twice: tables have no key (architecture section 4), so reconcile looks.

Owns that look and its mending. `rows` runs one statement.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from zdsync.mirror.held import Rows
from zdsync.sql import Sql, ident


def mend(rows: Rows, stream: str) -> int:
    """Leave one row of each id, the one written last; returns how many rows were too many."""
    name = ident(stream)
    ((many,),) = rows(Sql(f"select count(*) - count(distinct id) from {name}"))
    if many:
        rows(
            Sql(
                f"delete from {name} where rowid not in (select max(rowid) from {name} group by id)"
            )
        )
    return int(many)
