"""Walks tickets, contacts and accounts by time: created time at first, then modified time.

Promises: the cursor follows the committed rows, never beyond, nor past the start of the run less
the lookback; what a failing walk had read is kept. Must not: know the CRM, links or bins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import ZdsyncError
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Row, Shape, Span
from zdsync.pull.archive import first_read
from zdsync.pull.lookback import AHEAD, DEEP_LOOKBACK, FIRST, LOOKBACK, is_deep
from zdsync.pull.spans import subtract
from zdsync.streams import StreamSpec

BATCH_ROWS = 1000
_TICKETS = "desk.tickets"


@dataclass(slots=True)
class TimeWalk:
    """One stream's walk. `commit` takes rows, their cursor and how many rows search announced."""

    spec: StreamSpec
    mirror: Mirror
    desk: Desk
    clock: Clock
    workers: Callable[[], int]
    commit: Callable[[Sequence[RecordBatch], Cursor | None, int], None]
    _total: int = 0

    def read(self, full: bool) -> None:
        """Read what is new; all of it with `full`, or while the first walk has not ended."""
        cursor = self.mirror.cursor(self.spec.name)
        if full or not cursor.complete:
            self._backfill(cursor, full)
        else:
            self._incremental(cursor)

    def _backfill(self, cursor: Cursor, full: bool) -> None:
        """Walk created time; what is not yet read survives a crash as the cursor's `pending`."""
        now = self.clock.now()
        if full or not cursor.pending:
            span = Span(FIRST, now + AHEAD)
            cursor = Cursor(self.spec.name, now - LOOKBACK, (span,), False, cursor.last_pull_at)
            self.mirror.save_cursor(cursor)
        for span in cursor.pending:
            for rows, covers in self._pages("created", span):
                cursor = replace(cursor, pending=subtract(cursor.pending, covers))
                self._keep(rows, cursor)
        done = replace(cursor, pending=(), complete=True, last_pull_at=now, deep_at=now)
        self.commit([], done, self._total)
        if self.spec.name == _TICKETS:
            for batch in first_read(self.mirror, self.desk, now, self.workers()):
                self.commit([batch], None, self._total)

    def _incremental(self, cursor: Cursor) -> None:
        """Walk modified time from the cursor; it follows the committed rows, never beyond."""
        now = self.clock.now()
        start = cursor.value or FIRST
        deep = is_deep(cursor, now)
        span = Span(start - DEEP_LOOKBACK if deep else start, now + AHEAD)
        left: tuple[Span, ...] = (span,)
        for rows, covers in self._pages("modified", span):
            left = subtract(left, covers)
            reached = max(start, min(left[0].low if left else now, now - LOOKBACK))
            cursor = replace(cursor, value=reached)
            self._keep(rows, cursor)
        done = replace(
            cursor,
            value=max(start, now - LOOKBACK),
            last_pull_at=now,
            deep_at=now if deep else cursor.deep_at,
        )
        self.commit([], done, self._total)

    def _pages(
        self, axis: Literal["created", "modified"], span: Span
    ) -> Iterator[tuple[list[Row], list[Span]]]:
        """Gather pages into batches of about a thousand rows; a failure loses none of them."""
        rows: list[Row] = []
        covers: list[Span] = []
        try:
            for page in self.desk.search(self.spec, axis, span, workers=self.workers()):
                rows.extend(page.rows)
                covers.extend(page.covers)
                self._total = max(self._total, page.total or 0)
                if len(rows) >= BATCH_ROWS:
                    yield rows, covers
                    rows, covers = [], []
        except ZdsyncError:
            if rows or covers:
                yield rows, covers
            raise
        if rows or covers:
            yield rows, covers

    def _keep(self, rows: Sequence[Row], cursor: Cursor) -> None:
        batch = RecordBatch(self.spec.name, Shape.SEARCH, tuple(rows), self.clock.now())
        self.commit([batch], cursor, self._total)
