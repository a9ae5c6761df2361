"""Reads what stands to the right of an operator, by the kind of its field.

Owns: which operator fits which kind, and the values of operands, folded where text is compared.
Must not: know groups, scores or rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from zdsync.rules.condition import Operand
from zdsync.rules.fields import FieldKind
from zdsync.rules.folding import core, fold, word
from zdsync.rules.instants import read_instant, read_moment, read_span
from zdsync.rules.names import STATUS_TYPES, Names
from zdsync.rules.nodes import Node, Notes, near, true_or_false

Kind = Literal["text", "number", "bool", "instant", "set"]

_EQUALITY = ("is", "is_not", "in", "not_in", "known")
_ORDER = ("gt", "gte", "lt", "lte", "between")
WORDS = ("contains", "contains_any", "contains_all", "not_contains")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    "text": (*_EQUALITY, *WORDS, "starts_with", "ends_with", "matches"),
    "number": (*_EQUALITY, *_ORDER),
    "bool": _EQUALITY,
    "instant": (*_EQUALITY, *_ORDER, "older_than", "newer_than", "before", "after"),
    "set": ("known", "has", "has_any", "has_all", "has_none"),
}
ALL_OPERATORS = tuple(dict.fromkeys(op for ops in OPERATORS.values() for op in ops))
LISTED = ("in", "not_in", "contains_any", "contains_all", "has_any", "has_all", "has_none")
CLOSERS = ("customer", "automation", "zdsync")  # who closed, where it was no agent
# A list here means "any of these".
_LIST_TOO = ("starts_with", "ends_with")
# These take `now`, `in 2h` and `3 business days ago` too.
_MOVES = (*_ORDER, "before", "after")

# What Python and PCRE know and RE2 does not.
_NOT_RE2 = (
    (r"\(\?<?[=!]", "look-around"),
    (r"\\[1-9]", "a back-reference"),
    (r"\(\?P=", "a back-reference"),
    (r"\(\?>", "an atomic group"),
    (r"\(\?\(", "a condition"),
)
# What RE2 knows and Python does not: a pattern with it is tried in DuckDB only.
_ONLY_RE2 = re.compile(r"\\[pPzQEC]|\[\[:|(?<!^)\(\?[imsU-]+\)|\(\?[imsU-]*U")


def kind_for(kind: FieldKind, operator: str, value: Node) -> Kind:
    """Say how a field is read for this operator and operand."""
    if kind != "any":
        return kind
    first = next((item for item in value.items or () if item.value is not None), value)
    if operator in ("older_than", "newer_than", "before", "after"):
        return "instant"
    if operator in _ORDER:
        return "instant" if read_moment(first.text) else "number"
    if operator in ("is", "is_not", "in", "not_in"):
        if isinstance(first.value, bool):
            return "bool"
        return "number" if isinstance(first.value, int | float) else "text"
    return "text"


@dataclass(frozen=True, slots=True)
class Operands:
    """Reads operands; `lists` are the named lists of the file."""

    notes: Notes
    names: Names
    lists: Mapping[str, tuple[Node, ...]]

    def read(self, kind: Kind, field: str, operator: str, value: Node) -> tuple[Operand, ...]:
        """Read the values of one operand; () where a problem was noted."""
        if operator == "known":
            return self._known(value)
        nodes = self._nodes(operator, value)
        found = [self._one(kind, field, operator, node) for node in nodes]
        if operator == "between" and len(nodes) != 2:
            self.notes.add(value, "`between` takes two values", "write `between: [low, high]`")
            return ()
        return tuple(item for item in found if not isinstance(item, _Refused))

    def _known(self, value: Node) -> tuple[Operand, ...]:
        if isinstance(value.value, bool):
            return (value.value,)
        self.notes.add(value, "`known` takes true or false")
        return ()

    def _nodes(self, operator: str, value: Node) -> list[Node]:
        """List the scalar nodes of an operand, named lists spelt out."""
        listed = operator in LISTED or operator in _LIST_TOO or operator == "between"
        if value.scalar:
            if operator in ("in", "not_in", "between"):
                self.notes.add(value, f"`{operator}` takes a list", "write it in [brackets]")
                return []
            return [value]
        if value.pairs is not None:
            return self._named(operator, value) if listed else self._no_list(operator, value)
        if not listed:
            return self._no_list(operator, value)
        if not value.items:
            self.notes.add(value, "an empty list matches nothing", "name at least one value")
        return [node for item in value.items or () for node in self._spell_out(operator, item)]

    def _spell_out(self, operator: str, item: Node) -> list[Node]:
        if item.scalar:
            return [item]
        if item.pairs is not None:
            return self._named(operator, item)
        self.notes.add(item, "a list inside a list", "write one flat list")
        return []

    def _no_list(self, operator: str, value: Node) -> list[Node]:
        plural = {"is": "in", "is_not": "not_in", "contains": "contains_any", "has": "has_any"}
        better = plural.get(operator)
        hint = f"use `{better}` for several" if better else "write a single value"
        if operator == "not_contains":
            hint = "use `none:` with `contains_any`"
        self.notes.add(value, f"`{operator}` takes one value", hint)
        return []

    def _named(self, operator: str, value: Node) -> list[Node]:
        name = value.get("list")
        if name is None or len(value.pairs or ()) != 1:
            key = value.pairs[0][0] if value.pairs else value
            hint = "several values: [a, b] or {list: name}"
            self.notes.add(key, f"`{operator}` does not take this", hint)
            return []
        if name.text not in self.lists:
            self.notes.add(
                name, f"no list {name.text!r} under `lists`", near(name.text, list(self.lists))
            )
            return []
        return list(self.lists[name.text])

    def _one(self, kind: Kind, field: str, operator: str, node: Node) -> Operand | _Refused:
        if operator in ("older_than", "newer_than"):
            return self._duration(node)
        if node.value is None:
            if operator in ("is", "is_not", "in", "not_in"):
                return None
            self.notes.add(node, f"`{operator}` needs a value", "for empty use `known: false`")
            return _REFUSED
        match kind:
            case "number":
                return self._number(node)
            case "bool":
                return self._bool(node)
            case "instant":
                return self._instant(operator, node)
        if isinstance(node.value, bool):
            self.notes.add(node, f"`{field}` is text, not true or false", "put the word in quotes")
            return _REFUSED
        if operator == "matches":
            return self._pattern(node)
        return self._text(field, operator, node)

    def _text(self, field: str, operator: str, node: Node) -> Operand | _Refused:
        if operator in ("is", "is_not", "in", "not_in"):
            return fold(self._portal_word(field, node)) or None
        if "|" in node.text and operator.startswith("has"):
            self.notes.add(node, "a tag never holds `|`", "name one tag")
            return _REFUSED
        folded = word(node.text) if operator in WORDS else fold(node.text)
        if not core(folded) if operator in WORDS else not folded:
            self.notes.add(node, f"`{operator}` needs a word", "for empty use `known: false`")
            return _REFUSED
        return folded

    def _portal_word(self, field: str, node: Node) -> str:
        """Check a name of the portal; an agent becomes the e-mail that the mirror shows."""
        if field == "closed_by" and node.text.strip().casefold() in CLOSERS:
            return node.text
        if field != "status_type":
            return self.names.value(field, node)
        known = {kind.casefold(): kind for kind in STATUS_TYPES}
        if node.named and node.text.strip().casefold() not in known:
            self.notes.add(node, f"no status type {node.text!r}", near(node.text, STATUS_TYPES))
        return known.get(node.text.strip().casefold(), node.text)

    def _number(self, node: Node) -> Operand | _Refused:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.value
        self.notes.add(node, f"{node.text!r} is not a number", "write digits without quotes")
        return _REFUSED

    def _bool(self, node: Node) -> Operand | _Refused:
        if isinstance(node.value, bool):
            return node.value
        what = f"{node.text!r} is neither true nor false"
        self.notes.add(node, what, true_or_false(node.text))
        return _REFUSED

    def _instant(self, operator: str, node: Node) -> Operand | _Refused:
        moves = operator in _MOVES
        moment = read_moment(node.text) if moves else read_instant(node.text)
        if moment is None:
            hint = "write 2026-03-01 or 2026-03-01 09:00 (UTC)"
            hint = hint.replace(" or", ",") + ", now, in 2h or 2h ago" if moves else hint
            self.notes.add(node, f"{node.text!r} is not a date or time", hint)
            return _REFUSED
        return moment

    def _duration(self, node: Node) -> Operand | _Refused:
        span = read_span(node.text)
        if span is not None:
            return span
        hint = "write 30m, 48h, 21d, 4 business hours or 1 business day"
        self.notes.add(node, f"{node.text!r} is not a duration", hint)
        return _REFUSED

    def _pattern(self, node: Node) -> Operand | _Refused:
        why = refuses_pattern(node.text)
        if not why:
            return node.text
        self.notes.add(node, f"`matches` takes an RE2 pattern: {why}", "see github.com/google/re2")
        return _REFUSED


class _Refused:
    """Marks an operand that was noted as a problem (None is a value)."""


_REFUSED = _Refused()


def refuses_pattern(pattern: str) -> str:
    """Say why RE2 cannot read a pattern, as far as Python can tell; '' where it may."""
    if not pattern:
        return "it is empty"
    bare = re.sub(r"\\\\", "", pattern)
    for sign, name in _NOT_RE2:
        if re.search(sign, bare):
            return f"{name} is not part of it"
    if _ONLY_RE2.search(bare):
        return ""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""
