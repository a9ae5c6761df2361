"""DuckDB's own grammar, asked about one expression: how it reads, and what is wrong with its types.

Pure questions to an empty database in memory that may reach neither file nor network: nothing of
the asker's text is ever run, only parsed, and tried over made-up rows once the caller has written
it anew. Must not know rules, fields or the mirror.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from zdsync.sql import Sql, join

if TYPE_CHECKING:
    import duckdb

Tree = dict[str, Any]
_ODD = re.compile("[\\x00\\ud800-\\udfff]")  # what no text in DuckDB may hold
_HEAD = "select "
_NOWHERE = 2**64 - 1  # the place of what DuckDB made up itself
# What a statement of one bare expression has; any other key is a clause.
_BARE = {"type", "select_list", "from_table", "aggregate_handling"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no expression, in DuckDB's words; `at` counts characters from 0, or is None."""

    what: str
    at: int | None = None


def parse(text: str) -> Tree | Fault:
    """Read one expression into DuckDB's syntax tree (json_serialize_sql)."""
    cursor = _duck().cursor()
    if odd := _ODD.search(text):
        return Fault("a control character is not allowed here", odd.start())
    asked = "select json_serialize_sql(?, skip_null := true, skip_empty := true)"
    found: Tree = json.loads(cursor.execute(asked, [_HEAD + text]).fetchall()[0][0])
    if found["error"]:
        position = found.get("position")
        return Fault(str(found["error_message"]), _place(text, int(position)) if position else None)
    statements = found["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    listed = node.get("select_list", ())
    bare = node.keys() <= _BARE and node.get("from_table", {}).get("type") == "EMPTY"
    if not bare or len(listed) != 1 or "alias" in listed[0]:
        return Fault("this is more than one expression")
    tree: Tree = listed[0]
    return tree


def place_of(tree: Tree, text: str) -> int | None:
    """Where a node stands in the text, in characters from 0; None where DuckDB does not say."""
    at = tree.get("query_location")
    return None if at is None or at == _NOWHERE else _place(text, int(at))


def complaint(expression: Sql, relation: Sql) -> str:
    """Try an expression over a relation of made-up rows: DuckDB's reason why not, or ""."""
    import duckdb

    asked = join("", [Sql("select "), expression, Sql(" from "), relation])
    try:
        found = _duck().cursor().execute(asked.text, list(asked.params))
        found.fetchall()
    except duckdb.Error as error:
        return str(error).partition("\n")[0].partition("Error: ")[2] or "it cannot be typed"
    kind = str(found.description[0][1])
    return "" if kind == "BOOLEAN" else f"it gives {kind.strip(chr(34))}, not true or false"


def _place(text: str, at: int) -> int:
    """Characters before a place that DuckDB counts in bytes of the whole statement."""
    return len(text.encode()[: max(0, at - len(_HEAD))].decode(errors="ignore"))


@cache
def _duck() -> duckdb.DuckDBPyConnection:
    import duckdb  # a file without `sql:` needs no DuckDB to be checked

    settings = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
    connection = duckdb.connect(":memory:", config={**settings, "threads": "1"})
    connection.execute("set autoload_known_extensions = false; set TimeZone = 'UTC'")
    connection.execute("set lock_configuration = true")
    return connection
