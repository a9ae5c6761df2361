"""Conditions → SQL over `t`, one row of the ground of the rules.

Promises: every expression is true or false, never null; every value of a rule is a parameter;
identifiers come from the field catalog. Must not: run anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from zdsync.rules.compiled import FoldColumn
from zdsync.rules.condition import (
    Compare,
    Condition,
    Expression,
    Group,
    Operand,
    Score,
    compares,
)
from zdsync.rules.fields import RuleField, typed
from zdsync.rules.folding import BORDER, exactly, needle, prefix, suffix
from zdsync.rules.instants import Business, Relative, naive
from zdsync.rules.now import Instants
from zdsync.sql import Sql, ident, join, value

_LONG = "description_folded"
_SIGNS = {"is": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def compile_condition(condition: Condition, now: Instants) -> Sql:
    """Write the SQL of a condition; durations count from `now`."""
    match condition:
        case Compare():
            return _compare(condition, now)
        case Group(kind=kind, parts=parts):
            compiled = [compile_condition(part, now) for part in parts]
            joined = "(" + join(" AND " if kind == "all" else " OR ", compiled) + ")"
            return "(NOT " + joined + ")" if kind == "none" else joined
        case Expression():
            return _expression(condition, now)
        case Score(at_least=at_least, signals=signals):
            points = [
                "CASE WHEN "
                + compile_condition(signal.when, now)
                + " THEN CAST("
                + value(signal.points)
                + " AS DOUBLE) ELSE 0 END"
                for signal in signals
            ]
            return "((" + join(" + ", points) + ") >= " + threshold(at_least) + ")"


def _expression(item: Expression, now: Instants) -> Sql:
    if item.parts:
        word = " AND " if item.kind == "all" else " OR "
        return "(" + join(word, [_expression(part, now) for part in item.parts]) + ")"
    return "coalesce(" + item.tried(naive(now.as_of)) + ", false)"


def threshold(at_least: float) -> Sql:
    """Bind what points must reach; a hair less, for 0.1 + 0.7 is less than 0.8 in binary."""
    return "CAST(" + value(at_least - 1e-9) + " AS DOUBLE)"


def folded(field: RuleField) -> Sql:
    """The searchable text of a field: null or '' where it is empty."""
    if field.name == "text":
        return Sql(
            "concat_ws(chr(10), nullif(t.subject_folded, ''), nullif(t.description_folded, ''))"
        )
    return Sql(f"t.{ident(field.fold_column)}")


def folds_of(field: RuleField) -> tuple[FoldColumn, ...]:
    """List the folded columns that reading this field as text needs."""
    if field.name in ("text", "subject", "description"):
        names = ("subject", "description") if field.name == "text" else (field.name,)
        return tuple(FoldColumn(f"{name}_folded", Sql(f"t.{name}"), True) for name in names)
    if field.kind == "set":
        # A tag holds no `|` (names.refuses_tag): one text can carry the whole set.
        raw = "'|' || array_to_string(t." + ident(field.column) + ", '|') || '|'"
        return (FoldColumn(field.fold_column, Sql(raw)),)
    return (FoldColumn(field.fold_column, field.raw),)


def _compare(item: Compare, now: Instants) -> Sql:
    match item.kind:
        case "text":
            test = _text(item)
        case "set":
            test = _set(item)
        case _:
            test = _plain(item, now)
    test = "coalesce(" + test + ", false)"
    return "(NOT " + test + ")" if item.negated else test


def _text(item: Compare) -> Sql:
    left = folded(item.field)
    words = [str(word) for word in item.values if word is not None]
    if item.other is not None:
        right = folded(item.other)
        return "(" + left + " = " + right + " AND " + left + " <> '')"
    match item.operator:
        case "known":
            return "(" + left + " <> '')"
        case "is" | "in":
            return _one_of(left, [value(exactly(word)) for word in words], None in item.values)
        case "contains_any":
            return "(" + join(" OR ", [contains(item.field, word) for word in words]) + ")"
        case "contains_all":
            return "(" + join(" AND ", [contains(item.field, word) for word in words]) + ")"
        case "starts_with" | "ends_with":
            ends = item.operator == "ends_with"
            call = "ends_with(" if ends else "starts_with("
            edges = [suffix(word) if ends else prefix(word) for word in words]
            tests = [call + left + ", " + value(edge) + ")" for edge in edges]
            return "(" + join(" OR ", tests) + ")"
    raw = item.field.raw
    return "(" + raw + " <> '' AND regexp_matches(" + raw + ", " + value(words[0]) + "))"


def _one_of(left: Sql, values: list[Sql], or_empty: bool) -> Sql:
    tests = []
    if values:
        tests.append(left + " IN (" + join(", ", values) + ")")
    if or_empty:
        tests.append("coalesce(" + left + ", '') = ''")
    return "(" + join(" OR ", [_sure(test) for test in tests]) + ")"


def _sure(test: Sql) -> Sql:
    return "coalesce(" + test + ", false)"


def contains(field: RuleField, word: str) -> Sql:
    """Find a folded word; null or false where there is no text.

    The mark of a border is the most frequent character there is: a search that begins with it
    took four times as long (tried), so in long text the word is first sought without it. CASE,
    for AND does not stop at the first false.
    """
    columns = ["subject_folded", "description_folded"] if field.name == "text" else []
    sought = needle(word)
    bare = sought.lstrip(BORDER)
    tests = []
    for name in columns or [field.fold_column]:
        column = f"t.{ident(name)}"
        full = Sql(f"contains({column}, ?)", (sought,))
        if bare != sought and name == _LONG:
            first = Sql(f"contains({column}, ?)", (bare,))
            full = "CASE WHEN " + first + " THEN " + full + " ELSE false END"
        tests.append(full)
    return tests[0] if len(tests) == 1 else "(" + join(" OR ", tests) + ")"


def _set(item: Compare) -> Sql:
    left = Sql(f"t.{ident(item.field.fold_column)}")
    if item.operator == "known":
        return Sql(f"(len(t.{ident(item.field.column)}) > 0)")
    tests = ["contains(" + left + ", " + value(exactly(f"|{tag}|")) + ")" for tag in item.values]
    return "(" + join(" AND " if item.operator == "has_all" else " OR ", tests) + ")"


def _plain(item: Compare, now: Instants) -> Sql:
    left = typed(item.field, item.kind)
    if item.other is not None:
        return "(" + left + f" {_SIGNS[item.operator]} " + typed(item.other, item.kind) + ")"
    values = [_bind(operand, item.kind, now) for operand in item.values if operand is not None]
    match item.operator:
        case "known":
            return "(" + left + " IS NOT NULL)"
        case "is" | "in":
            tests = [left + " IN (" + join(", ", values) + ")"] if values else []
            tests += [left + " IS NULL"] if None in item.values else []
            return "(" + join(" OR ", [_sure(test) for test in tests]) + ")"
        case "between":
            return "(" + left + " BETWEEN " + values[0] + " AND " + values[1] + ")"
        case "older_than":
            return "(" + left + " <= " + values[0] + ")"
        case "newer_than":
            return "(" + left + " > " + values[0] + ")"
    return "(" + left + f" {_SIGNS[item.operator]} " + values[0] + ")"


def _bind(operand: Operand, kind: str, now: Instants) -> Sql:
    match operand:
        case timedelta() | datetime() | Business() | Relative():
            return now.sql(operand)
        case bool():
            return "CAST(" + value(operand) + " AS BOOLEAN)"
    return "CAST(" + value(operand) + " AS DOUBLE)"


def meant(item: Compare, now: Instants) -> list[Sql]:
    """Write the instants that the durations of a comparison stand for."""
    moving = (one for one in item.values if isinstance(one, timedelta | Business | Relative))
    return [_bind(one, item.kind, now) for one in moving]


def folds_in(when: Condition, taken: Iterable[RuleField]) -> tuple[FoldColumn, ...]:
    """List the folded columns of a condition, and of fields taken as text, each once."""
    read = [field for compare in compares(when) for field in _folded_fields(compare)]
    columns = [fold for field in (*read, *taken) for fold in folds_of(field)]
    return tuple({fold.column: fold for fold in columns}.values())


def _folded_fields(compare: Compare) -> tuple[RuleField, ...]:
    if compare.kind not in ("text", "set") or compare.operator == "matches":
        return ()
    return (compare.field, compare.other) if compare.other else (compare.field,)
