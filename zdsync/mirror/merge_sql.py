"""The SQL text of the merge, generated from a Table; it holds no value. Used by upsert only.

`n` is an incoming row, `o` what the table holds of it.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from zdsync.mirror.tables import TICKETS, Table
from zdsync.sql import ident

TRACKED = ("status", "assignee_id", "team_id", "priority", "department_id")
MOVED = " or ".join(f"{column} is distinct from zd_old_{column}" for column in TRACKED)
# Beside the columns each row of a round carries these.
_CARRIED = {
    "zd_at": "TIMESTAMP",
    "zd_rank": "INTEGER",
    "zd_take": "HUGEINT",
    "zd_had": "HUGEINT",
    "zd_flags": "BOOLEAN",
    "zd_seen": "VARCHAR",
}


_BESIDE = {"extra": "JSON", "extra_seen": "JSON", "cf_kept": "JSON"}

# Three times faster than unnesting one JSON array: 0.02 ms a row of 68 columns.
_LINES = """
(select unnest(from_json(line, ?)) from (select unnest(string_split(?, chr(10))) as line))
"""


def schema(table: Table) -> str:
    """The structure of a line for from_json, itself JSON."""
    kinds: dict[str, Any] = {
        column: ["VARCHAR"] if kind == "VARCHAR[]" else kind
        for column, kind in {**table.kinds, **_CARRIED}.items()
    }
    return orjson.dumps({**kinds, **_BESIDE}).decode()


def insert_new(table: Table) -> str:
    """The statement that adds new rows; parameters: schema, lines."""
    own = {column: f"n.{ident(column)}" for column in table.kinds}
    presence = _presence("null", "n.zd_flags", own)
    added = {
        "extra": "n.extra",
        "presence": presence,
        "deleted_at": _deleted("null", presence, "n.zd_at"),
        "pulled_at": "n.zd_at",
        "tags_read_at": "null",
        "tags_row": "null",
        "status_since": own.get("modified_time", "null"),
        "status_since_source": "'first_seen'",
        "assigned_since": "case when n.assignee_id is not null then n.modified_time end",
        "assigned_since_source": "case when n.assignee_id is not null then 'first_seen' end",
        "first_seen_at": "n.zd_at",
        "history_read_at": "null",
        "emptied_at": "null",
        "seen": "n.zd_seen",
        "extra_seen": "n.extra_seen",
        "cf_kept": "null",
    }
    values = [own.get(column) or added[column] for column in table.columns]
    columns = ", ".join(ident(column) for column in table.columns)
    return f"insert into {ident(table.name)} ({columns}) select {', '.join(values)} from {_LINES} n"


def make_merged(table: Table, takes: Sequence[int]) -> str:
    """The statement that merges known rows into the temporary table `merged`.

    `takes`: the columns that each row of the round writes. Parameters: schema, lines, rowids.
    """
    return (
        "create or replace temp table merged as "
        f"select {_merged_columns(table, _Picks(table, takes))} from {_LINES} n "
        f"join (select * from {ident(table.name)} where rowid in "
        """(select unnest(from_json(?, '["BIGINT"]')))) o using (id)"""
    )


def keep_changes(table: Table) -> str:
    """The statement that appends to ticket_changes; parameters: actor, and as JSON the pairs of
    ticket and column that are that actor's doing (null: all).

    A column that is filled for the first time did not change. It changed after the version that
    showed the old value, and after all that was known to be in the mirror.
    """
    fields = " union all ".join(
        f"select id, '{column}' as field, zd_old_{column} as before, {column} as after, "
        "coalesce(modified_time, zd_at) as changed_at, zd_at, "
        "greatest(zd_old_modified_time, whole) as low from moved "
        f"where zd_had & {1 << table.bits[column]} <> 0 "
        f"and {column} is distinct from zd_old_{column}"
        for column in TRACKED
    )
    return (
        "insert into zdsync.ticket_changes "
        "(ticket_id, field, before, after, changed_at, seen_at, actor, source, not_before, seq) "
        "with moved as materialized (select *, (select max(value) from zdsync.cursors "
        f"where stream = '{TICKETS}' and complete) as whole from merged where {MOVED}), "
        "asked as (select $1 as actor, $2 as own) "
        "select id, field, before, after, changed_at, zd_at, case when asked.own is null or "
        """[id, field] in (select unnest(from_json($2, '[["VARCHAR"]]'))) """
        "then asked.actor else 'unknown' end, "
        f"'observed', least(low, changed_at), 0 from ({fields}), asked"
    )


class _Picks:
    """SQL of each merged column.

    Columns that all rows of a round take, or none, need no CASE: planning 70 of them costs more
    than running them.
    """

    def __init__(self, table: Table, takes: Sequence[int]) -> None:
        self._bits = table.bits
        self._all, self._any = takes[0], 0
        for take in takes:
            self._all &= take
            self._any |= take
        self.columns = {column: self._pick(column) for column in table.kinds}

    def _pick(self, column: str) -> str:
        bit, quoted = 1 << self._bits[column], ident(column)
        if self._all & bit:
            return f"n.{quoted}"
        if not self._any & bit:
            return f"o.{quoted}"
        return f"case when n.zd_take & {bit} <> 0 then n.{quoted} else o.{quoted} end"

    def differs(self) -> str:
        """SQL that tells whether the merged columns differ from the held ones."""
        some = [c for c in self.columns if self._any >> self._bits[c] & 1]
        new = ", ".join(self.columns[column] for column in some)
        old = ", ".join(f"o.{ident(column)}" for column in some)
        return f"row({new}) is distinct from row({old})" if some else "false"


def _merged_columns(table: Table, picks: _Picks) -> str:
    """The select list of a merge."""
    own = picks.columns
    pulled = "greatest(n.zd_at, o.pulled_at)"
    buried = f"case when o.deleted_at > {pulled} then o.deleted_at end"
    presence = _presence(f"({buried})", "n.zd_flags", _parens(own), "o.presence")
    added = {
        "extra": _filled("extra"),
        "presence": presence,
        "deleted_at": _deleted(buried, presence, pulled),
        "pulled_at": pulled,
        "tags_read_at": "o.tags_read_at",
        "tags_row": "o.tags_row",
        **(_since(table, own) if table.name == TICKETS else {}),
        "first_seen_at": "case when o.first_seen_at is not null "
        "then least(o.first_seen_at, n.zd_at) end",
        "history_read_at": "o.history_read_at",
        "emptied_at": "o.emptied_at",
        "seen": "n.zd_seen",
        "extra_seen": "coalesce(n.extra_seen, o.extra_seen)",
        "cf_kept": _filled("cf_kept"),
    }
    pieces = [f"{own.get(c) or added[c]} as {ident(c)}" for c in table.columns]
    pieces.append(
        f"({picks.differs()}) or ({added['presence']} is distinct from o.presence) "
        f"or {added['extra']} is distinct from o.extra as zd_changed"
    )
    pieces += ["n.zd_had", "n.zd_at"]
    if table.name == TICKETS:
        pieces += [f"o.{column} as zd_old_{column}" for column in (*TRACKED, "modified_time")]
    return ", ".join(pieces)


def _since(table: Table, own: Mapping[str, str]) -> dict[str, str]:
    """SQL of since when a ticket has its status and its agent, and of where that is from."""
    found = {}
    for column, name in (("status", "status_since"), ("assignee_id", "assigned_since")):
        new, had = own[column], f"n.zd_had & {1 << table.bits[column]} <> 0"
        moved = f"({new}) is distinct from o.{column}"
        fresh = f"{moved} or o.{name} is null"
        at, source = f"o.{name}", f"o.{name}_source"
        seen = f"case when {had} and {moved} then 'observed' else 'first_seen' end"
        empty = f"when ({new}) is null then null " if column == "assignee_id" else ""
        found[name] = (
            f"case {empty}when {fresh} then coalesce(n.modified_time, n.zd_at) else {at} end"
        )
        found[f"{name}_source"] = f"case {empty}when {fresh} then {seen} else {source} end"
    return found


def _filled(column: str) -> str:
    """SQL of a JSON column that a row replaces; an empty object is nothing."""
    return f"nullif(coalesce(n.{column}, o.{column})::varchar, '{{}}')::json"


def _presence(deleted: str, flags: str, columns: Mapping[str, str], kept: str = "'gone'") -> str:
    """SQL of `presence`; `columns` gives the SQL of each flag that the table has."""
    pieces = [f"when {deleted} is not null then {kept}"]
    for column, word, guard in (
        ("is_deleted", "gone", f"{flags} and "),
        ("is_trashed", "trashed", f"{flags} and "),
        ("is_spam", "spam", ""),
        ("is_archived", "archived", ""),
    ):
        if column in columns:
            pieces.append(f"when {guard}{columns[column]} then '{word}'")
    return "case " + " ".join(pieces) + " else 'live' end"


def _deleted(buried: str, presence: str, pulled: str) -> str:
    """SQL of `deleted_at`: the tombstone's, else when a row with its trash flag was last read.

    No later than `pulled_at`, so the row's flags decide again when the next one comes.
    """
    return f"coalesce({buried}, case when {presence} in ('trashed', 'gone') then {pulled} end)"


def _parens(pieces: Mapping[str, str]) -> dict[str, str]:
    return {column: f"({piece})" for column, piece in pieces.items()}
