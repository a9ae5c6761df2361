"""A pure search: rows with two times, and every unknown of the fact sheets as an argument."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from zdsync.connectors.decode import text_of
from zdsync.connectors.windows import Page, Query, TooDeep
from zdsync.model import Row

START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass
class FakeSearch:
    """Rows are (created, modified) in seconds after START; ids are numbered in order."""

    rows: list[tuple[float, float]]
    base: int = 0
    start_inclusive: bool = True
    end_inclusive: bool = True
    whole_seconds: bool = False  # ranges are compared after dropping milliseconds
    cap: int = 100
    depth: int = 999
    cuts: bool = False  # beyond the depth rows are left out instead of `from` refused
    count: str = "true"  # true, absent, capped
    departments: int = 1
    calls: list[Query] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data: list[Row] = []
        for number, (created, modified) in enumerate(self.rows):
            self.data.append(
                {
                    "id": str(1000 + number),
                    "created_time": text_of(START + timedelta(seconds=created)),
                    "modified_time": text_of(START + timedelta(seconds=modified)),
                    "department_id": str(number % self.departments),
                }
            )
        self._sorted: dict[str, list[Row]] = {}

    def sorted_by(self, column: str) -> list[Row]:
        if column not in self._sorted:
            self._sorted[column] = sorted(self.data, key=lambda r: (r[column], int(r["id"])))
        return self._sorted[column]

    def touch(self, number: int, modified: str = "2025-01-01 00:00:00") -> str:
        """Give a row a later modified time, as an edit would; returns its id."""
        self.data[number] = {**self.data[number], "modified_time": modified}
        self._sorted.clear()
        return str(self.data[number]["id"])

    def inside(self, start: datetime, end: datetime, rows: list[Row], column: str) -> list[Row]:
        if self.whole_seconds:
            start, end = start.replace(microsecond=0), end.replace(microsecond=0)
        low, high = text_of(start), text_of(end)
        left = bisect.bisect_left if self.start_inclusive else bisect.bisect_right
        right = bisect.bisect_right if self.end_inclusive else bisect.bisect_left
        a = left(rows, low, key=lambda r: r[column])
        b = right(rows, high, key=lambda r: r[column])
        return rows[a:b]

    def fetch(self, query: Query) -> Page:
        self.calls.append(query)
        column = f"{query.axis}_time"
        found = self.inside(query.start, query.end, self.sorted_by(column), column)
        if query.other:
            other = "created_time" if query.axis == "modified" else "modified_time"
            low, high = query.other.low, query.other.high
            keep = {
                r["id"]
                for r in self.inside(low, high, sorted(found, key=lambda r: r[other]), other)
            }
            found = [r for r in found if r["id"] in keep]
        if query.department:
            found = [r for r in found if r["department_id"] == query.department]
        first = max(0, query.offset - self.base) if query.offset else 0
        if query.offset > self.depth and not self.cuts:
            raise TooDeep
        reach = self.depth + 1 if self.cuts else len(found)
        rows = tuple(found[first : min(first + self.cap, reach)])
        count = {"true": len(found), "absent": None, "capped": min(len(found), 500)}[self.count]
        return Page(rows, count)
