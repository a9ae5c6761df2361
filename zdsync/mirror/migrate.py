"""Bring the schema of a mirror file to this version: numbered .sql files, each in a transaction.

A file of a newer zdsync is refused (MirrorNewer) before anything is written.
"""

from __future__ import annotations

from importlib.resources import files

from zdsync.errors import MirrorNewer
from zdsync.mirror.database import Database
from zdsync.sql import Sql, load

_PACKAGE = "zdsync.mirror.migrations"


def steps() -> dict[int, str]:
    """The migrations by number."""
    names = [entry.name for entry in files(_PACKAGE).iterdir() if entry.name.endswith(".sql")]
    return {int(name.split("_", maxsplit=1)[0]): name for name in sorted(names)}


def version(database: Database) -> int:
    """The schema version of the file; 0 for an empty one."""
    known = database.count(
        Sql(
            "select count(*) from duckdb_tables() where database_name = current_database() "
            "and schema_name = 'zdsync' and table_name = 'schema_version'"
        )
    )
    return database.count(Sql("select max(version) from zdsync.schema_version")) if known else 0


def migrate(database: Database) -> None:
    """Apply the missing steps. Raises MirrorNewer."""
    todo = steps()
    have = version(database)
    if have > max(todo):
        raise MirrorNewer(
            f"{database.path} has schema {have}, this zdsync knows {max(todo)}",
            "install the zdsync that wrote it, or a newer one",
        )
    for number, name in todo.items():
        if number > have:
            _step(database, number, name)


def _step(database: Database, number: int, name: str) -> None:
    with database.transaction():
        if number == 1:
            for schema in ("zdsync", "desk", "crm"):
                database.run(Sql(f"create schema if not exists {schema}"))
            database.run(Sql("create table zdsync.schema_version (version integer)"))
        database.run(Sql(load(_PACKAGE, name)))
        database.run(Sql("insert into zdsync.schema_version values (?)", (number,)))
