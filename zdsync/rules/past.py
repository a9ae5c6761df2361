"""Conditions about a moment of the past, in three values: null where what is not known decides.

`t` is one row of a ticket as it stood at `t.moment` (backtest/ground.py makes those rows). Fields
whose past is kept are known where `t.k_<field>` says so; fields that hardly change are taken as
they stand today; the rest of a ticket is known where it has not moved since that moment. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from zdsync.rules.compile import compile_condition, threshold
from zdsync.rules.condition import (
    Compare,
    Condition,
    Expression,
    Group,
    Score,
    compares,
    fields_of,
    leaves,
)
from zdsync.rules.fields import RuleField, typed
from zdsync.rules.instants import Relative, Span
from zdsync.rules.moving import moves
from zdsync.rules.now import Now, business
from zdsync.sql import Sql, ident, join, value

# field → the column that tells whether it is known at `t.moment`; docs/backtest.md has the list
TRACKED = {
    "status": "k_status",
    "status_type": "k_status",
    "assignee": "k_assignee",
    "team": "k_team",
    "priority": "k_priority",
    "department": "k_department",
    "status_since": "k_status_since",
    "assigned_since": "k_assigned_since",
    "tags": "k_tags",
}
_CONSTANT = frozenset(
    {
        *("subject", "description", "text", "channel", "email", "language", "created"),
        *("contact.email", "contact.name", "contact.type", "requester.is_agent"),
    }
)
_AS_TODAY = frozenset({"contact.in_crm", "contact.owner", "account.name", "account.sla_tier"})
_OTHERS = ("contact.cf.", "account.cf.", "crm.contact.cf.", "crm.account.cf.")
# Never changes, but hangs on the ticket: known once it was read.
_LASTING = frozenset({"support_address"})
# Both are counted from the instant that the mirror describes, or change without a trace.
_NEVER = frozenset({"is_overdue", "is_escalated", "contact.open_tickets", "touched"})
_UNKNOWN = Sql("CAST(NULL AS BOOLEAN)")
_ANY = Now(datetime(2000, 1, 1, tzinfo=UTC))  # no comparison that is compiled with it reads it
_TICK = timedelta(microseconds=1)  # `before` and `after` turn a moment after the instants meet


@dataclass(frozen=True, slots=True)
class _Then:
    """Counts from the moment of the row, not from one instant. Knows no business time."""

    as_of: datetime = _ANY.as_of

    def sql(self, when: Span | Relative | datetime) -> Sql:
        if isinstance(when, datetime):
            return _ANY.sql(when)
        span = _ahead(when)
        assert span is not None
        return "(t.moment + to_microseconds(CAST(" + value(span // _TICK) + " AS BIGINT)))"


def _ahead(operand: object) -> timedelta | None:
    """How far ahead of now an operand lies; None for an instant that stands, and business time."""
    span, sign = operand, -1
    if isinstance(operand, Relative):
        span, sign = operand.span, 1 if operand.ahead else -1
    return sign * span if isinstance(span, timedelta) else None


def split(when: Condition) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Part what must all hold: what no moment changes, and what a moment may."""
    parts = when.parts if isinstance(when, Group) and when.kind == "all" else (when,)
    steady = tuple(one for one in parts if _steady(one))
    return steady, tuple(one for one in parts if one not in steady)


def judge_steady(parts: Iterable[Condition]) -> Sql:
    """Write what no moment changes: true or false of a ticket, whatever the moment."""
    return (
        "(" + join(" AND ", [Sql("TRUE"), *(compile_condition(one, _ANY) for one in parts)]) + ")"
    )


def judge_past(parts: Iterable[Condition], read: Iterable[RuleField]) -> Sql:
    """Write conditions for rows of the past; `read` are the fields that actions take."""
    tests = [Sql("TRUE"), *map(_judge, parts)]
    tests += [_certain(field, Sql("TRUE")) for field in dict.fromkeys(read)]
    return "(" + join(" AND ", tests) + ")"


