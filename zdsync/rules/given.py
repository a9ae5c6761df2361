"""Examples as written: `given` by the fields of the language, `expect` by the changes named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zdsync.rules.fields import SETTABLE, RuleField
from zdsync.rules.instants import Moment, read_instant, read_moment
from zdsync.rules.nodes import Node, near
from zdsync.rules.parse import Parser

GivenValue = str | int | float | bool | Moment | tuple[str, ...]
SAID = ("comment", "reply", "notify")  # expected as `true`, or by a part of the wording
EXPECTED = ("assignee", "team", "department", "tags", "spam", "outcome", *SAID, *sorted(SETTABLE))


@dataclass(frozen=True, slots=True)
class Expected:
    """Changes by field as text (None: emptied), and the tags added and removed."""

    changes: Mapping[str, str | None]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One ticket made up, and what the rule must do to it. `at` None means: now."""

    given: Mapping[str, tuple[RuleField, GivenValue]]
    expect: Expected
    at: datetime | None
    node: Node


def read_example(node: Node, parser: Parser) -> Example | None:
    """Read one example; None where a problem was noted."""
    notes = parser.notes
    before = len(notes.found)
    if node.pairs is None:
        notes.add(node, "an example is a mapping", "{given: {…}, expect: {…}}")
        return None
    for key, _ in node.pairs:
        if key.text not in ("given", "expect", "at"):
            hint = near(key.text, ("given", "expect", "at"))
            notes.add(key, f"unknown key `{key.text}` in an example", hint)
    given, expect, at = node.get("given"), node.get("expect"), node.get("at")
    if given is None or expect is None:
        notes.add(node, "an example needs `given` and `expect`", "expect may be `nothing`")
        return None
    values = _read_given(given, parser)
    expected = _read_expected(expect, parser)
    moment = read_instant(at.text) if at else None
    if at and moment is None:
        notes.add(at, f"{at.text!r} is not a date or time", "write 2026-03-01 09:00 (UTC)")
    elif at and moment and not 1970 <= moment.year <= 2100:
        notes.add(at, f"{at.text!r} is too far away", "take a year from 1970 to 2100")
    if len(notes.found) > before or expected is None:
        return None
    return Example(values, expected, moment, node)


def _read_given(node: Node, parser: Parser) -> dict[str, tuple[RuleField, GivenValue]]:
    values: dict[str, tuple[RuleField, GivenValue]] = {}
    if node.pairs is None:
        parser.notes.add(node, "`given` is a mapping of fields", "{department: Support}")
    for key, inner in node.pairs or ():
        field = parser.field(key)
        if field is None or (inner.scalar and inner.value is None):
            continue
        found = _value(field, inner, parser)
        if found is not None:
            values[field.name] = (field, found)
    return values


def _value(field: RuleField, node: Node, parser: Parser) -> GivenValue | None:
    if field.kind == "set":
        items = node.items if node.items is not None else (node,)
        return tuple(item.text for item in items)
    found = _scalar(field, node, parser)
    if found is None:
        what = f"{node.text!r} is no value for `{field.name}`" if node.scalar else "takes one value"
        parser.notes.add(node, what, f"it is of kind {field.kind}")
    return found


def _scalar(field: RuleField, node: Node, parser: Parser) -> GivenValue | None:
    if not node.scalar:
        return None
    value = node.value
    match field.kind:
        case "text":
            return (
                None if isinstance(value, bool) else parser.operands.names.value(field.name, node)
            )
        case "number":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "bool":
            return value if isinstance(value, bool) else None
        case "instant":
            return read_moment(node.text)
    return value


def _read_expected(node: Node, parser: Parser) -> Expected | None:
    if node.scalar and node.text.strip() == "nothing":
        return Expected({})
    if not node.pairs:
        parser.notes.add(node, "`expect` names all changes", "{assignee: …}, or `nothing`")
        return None
    changes: dict[str, str | None] = {}
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    for key, inner in node.pairs:
        if key.text == "tags":
            add, remove = _tags(inner)
        elif key.text in EXPECTED or key.text.startswith("cf."):
            if not inner.scalar:
                parser.notes.add(inner, "takes one value")
            elif key.text in SAID and inner.value in (None, False):
                what, hint = f"`{key.text}: {inner.text}` expects nothing", "leave the line out"
                parser.notes.add(inner, what, hint)
            known = parser.operands.names.value(key.text, inner) if inner.named else inner.text
            changes[key.text] = None if inner.value is None else known
        else:
            hint = near(key.text, [*EXPECTED, "cf.…"])
            parser.notes.add(key, f"no rule changes `{key.text}`", hint)
    return Expected(changes, add, remove)


def _tags(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read `[a, b]` (added) or `{add: […], remove: […]}`."""
    if node.pairs is None:
        items = node.items if node.items is not None else (node,)
        return tuple(item.text for item in items), ()
    lists = [node.get(key) for key in ("add", "remove")]
    added, removed = (
        tuple(i.text for i in (found.items or ()) if found) if found else () for found in lists
    )
    return added, removed
