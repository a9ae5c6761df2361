"""Reads the CRM links that no search row may carry, by the cheaper way.

A list page costs three credits a hundred rows, a call for one record costs one
(desk-tickets.md section 1). Knows no cursor; whatever was read before a failure is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Shape
from zdsync.pull.side_by_side import side_by_side
from zdsync.sql import Sql
from zdsync.streams import StreamSpec

PAGE_CREDITS = 3
PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Children:
    """One run's reading of links; `workers` calls run side by side."""

    mirror: Mirror
    desk: Desk
    clock: Clock
    workers: Callable[[], int]

    def links(self, spec: StreamSpec) -> Iterator[RecordBatch]:
        """Yield the CRM links of contacts or accounts that no answer has carried yet."""
        wanted = self.mirror.unlinked(spec.name)
        if not wanted:
            return
        if len(wanted) <= PAGE_CREDITS * (1 + self._rows(spec.name) // PAGE_ROWS):
            yield from self.details(spec, wanted)
        else:
            yield from self.desk.links(spec)

    def _rows(self, stream: str) -> int:
        query = Sql(_COUNT, (stream,))
        return int(self.mirror.rows(query)[0][0])

    def details(self, spec: StreamSpec, ids: Sequence[str]) -> Iterator[RecordBatch]:
        """Yield records in full, a call each."""
        for some in _hundreds(ids):
            now = self.clock.now()
            found = side_by_side(self.workers(), lambda one: self.desk.detail(spec, one), some)
            rows = tuple(row for row in found.values() if row is not None)
            yield RecordBatch(spec.name, Shape.DETAIL, rows, now)


_COUNT = (
    "SELECT rows FROM (SELECT 'desk.contacts' AS stream, count(*) AS rows FROM desk.contacts "
    "UNION ALL SELECT 'desk.accounts', count(*) FROM desk.accounts) WHERE stream = ?"
)


def _hundreds(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), PAGE_ROWS):
        yield ids[start : start + PAGE_ROWS]
