"""Filters of searches and counts: one query parameter becomes one test of a record.

Owns how values, ranges and terms are compared (DT 2, DP 4). Must not page or render.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..call import Call

Test = Callable[[Any], bool]


def inside(c: Call, name: str, pick: Callable[[Any], int | None]) -> list[Test]:
    """Build the test of a time range, ends as the variant says."""
    if name not in c.q:
        return []
    lo, hi = c.q[name]
    lo += c.variant.range_start != "inclusive"
    hi -= c.variant.range_end != "inclusive"

    def test(record: Any) -> bool:
        at = pick(record)
        return at is not None and lo <= at <= hi

    return [test]


def second_range(c: Call) -> list[Test]:
    """Both ranges at once: the span took modified, created is filtered."""
    both = "createdTimeRange" in c.q and "modifiedTimeRange" in c.q
    return inside(c, "createdTimeRange", lambda r: r.created) if both else []


def one_of(c: Call, name: str, attr: str) -> list[Test]:
    """Build the test of comma alternatives, with ${empty} and ${notempty} (DT 2)."""
    if name not in c.q:
        return []
    raw = c.q[name]
    wanted = set(raw if isinstance(raw, list) else [raw])
    some, none = "${notempty}" in wanted, "${empty}" in wanted

    def test(record: Any) -> bool:
        value = getattr(record, attr)
        return (
            (some and bool(value))
            or (none and not value)
            or (value is not None and str(value) in wanted)
        )

    return [test]


def contains(c: Call, name: str, pick: Callable[[Any], str | None]) -> list[Test]:
    """Build the test of a text term; a trailing * is a prefix."""
    if name not in c.q:
        return []
    term = str(c.q[name]).lower()
    if term in ("${empty}", "${notempty}"):
        return [lambda r: bool(pick(r)) == (term == "${notempty}")]
    term = term.strip("*")
    return [lambda r: term in (pick(r) or "").lower()]


def custom(c: Call) -> list[Test]:
    """Build the tests of customField1 to 10 = apiName:value."""
    tests: list[Test] = []
    for name, pair in c.q.items():
        if name.startswith("customField"):
            tests.append(_custom(*pair))
    return tests


def _custom(api_name: str, wanted: str) -> Test:
    def test(record: Any) -> bool:
        value = (record.cf or {}).get(api_name)
        match wanted:
            case "${empty}":
                return not value
            case "${notempty}":
                return bool(value)
            case _:
                return value is not None and str(value).lower() == wanted.lower()

    return test


def status(c: Call) -> list[Test]:
    """Build the test of status names and of ${open}, ${onhold}, ${closed} (DT 2)."""
    if "status" not in c.q:
        return []
    classes = {"${OPEN}": "Open", "${CLOSED}": "Closed", "${ONHOLD}": "On Hold"}
    kinds = {classes[w.upper()] for w in c.q["status"] if w.upper() in classes}
    names = {w for w in c.q["status"] if w.upper() not in classes}
    return [lambda t: t.status_type in kinds or t.status in names]


def tag(c: Call) -> list[Test]:
    """Build the test of a tag name."""
    if "tag" not in c.q:
        return []
    name = str(c.q["tag"]).lower()
    if name in ("${empty}", "${notempty}"):
        return [lambda t: bool(t.tags) == (name == "${notempty}")]
    return [lambda t: any(name == have.lower() for have in t.tags)]
