"""A condition taken apart: each of its parts with the SQL that judges it, in the tree it stands in.

Promises that a part's truth is asked by the very SQL that the plan compiles (`judge`): there is no
second way to evaluate. Pure; `changes/explain.py` asks the questions of one ticket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from zdsync.model import Scalar
from zdsync.rules.compile import folded, meant
from zdsync.rules.condition import Compare, Condition, Expression, Group, Operand, Score
from zdsync.rules.fields import RuleField, typed
from zdsync.rules.hits import found_words
from zdsync.rules.instants import Business, Relative
from zdsync.rules.judge import judge
from zdsync.rules.now import Now
from zdsync.sql import Sql, join, value

PartKind = Literal["test", "all", "any", "none", "score"]
_NOTHING = Sql("NULL")


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of a ticket about one comparison, each an expression over `t`.

    `value`: as the condition reads it. `raw`: as it stands, where it could not be read. `other`:
    the field on the right. `meant`: instants that durations stand for. `words`: which words were
    found, and `marked`: the text in which they were sought.
    """

    value: Sql
    raw: Sql
    other: Sql
    meant: Sql
    words: Sql
    marked: Sql

    @property
    def all(self) -> tuple[Sql, ...]:
        """In the order in which `Answers` takes them."""
        return (self.value, self.raw, self.other, self.meant, self.words, self.marked)


@dataclass(frozen=True, slots=True)
class Part:
    """A comparison, a group or a score; `text` is as the file says it, on one line.

    `operands`: what a comparison compares with, lists spelt out, names resolved, text folded.
    `points` of a signal; `at_least` of a score. `hangs`: what must be read for it, such as tags.
    """

    kind: PartKind
    text: str
    holds: Sql
    parts: tuple[Part, ...] = ()
    field: str = ""
    operands: tuple[Scalar, ...] = ()
    two_fields: bool = False
    questions: Questions | None = None
    points: float | None = None
    at_least: float | None = None
    hangs: frozenset[str] = frozenset()


def take_apart(condition: Condition, now: Now) -> Part:
    """Make the tree of a condition; its root's truth is the condition's."""
    holds = judge(condition, now)
    match condition:
        case Compare():
            return _test(condition, holds, now)
        case Expression():
            return _sql(condition, holds)
        case Group(kind=kind, parts=parts):
            inner = tuple(take_apart(part, now) for part in parts)
            return Part(kind, f"{kind} of:", holds, inner)
        case Score(at_least=least, signals=signals):
            inner = tuple(replace(take_apart(one.when, now), points=one.points) for one in signals)
            return Part("score", f"score of at least {least:g}", holds, inner, at_least=least)


def walk(part: Part) -> Iterator[Part]:
    """Yield a part and all within it, from the top."""
    yield part
    for inner in part.parts:
        yield from walk(inner)


def _test(item: Compare, holds: Sql, now: Now) -> Part:
    fields = (item.field, item.other) if item.other else (item.field,)
    return Part(
        "test",
        item.text or item.field.name,
        holds,
        field=item.field.name,
        operands=() if item.operator == "known" else tuple(map(_operand, item.values)),
        two_fields=item.other is not None,
        questions=_questions(item, now),
        hangs=frozenset(one.hangs for one in fields if one.hangs),
    )


def _sql(item: Expression, holds: Sql) -> Part:
    """An expression is judged as a whole; what it saw is a list of its fields and their values."""
    seen = [
        "concat(" + value(f"{field.name}: ") + ", coalesce(left(CAST(" + field.raw
        + " AS VARCHAR), 60), 'empty'))"
        for field in item.fields
    ]  # fmt: skip
    listed = "[" + join(", ", seen) + "]" if seen else _NOTHING
    questions = Questions(listed, *[_NOTHING] * 5)
    hangs = frozenset(one.hangs for one in item.fields if one.hangs)
    return Part("test", item.text, holds, field="sql", questions=questions, hangs=hangs)


def _questions(item: Compare, now: Now) -> Questions:
    instants = meant(item, now)
    return Questions(
        value=_value(item.field, item.kind),
        raw=item.field.raw if item.field.path is not None else _NOTHING,
        other=_value(item.other, item.kind) if item.other else _NOTHING,
        meant="[" + join(", ", instants) + "]" if instants else _NOTHING,
        words=found_words(item),
        marked=folded(item.field) if _sought_in_folded(item) else _NOTHING,
    )


def _value(field: RuleField, kind: str) -> Sql:
    return field.raw if kind in ("text", "set") else typed(field, kind)


def _sought_in_folded(item: Compare) -> bool:
    return item.kind == "text" and item.operator in ("contains_any", "contains_all")


def _operand(one: Operand) -> Scalar:
    match one:
        case datetime():
            return f"{one:%Y-%m-%d %H:%M} UTC"
        case timedelta() | Business() | Relative():
            return None  # `Questions.meant` tells the instant
    return one