def as_today(fields: Iterable[RuleField]) -> tuple[str, ...]:
    """Name the fields that may well have had another value then, and are taken as of today."""
    names = (one.name for one in fields)
    return tuple(sorted({one for one in names if one in _AS_TODAY or one.startswith(_OTHERS)}))


def blind(fields: Iterable[RuleField]) -> tuple[str, ...]:
    """Name the fields whose past is not kept: known only of tickets that have not moved since."""
    names = {one.name for one in fields}
    sure = {*TRACKED, *_CONSTANT, *_AS_TODAY, *_LASTING}
    return tuple(sorted(one for one in names if one not in sure and not one.startswith(_OTHERS)))


def crossings(when: Condition) -> Iterator[tuple[Sql, timedelta]]:
    """Yield (instant, duration): where time alone turns a comparison, at instant + duration."""
    for one in compares(when):
        if one.kind != "instant" or one.field.name in _NEVER or _unknowable(one):
            continue
        instant = typed(one.field, "instant")
        for span in map(_ahead, one.values):
            if span is not None:
                yield instant, -span
                if one.operator not in ("older_than", "newer_than"):
                    yield instant, -span + _TICK


def _steady(condition: Condition) -> bool:
    """Whether the answer is known and the same at every moment."""
    if any(moves(one) for one in leaves(condition)):
        return False
    return all(_fixed(field.name) for field in fields_of(condition))


def _unknowable(item: Compare | Expression) -> bool:
    """Whether nobody can say when time turns it: business time, and SQL that asks the clock."""
    if isinstance(item, Expression):
        return moves(item)
    return moves(item) and business(item.values)


def _fixed(name: str) -> bool:
    return name in _CONSTANT or name in _AS_TODAY or name.startswith(_OTHERS)


def _judge(condition: Condition) -> Sql:
    if _steady(condition):
        return compile_condition(condition, _ANY)
    match condition:
        case Compare():
            test = _UNKNOWN if _unknowable(condition) else compile_condition(condition, _Then())
            for field in (condition.field, condition.other):
                if field is not None:
                    test = _certain(field, test)
            return test
        case Group(kind=kind, parts=parts):
            judged = [_judge(part) for part in parts]
            joined = "(" + join(" AND " if kind == "all" else " OR ", judged) + ")"
            return "(NOT " + joined + ")" if kind == "none" else joined
        case Score():
            return _score(condition)
        case Expression():
            test = _UNKNOWN if _unknowable(condition) else compile_condition(condition, _ANY)
            for field in condition.fields:
                test = _certain(field, test)
            return test


def _certain(field: RuleField, test: Sql) -> Sql:
    name = field.name
    if _fixed(name):
        return test
    if name in _NEVER:
        return _UNKNOWN
    known = [f"t.{ident(TRACKED[name])}"] if name in TRACKED else []
    if name not in TRACKED and name not in _LASTING:
        known.append("t.modified <= t.moment")
    if field.knows and name not in TRACKED:
        known.append(f"t.{ident(field.knows)}")
    return f"(CASE WHEN {' AND '.join(known)} THEN " + test + " END)"


def _score(score: Score) -> Sql:
    """Known where neither the best nor the worst of the unknown signals would change it."""
    best: list[Sql] = []
    worst: list[Sql] = []
    for signal in score.signals:
        holds, points = _judge(signal.when), value(signal.points)
        for sums, open_ in ((best, max(signal.points, 0)), (worst, min(signal.points, 0))):
            sums.append(
                "CASE WHEN " + holds + " THEN CAST(" + points + " AS DOUBLE) WHEN " + holds
                + " IS NULL THEN CAST(" + value(open_) + " AS DOUBLE) ELSE 0 END"
            )  # fmt: skip
    least = threshold(score.at_least)
    high, low = "(" + join(" + ", best) + ")", "(" + join(" + ", worst) + ")"
    return (
        "(CASE WHEN " + low + " >= " + least + " THEN TRUE WHEN " + high + " < " + least
        + " THEN FALSE END)"
    )  # fmt: skip
