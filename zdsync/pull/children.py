"""Reads what no search row carries, by the cheaper way: CRM links and tags.

A list page costs three credits a hundred rows, a call for one record costs one
(desk-tickets.md section 1). Knows no cursor; whatever was read before a failure is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import Missing
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Shape
from zdsync.sql import Sql
from zdsync.streams import StreamSpec

T = TypeVar("T")
PAGE_CREDITS = 3
PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Children:
    """One run's reading of links and tags; `workers` calls run side by side."""

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
            found = self._side_by_side(lambda one: self.desk.detail(spec, one), some)
            rows = tuple(row for row in found.values() if row is not None)
            yield RecordBatch(spec.name, Shape.DETAIL, rows, now)

    def read_tags(self, ticket_ids: Sequence[str]) -> None:
        """Read tickets' tags: a call each, or all tickets of each tag. Raises ZohoFailed."""
        if len(ticket_ids) >= PAGE_ROWS and self._swept(len(ticket_ids)):
            return
        for some in _hundreds(ticket_ids):
            now = self.clock.now()
            found = self._side_by_side(self._tags_of, some)
            tags = {one: names for one, names in found.items() if names is not None}
            self.mirror.set_tags(tags, now)

    def _tags_of(self, ticket_id: str) -> tuple[str, ...] | None:
        try:
            return self.desk.tags_of(ticket_id)
        except Missing:
            return None  # gone meanwhile: the next pull's business

    def _swept(self, tickets: int) -> bool:
        """Read all tags of all departments, if that costs less than a call for each ticket."""
        started = self.clock.now()
        query = "SELECT DISTINCT department_id FROM desk.tickets WHERE department_id IS NOT NULL"
        departments = [str(one) for (one,) in self.mirror.rows(Sql(query))]
        used = self.desk.tags_in_use(departments)
        if PAGE_CREDITS * sum(1 + tag.tickets // PAGE_ROWS for tag in used) >= tickets:
            return False
        carriers = self._side_by_side(self.desk.tickets_of_tag, [tag.id for tag in used])
        tags: dict[str, list[str]] = {}
        for tag in used:
            for ticket in carriers[tag.id]:
                tags.setdefault(ticket, []).append(tag.name)
        self.mirror.tags_swept(tags, departments, started)
        return True

    def _side_by_side(self, read: Callable[[str], T], ids: Sequence[str]) -> dict[str, T]:
        with ThreadPoolExecutor(max(1, self.workers()), thread_name_prefix="pull") as pool:
            return dict(zip(ids, pool.map(read, ids), strict=True))


_COUNT = (
    "SELECT rows FROM (SELECT 'desk.contacts' AS stream, count(*) AS rows FROM desk.contacts "
    "UNION ALL SELECT 'desk.accounts', count(*) FROM desk.accounts) WHERE stream = ?"
)


def _hundreds(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), PAGE_ROWS):
        yield ids[start : start + PAGE_ROWS]
