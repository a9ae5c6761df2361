"""Writes the private file anew, so that what was emptied is gone from the disk too.

DuckDB frees the blocks of deleted values and wipes none. The rows that are left are copied into a
file beside it, which then takes its place: a crash leaves the old file or the new one, whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from zdsync.errors import MirrorFailed
from zdsync.mirror.database import Database
from zdsync.mirror.lock import private_files
from zdsync.mirror.target import sync_directory
from zdsync.sql import Sql

_SUFFIX = ".new"


def rewrite(database: Database, *, memory: str) -> None:
    """Rewrite the file of an open database, which is open again afterwards.

    Not within a transaction. Raises MirrorFailed (a full disk); the old file stays then.
    """
    path = database.path
    fresh = path.with_name(path.name + _SUFFIX)
    clear(path)
    database.run(Sql("checkpoint"))
    database.close()
    try:
        with private_files():
            with Database.open(fresh, memory=memory, source=path) as copy:
                copy.run(Sql("copy from database source to " + _name(copy)))
                copy.run(Sql("checkpoint"))
            _replace(fresh, path)
    except OSError as error:
        what = f"{path} could not be rewritten: {error.strerror or 'failed'}"
        raise MirrorFailed(what, "free some space, then run it again") from None
    finally:
        clear(path)
        database.reopen(memory=memory)


def clear(path: Path) -> None:
    """Remove what a crash may have left beside the private file: it can hold rows."""
    for left in (f"{path.name}{_SUFFIX}", f"{path.name}{_SUFFIX}.wal", "publishing.tmp"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(left).unlink()
    for folder in (f"{path.name}.tmp", f"{path.name}{_SUFFIX}.tmp", "publishing.tmp.tmp"):
        shutil.rmtree(path.with_name(folder), ignore_errors=True)


def _name(database: Database) -> str:
    name = database.rows(Sql("select current_database()"))[0][0]
    return '"' + str(name).replace('"', '""') + '"'


def _replace(fresh: Path, path: Path) -> None:
    fresh.chmod(0o600)
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    fresh.rename(path)
    sync_directory(path.parent)
