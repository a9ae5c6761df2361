"""Finds archived tickets: archiving moves no modified time, and search may hide them.

Owns when each department's list of archived tickets is read (after a backfill, weekly,
or when counts differ).
Promises that a ticket which the mirror holds as live is asked for by id before it is called
archived. Spends no more than `settle` of its repair allows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zdsync.connectors import Desk
from zdsync.errors import Refused
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch
from zdsync.pull.repair import Repair
from zdsync.pull.side_by_side import side_by_side
from zdsync.sql import Sql

EVERY = timedelta(days=7)
_NOTE = "archive."
log = logging.getLogger(__name__)

_Begun = tuple[RecordBatch | Refused | None, Iterator[RecordBatch]]


def first_read(mirror: Mirror, desk: Desk, now: datetime, workers: int) -> Iterator[RecordBatch]:
    """Yield the archived tickets of all departments, after a backfill; Refused ends a list.

    The lists begin side by side: most are a page or none.
    """

    def begin(department: str) -> _Begun:
        pages = desk.proofs.archived(department)
        try:
            return next(pages, None), pages
        except Refused as refused:
            return refused, pages

    begun = side_by_side(workers, begin, list(_due(mirror, now, differs=True)))
    for department, (first, rest) in begun.items():
        try:
            if isinstance(first, Refused):
                raise first
            if first is not None:
                yield first
            yield from rest
        except Refused as refused:
            log.warning("department=%s archived=unreadable (%s)", department, refused.what)
        mirror.note(_NOTE + department, now.isoformat())


def _due(mirror: Mirror, now: datetime, *, differs: bool) -> Iterator[str]:
    query = Sql("select name, value from zdsync.options where starts_with(name, ?)", (_NOTE,))
    last = {str(name): datetime.fromisoformat(value) for name, value in mirror.rows(query)}
    query = Sql("select id from desk.departments where presence = 'live' order by id")
    for (department,) in mirror.rows(query):
        at = last.get(f"{_NOTE}{department}")
        if differs or at is None or now - at >= EVERY:
            yield str(department)


@dataclass(slots=True)
class Archive:
    """The archived tickets of one portal; `unproven` tells which lists Zoho did not show."""

    repair: Repair
    mirror: Mirror
    unproven: list[str] = field(default_factory=list)

    def read(self, *, differs: bool) -> bool:
        """Read the lists that are due, or (`differs`) all; returns whether any was read."""
        now = self.repair.deletes.clock.now()
        read = False
        for department in list(_due(self.mirror, now, differs=differs)):
            self._department(department)
            self.mirror.note(_NOTE + department, now.isoformat())
            read = True
        return read

    def _department(self, department: str) -> None:
        try:
            for batch in self.repair.desk.proofs.archived(department):
                ids = [row["id"] for row in batch.rows]
                held = self.repair.deletes.held(self.repair.spec).of(ids)
                self.repair.upsert(batch)
                self.repair.verify([one for one in held if held[one].presence == "live"])
                self.repair.settle()
        except Refused as refused:
            self.unproven.append(f"archived tickets of a department: {refused.what}")
