"""What each part of each rule's condition saw in one ticket: one query a rule, nothing guessed.

Every truth is an answer of the SQL that the plan runs (rules/explained.py); this room only words
the answers. Promises that what it words is short and harmless. Must not evaluate anything itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from zdsync.changes.explanation import Judged, Value
from zdsync.changes.store import Queries, query
from zdsync.model import Scalar
from zdsync.rules.explained import Part, walk
from zdsync.rules.folding import core
from zdsync.rules.hits import around
from zdsync.sql import Sql, join
from zdsync.text import printable

_LONG = 120  # cells of a value
_OPERANDS = 200  # operands that are listed; a list of words may have thousands


def ask(
    mirror: Queries, ticket_id: str, part: Part, more: Sequence[Sql]
) -> tuple[Judged, list[Any]]:
    """Judge a condition's parts and answer some more expressions, of one ticket of the ground."""
    columns = [sql for one in walk(part) for sql in _columns(one)]
    source = Sql("FROM rule_ground AS t WHERE t.ticket_id = ?", (ticket_id,))
    (row,) = mirror.rows(query("SELECT", join(", ", [*columns, *more]), source))
    cells = iter(row[: len(columns)])
    return _judged(part, cells), list(row[len(columns) :])


def _columns(part: Part) -> tuple[Sql, ...]:
    return (part.holds, *(part.questions.all if part.questions else ()))


def _judged(part: Part, cells: Iterator[Any]) -> Judged:
    holds = next(cells)
    if part.questions:
        return _test(part, holds, [next(cells) for _ in part.questions.all])
    inner = tuple(_judged(one, cells) for one in part.parts)
    total = most = None
    if part.kind == "score":
        total = sum(one.points or 0 for one in inner if one.holds)
        unknown = sum(max(one.points or 0, 0) for one in inner if one.holds is None)
        most = total + unknown if any(one.holds is None for one in inner) else None
    return Judged(
        part.kind, part.text, holds, inner, points=part.points, at_least=part.at_least,
        sum=total, most=most,
    )  # fmt: skip


def _test(part: Part, holds: bool | None, cells: Sequence[Any]) -> Judged:
    value, raw, other, meant, words, marked = cells
    found = tuple(words or ())
    if holds is None:
        seen: Value = None  # what stands in the mirror may be old: it would mislead
    elif found:
        seen = printable(around(str(value), marked or "", found), _LONG * 2)
    else:
        seen = shown(value, raw)
    return Judged(
        part.kind,
        printable(part.text, 300),
        holds,
        value=seen,
        asked=_asked(part, other, meant),
        found=tuple(printable(core(one), _LONG) for one in found),
        unread=tuple(sorted(part.hangs)) if holds is None else (),
        points=part.points,
    )


def _asked(part: Part, other: Any, meant: Any) -> tuple[str, ...]:
    if meant:
        return tuple(f"{one:%Y-%m-%d %H:%M} UTC" for one in meant)
    if part.two_fields:
        return (_text(shown(other)),)
    listed = [_text(one) for one in part.operands[:_OPERANDS]]
    more = len(part.operands) - len(listed)
    return (*listed, *([f"… and {more} more"] if more else []))


def _text(value: Value) -> str:
    if value is None or value in {"", ()}:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    return printable(f"{value:.15g}" if isinstance(value, float) else value, _LONG)


def shown(value: Any, raw: Any = None) -> Value:
    """Write a value of the mirror short and harmless; `raw` is what could not be read as it."""
    if value is None and raw not in (None, ""):
        return printable(f"{printable(raw, 60)} (cannot be read)")
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return tuple(printable(one, _LONG) for one in value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
    return printable(value, _LONG)


def plainly(value: Any) -> Scalar:
    """Write a value that is no set."""
    seen = shown(value)
    return ", ".join(seen) if isinstance(seen, tuple) else seen
