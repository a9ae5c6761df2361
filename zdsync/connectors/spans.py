"""Readers of spans, and how several of them share one walk.

Owns the state of a walk: where each reader stands, what it estimates, who takes over what.
Promises that a span is told as covered only when every row strictly inside was handed out.
Does no I/O but the `fetch` it is given; a lock guards what two workers touch.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zdsync.connectors.decode import moment_of, text_of
from zdsync.connectors.seconds import Departments, read_second
from zdsync.connectors.windows import (
    PAGE,
    SECOND,
    Axis,
    Fetch,
    Page,
    Query,
    TooDeep,
    WalkPage,
    ceil,
    column_of,
    floor,
    is_last,
    split_at,
    times_of,
)
from zdsync.model import Row, Span

# How far before the last row the next page starts. Range ends may be exclusive, so a second;
# after a crowded second, whose rows would fill the page again, a millisecond.
_OVERLAPS = (SECOND, timedelta(milliseconds=1))
# A takeover costs about half a page. It must be of this many rows, and the slowest worker be
# behind by this share of its part, or by so many rows of a large part:
# tests/connectors/test_share.py holds the outcome.
_LEAST = 3.0 * PAGE
_SLACK = 0.1
_SLACK_ROWS = 2.0 * PAGE
_SPARSE = 0.005  # rows a second
_REACH = 800  # offsets up to here are within every search depth


@dataclass(frozen=True, slots=True)
class Ground:
    """What all readers of one walk have in common. `bounds` is the widest span there can be."""

    fetch: Fetch
    axis: Axis
    departments: Departments
    bounds: Span
    other: Span | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """Pages of one query, read one after the other by offset.

    `earlier` is the count of the query before: a count that never moves may be capped.
    """

    query: Query
    last: Page
    earlier: int | None
    read: int = 0

    @property
    def seen(self) -> int:
        return self.read or len(self.last.rows)

    @property
    def count(self) -> int | None:
        return self.last.count

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(row["id"] for row in self.last.rows)

    def may_go_on(self, steady: bool) -> bool:
        told = self.count is not None and self.earlier is not None and self.count < self.earlier
        return steady and told and self.seen <= _REACH

    def grown(self, page: Page, seen: int) -> _Run:
        return replace(self, last=page, read=seen)


class Reader:
    """Reads one span in ascending order, a page at a time."""

    def __init__(self, ground: Ground, span: Span, lock: threading.Lock) -> None:
        self._ground = ground
        self._lock = lock
        self._column = column_of(ground.axis)
        self.at = span.low  # everything before it is handed out
        self.high = span.high  # may be lowered by Share.steal
        self.done = span.low >= span.high
        self.rows_left: float | None = None
        self.density = 0.0  # rows a second, lately
        self._last: frozenset[str] = frozenset()  # ids handed out whose time is `at`
        self._overlap = 0
        self._count: int | None = None
        self._run: _Run | None = None
        self._tied = 0  # how many rows of the last page share its last second
        self._steady = True  # False once counts moved while a query was read

    def advance(self) -> Iterator[WalkPage]:
        """Fetch once and yield what came; more often only within a crowded second."""
        if self._tied >= PAGE // 2 and floor(self.at) + SECOND <= self.high:
            yield from self._crowded()
            return
        following = self._following()
        if following:
            yield from following
            return
        start = floor(self.at) - _OVERLAPS[self._overlap]
        query = Query(self._ground.axis, start, ceil(self.high), other=self._ground.other)
        page = self._ground.fetch(query)
        times = times_of(page, query)
        last = moment_of(times[-1]) if times else self.at
        if is_last(page) or last >= self.high:
            yield self._hand_out(page, times, self.high)
        elif floor(last) > floor(self.at):
            self._run = _Run(query, page, self._count)
            yield self._hand_out(page, times, last)
            self._overlap = 0
        elif self._overlap == 0 and 2 * bisect_left(times, text_of(floor(self.at))) > len(times):
            self._overlap = 1  # mostly rows of the second before: leave those out first
        else:
            yield from self._crowded()

    def _following(self) -> list[WalkPage]:
        """Try the same query's next page by offset, which repeats no row.

        It is used only where nothing can have shifted: the count told is one that moves, and
        the same as before, and the border between the pages does not run through one second.
        Else the page is dropped, and the walk goes on by time alone.
        """
        run, self._run = self._run, None
        sparse = (
            self._tied < 2 and self.density < _SPARSE
        )  # else pages often part within one second
        if run is None or not (sparse and run.may_go_on(self._steady)):
            return []
        query = replace(run.query, offset=run.seen)
        try:
            page = self._ground.fetch(query)
        except TooDeep:
            self._steady = False
            return []
        times = times_of(page, query)
        fresh = [n for n, row in enumerate(page.rows) if row["id"] not in run.ids]
        border = text_of(floor(self.at) + SECOND)
        if not fresh or page.count != run.count or times[fresh[0]] < border:
            self._steady = page.count == run.count
            return []
        last = moment_of(times[-1])
        seen = run.seen + len(fresh)
        ended = is_last(page, seen) or last >= self.high
        self._run = None if ended else run.grown(page, seen)
        return [self._hand_out(page, times, self.high if ended else last, run.seen)]

    def _hand_out(self, page: Page, times: list[str], until: datetime, before: int = 0) -> WalkPage:
        """Take the page's new rows; everything before `until` is handed out then.

        `before` counts the rows of the query's earlier pages.
        """
        with self._lock:
            low, high = text_of(self.at), text_of(self.high)
            until = min(until, self.high)
            rows = tuple(
                row
                for row, time in zip(page.rows, times, strict=True)
                if low <= time < high and not (time == low and row["id"] in self._last)
            )
            self._estimate(page, times, len(rows), until, before)
            covers = (Span(self.at, until),) if until > self.at else ()
            edge = text_of(until)
            here = frozenset(r["id"] for r, t in zip(page.rows, times, strict=True) if t == edge)
            self._tied = len(times) - bisect_left(times, text_of(floor(until)))
            self._last = here if covers else self._last | here
            self.at = until
            self.done = self.at >= self.high
            return WalkPage(rows, covers, page.count)

    def _crowded(self) -> Iterator[WalkPage]:
        """Read the second that `at` lies in to its end."""
        second = floor(self.at)
        ground = self._ground
        query = Query(ground.axis, second - _OVERLAPS[1], second + SECOND, other=ground.other)
        handed = set(self._last)
        low, high = text_of(self.at), text_of(min(second + SECOND, self.high))
        for rows in read_second(ground.fetch, query, self._along_other, ground.departments):
            fresh = {r["id"]: r for r in rows if low <= r[self._column] < high}
            new = tuple(row for key, row in fresh.items() if key not in handed)
            handed.update(fresh)
            if new:
                yield WalkPage(new)
        with self._lock:
            until = min(second + SECOND, self.high)
            covers = (Span(self.at, until),)
            self.at, self._last, self.done = until, frozenset(), until >= self.high
            if self.rows_left is not None:
                self.rows_left = max(0.0, self.rows_left - len(handed))
        self._overlap, self._tied = 1, 0
        yield WalkPage((), covers)

    def _along_other(self, query: Query) -> Iterator[tuple[Row, ...]]:
        """Read one second's rows by walking the other axis."""
        ground = self._ground
        other: Axis = "created" if ground.axis == "modified" else "modified"
        within = Span(query.start, query.end)
        nested = Ground(ground.fetch, other, ground.departments, ground.bounds, other=within)
        reader = Reader(nested, ground.bounds, threading.Lock())
        while not reader.done:
            for page in reader.advance():
                yield page.rows

    def _estimate(
        self, page: Page, times: list[str], fresh: int, until: datetime, before: int
    ) -> None:
        """Guess how many rows are left and how dense they lie."""
        began = max(self.at, moment_of(times[0])) if times else until  # not the empty time before
        passed = (until - began).total_seconds()
        if passed > 0 and fresh:
            lately = fresh / passed
            self.density = lately if not self.density else (2 * self.density + lately) / 3
        guess = self.density * max(0.0, (self.high - until).total_seconds())
        if page.count is None:
            self.rows_left = guess
            return
        within = sum(1 for time in times if time < text_of(until))
        told = float(max(0, page.count - before - within))
        capped = not before and page.count == self._count and fresh >= PAGE // 2
        self.rows_left = max(told, guess) if capped else told
        self._count = page.count


