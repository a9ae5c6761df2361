"""The ground of the past: temporary tables with tickets as they stood at moments of the period.

`past_tickets`, `past_spans`, `past_tag_spans`, `past_classes`, `past_states` (queries/*.sql) and
`past_words`: the
folded text of the kept fields. `rows_of` writes the relation `t` that a rule's own SQL reads: a row
is a ticket at a moment. Only what the mirror knows is in it. Must not decide anything.
"""

# ruff: noqa: S608 - identifiers come from the field catalog, values are bound

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import orjson

from zdsync.changes.ground import make_ground
from zdsync.changes.store import Queries, query, table
from zdsync.rules import CompiledRule, fold_columns, searchable
from zdsync.rules.instants import naive
from zdsync.sql import Sql, ident, join, load, value

PACKAGE = "zdsync.backtest.queries"
# The columns of zdsync.rule_tickets that `past_states` tells of a moment.
KEPT = (
    *("status", "status_type", "priority", "department_id", "department", "assignee_id"),
    *("assignee", "team_id", "team", "status_since", "assigned_since", "tags"),
)
# All tags of a ticket as one text, as `fold_columns` has it; null where it has none.
_TAGS = "CASE WHEN len(m.tags) > 0 THEN '|' || array_to_string(m.tags, '|') || '|' END"
_TEXTS = ("status", "status_type", "priority", "department", "assignee", "team")


def make_past(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    since: datetime,
    until: datetime,
    sample: Sequence[str] | None = None,
) -> None:
    """Make the tables for the half-open period; `sample`: the only tickets to look at."""
    start, end = naive(since), naive(until)
    chosen = None if sample is None else orjson.dumps(list(sample)).decode()
    for name, params in (
        ("tickets.sql", (start, end, chosen)),
        ("spans.sql", ()),
        ("classes.sql", ()),
        ("tag_spans.sql", (any("tags" in (one.name for one in rule.reads) for rule in rules),)),
        ("moments.sql", (start, end)),
    ):
        mirror.run(Sql(load(PACKAGE, name), params))
    _fold_words(mirror)
    within = Sql("t.ticket_id IN (SELECT ticket_id FROM past_tickets)")
    make_ground(mirror, rules, within=within)


def _fold_words(mirror: Queries) -> None:
    """Fold the kept fields' few distinct texts."""
    raws = (*map(ident, _TEXTS), _TAGS)
    texts = " UNION ".join(f"SELECT {raw} AS raw FROM past_states m" for raw in raws)
    found = mirror.rows(Sql(f"SELECT raw FROM ({texts}) WHERE raw IS NOT NULL"))
    rows = [(raw, searchable(raw)) for (raw,) in found]
    made = "CREATE OR REPLACE TEMP TABLE past_words AS SELECT r[1] AS raw, r[2] AS folded FROM ("
    mirror.run(query(made, table(rows), ")"))


def rows_of(
    rules: Iterable[CompiledRule], crossings: Iterable[tuple[Sql, timedelta]], *extra: Sql
) -> Sql:
    """Write the relation of a rule's rows: each state, and again where time alone may turn it.

    Only of the tickets in `past_fit` (judged.py).

    `crossings`: instants of the row with the durations that a condition counts from them.
    `extra`: joins that narrow it. The column `moment` is the instant.
    """
    folds = [
        one.column
        for one in fold_columns(rules)
        if one.column.removesuffix("_folded") in (*_TEXTS, "tags") and not one.long
    ]
    hidden = ", ".join(ident(name) for name in (*KEPT, *folds))
    words = "".join(f", {ident('w_' + one)}.folded AS {ident(one)}" for one in folds)
    joins = " ".join(map(_words, folds))
    base = Sql(
        f"SELECT g.* EXCLUDE ({hidden}), m.* EXCLUDE (ticket_id){words} "
        "FROM past_states m JOIN past_fit USING (ticket_id) "
        f"JOIN rule_ground g ON g.ticket_id = m.ticket_id {joins}"
    )
    parts = [base]
    for instant, span in crossings:
        micros = value(span // timedelta(microseconds=1))
        at = "(" + instant + " + to_microseconds(CAST(" + micros + " AS BIGINT)))"
        parts.append(
            "SELECT t.* REPLACE (" + at + " AS moment, 'time' AS kind) FROM (" + base + ") t WHERE "
            + at + " > t.moment AND " + at + " < t.until_at"
        )  # fmt: skip
    rows = "(" + join(" UNION ALL ", parts) + ")"
    return join(" ", [rows + " AS t", *extra])


def _words(column: str) -> str:
    name, field = ident("w_" + column), column.removesuffix("_folded")
    raw = _TAGS if field == "tags" else f"m.{ident(field)}"
    return f"LEFT JOIN past_words {name} ON {name}.raw = {raw}"
