"""When each rule would first have matched: one query a rule over all tickets and moments.

A ticket's verdict is not known where a moment whose verdict is not known comes before the first
match: the rule might have acted then. Must not decide what a rule wants; `wanted` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zdsync.backtest.ground import rows_of
from zdsync.changes.matches import Matches, Ticket, slots
from zdsync.changes.store import Queries, query
from zdsync.rules import CompiledRule, Rule
from zdsync.rules.past import crossings, judge_past, judge_steady, split
from zdsync.sql import Sql, join

_OPEN = "(CASE WHEN t.k_status THEN t.status_type IS DISTINCT FROM 'Closed' END) AND "
# What no moment changes is asked once a ticket: to search a text once a moment took four times as
# long. A ticket for which it does not hold has a verdict at every moment.
_FIT = "CREATE OR REPLACE TEMP TABLE past_fit AS SELECT t.ticket_id FROM rule_ground t WHERE"
# `moments` counts those at which a match counts: how a ticket stood before is none of them.
_FIRST = """
CREATE OR REPLACE TEMP TABLE past_first AS
SELECT ticket_id, min(moment) FILTER (verdict) AS moment,
    arg_min(kind, moment) FILTER (verdict) AS kind,
    min(moment) FILTER (verdict IS NULL) AS dark_at,
    count(*) FILTER (kind <> 'before') AS moments
FROM (SELECT t.ticket_id, t.moment, t.kind,
"""
_COUNTS = """
SELECT count(*) FILTER (moments > 0 AND NOT coalesce(dark, false)) + (
        SELECT count(DISTINCT ticket_id) FROM past_states
        WHERE kind <> 'before' AND ticket_id NOT IN (SELECT ticket_id FROM past_fit)
    ),
    count(*) FILTER (moments > 0 AND coalesce(dark, false)),
    count(*) FILTER (NOT coalesce(dark, false) AND kind = 'before')
FROM (
    SELECT *, dark_at IS NOT NULL AND (moment IS NULL OR dark_at <= moment) AS dark FROM past_first
)
"""
_MATCHED = """
JOIN past_first f ON f.ticket_id = t.ticket_id AND f.moment = t.moment AND f.kind <> 'before'
    AND (f.dark_at IS NULL OR f.dark_at > f.moment)
"""
# Two crossings of a ticket may fall on one instant.
_ONCE = "QUALIFY row_number() OVER (PARTITION BY t.ticket_id) = 1"
_CELLS = (
    *("ticket_id", "ticket_number", "department_id", "department", "assignee_id", "assignee"),
    *("team_id", "team", "status", "status_type", "priority", "moment"),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule matched: `matches` and the tickets as they stood at their moments.

    `judged` tickets have a verdict, `unknown` ones have none; `earlier` matched already when the
    period, or what is known of them, began.
    """

    judged: int
    unknown: int
    earlier: int
    matches: Matches
    tickets: dict[str, Ticket]
    moments: dict[str, Any]  # ticket → the moment, naive UTC


def judge(mirror: Queries, rule: Rule, compiled: CompiledRule) -> Judged:
    """Ask the mirror at which moment the rule would first have matched each ticket."""
    steady, moving = split(rule.when)
    mirror.run(query(_FIT, judge_steady(steady)))
    turns = list(dict.fromkeys(crossings(rule.when)))
    source = rows_of([compiled], turns)
    verdict = judge_past(moving, (*rule.plain_fields, *rule.text_fields))
    scoped = "(" + (verdict if rule.scope == "all" else _OPEN + verdict) + ") AS verdict"
    mirror.run(query(_FIRST, scoped, "FROM", source, ") GROUP BY ticket_id"))
    judged, unknown, earlier = mirror.rows(Sql(_COUNTS))[0]
    wanted = [slot for action in compiled.actions for slot in slots(action)]
    cells = [Sql(f"t.{name}") for name in _CELLS]
    found = query(
        "SELECT", join(", ", [*cells, *wanted]), "FROM", source, _MATCHED, _ONCE if turns else ""
    )
    rows = mirror.rows(found)
    return Judged(
        judged,
        unknown,
        earlier,
        Matches(compiled, [(row[0], *row[len(_CELLS) :]) for row in rows]),
        {row[0]: _ticket(row) for row in rows},
        {row[0]: row[len(_CELLS) - 1] for row in rows},
    )


def _ticket(row: tuple[Any, ...]) -> Ticket:
    values = {"status": row[8], "priority": row[10]}
    return Ticket._make((row[0], row[1] or "", *row[2:10], None, False, values, row[11]))
