"""The ground of the rules: one temporary table `rule_ground` a run, with folded text.

One row is one ticket in scope: open and live; with `scope: all` in some rule also closed and
live ones. Columns: those of `zdsync.rule_tickets`, and one per FoldColumn. Text is folded in
Python only where the mirror's text changed since it was folded last (`zdsync.folded`).
Must not decide anything.
"""

# ruff: noqa: S608 - all that is put together here are constants and own names, values are bound

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zdsync.changes import spoken
from zdsync.changes.store import Queries, query, table, texts
from zdsync.rules.compiled import CompiledRule, FoldColumn, fold_columns
from zdsync.rules.folding import searchable, searchable_in_sql
from zdsync.sql import Sql, ident, join

# A ticket whose texts were emptied is left to people: a rule would take "empty" for "known".
LIVE = "t.presence = 'live' AND NOT t.is_emptied"
OPEN = f"{LIVE} AND t.status_type IS DISTINCT FROM 'Closed'"
# Says the same of less, the row's own class: it alone keeps closed rows from being read at all.
_UNREAD = "t.row_status_type IS DISTINCT FROM 'Closed'"
# The first word tells one way of folding from another: raise it when rules/folding.py changes.
# `hash` takes a tenth of the time of md5; another DuckDB may hash otherwise and folds anew.
DIGEST = "CAST(hash('3', t.subject, t.description) AS VARCHAR)"
_BATCH = 2_000  # texts folded and stored at a time; bounds memory


def in_scope(rules: Iterable[CompiledRule]) -> Sql:
    """Write which tickets some rule may look at."""
    return Sql(LIVE if any(rule.scope == "all" for rule in rules) else f"{_UNREAD} AND {OPEN}")


def narrowed(ticket: str | None) -> Sql:
    """Write that only this ticket (id or number) is meant; nothing without one."""
    if ticket is None:
        return Sql("")
    return Sql(" AND (t.ticket_id = ? OR t.ticket_number = ?)", (ticket, ticket))


def scope(rule: CompiledRule) -> str:
    """Write which rows of the ground a rule may ask, to stand after its condition."""
    return "" if rule.scope == "all" else f"AND {OPEN}"


def make_ground(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    ticket: str | None = None,
    *,
    anywhere: bool = False,
    within: Sql | None = None,
) -> None:
    """Make the temporary table `rule_ground`; `ticket` (id or number) narrows it to one.

    `anywhere`: also a ticket that no rule may look at, to explain it. `within`: the rows to take
    instead of those that the rules' scopes ask for.
    """
    folds = fold_columns(rules)
    long = [one for one in folds if one.long]
    short = [one for one in folds if not one.long]
    columns = [Sql("t.*")]
    columns += [searchable_in_sql(one.raw) + f" AS {ident(one.column)}" for one in short]
    columns += [Sql(f"f.{_cached(one)} AS {ident(one.column)}") for one in long]
    source = spoken.source(rules)
    if long:
        columns += [Sql(f"{DIGEST} AS text_digest"), Sql("f.digest IS NULL AS text_stale")]
        source += f" LEFT JOIN zdsync.folded f ON f.ticket_id = t.ticket_id AND f.digest = {DIGEST}"
    within = within or (Sql("TRUE") if anywhere else in_scope(rules))
    within += narrowed(ticket)
    made = "CREATE OR REPLACE TEMP TABLE rule_ground AS SELECT"
    mirror.run(query(made, join(", ", columns), "FROM", source, "WHERE", within))
    if long and keep_folded(mirror, "rule_ground", "text_stale"):
        values = ", ".join(f"{ident(one.column)} = f.{_cached(one)}" for one in long)
        where = "FROM zdsync.folded f WHERE t.text_stale AND f.ticket_id = t.ticket_id"
        mirror.run(query("UPDATE rule_ground AS t SET", values, where))
    fold_short(mirror, short)
    spoken.count_calls(mirror, rules)


def _cached(fold_column: FoldColumn) -> str:
    return ident(fold_column.column.removesuffix("_folded"))


def keep_folded(mirror: Queries, source: str, stale: str) -> bool:
    """Fold the texts that changed and keep them for the next run; whether there were any.

    `source`: a relation with `ticket_id`, `text_digest` and both texts; `stale`: which of its rows.
    """
    wanted = Sql(f"SELECT ticket_id FROM {source} WHERE {stale}")
    ids_of_stale = [row[0] for row in mirror.rows(wanted)]
    for some in batches(ids_of_stale):
        ids = texts(some)
        raw = f"SELECT ticket_id, text_digest, subject, description FROM {source} WHERE ticket_id"
        found = mirror.rows(query(raw, "IN (", ids, ")"))
        rows = [(one, digest, folded(head), folded(body)) for one, digest, head, body in found]
        mirror.run(query("DELETE FROM zdsync.folded WHERE ticket_id IN (", ids, ")"))
        into = "INSERT INTO zdsync.folded (ticket_id, digest, subject, description)"
        mirror.run(query(into, "SELECT r[1], r[2], r[3], r[4] FROM (", table(rows), ")"))
    return bool(ids_of_stale)


def fold_short(mirror: Queries, folds: Iterable[FoldColumn]) -> None:
    """Fold in Python the few distinct short texts that SQL left."""
    for one in folds:
        column = ident(one.column)
        left = query("(", one.raw, f") IS NOT NULL AND t.{column} IS NULL")
        raws = mirror.rows(query("SELECT DISTINCT", one.raw, "FROM rule_ground t WHERE", left))
        for some in batches([row[0] for row in raws]):
            pairs = table([(raw, searchable(raw)) for raw in some])
            source = query("FROM (", pairs, ") s WHERE s.r[1] = (", one.raw, ")")
            mirror.run(query("UPDATE rule_ground AS t SET", column, "= s.r[2]", source))


def folded(text: str | None) -> str | None:
    """Fold a long text for searching, as it is kept: a space in place of a NUL."""
    return None if text is None else searchable(text).replace("\0", " ")


def batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut texts into as many as are folded and stored at a time."""
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
