"""The conditions of a rule as a tree of data. Every node is true or false of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zdsync.rules.fields import RuleField
from zdsync.rules.instants import Moment, Span
from zdsync.sql import Sql

Operator = Literal[
    "is", "in", "known", "contains_any", "contains_all", "starts_with", "ends_with", "matches",
    "gt", "gte", "lt", "lte", "between", "older_than", "newer_than", "has_any", "has_all",
]  # fmt: skip
# Text is folded already; None in a list means "empty".
Operand = str | float | bool | Moment | Span | None


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against values or one other field; `negated` is exactly the contrary.

    `kind` is how the field is read here: its own kind, or what the operand of a custom field of
    unknown type asks for. `text` and `where` serve `explain` and problems.
    """

    field: RuleField
    kind: Literal["text", "number", "bool", "instant", "set"]
    operator: Operator
    values: tuple[Operand, ...] = ()
    other: RuleField | None = None
    negated: bool = False
    text: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """`all`, `any` or `none` of the parts."""

    kind: Literal["all", "any", "none"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """Points that count once when the condition holds."""

    points: float
    when: Condition


@dataclass(frozen=True, slots=True)
class Score:
    """Holds when the points of the signals that hold reach `at_least`."""

    at_least: float
    signals: tuple[Signal, ...]


# In the params of an Expression: the instant of the plan.
AS_OF = object()


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition in SQL: `sql` is true, false or null of a row `t`, and null counts as false.

    With `parts` it is their `all` or `any`, and `sql` is empty. `text` and `where` are of the
    whole.
    """

    fields: tuple[RuleField, ...]
    sql: Sql
    parts: tuple[Expression, ...] = ()
    kind: Literal["all", "any"] = "all"
    text: str = ""
    where: str = ""

    def tried(self, as_of: datetime) -> Sql:
        """The SQL with the instant of the plan (naive UTC) in its place; null where it fails.

        TRY alone does not hold: DuckDB's optimizer takes an expression that stands twice, or to the
        left of IN, out of it. What is the arm of a CASE that cannot be decided before it stays.
        """
        filled = tuple(as_of if one is AS_OF else one for one in self.sql.params)
        arm = Sql(self.sql.text, filled)
        return "TRY(CASE WHEN concat(t.subject, 'x') <> '' THEN " + arm + " END)"


Condition = Compare | Group | Score | Expression


def leaves(condition: Condition) -> Iterator[Compare | Expression]:
    """Walk every comparison and every SQL expression, in the order of the file."""
    match condition:
        case Compare() | Expression():
            yield condition
        case Group(parts=parts):
            for part in parts:
                yield from leaves(part)
        case Score(signals=signals):
            for signal in signals:
                yield from leaves(signal.when)


def compares(condition: Condition) -> Iterator[Compare]:
    """Walk every comparison, in the order of the file."""
    return (leaf for leaf in leaves(condition) if isinstance(leaf, Compare))


def fields_of(condition: Condition) -> Iterator[RuleField]:
    """Walk every field that is read."""
    for leaf in leaves(condition):
        if isinstance(leaf, Expression):
            yield from leaf.fields
            continue
        yield leaf.field
        if leaf.other is not None:
            yield leaf.other
