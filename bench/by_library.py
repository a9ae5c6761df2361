"""The usual way: the same conditions by a Python rule library, ticket by ticket.

Each condition becomes one expression of `rule-engine`, each label of a taxonomy one more; texts
are lower case, and words are patterns with borders. No folding of accents or HTML, no null logic
but what the library has: less than zdsync promises, so its speed is a bound.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rule_engine

from bench import mirrored
from zdsync.mirror import Mirror
from zdsync.rules import load_rules
from zdsync.rules.compiled import Tags
from zdsync.rules.condition import Compare, Condition, Group, Score
from zdsync.sql import Sql

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "older_than": "<=", "newer_than": ">"}
_ROWS = """
select t.*, case when t.is_emptied then '' end as note from zdsync.rule_tickets t
where t.presence = 'live' and t.status_type is distinct from 'Closed' order by hash(t.ticket_id)
limit ?
"""


def judge(mirror: Mirror, many: int) -> dict[str, Any]:
    """Judge a share of the open tickets by all rules; how long, how many rules and expressions."""
    path = Path(__file__).with_name("fifty.yaml")
    file = load_rules(path.read_text(encoding="utf-8"), path.name, mirror.portal()).rules
    written = [expression for rule in file.rules for expression in _expressions(rule, file)]
    context = rule_engine.Context(default_value=None)
    compiled = [rule_engine.Rule(one, context=context) for one in written]
    names = [row[0] for row in mirror.rows(Sql("describe zdsync.rule_tickets"))] + ["note"]
    rows = mirror.rows(Sql(_ROWS, (many,)))
    started, spent, hits = time.perf_counter(), time.process_time(), 0
    for row in rows:
        facts = _facts(dict(zip(names, row, strict=True)))
        hits += sum(rule.matches(facts) for rule in compiled)
    took = {"wall": time.perf_counter() - started, "cpu": time.process_time() - spent}
    return {**took, "tickets": len(rows), "rules": len(file.rules), "hits": hits,
            "expressions": len(compiled)}  # fmt: skip


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """One ticket as the library reads it: lower case, fields of JSON by name, UTC."""
    import orjson

    facts: dict[str, Any] = {}
    for name, cell in row.items():
        if name.endswith("cf") and cell:
            facts |= {f"{name}_{key}": _plain(one) for key, one in orjson.loads(cell).items()}
        else:
            facts[name] = _plain(cell)
    facts["text"] = f"{facts['subject'] or ''}\n{facts['description'] or ''}"
    return facts


def _plain(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.lower()
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC)
    return [one.lower() for one in cell] if isinstance(cell, list) else cell


def _expressions(rule: Any, file: Any) -> Iterator[str]:
    yield _written(rule.when)
    for action in rule.actions:
        if isinstance(action, Tags) and action.taxonomy is not None:
            for label in file.taxonomies[action.taxonomy.name].labels:
                yield f"text =~~ {_words(label.words)}"


def _written(when: Condition) -> str:
    match when:
        case Compare():
            said = f"({_compared(when)})"
            return f"(not {said})" if when.negated else said
        case Group(kind=kind, parts=parts):
            joined = (" and " if kind == "all" else " or ").join(map(_written, parts))
            return f"(not ({joined}))" if kind == "none" else f"({joined})"
        case Score(at_least=at_least, signals=signals):
            points = [f"({_written(one.when)} ? {one.points} : 0)" for one in signals]
            return f"(({' + '.join(points)}) >= {at_least})"
    raise AssertionError(when)


def _compared(item: Compare) -> str:
    name = item.field.name.replace(".", "_") if item.field.path is None else ""
    name = name or f"{item.field.column}_{item.field.path}"
    values = [one for one in item.values if one is not None]
    match item.operator:
        case "known":
            return f"{name} != null and {name} != ''"
        case "contains_any":
            return f"{name} != null and {name} =~~ {_words(values)}"
        case "contains_all":
            return " and ".join(f"{name} =~~ {_words([word])}" for word in values)
        case "matches":
            return f"{name} != null and {name} =~~ {_quoted(str(values[0]))}"
        case "starts_with" | "ends_with":
            some = "|".join(re.escape(str(one)) for one in values)
            edge = f"^(?:{some})" if item.operator == "starts_with" else f"(?:{some})$"
            return f"{name} != null and {name} =~~ {_quoted(edge)}"
        case "has_any" | "has_all":
            joined = " or " if item.operator == "has_any" else " and "
            some = joined.join(f"{_quoted(str(one))} in {name}" for one in values)
            return f"{name} != null and ({some})"
        case "between":
            low, high = map(_value, values)
            return f"{name} != null and {name} >= {low} and {name} <= {high}"
        case "is" | "in":
            some = [f"{name} == {_value(one)}" for one in values]
            some += [f"{name} == null"] * (None in item.values)
            return " or ".join(some)
    return f"{name} != null and {name} {_SIGNS[item.operator]} {_value(values[0])}"


def _value(one: Any) -> str:
    if isinstance(one, timedelta):
        one = mirrored.NOW - one
    if isinstance(one, datetime):
        return f'd"{one.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}"'
    if isinstance(one, bool):
        return "true" if one else "false"
    return _quoted(one) if isinstance(one, str) else str(one)


def _words(words: Any) -> str:
    """A pattern of whole words; a `*` leaves an end open."""
    some = []
    for word in words:
        text = str(word)
        left = "" if text.startswith("*") else r"\b"
        right = "" if text.endswith("*") else r"\b"
        some.append(left + re.escape(text.strip("*")) + right)
    return _quoted("|".join(some))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
