"""A plain evaluator of conditions, written from rules-language.md and from nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from zdsync.rules import fold

Record = Mapping[str, Any]
SPANS = {"m": "minutes", "h": "hours", "d": "days"}


def holds(condition: Mapping[str, Any], record: Record, now: datetime) -> bool:
    return all(line(key, value, record, now) for key, value in condition.items())


def line(key: str, value: Any, record: Record, now: datetime) -> bool:
    match key:
        case "all":
            return all(holds(part, record, now) for part in value)
        case "any":
            return any(holds(part, record, now) for part in value)
        case "none":
            return not any(holds(part, record, now) for part in value)
        case "score":
            points = [one["points"] for one in value["of"] if holds(one["when"], record, now)]
            return bool(sum(points) >= value["at_least"])
    if not isinstance(value, dict):
        value = {"in": value} if isinstance(value, list) else {"is": value}
    if set(value) == {"field"}:
        value = {"is": value}
    return all(compare(key, op, item, record, now) for op, item in value.items())


def read(field: str, record: Record) -> Any:
    if field == "text":
        parts = [record.get(name) or "" for name in ("subject", "description")]
        return "\n".join(part for part in map(fold, parts) if part) or None
    found = record.get(field)
    if isinstance(found, str):
        return fold(found) or None
    return found or None if isinstance(found, tuple) else found


def compare(field: str, op: str, item: Any, record: Record, now: datetime) -> bool:
    contrary = {"is_not": "is", "not_in": "in", "not_contains": "contains", "has_none": "has_any"}
    if op in contrary:
        return not compare(field, contrary[op], item, record, now)
    have = read(field, record)
    if op == "known":
        return (have is not None) is item
    if op == "matches":
        raw = [record.get(name) for name in ("subject", "description")]
        text = "\n".join(part for part in raw if part is not None)
        text = text if field == "text" else record.get(field) or ""
        return bool(text) and re.search(item, text) is not None
    if op in ("is", "in"):
        wanted = item if isinstance(item, list) else [item]
        if isinstance(item, dict):
            other = read(item["field"], record)
            return have is not None and have == other
        return any(equal(have, one) for one in wanted)
    return have is not None and ask(have, op, item, now)


def equal(have: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and not isinstance(have, datetime):
        wanted = fold(wanted) or None
    return bool(have is None if wanted is None else have is not None and have == wanted)


def ask(have: Any, op: str, item: Any, now: datetime) -> bool:
    many = item if isinstance(item, list) else [item]
    match op:
        case "contains" | "contains_any":
            return any(found(have, word) for word in many)
        case "contains_all":
            return all(found(have, word) for word in many)
        case "starts_with":
            return any(have.startswith(fold(word)) for word in many)
        case "ends_with":
            return any(have.endswith(fold(word)) for word in many)
        case "has" | "has_any":
            return any(fold(tag) in map(fold, have) for tag in many)
        case "has_all":
            return all(fold(tag) in map(fold, have) for tag in many)
        case "gt":
            return bool(have > item)
        case "gte":
            return bool(have >= item)
        case "lt":
            return bool(have < item)
        case "lte":
            return bool(have <= item)
        case "between":
            return bool(item[0] <= have <= item[1])
    bound = now - timedelta(**{SPANS[item[-1]]: int(item[:-1])})
    return bool(have <= bound if op == "older_than" else have > bound)


def found(text: str, word: str) -> bool:
    left_open, right_open = word.startswith("*"), word.endswith("*")
    word = fold(word.strip("*"))
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        left = left_open or border(text[at - 1 : at], word[0])
        right = right_open or border(text[end : end + 1], word[-1])
        if left and right:
            return True
        at = text.find(word, at + 1)
    return False


def border(beside: str, edge: str) -> bool:
    """A border parts two letters; beside a sign, or a letter of a spaceless script, none is due."""
    return not (joins(beside) and joins(edge)) or spaceless(edge)


def joins(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] in "LN"


def spaceless(char: str) -> bool:
    name = unicodedata.name(char, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER"))
