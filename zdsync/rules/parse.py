"""Nodes → conditions. Every problem is noted at its token; nothing is raised.

Owns: the grammar of `when`. Must not: write SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from zdsync.model import Portal
from zdsync.rules.condition import Compare, Condition, Group, Operator, Score, Signal
from zdsync.rules.expression import read_expression
from zdsync.rules.fields import RuleField, Unreadable, field_names, find_field
from zdsync.rules.nodes import Node, Notes, near
from zdsync.rules.operands import ALL_OPERATORS, OPERATORS, Kind, Operands, kind_for

_GROUPS = ("all", "any", "none")
# The contrary of an operator, and operators that are another one with one value.
_NEGATIONS: dict[str, Operator] = {
    "is_not": "is",
    "not_in": "in",
    "not_contains": "contains_any",
    "has_none": "has_any",
}
_SAME: dict[str, Operator] = {
    "contains": "contains_any",
    "has": "has_any",
    "before": "lt",
    "after": "gt",
}
_TWO_FIELDS = ("is", "is_not", "gt", "gte", "lt", "lte", "before", "after")


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads conditions against the catalog and the portal."""

    portal: Portal | None
    notes: Notes
    operands: Operands

    def condition(self, node: Node) -> Condition | None:
        """Read one condition; None where a problem was noted."""
        if node.pairs is None:
            hint = "put `all:` before a list" if node.items is not None else "write `field: value`"
            self.notes.add(node, "a condition is a mapping", hint)
            return None
        if not node.pairs:
            self.notes.add(node, "an empty condition would hold for every ticket", "name a field")
            return None
        parts = [self._line(key, value) for key, value in node.pairs]
        return _all([part for part in parts if part is not None])

    def field(self, key: Node) -> RuleField | None:
        """Find a field by its name; note why it cannot be read."""
        found = find_field(key.text, self.portal)
        if isinstance(found, RuleField):
            return found
        self._unreadable(key, found)
        return None

    def _line(self, key: Node, value: Node) -> Condition | None:
        if key.text in _GROUPS:
            return self._group(key, value)
        if key.text == "score":
            return self._score(value)
        if key.text == "sql":
            return read_expression(value, self.notes, self.field)
        field = self.field(key)
        return None if field is None else self._field(field, value)

    def _unreadable(self, key: Node, found: Unreadable) -> None:
        if found.why == "gone":
            hint = f"it is called `{found.now}` now" if found.now else "take it out of the rule"
            what = f"`{key.text}` is no field of the portal any more"
            self.notes.add(key, what, hint, "lack")
        elif found.why == "crm":
            what = f"`{key.text}` needs the CRM, which is off"
            self.notes.add(key, what, "set ZDSYNC_CRM=on, or drop it", "lack")
        elif found.why == "absent":
            names, what = field_names(self.portal), f"no field `{key.text}` in the portal"
            self.notes.add(key, what, near(key.text, names, "see the list of fields"), "lack")
        elif key.text in ALL_OPERATORS:
            self.notes.add(
                key, f"`{key.text}` is an operator", f"put it under a field: {{{key.text}: …}}"
            )
        else:
            names = [*field_names(self.portal), *_GROUPS, "score", "sql"]
            self.notes.add(
                key, f"unknown field `{key.text}`", near(key.text, names, "see the list of fields")
            )

    def _group(self, key: Node, value: Node) -> Condition | None:
        if not value.items:
            self.notes.add(
                value, f"`{key.text}` takes a list of conditions", "begin each with `- `"
            )
            return None
        parts = [self.condition(item) for item in value.items]
        kept = tuple(part for part in parts if part is not None)
        match key.text:
            case "any":
                return Group("any", kept)
            case "none":
                return Group("none", kept)
        return Group("all", kept)

    def _score(self, node: Node) -> Condition | None:
        self._keys(node, "score", ("at_least", "of"))
        least, of = node.get("at_least"), node.get("of")
        if least is None or of is None:
            self.notes.add(node, "`score` needs `at_least` and `of`")
            return None
        at_least = self._points(least)
        if not of.items:
            self.notes.add(of, "`of` takes a list of signals", "- {points: 1, when: {…}}")
            return None
        signals = [self._signal(item) for item in of.items]
        return Score(at_least, tuple(signal for signal in signals if signal is not None))

    def _signal(self, node: Node) -> Signal | None:
        self._keys(node, "a signal", ("points", "when"))
        points, when = node.get("points"), node.get("when")
        if points is None or when is None:
            self.notes.add(node, "a signal needs `points` and `when`")
            return None
        condition = self.condition(when)
        return None if condition is None else Signal(self._points(points), condition)

    def _points(self, node: Node) -> float:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.value
        self.notes.add(node, f"{node.text!r} is not a number", "write points as digits")
        return 0

    def _keys(self, node: Node, what: str, known: tuple[str, ...]) -> None:
        for key, _ in node.pairs or ():
            if key.text not in known:
                self.notes.add(key, f"unknown key `{key.text}` in {what}", near(key.text, known))

    def _field(self, field: RuleField, value: Node) -> Condition | None:
        if value.pairs is None:
            operator = "is" if value.scalar else "in"
            return self._compare(field, operator, value, value)
        keys = [key.text for key, _ in value.pairs]
        if keys == ["field"]:
            return self._compare(field, "is", value, value)
        if keys == ["list"]:
            return self._compare(field, "in", value, value)
        if not value.pairs:
            self.notes.add(value, f"nothing is asked of `{field.name}`", "write an operator")
            return None
        parts = [self._compare(field, key.text, key, inner) for key, inner in value.pairs]
        return _all([part for part in parts if part is not None])

    def _compare(self, field: RuleField, said: str, at: Node, value: Node) -> Compare | None:
        kind = kind_for(field.kind, said, value)
        if not self._fits(field, kind, said, at, value):
            return None
        where = f"{self.notes.file}:{at.line}:{at.column}"
        text = f"{field.name} {said} {show(value)}"
        if value.pairs is not None and value.get("field") is not None:
            return self._two_fields(field, kind, said, value, where)
        values = self.operands.read(kind, field.name, said, value)
        if not values:
            return None
        negated = said in _NEGATIONS
        if said == "known":
            # `known: false` is the contrary of `known: true`.
            values, negated = (True,), not values[0]
        elif said in ("is", "is_not") and values == (None,):
            return Compare(
                field, kind, "known", (True,), negated=not negated, text=text, where=where
            )
        return Compare(field, kind, _operator(said), values, None, negated, text, where)

    def _fits(self, field: RuleField, kind: Kind, said: str, at: Node, value: Node) -> bool:
        if said not in ALL_OPERATORS:
            fields = [*ALL_OPERATORS, "field", "list"]
            self.notes.add(at, f"unknown operator `{said}`", near(said, fields))
            return False
        if said in OPERATORS[kind]:
            return True
        fit = ", ".join(OPERATORS[kind])
        if kind == "set" and at is value and value.value is None and value.scalar:
            fit = "known: false"
        what = f"`{field.name}` is {_KIND_WORDS[kind]}: `{said}` does not fit"
        self.notes.add(at, what, f"use {fit}")
        return False

    def _two_fields(
        self, field: RuleField, kind: Kind, said: str, value: Node, where: str
    ) -> Compare | None:
        name = value.get("field") or value
        if said not in _TWO_FIELDS:
            self.notes.add(name, f"`{said}` does not take a field", "it takes values")
            return None
        other = self.field(name)
        if other is None:
            return None
        other_kind = kind if other.kind == "any" else other.kind
        kind = other_kind if field.kind == "any" and other_kind != "set" else kind
        if other_kind != kind or said not in OPERATORS[kind]:
            what = f"`{field.name}` and `{other.name}` cannot be compared by `{said}`"
            self.notes.add(name, what, f"{_KIND_WORDS[kind]} and {_KIND_WORDS[other_kind]}")
            return None
        text = f"{field.name} {said} {other.name}"
        negated = said in _NEGATIONS
        return Compare(field, kind, _operator(said), (), other, negated, text, where)


_KIND_WORDS = {
    "text": "text",
    "number": "a number",
    "bool": "true or false",
    "instant": "a time",
    "set": "a set",
}


def _all(parts: list[Condition]) -> Condition | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Group("all", tuple(parts))


def _operator(said: str) -> Operator:
    return _NEGATIONS.get(said) or _SAME.get(said) or _PLAIN[said]


_PLAIN: dict[str, Operator] = {
    "is": "is", "in": "in", "known": "known", "contains_any": "contains_any",
    "contains_all": "contains_all", "starts_with": "starts_with", "ends_with": "ends_with",
    "matches": "matches", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte",
    "between": "between", "older_than": "older_than", "newer_than": "newer_than",
    "has_any": "has_any", "has_all": "has_all",
}  # fmt: skip


def show(node: Node) -> str:
    """Write a value of the file on one line."""
    if node.items is not None:
        return "[" + ", ".join(show(item) for item in node.items) + "]"
    if node.pairs is not None:
        return "{" + ", ".join(f"{key.text}: {show(value)}" for key, value in node.pairs) + "}"
    return node.text or "null"
