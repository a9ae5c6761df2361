"""Publishing: a copy of the private file for analysts, who never wait and never block.

A child process copies (opening the private file here would drop DuckDB's lock on it: tried, a
committed row was lost), so the connection may stay open; it must not write meanwhile. The copy
replaces the target by a rename: readers of the old file keep it. On any failure the old copy
stays and no temporary file does.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from zdsync.errors import MirrorFailed
from zdsync.mirror import hiding
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql, ident

# Text that only the rules need; who was forgotten.
PRIVATE_TABLES = ("zdsync.folded", "zdsync.forgotten")
_TIMEOUT = 600
_REVISION = "select coalesce(max(value::bigint), 0) from zdsync.options where name = 'revision'"
_PUBLISHED = "select coalesce(max(revision), -1) from zdsync.published"

# What copies: (private file, temporary file, wishes). Raises MirrorFailed.
Copy = Callable[[Path, Path, Mapping[str, Any]], None]


def touch(database: Database) -> None:
    """Note that the mirror differs from what was published."""
    revision = database.count(Sql(_REVISION)) + 1
    database.run(Sql("delete from zdsync.options where name = 'revision'"))
    database.run(Sql("insert into zdsync.options values ('revision', ?)", (str(revision),)))


def publish_open(
    database: Database,
    target: Path,
    *,
    as_of: datetime,
    exclude: Sequence[str],
    memory: str,
    force: bool = False,
) -> bool:
    """Publish the open private file if something changed; returns whether it did."""
    revision = database.count(Sql(_REVISION))
    if target.exists() and not force and database.count(Sql(_PUBLISHED)) == revision:
        return False
    if exclude:
        hiding.refuse_unknown(exclude, hiding.columns(database))
    if database.in_transaction:
        raise MirrorFailed("a transaction is open: nothing was published")
    with database.transaction():
        _write_published(database, as_of, revision)
    try:
        database.run(Sql("checkpoint"))
        publish(database.path, target, exclude=exclude, memory=memory)
    except BaseException:
        # Not published after all: the next attempt must not think so.
        database.run(Sql("update zdsync.published set revision = -1"))
        raise
    return True


def publish(
    private: Path,
    target: Path,
    *,
    exclude: Sequence[str] = (),
    memory: str = "512MB",
    copy: Copy | None = None,
) -> None:
    """Copy a checkpointed private file to `target` (mode 0440). Raises MirrorFailed.

    `exclude`: columns such as `desk.tickets.description` that analysts do not get.
    """
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    wishes = {"exclude": list(exclude), "memory": memory}
    try:
        (copy or copy_in_child)(private, temporary, wishes)
        temporary.chmod(0o440)
        _wal(target).unlink(missing_ok=True)
        temporary.rename(target)
        _sync_directory(target.parent)
    except OSError as error:
        raise MirrorFailed(
            f"the mirror could not be published to {target}: {error.strerror or 'failed'}",
            "the old copy stays; free some space or mend the rights",
        ) from None
    finally:
        for left in (temporary, _wal(temporary), staging(private), _wal(staging(private))):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def staging(private: Path) -> Path:
    """The copy that a rebuild reads: beside the private file, for it holds excluded columns."""
    return private.with_name("publishing.tmp")


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def copy_in_child(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Copy in a process of its own (`python -m zdsync.mirror.copying`)."""
    command = [sys.executable, "-m", "zdsync.mirror.copying", str(private), str(temporary)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(dict(wishes)),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    except subprocess.TimeoutExpired:
        raise MirrorFailed(f"copying the mirror took over {_TIMEOUT} s") from None
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise MirrorFailed(
            f"the mirror could not be published: {words[-1] if words else 'the copy ended early'}",
            "the old copy stays",
        )


def _write_published(database: Database, as_of: datetime, revision: int) -> None:
    """Write what the copy will hold: one row per stream with its lag at `as_of`."""
    at = naive(as_of)
    database.run(Sql("delete from zdsync.published"))
    for stream in _streams(database):
        database.run(
            Sql(
                "insert into zdsync.published "
                f"select ?, ?::timestamp, (select count(*) from {ident(stream)} "
                "where deleted_at is null), max(value), max(last_pull_at), "
                "date_diff('second', max(last_pull_at), ?::timestamp), ? "
                "from zdsync.cursors where stream = ?",
                (stream, at, at, revision, stream),
            )
        )


def _streams(database: Database) -> list[str]:
    return [row[0] for row in database.rows(Sql("select distinct stream from zdsync.columns"))]


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
