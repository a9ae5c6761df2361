"""Conditions in three values: true, false, and null where what is not read yet would decide.

What hangs on a ticket (tags, conversation) costs a call; a rule must neither act without it nor
ask for it where the rest of its condition has decided. SQL's own logic of null does that: an
unknown comparison is null, AND, OR and NOT carry it on only where it matters. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from zdsync.rules.compile import compile_condition, threshold
from zdsync.rules.condition import Compare, Condition, Expression, Group, Score, fields_of
from zdsync.rules.fields import RuleField
from zdsync.rules.instants import naive
from zdsync.rules.now import Now
from zdsync.sql import Sql, ident, join, value

# A comment or reply may leave the modified time as it is (desk-tickets.md section 4, last line):
# a row is believed so long, then it is read again before a rule acts on what it tells.
ROW_FRESH = timedelta(hours=24)


def judge_rule(when: Condition, read: Iterable[RuleField], now: Now) -> Sql | None:
    """Write the three-valued condition of a rule; None where nothing that it reads hangs.

    `read` are the fields whose values its actions take: unknown ones make a match null.
    """
    taken = [field for field in read if field.hangs]
    if not taken and not _hangs(when):
        return None
    tests = [judge(when, now)]
    tests += [_certain(field, now, Sql("TRUE")) for field in taken]
    return "(" + join(" AND ", tests) + ")"


def fresh(as_of: datetime) -> Sql:
    """Hold where the ticket's row was read lately enough to be believed about its conversation."""
    return "(t.row_seen_at > CAST(" + value(naive(as_of - ROW_FRESH)) + " AS TIMESTAMP))"


def _hangs(condition: Condition) -> bool:
    return any(field.hangs for field in fields_of(condition))


def judge(condition: Condition, now: Now) -> Sql:
    """Write a condition, or a part of one, in three values."""
    if not _hangs(condition):
        return compile_condition(condition, now)
    match condition:
        case Compare():
            test = compile_condition(condition, now)
            for field in (condition.field, condition.other):
                if field is not None and field.hangs:
                    test = _certain(field, now, test)
            return test
        case Group(kind=kind, parts=parts):
            judged = [judge(part, now) for part in parts]
            joined = "(" + join(" AND " if kind == "all" else " OR ", judged) + ")"
            return "(NOT " + joined + ")" if kind == "none" else joined
        case Expression(parts=()):
            test = compile_condition(condition, now)
            for field in condition.fields:
                if field.hangs:
                    test = _certain(field, now, test)
            return test
        case Expression(parts=parts, kind=kind):
            judged = [judge(part, now) for part in parts]
            return "(" + join(" AND " if kind == "all" else " OR ", judged) + ")"
        case Score():
            return _score(condition, now)


def _certain(field: RuleField, now: Now, test: Sql) -> Sql:
    known = Sql(f"t.{ident(field.knows)}")
    if field.hangs == "conversation":
        known = known + " AND " + fresh(now.as_of)
    return "(CASE WHEN " + known + " THEN " + test + " END)"


def _score(score: Score, now: Now) -> Sql:
    """Known where even the best, or even the worst, of the unknown signals changes nothing."""
    best: list[Sql] = []
    worst: list[Sql] = []
    for signal in score.signals:
        holds = judge(signal.when, now)
        for sums, unknown in ((best, max(signal.points, 0)), (worst, min(signal.points, 0))):
            points = "CAST(" + value(signal.points) + " AS DOUBLE)"
            open_ = "CAST(" + value(unknown) + " AS DOUBLE)"
            sums.append(
                "CASE WHEN " + holds + " THEN " + points + " WHEN " + holds
                + " IS NULL THEN " + open_ + " ELSE 0 END"
            )  # fmt: skip
    least = threshold(score.at_least)
    high, low = "(" + join(" + ", best) + ")", "(" + join(" + ", worst) + ")"
    return (
        "(CASE WHEN " + low + " >= " + least + " THEN TRUE WHEN " + high + " < " + least
        + " THEN FALSE END)"
    )  # fmt: skip
