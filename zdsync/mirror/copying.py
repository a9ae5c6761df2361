"""The child process of publishing: copy the file, leave out what analysts do not get, fsync.

Run as `python -m zdsync.mirror.copying PRIVATE TEMPORARY`, wishes as a line of JSON on stdin,
which stays open: its end means that the parent died, and ends this process too. Says one line on
stderr and ends with 1 if it fails; the parent removes what it left.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from zdsync.errors import ZdsyncError
from zdsync.mirror import migrate, standing, tables
from zdsync.mirror.database import Database
from zdsync.mirror.hiding import refuse_unknown, shown
from zdsync.mirror.publishing import PRIVATE_TABLES, staging, write_published
from zdsync.personal import named
from zdsync.sql import Sql, ident, join

_PIECE = 1 << 24
_COLUMNS = """
select schema_name || '.' || table_name, list(column_name) from duckdb_columns()
where database_name = 'source' and schema_name in ('desk', 'crm', 'zdsync')
  and table_name in (select table_name from duckdb_tables() where database_name = 'source')
group by 1 order by 1
"""


def copy(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Make the temporary file, complete and on disk."""
    if wishes["exclude"]:
        _rebuild(private, temporary, wishes)
    else:
        copy_bytes(private, temporary)
        with Database.open(temporary, memory=str(wishes["memory"])) as database:
            for table in PRIVATE_TABLES:
                database.run(Sql(f"delete from {ident(table)}"))
            _stamp(database, wishes)
            database.run(Sql("checkpoint"))
    with temporary.open("rb") as written:
        os.fsync(written.fileno())


def copy_bytes(source: Path, copy: Path) -> None:
    """Copy a file (mode 0600), within the kernel where it can: some filesystems share the blocks.

    Raises OSError.
    """
    copy.unlink(missing_ok=True)
    handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as taken, os.fdopen(handle, "wb") as sink:
        if not _copied_by_kernel(taken, sink):
            taken.seek(0)
            sink.truncate(0)
            shutil.copyfileobj(taken, sink, _PIECE)


def _copied_by_kernel(taken: BinaryIO, sink: BinaryIO) -> bool:
    if not hasattr(os, "copy_file_range"):
        return False
    try:
        left = os.fstat(taken.fileno()).st_size
        while left > 0:
            done = os.copy_file_range(taken.fileno(), sink.fileno(), min(left, _PIECE))
            if done == 0:
                return False
            left -= done
    except OSError:  # not between these filesystems; a full disk shows again in the plain way
        return False
    return True


def _stamp(database: Database, wishes: Mapping[str, Any]) -> None:
    if wishes.get("stamp"):
        write_published(database, wishes["stamp"])


def _rebuild(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Build a new file from a copy in the private directory, without the excluded columns.

    Emptying columns in a copy would leave their bytes in its free blocks.
    """
    copied = staging(private)
    try:
        copy_bytes(private, copied)
        with Database.open(temporary, memory=str(wishes["memory"]), source=copied) as database:
            _fill(database, wishes["exclude"])
            standing.apply(database)
            _stamp(database, wishes)
            database.run(Sql("checkpoint"))
    finally:
        copied.unlink(missing_ok=True)


def _fill(database: Database, exclude: Sequence[str]) -> None:
    """Make the schema and copy the rows; an excluded column stays, empty: the views name it."""
    migrate.migrate(database)
    tables.prepare(database)
    have: dict[str, list[str]] = dict(database.rows(Sql(_COLUMNS)))
    refuse_unknown(exclude, have)
    hidden = list(named(exclude))
    for table, columns in have.items():
        if table in PRIVATE_TABLES:
            continue
        source = Sql(f" from {ident('source.' + table)}")
        if table == "zdsync.options":
            source += " where name <> 'views'"
        kept = join(", ", [shown(table, column, columns, hidden) for column in columns])
        database.run(Sql(f"delete from {ident(table)}"))
        database.run(Sql(f"insert into {ident(table)} by name select ") + kept + source)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> int:
    private, temporary = (Path(argument) for argument in sys.argv[1:3])
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the parent: it decides
        signal.signal(number, signal.SIG_IGN)
    try:
        wishes = json.loads(sys.stdin.readline())
        threading.Thread(target=_end_with_parent, daemon=True).start()
        copy(private, temporary, wishes)
    except ZdsyncError as error:
        print(error.what, file=sys.stderr)
        return 1
    except OSError as error:
        print(error.strerror or "the copy failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    ended = main()
    sys.stderr.flush()
    os._exit(ended)  # the thread that waits on stdin must not hold up the end
