"""Marks: every value of a rules file or a record becomes a word or number that stands nowhere else.

A mark that is found in the text of a statement is a value that was not bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.rules.oracle.draw import DECLARED, KINDS, LISTS

SIGN = "zq7x"
CUSTOM = tuple(name for name in (*KINDS, *DECLARED) if "cf." in name)
# Marks, numbers of marks, and whatever looks like a date or a duration of a rule.
FOUND = re.compile(rf"{SIGN}|7000\d\d\d|\d{{4}}-\d\d|\b90\d\d\d|\d\d:\d\d", re.IGNORECASE)


MOVING = re.compile(r"now|in \d.*|\d.* ago", re.IGNORECASE)


class Marks:
    """Makes marks, each once."""

    def __init__(self) -> None:
        self.count = 0

    def word(self) -> str:
        self.count += 1
        return f"{SIGN}{self.count}"

    def number(self) -> float:
        self.count += 1
        return 7_000_000 + self.count % 1000 + self.count % 2 * 0.5

    def condition(self, item: Any) -> Any:
        """The same condition with a mark in every place of a value."""
        if isinstance(item, list):
            return [self.condition(one) for one in item]
        found = {}
        for key, inner in item.items():
            if key in ("all", "any", "none", "of"):
                found[key] = self.condition(inner)
            elif key == "score":
                found[key] = {"at_least": self.number(), "of": self.condition(inner["of"])}
            elif key == "when":
                found[key] = self.condition(inner)
            elif key == "points":
                found[key] = self.number()
            else:
                found[self.field(key)] = self.operand(inner)
        return found

    def field(self, name: str) -> str:
        return f"{name}_{SIGN}" if name in CUSTOM else name

    def operand(self, item: Any) -> Any:
        if isinstance(item, Mapping):
            return {key: self.inner(key, inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [self.operand(one) for one in item]
        return self.value(item)

    def inner(self, key: str, item: Any) -> Any:
        if key == "field":
            return self.field(item)
        if key == "list":
            return f"{item} {SIGN}"
        if key in ("older_than", "newer_than"):
            self.count += 1
            return f"{90_000 + self.count % 1000}m"
        return self.operand(item)

    def value(self, item: Any) -> Any:
        if item is None or isinstance(item, bool):
            return item
        if isinstance(item, int | float):
            return self.number()
        if MOVING.fullmatch(item):
            self.count += 1
            return f"in {90_000 + self.count % 1000}m"
        if item[:2] == "20":
            return "1987-06-05T04:03:02.000123Z"
        return f"{self.word()} {item}" if not item.startswith("*") else f"{item} {self.word()}"

    def lists(self) -> dict[str, list[str]]:
        return {
            f"{name} {SIGN}": [self.value(one) for one in words] for name, words in LISTS.items()
        }

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record whose texts, numbers and tags carry marks; custom fields too."""
        marked: dict[str, Any] = {}
        for name, item in record.items():
            if isinstance(item, tuple):
                marked[name] = tuple(f"{one} {self.word()}" for one in item)
            elif isinstance(item, str):
                marked[self.field(name)] = f"{item} {self.word()} '; drop"
            elif isinstance(item, int | float) and not isinstance(item, bool):
                marked[self.field(name)] = self.number()
            else:
                marked[self.field(name)] = item
        return marked


def given_away(statements: Iterable[str]) -> list[str]:
    """The statements whose text holds a mark."""
    return [text for text in statements if FOUND.search(text)]
