"""What one field may hold, given lines that must be true or false of it.

Sound, not complete: `impossible` is said only where no value, and not empty either, satisfies all
lines (a test compares with the plain evaluator). What is not understood (patterns, two fields,
business time, words in free text beside other words) is taken as possible. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from zdsync.rules.condition import Compare, Operand
from zdsync.rules.folding import exactly, needle, prefix, suffix

_ANY_OF = ("contains_any", "starts_with", "ends_with", "has_any", "matches")
_ALL_OF = {"contains_all": "contains_any", "has_all": "has_any"}
_KNOWN = (str, int, float, datetime, type(None))
_ORDERED = ("is", "in", "gt", "gte", "lt", "lte", "between")
_CONTRARY = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}
# Numbers that are counts: never below zero.
COUNTS = frozenset(
    {
        *("thread_count", "comment_count", "attempts"),
        *("replies.outbound_since_customer", "contact.open_tickets"),
    }
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A comparison that must hold, or must not."""

    compare: Compare
    holds: bool

    @property
    def plain(self) -> bool:
        """Whether the comparison without its own negation must hold."""
        return self.holds is not self.compare.negated


@dataclass(slots=True)
class _Bounds:
    """A range of comparable values; an open end is None."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False

    def at_least(self, value: Any, *, open_: bool) -> None:
        if self.low is None or (value, open_) > (self.low, self.low_open):
            self.low, self.low_open = value, open_

    def at_most(self, value: Any, *, open_: bool) -> None:
        if self.high is None or (value, not open_) < (self.high, not self.high_open):
            self.high, self.high_open = value, open_

    def holds(self, value: Any) -> bool:
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return self.high is None or not (
            value > self.high or (self.high_open and value == self.high)
        )

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        closed = not (self.low_open or self.high_open)
        return bool(self.low > self.high or (self.low == self.high and not closed))


@dataclass(slots=True)
class _Field:
    """Gathers what lines of one field and kind leave possible."""

    maybe_empty: bool = True
    maybe_filled: bool = True
    allowed: set[Operand] | None = None
    banned: set[Operand] = field(default_factory=set)
    values: _Bounds = field(default_factory=_Bounds)
    ages: _Bounds = field(default_factory=_Bounds)  # seconds back from as_of, negative
    wanted: list[tuple[str, frozenset[Operand]]] = field(default_factory=list)
    refused: list[tuple[str, frozenset[Operand]]] = field(default_factory=list)

    def take(self, one: Literal) -> None:
        compare, plain = one.compare, one.plain
        values = frozenset(compare.values)
        if compare.other is not None:
            self.maybe_empty = self.maybe_empty and not plain
            return
        if any(not isinstance(one, _KNOWN) for one in values) and compare.operator in _ORDERED:
            # An instant that moves with the clock: nothing is known but that it is not empty.
            self.maybe_empty = self.maybe_empty and (not plain or None in values)
            return
        of_empty = compare.operator in ("is", "in") and None in values
        if plain is not of_empty:
            self.maybe_empty = False
        match compare.operator:
            case "known":
                self.maybe_filled = self.maybe_filled and plain
            case "is" | "in" if plain:
                filled = set(values) - {None}
                self.allowed = filled if self.allowed is None else self.allowed & filled
            case "is" | "in":
                self.banned |= values - {None}
            case "gt" | "gte" | "lt" | "lte" | "between" | "older_than" | "newer_than":
                self._range(compare, plain=plain)
            case _:
                (self.wanted if plain else self.refused).append((compare.operator, values))

    def _range(self, compare: Compare, *, plain: bool) -> None:
        operator, first = str(compare.operator), compare.values[0]
        if isinstance(first, timedelta):
            older = (operator == "older_than") is plain
            seconds = -first.total_seconds()
            if older:
                self.ages.at_most(seconds, open_=False)
            else:
                self.ages.at_least(seconds, open_=True)
            return
        if not isinstance(first, int | float | datetime):  # business time
            return
        if operator == "between":
            if plain:
                self.values.at_least(first, open_=False)
                self.values.at_most(compare.values[1], open_=False)
            return
        operator = operator if plain else _CONTRARY[operator]
        if operator in ("gt", "gte"):
            self.values.at_least(first, open_=operator == "gt")
        else:
            self.values.at_most(first, open_=operator == "lt")

    @property
    def fillable(self) -> bool:
        """Whether some value that is not empty may satisfy all lines."""
        if not self.maybe_filled or self.values.empty or self.ages.empty or self._clash():
            return False
        if self.allowed is None:
            return True
        return any(
            value not in self.banned and self.values.holds(value) and self._words_of(value)
            for value in self.allowed
        )

    def _clash(self) -> bool:
        """Whether words are asked for of which none may be there."""
        for operator, refused in self._refused():
            for asked, words in self.wanted:
                if asked == operator and words <= refused:
                    return True
                if _ALL_OF.get(asked) == operator and words & refused:
                    return True
        return any(
            asked == operator and refused <= words
            for operator, refused in self.refused
            for asked, words in self.wanted
            if operator in _ALL_OF
        )

    def _refused(self) -> Iterable[tuple[str, frozenset[Operand]]]:
        for operator in _ANY_OF:
            found = [words for name, words in self.refused if name == operator]
            if found:
                yield operator, frozenset().union(*found)

    def _words_of(self, value: Operand) -> bool:
        """Whether a constant text has the words that are asked for, and none that are refused."""
        if not isinstance(value, str):
            return True
        return all(_found(value, *one) is not False for one in self.wanted) and not any(
            _found(value, *one) for one in self.refused
        )


def _found(value: str, operator: str, words: frozenset[Operand]) -> bool | None:
    """Whether a test holds of a folded text; None where that is not known."""
    text = exactly(value)
    listed = [str(word) for word in words]
    match operator:
        case "contains_any":
            return any(needle(word) in text for word in listed)
        case "contains_all":
            return all(needle(word) in text for word in listed)
        case "starts_with":
            return any(text.startswith(prefix(word)) for word in listed)
        case "ends_with":
            return any(text.endswith(suffix(word)) for word in listed)
    return None  # a pattern reads the text as it was before folding


def impossible(literals: Sequence[Literal]) -> bool:
    """Whether no ticket satisfies all of these lines together."""
    fields: dict[tuple[str, str], _Field] = {}
    for one in literals:
        known = fields.setdefault((one.compare.field.name, one.compare.kind), _Field())
        known.take(one)
        if one.compare.other is not None and one.plain:
            other = fields.setdefault((one.compare.other.name, one.compare.kind), _Field())
            other.maybe_empty = False
    filled: set[str] = set()
    empty: set[str] = set()
    for (name, kind), known in fields.items():
        if name in COUNTS and kind == "number":
            known.values.at_least(0, open_=False)
        if kind == "bool" and known.allowed is None:
            known.allowed = {True, False}
        fillable = known.fillable
        if not fillable and not known.maybe_empty:
            return True
        if not known.maybe_empty:
            filled.add(name)
        # A custom field of unknown type is read by each operator in its own way: what is empty
        # as text is empty for all.
        if not fillable and kind == "text":
            empty.add(name)
    return bool(filled & empty)
