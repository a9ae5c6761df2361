"""Copies of the private file while no one has it open, and what such a copy holds."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path

from zdsync.errors import MirrorBusy, MirrorUnusable
from zdsync.mirror import migrate
from zdsync.mirror.copying import copy_bytes
from zdsync.mirror.database import MEND, Database, describe_holder
from zdsync.mirror.target import wal
from zdsync.sql import Sql, ident


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds: its schema version, and the rows of each stream."""

    schema: int
    rows: dict[str, int]


def copy_closed(private: Path, copy: Path) -> None:
    """Copy the file and its WAL. The caller holds the writers' lock. Raises MirrorBusy, OSError.

    A lock as DuckDB's own keeps out who opens the file past ours.
    """
    with private.open("rb") as source:
        try:
            fcntl.lockf(source, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            who = describe_holder(private.parent / "work.lock") or "another process"
            raise MirrorBusy(f"{private} is in use by {who}", "wait until it ends") from None
        copy_bytes(private, copy)
        if wal(private).exists():
            copy_bytes(wal(private), wal(copy))


def examine(copy: Path, *, memory: str) -> Found:
    """Open a copy, put its WAL into it, and read every row. Raises MirrorUnusable, MirrorNewer."""
    with Database.open(copy, memory=memory) as database:
        known = [row[0] for row in database.rows(Sql(_STREAMS))]
        schema = migrate.version(database)
        if not schema:
            raise MirrorUnusable(f"{copy.name} is no mirror of zdsync", MEND)
        rows = {name: database.count(Sql(_READ + f"from {ident(name)} t")) for name in known}
        database.run(Sql("checkpoint"))
    return Found(schema, rows)


_STREAMS = """
select schema_name || '.' || table_name from duckdb_tables()
where database_name = current_database() and schema_name in ('desk', 'crm', 'zdsync') order by 1
"""
_READ = "select count(*), bit_xor(hash(t)) "  # a count alone reads no row