class Share:
    """Divides one walk among workers, anew whenever one of them runs dry."""

    def __init__(self, ground: Ground, span: Span, workers: int) -> None:
        self._ground = ground
        self._lock = threading.Lock()
        self._workers = max(1, workers)
        self.readers = [Reader(ground, span, self._lock)]
        self._slack = 0.0

    def split_first(self) -> list[Reader]:
        """Divide what the first page left; returns the readers to start with, at least one."""
        with self._lock:
            first = self.readers[0]
            left = first.rows_left or 0.0
            many = min(self._workers, 1 + int(left / _LEAST))
            self._slack = min(left / many * _SLACK, _SLACK_ROWS)
            span = Span(first.at, first.high)
            cuts = [split_at(span, left, first.density, n / many) for n in range(1, many)]
            for cut in reversed([c for c in cuts if _apart(c, span)]):
                self._cut(first, cut, left / many)
            return list(self.readers)

    def steal(self) -> Reader | None:
        """Take half of the largest remaining span; None where that is not worth a page."""
        with self._lock:
            victim = max(self.readers, key=_left)
            left = _left(victim)
            even = sum(_left(reader) for reader in self.readers) / self._workers
            if left < _LEAST or left - even < self._slack:
                return None
            span = Span(victim.at, victim.high)
            cut = split_at(span, left, victim.density, 0.5)
            if not _apart(cut, span):
                return None
            return self._cut(victim, cut, left / 2)

    def _cut(self, victim: Reader, cut: datetime, rows: float) -> Reader | None:
        if not victim.at + 2 * SECOND < cut < victim.high:
            return None
        taken = Reader(self._ground, Span(cut, victim.high), self._lock)
        taken.rows_left, taken.density = rows, victim.density
        victim.high = cut
        victim.rows_left = max(0.0, _left(victim) - rows)
        self.readers = [reader for reader in self.readers if not reader.done]
        self.readers.append(taken)
        return taken


def _left(reader: Reader) -> float:
    return 0.0 if reader.done else reader.rows_left or 0.0


def _apart(cut: datetime, span: Span) -> bool:
    return span.low + 2 * SECOND < cut < span.high - 2 * SECOND
