"""Empties what privacy settings keep from the API: restricted values are not kept here either.

`rows` and `run` execute one statement each.
"""

# ruff: noqa: S608 - identifiers come from the Catalog, values are bound

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from zdsync.sql import Sql, ident

_HOLDING = ("cf", "extra")


def empty_field(
    rows: Callable[[Sql], list[tuple[Any, ...]]],
    run: Callable[[Sql], None],
    stream: str,
    columns: Sequence[str],
    key: str,
) -> int:
    """Empty a field of a stream: its columns, and its key in `cf` and `extra`; returns rows."""
    table, path = ident(stream), '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    gone = orjson.dumps({key: None}).decode()
    emptied = 0
    for column in columns:
        where = f"where {ident(column)} is not null"
        emptied += _count(rows, Sql(f"select count(*) from {table} {where}"))
        run(Sql(f"update {table} set {ident(column)} = null {where}"))
    for column in _HOLDING:
        where = f"where json_exists({column}, ?)"
        emptied += _count(rows, Sql(f"select count(*) from {table} {where}", (path,)))
        patched = f"update {table} set {column} = json_merge_patch({column}, $1) "
        run(Sql(patched + f"where json_exists({column}, $2)", (gone, path)))
    return emptied


def _count(rows: Callable[[Sql], list[tuple[Any, ...]]], sql: Sql) -> int:
    return int(rows(sql)[0][0])
