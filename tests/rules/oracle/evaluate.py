"""Conditions as a person reads them on the page of the language, one record at a time.

A condition is what YAML says, as plain Python; a record is field → value, absent or None = empty:
text, number, bool, aware datetime, tuple of tags; a custom field holds what JSON holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tests.rules.oracle.folding import fold
from tests.rules.oracle.words import has_word

Record = Mapping[str, Any]
CONTRARY = {"is_not": "is", "not_in": "in", "not_contains": "contains", "has_none": "has_any"}
SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "before": "<", "after": ">"}
TEXT_ONLY = (
    *("contains", "not_contains", "contains_any", "contains_all", "starts_with", "ends_with"),
    *("matches", "known"),
)
ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?(Z|[+-]\d\d:\d\d)?)?"
)
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class World:
    """What is outside of the condition: the instant, named lists, kinds of fields.

    `kind_of` says text, number, bool, instant, set, or any. `back` answers business durations:
    the instant that lies so far back for a record.
    """

    now: datetime
    kind_of: Callable[[str], str]
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    back: Callable[[str, Record], datetime] | None = None


def holds(condition: Mapping[str, Any], record: Record, world: World) -> bool:
    return all(line(key, value, record, world) for key, value in condition.items())


def line(key: str, value: Any, record: Record, world: World) -> bool:
    match key:
        case "all":
            return all(holds(part, record, world) for part in value)
        case "any":
            return any(holds(part, record, world) for part in value)
        case "none":
            return not any(holds(part, record, world) for part in value)
        case "score":
            found = [one["points"] for one in value["of"] if holds(one["when"], record, world)]
            # As a person adds: 0.1 and 0.2 are 0.3.
            points = sum((Fraction(str(one)) for one in found), Fraction(0))
            return points >= Fraction(str(value["at_least"]))
    if isinstance(value, list) or (isinstance(value, dict) and set(value) == {"list"}):
        value = {"in": value}
    elif not isinstance(value, dict) or set(value) == {"field"}:
        value = {"is": value}
    return all(compare(key, op, item, record, world) for op, item in value.items())


def compare(name: str, op: str, item: Any, record: Record, world: World) -> bool:
    if op in CONTRARY:
        return not compare(name, CONTRARY[op], item, record, world)
    if op == "known" and world.kind_of(name) != "any":
        return (read(name, world.kind_of(name), record) is not None) is item
    if isinstance(item, dict) and "field" in item:
        return compare_fields(name, op, item["field"], record, world)
    values = spelt_out(item, world)
    kind = kind_here(world.kind_of(name), op, values)
    have = read(name, kind, record)
    if op == "known":
        return (have is not None) is item
    if op == "matches":
        raw = raw_text(name, record)
        return raw is not None and pattern(item).search(raw) is not None
    if op in ("is", "in"):
        wanted = [operand(one, kind, world) for one in values]
        return any(have is None if one is None else have == one for one in wanted)
    if op in ("older_than", "newer_than") and have is not None:
        bound = back(values[0], record, world)
        return bool(have <= bound if op == "older_than" else have > bound)
    return have is not None and judge(op, have, values, kind, world)


def judge(op: str, have: Any, values: list[Any], kind: str, world: World) -> bool:
    if kind == "text":
        return judge_text(op, have, [str(one) for one in values])
    if kind == "set":
        tests = (fold(tag) in have for tag in values)
        return all(tests) if op == "has_all" else any(tests)
    wanted = [operand(one, kind, world) for one in values]
    if op == "between":
        return bool(wanted[0] <= have <= wanted[1])
    return ordered(op, have, wanted[0])


def judge_text(op: str, have: str, words: list[str]) -> bool:
    match op:
        case "contains" | "contains_any":
            return any(has_word(have, word) for word in words)
        case "contains_all":
            return all(has_word(have, word) for word in words)
        case "starts_with":
            return any(have.startswith(fold(word)) for word in words)
    assert op == "ends_with", op
    return any(have.endswith(fold(word)) for word in words)


def ordered(op: str, have: Any, than: Any) -> bool:
    match ORDER[op]:
        case ">":
            return bool(have > than)
        case ">=":
            return bool(have >= than)
        case "<":
            return bool(have < than)
    return bool(have <= than)


def compare_fields(name: str, op: str, other: str, record: Record, world: World) -> bool:
    """Two fields; a custom field of unknown kind is read as the other one is."""
    kinds = [one for one in map(world.kind_of, (name, other)) if one != "any"]
    if kinds:
        kind = kinds[0]
    elif op == "is":
        kind = "text"
    else:
        kind = "instant" if op in ("before", "after") else "number"
    have, than = read(name, kind, record), read(other, kind, record)
    if have is None or than is None:
        return False
    return bool(have == than) if op == "is" else ordered(op, have, than)


def spelt_out(item: Any, world: World) -> list[Any]:
    if isinstance(item, dict):
        return list(world.lists[item["list"]])
    if not isinstance(item, list):
        return [item]
    return [one for part in item for one in (spelt_out(part, world) if part else [part])]


def kind_here(kind: str, op: str, values: list[Any]) -> str:
    """How a field of any kind is read: as what it is compared with."""
    if kind != "any" or op in TEXT_ONLY:
        return "text" if kind == "any" else kind
    if op in ("older_than", "newer_than", "before", "after"):
        return "instant"
    first = next((one for one in values if one is not None), "")
    if op in ("gt", "gte", "lt", "lte", "between"):
        return "instant" if isinstance(first, str) else "number"
    if isinstance(first, bool):
        return "bool"
    return "number" if isinstance(first, int | float) else "text"


def read(name: str, kind: str, record: Record) -> Any:
    """The value of a field, as its kind; None where it is empty or cannot be read."""
    if name == "text":
        parts = [read(one, "text", record) for one in ("subject", "description")]
        return "\n".join(part for part in parts if part is not None) or None
    found = record.get(name)
    if found is None:
        return None
    match kind:
        case "set":
            return {fold(tag) for tag in found} or None
        case "text":
            return fold(as_text(found)) or None
        case "number":
            return as_number(found)
        case "bool":
            return as_bool(found)
    return as_instant(found)


def raw_text(name: str, record: Record) -> str | None:
    if name == "text":
        parts = [raw_text(one, record) for one in ("subject", "description")]
        return "\n".join(part for part in parts if part) or None
    found = record.get(name)
    return None if found is None else as_text(found) or None


def as_text(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def as_number(found: Any) -> float | None:
    if isinstance(found, bool):
        return None
    if isinstance(found, str) and not NUMBER.fullmatch(found):
        return None
    number = float(found)
    return number if math.isfinite(number) else None


def as_bool(found: Any) -> bool | None:
    """Both words, and 1 and 0; what else a portal may write for them is not known."""
    return {"true": True, "false": False, "1": True, "0": False}.get(as_text(found).lower())


def as_instant(found: Any) -> datetime | None:
    if isinstance(found, datetime):
        return found
    if not isinstance(found, str) or not ISO.fullmatch(found):
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def operand(item: Any, kind: str, world: World) -> Any:
    """A value of a rule, as what it is compared with; empty text means empty."""
    if item is None:
        return None
    match kind:
        case "text":
            return fold(as_text(item)) or None
        case "number":
            return float(item)
        case "instant":
            return as_instant(item) or moving(str(item), world)
    return item


def moving(said: str, world: World) -> datetime:
    """`now`, `in 2h`, `3d ago`: counted from the instant of the plan."""
    words = "".join(said.lower().split())
    if words == "now":
        return world.now
    ahead, words = words.startswith("in"), words.removeprefix("in").removesuffix("ago")
    span = int(words[:-1]) * SPANS[words[-1]]
    return world.now + span if ahead else world.now - span


def back(span: str, record: Record, world: World) -> datetime:
    if "business" in span:
        assert world.back is not None
        return world.back(span, record)
    return world.now - int(span.strip()[:-1]) * SPANS[span.strip()[-1].lower()]


@lru_cache(10_000)
def pattern(spelt: str) -> re.Pattern[str]:
    """A pattern of RE2 as Python reads it: `$` is the very end, classes are ASCII."""
    flags = re.NOFLAG
    if spelt.startswith("(?i)"):
        flags, spelt = re.IGNORECASE, spelt[4:]
    spelt = spelt.replace("$", r"\Z")
    for sign in (r"\d", r"\w", r"\b", r"\s"):
        spelt = spelt.replace(sign, f"(?a:{sign})")
    return re.compile(spelt, flags)
