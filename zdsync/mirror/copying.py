"""The child process of publishing: copy the file, leave out what analysts do not get, fsync.

Run as `python -m zdsync.mirror.copying PRIVATE TEMPORARY`, wishes as JSON on stdin. Says one
line on stderr and ends with 1 if it fails; the parent removes what it left.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zdsync.errors import Misconfigured, ZdsyncError
from zdsync.mirror import migrate, standing, tables
from zdsync.mirror.database import Database
from zdsync.mirror.publishing import PRIVATE_TABLES, staging
from zdsync.sql import Sql, ident

_COLUMNS = """
select schema_name || '.' || table_name, list(column_name) from duckdb_columns()
where database_name = 'source' and schema_name in ('desk', 'crm', 'zdsync')
  and table_name in (select table_name from duckdb_tables() where database_name = 'source')
group by 1 order by 1
"""


_OWNERS = {"cf_kept": "cf"}  # bookkeeping that holds values goes with its column


def copy(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Make the temporary file, complete and on disk."""
    if wishes["exclude"]:
        _rebuild(private, temporary, wishes)
    else:
        _copy_bytes(private, temporary)
        with Database.open(temporary, memory=str(wishes["memory"])) as database:
            for table in PRIVATE_TABLES:
                database.run(Sql(f"delete from {ident(table)}"))
            database.run(Sql("checkpoint"))
    with temporary.open("rb") as written:
        os.fsync(written.fileno())


def _copy_bytes(private: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with private.open("rb") as source, os.fdopen(handle, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _rebuild(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Build a new file from a copy in the private directory, without the excluded columns.

    Emptying columns in a copy would leave their bytes in its free blocks.
    """
    copied = staging(private)
    try:
        _copy_bytes(private, copied)
        with Database.open(temporary, memory=str(wishes["memory"]), source=copied) as database:
            _fill(database, wishes["exclude"])
            standing.apply(database)
            database.run(Sql("checkpoint"))
    finally:
        copied.unlink(missing_ok=True)


def _fill(database: Database, exclude: Sequence[str]) -> None:
    """Make the schema and copy the rows; an excluded column stays, empty: the views name it."""
    migrate.migrate(database)
    tables.prepare(database)
    have: dict[str, list[str]] = dict(database.rows(Sql(_COLUMNS)))
    _check(exclude, have)
    for table, columns in have.items():
        if table in PRIVATE_TABLES:
            continue
        kept = [ident(c) for c in columns if f"{table}.{_OWNERS.get(c, c)}" not in exclude]
        where = " where name <> 'views'" if table == "zdsync.options" else ""
        database.run(Sql(f"delete from {ident(table)}"))
        database.run(
            Sql(
                f"insert into {ident(table)} by name "
                f"select {', '.join(kept)} from {ident('source.' + table)}{where}"
            )
        )


def _check(exclude: Iterable[str], have: Mapping[str, Sequence[str]]) -> None:
    known = {f"{table}.{column}" for table, columns in have.items() for column in columns}
    wrong = sorted(set(exclude) - known)
    if wrong:
        raise Misconfigured(f"ZDSYNC_PUBLISH_EXCLUDE names no column: {', '.join(wrong)}")


def main() -> int:
    private, temporary = (Path(argument) for argument in sys.argv[1:3])
    try:
        copy(private, temporary, json.load(sys.stdin))
    except ZdsyncError as error:
        print(error.what, file=sys.stderr)
        return 1
    except OSError as error:
        print(error.strerror or "the copy failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
