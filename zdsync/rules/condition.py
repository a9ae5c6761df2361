"""The conditions of a rule as a tree of data. Every node is true or false of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from zdsync.rules.fields import RuleField
from zdsync.rules.instants import Moment, Span

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


Condition = Compare | Group | Score


def compares(condition: Condition) -> Iterator[Compare]:
    """Walk every comparison, in the order of the file."""
    match condition:
        case Compare():
            yield condition
        case Group(parts=parts):
            for part in parts:
                yield from compares(part)
        case Score(signals=signals):
            for signal in signals:
                yield from compares(signal.when)


def fields_of(condition: Condition) -> Iterator[RuleField]:
    """Walk every field that is read."""
    for compare in compares(condition):
        yield compare.field
        if compare.other is not None:
            yield compare.other
