"""Pure planning of a walk by time: what to ask, what an answer means, where to split.

Owns the words Query, Page, WalkPage and the decisions. Promises to hold under every unknown of
desk-tickets.md 5: inclusive or exclusive ends, `from` base 0 or 1, page caps 50, 99, 100, counts
that are absent or capped. Must not do I/O or know threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from zdsync.connectors.decode import text_of
from zdsync.errors import ZohoFailed
from zdsync.model import Row, Span

Axis = Literal["created", "modified"]

SECOND = timedelta(seconds=1)
PAGE = 100
SURE_END = 50  # no documented page cap is lower, so a page with fewer rows is the last
_CLAMPS = (50, 99, 100)
# Where a search may stop without a word: row 1,000 or 5,000, give or take the base of `from`.
_DEPTHS = frozenset({999, 1000, 1001, 4999, 5000, 5001})


@dataclass(frozen=True, slots=True)
class Query:
    """One search: rows with `axis` time from `start` to `end`, ascending, from row `offset`."""

    axis: Axis
    start: datetime
    end: datetime
    offset: int = 0
    other: Span | None = None  # bounds on the other axis
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: rows in order, the number of all matches if told."""

    rows: tuple[Row, ...]
    count: int | None = None


class TooDeep(Exception):
    """Zoho refused `from`: the query has more rows than a search may reach."""


Fetch = Callable[[Query], Page]


@dataclass(frozen=True, slots=True)
class WalkPage:
    """Rows handed out, and the spans that are completely handed out with them."""

    rows: tuple[Row, ...]
    covers: tuple[Span, ...] = ()
    total: int | None = None


def column_of(axis: Axis) -> str:
    """Return the row's column of an axis."""
    return f"{axis}_time"


def floor(moment: datetime) -> datetime:
    """Drop the part of a second."""
    return moment.replace(microsecond=0)


def ceil(moment: datetime) -> datetime:
    """Round up to a whole second."""
    return moment if moment.microsecond == 0 else floor(moment) + SECOND


def range_text(start: datetime, end: datetime) -> str:
    """Write a range parameter: two UTC instants with milliseconds and Z."""
    return f"{_zulu(start)},{_zulu(end)}"


def _zulu(moment: datetime) -> str:
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )


def times_of(page: Page, query: Query) -> list[str]:
    """Return each row's time on the query's axis, after checking that the page can be trusted.

    ZohoFailed if a time is missing, out of order, or outside of the range: going on would
    lose rows without a word (desk-tickets.md 4 "Guard").
    """
    column = column_of(query.axis)
    low, high = text_of(query.start - SECOND), text_of(query.end + SECOND)
    times: list[str] = []
    previous = ""
    for row in page.rows:
        time = row.get(column)
        if not isinstance(time, str):
            raise _untrusted(f"a row without {column}")
        if time < previous:
            raise _untrusted(f"rows that are not in the order of {column}")
        times.append(time)
        previous = time
    if times and (times[0] < low or times[-1] > high):
        raise _untrusted(f"rows outside of the range of {column}")
    return times


def _untrusted(what: str) -> ZohoFailed:
    return ZohoFailed(
        f"a search answered {what}", "Nothing was skipped; the walk stops rather than lose rows."
    )


def is_last(page: Page, seen: int = 0) -> bool:
    """Tell whether a page holds the last rows of its query; False where it is not sure.

    `seen` counts the rows of the query so far, this page's too. A full page, or one as long as
    a page cap, may go on whatever `count` says (it may be capped too); the next page tells.
    """
    size = len(page.rows)
    told = page.count is not None and page.count <= max(seen, size)
    if size < SURE_END:
        return size == 0 or told or page.count is None
    return size not in _CLAMPS and told


def maybe_depth(position: int) -> bool:
    """Tell whether a list that ends at this row may have been cut there."""
    return position in _DEPTHS


def split_at(span: Span, rows: float, density: float, share: float) -> datetime:
    """Estimate the instant before which `share` of the span's rows lie.

    `density` is rows per second at the span's low end. Volume is taken to grow or shrink
    exponentially, with the rate at which the span's rows come out right.
    """
    length = (span.high - span.low).total_seconds()
    if length <= 0 or rows <= 0:
        return span.low
    growth = _growth(max(density, 1e-12) * length / rows)
    part = share if abs(growth) < 1e-6 else math.log1p(share * math.expm1(growth)) / growth
    return floor(span.low + timedelta(seconds=length * min(max(part, 0.0), 1.0)))


def _growth(start: float) -> float:
    """Solve start · (e^g - 1)/g = 1 for g, within ±12 (start: density at 0 over the mean)."""
    low, high = -12.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        mean = 1.0 if abs(middle) < 1e-9 else math.expm1(middle) / middle
        if start * mean < 1:
            low = middle
        else:
            high = middle
    return (low + high) / 2
