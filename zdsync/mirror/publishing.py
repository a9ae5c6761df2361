"""Publishing: a copy of the private file for analysts, who never wait and never block.

A child process copies (opening the private file here would drop DuckDB's lock on it: tried, a
committed row was lost), so the connection may stay open; it must not write meanwhile. The copy
replaces the target by a rename: readers of the old file keep it. On any failure the old copy
stays and no temporary file does; what a kill left is removed by the next publishing.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

import contextlib
import hashlib
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
from zdsync.mirror import target as place
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql, ident

# Text that only the rules need; who was forgotten.
PRIVATE_TABLES = (
    *("zdsync.folded", "zdsync.text_hits", "zdsync.text_asked", "zdsync.rule_settled"),
    "zdsync.forgotten",
)
_TIMEOUT = 600
_REVISION = "select coalesce(max(value::bigint), 0) from zdsync.options where name = 'revision'"
_LAST = "select value from zdsync.options where name = 'published'"
# What else a copy depends on: the views, the schema, the settings that the views read.
_SHAPE = """
select string_agg(name || '=' || value, ';' order by name),
    (select max(version) from zdsync.schema_version), (select count(*) from zdsync.columns)
from zdsync.options where name in ('views', 'sla_tier_field', 'outcome_field', 'crm')
"""

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
    """Publish the open private file if something changed; returns whether it did.

    A published file that somebody altered, removed or holds open for writing is replaced too.
    """
    revision = database.count(Sql(_REVISION))
    state = _state(database, revision, exclude)
    stands = _is_last(database, state, target) and not place.is_disturbed(target)
    if stands and not force:
        return False
    if exclude:
        hiding.refuse_unknown(exclude, hiding.columns(database))
    if database.in_transaction:
        raise MirrorFailed("a transaction is open: nothing was published")
    database.run(Sql("checkpoint"))
    stamp = {"as_of": naive(as_of), "revision": revision}
    publish(database.path, target, exclude=exclude, memory=memory, stamp=stamp)
    with database.transaction():  # only now: a kill before it makes the next one publish again
        write_published(database, stamp)
        database.run(Sql("delete from zdsync.options where name = 'published'"))
        last = f"{state} {place.mark(target)}"
        database.run(Sql("insert into zdsync.options values ('published', ?)", (last,)))
    return True


def _state(database: Database, revision: int, exclude: Sequence[str]) -> str:
    """What a copy made now would be: its revision, and a digest of all that shapes it."""
    shape = [sorted(exclude), database.rows(Sql(_SHAPE))]
    return f"{revision} {hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]}"


def _is_last(database: Database, state: str, target: Path) -> bool:
    return (f"{state} {place.mark(target)}",) in database.rows(Sql(_LAST))


def publish(
    private: Path,
    target: Path,
    *,
    exclude: Sequence[str] = (),
    memory: str = "512MB",
    stamp: Mapping[str, Any] | None = None,
    copy: Copy | None = None,
) -> None:
    """Copy a checkpointed private file to `target` (mode 0440). Raises MirrorFailed.

    `exclude`: columns such as `desk.tickets.description` that analysts do not get. `stamp`: what
    zdsync.published of the copy says (as_of, revision).
    """
    temporary = place.temporary_for(target)
    staged = staging(private)
    wishes = {"exclude": list(exclude), "memory": memory, "stamp": stamp}
    try:
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        place.sweep(target)
        (copy or copy_in_child)(private, temporary, wishes)
        place.swap(temporary, target)
    except OSError as error:
        raise MirrorFailed(
            f"the mirror could not be published to {target}: {error.strerror or 'failed'}",
            "the old copy stays; free some space or mend the rights",
        ) from None
    finally:
        place.remove(temporary, place.wal(temporary), staged, place.wal(staged))


def staging(private: Path) -> Path:
    """The copy that a rebuild reads: beside the private file, for it holds excluded columns."""
    return private.with_name("publishing.tmp")


def copy_in_child(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    """Copy in a process of its own (`python -m zdsync.mirror.copying`), which ends with this one.

    Its stdin stays open until it is done: the child takes the end of it for our death.
    """
    command = [sys.executable, "-m", "zdsync.mirror.copying", str(private), str(temporary)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as child:
        assert child.stdin is not None
        assert child.stderr is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # its words on stderr say why
                child.stdin.write(json.dumps(dict(wishes)) + "\n")
                child.stdin.flush()
            child.wait(_TIMEOUT)
            said = child.stderr.read()
        except subprocess.TimeoutExpired:
            raise MirrorFailed(f"copying the mirror took over {_TIMEOUT} s") from None
        finally:
            child.kill()
    if child.returncode:
        words = said.strip().splitlines()
        raise MirrorFailed(
            f"the mirror could not be published: {words[-1] if words else 'the copy ended early'}",
            "the old copy stays",
        )


def write_published(database: Database, stamp: Mapping[str, Any]) -> None:
    """Write zdsync.published: one row a stream with its lag at `stamp["as_of"]`."""
    at, revision = stamp["as_of"], stamp["revision"]
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
