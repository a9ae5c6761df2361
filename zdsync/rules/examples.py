"""Proves a rules file: patterns that RE2 must read, and each example through the compiled SQL.

Runs SQL only by the query function that is passed in, over rows it binds itself: no table is
read. Each rule is tested alone. Must not: know the mirror or the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from zdsync.errors import Problem
from zdsync.model import Portal
from zdsync.rules.compiled import CompiledRule
from zdsync.rules.condition import compares
from zdsync.rules.fields import RuleField
from zdsync.rules.folding import fold, searchable
from zdsync.rules.given import Example
from zdsync.rules.instants import Relative, naive
from zdsync.rules.load import RuleFile, compile_rule
from zdsync.rules.nodes import Notes
from zdsync.rules.now import Now
from zdsync.rules.outcome import Outcome, expressions, given
from zdsync.sql import Sql, ident, join, value

Query = Callable[[Sql], list[tuple[Any, ...]]]

_TYPES = {
    "text": "VARCHAR",
    "any": "VARCHAR",
    "number": "DOUBLE",
    "bool": "BOOLEAN",
    "instant": "TIMESTAMP",
    "set": "VARCHAR[]",
}


def run_examples(
    file: RuleFile, portal: Portal | None, query: Query, now: datetime
) -> tuple[Problem, ...]:
    """Run every example of the file, and note each one that comes out otherwise.

    `now` (aware) is the time of examples without `at`. Patterns that RE2 refuses are problems
    too, and their rules are not run.
    """
    notes = Notes(file.name)
    problems = list(check_patterns(file, query))
    broken = {problem.where for problem in problems}
    for rule in file.rules:
        if any(compare.where in broken for compare in compares(rule.when)):
            continue
        ordered = sorted(rule.examples, key=lambda example: example.at or now)
        for at, group in groupby(ordered, key=lambda example: example.at or now):
            compiled, now_ = compile_rule(rule, file, portal, at), Now(at, file.calendars)
            settled = [_settle(example, now_) for example in group]
            for example, complaint in _run(compiled, settled, portal, query, now_):
                notes.add(example.node, complaint, "mend the rule or the example")
    return (*problems, *notes.problems())


def check_patterns(file: RuleFile, query: Query) -> tuple[Problem, ...]:
    """Let DuckDB read every `matches` pattern; note those that RE2 refuses."""
    found = [
        (compare.where, str(compare.values[0]), rule.id)
        for rule in file.rules
        for compare in compares(rule.when)
        if compare.operator == "matches"
    ]
    if not found:
        return ()
    listed = join(", ", [Sql("(?, ?)", (place, text)) for place, (_, text, _) in enumerate(found)])
    # Joined with the row's number the pattern is no constant: TRY can catch what RE2 says of it.
    fails = Sql("v.i, TRY(regexp_matches(concat('a', v.i), v.p)) IS NULL")
    rows = query(_select(fails, "(VALUES " + listed + ") v(i, p)"))
    refused = sorted(int(row[0]) for row in rows if row[1])
    what, hint = "RE2 cannot read this pattern", "see github.com/google/re2/wiki/Syntax"
    some = (found[place] for place in refused)
    return tuple(Problem(where, what, hint, text[:80], rule) for where, text, rule in some)


def _run(
    rule: CompiledRule,
    examples: list[Example],
    portal: Portal | None,
    query: Query,
    now: Now,
) -> Iterator[tuple[Example, str]]:
    asked = [entry for action in rule.actions for entry in expressions(action)]
    columns = join(", ", [Sql("t.i"), rule.where, *asked])
    rows = query(_select(columns, _relation(rule, examples)))
    for row in sorted(rows, key=lambda row: int(row[0])):
        example = examples[row[0]]
        open_ = fold(given(example, "status_type") or "Open") != "closed"
        holds = bool(row[1]) and (open_ or rule.scope == "all")
        outcome = Outcome(rule, example, portal, now)
        if holds:
            answers = iter(row[2:])
            for action in rule.actions:
                outcome.take(action, [next(answers) for _ in expressions(action)])
        if outcome.found != outcome.wanted():
            yield example, _complaint(rule, holds, outcome)


def _settle(example: Example, now: Now) -> Example:
    """Turn what `given` says relative to now into instants."""
    entry = example.given.get("department")
    department = str(entry[1]) if entry else None
    given_ = {
        name: (field, now.at(item, department) if isinstance(item, Relative) else item)
        for name, (field, item) in example.given.items()
    }
    return replace(example, given=given_)


def _select(columns: Sql, relation: Sql) -> Sql:
    return join(" ", [Sql("SELECT"), columns, Sql("FROM"), relation])


def _complaint(rule: CompiledRule, holds: bool, outcome: Outcome) -> str:
    said = f"an example of {rule.id} fails: "
    if not holds and outcome.wanted():
        return said + "the condition does not hold"
    return f"{said}expected {_say(outcome.wanted())}, came out {_say(outcome.found)}"


def _say(changes: Mapping[str, str | None]) -> str:
    if not changes:
        return "nothing"
    return ", ".join(f"{name}: {text or 'empty'}" for name, text in sorted(changes.items()))


def _relation(rule: CompiledRule, examples: list[Example]) -> Sql:
    """Write the ground of a rule with one row an example: only the columns that it reads."""
    rows = [_row(rule, example) for example in examples]
    names = list(rows[0])
    bound = [
        f"({place}, " + join(", ", [row[name] for name in names]) + ")"
        for place, row in enumerate(rows)
    ]
    listed = ", ".join(["i", *(ident(name) for name in names)])
    return "(VALUES " + join(", ", bound) + f") AS t({listed})"


def _row(rule: CompiledRule, example: Example) -> dict[str, Sql]:
    row: dict[str, Sql] = {"subject": _cast(None, "text"), "description": _cast(None, "text")}
    documents: dict[str, dict[str, Any]] = {}
    for field in rule.reads:
        given = _of(example, field)
        if field.path is not None:
            documents.setdefault(field.column, {})[field.path] = _json(given)
        elif field.name != "text":
            row[field.column] = _cast(given, field.kind)
    texts = {field.fold_column: _text(_of(example, field)) for field in rule.reads}
    for name in ("subject", "description"):
        entry = example.given.get(name) or (
            example.given.get("text") if name == "description" else None
        )
        row[name] = _cast(entry[1] if entry else None, "text")
        texts[f"{name}_folded"] = _text(entry[1] if entry else None)
    for fold_column in rule.folds:
        text = texts.get(fold_column.column)
        row[fold_column.column] = _cast(None if text is None else searchable(text), "text")
    for column, document in documents.items():
        row[column] = "CAST(" + value(json.dumps(document)) + " AS JSON)"
    return row


def _of(example: Example, field: RuleField) -> Any:
    entry = example.given.get(field.name)
    if entry is None:
        return "Open" if field.name == "status_type" else None
    return entry[1]


def _text(item: Any) -> str | None:
    if isinstance(item, tuple):
        return "|" + "|".join(item) + "|"
    if isinstance(item, bool):
        return "true" if item else "false"
    return None if item is None else str(item)


def _json(item: Any) -> Any:
    return item.isoformat() if isinstance(item, datetime) else item


def _cast(item: Any, kind: str) -> Sql:
    if isinstance(item, datetime):
        item = naive(item)
    elif isinstance(item, tuple):
        item = list(item)
    return "CAST(" + value(item) + f" AS {_TYPES[kind]})"
