"""Reads tags: of tickets that rules need, and nightly of all.

A call for one ticket costs a credit, a list of a tag's tickets three a hundred
(desk-tickets.md sections 1 and 3). Promises that a sweep which fails changes nothing, and that none
is begun which Zoho's own counts say is dearer than it may be.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zdsync.connectors import Tag
from zdsync.errors import Missing
from zdsync.pull.allowance import Allowance
from zdsync.pull.purse import Purse
from zdsync.pull.side_by_side import side_by_side
from zdsync.sql import Sql

log = logging.getLogger(__name__)

PAGE_CREDITS = 3
PAGE_ROWS = 100
_EVERY = timedelta(hours=24)
_AGAIN = timedelta(hours=1)  # after a sweep that failed
_SWEPT, _TRIED = "tags.swept_at", "tags.tried_at"


@dataclass(slots=True)
class TagReader:
    """One run's reading of tags."""

    purse: Purse

    def read(self, ticket_ids: Sequence[str]) -> None:
        """Read tickets' tags by the cheaper way, within the allowance. Raises ZohoFailed."""
        if len(ticket_ids) >= PAGE_ROWS and self._sweep(len(ticket_ids)):
            return
        for start in range(0, len(ticket_ids), PAGE_ROWS):
            some = ticket_ids[start : start + PAGE_ROWS]
            some = some[: max(0, int(self.purse.allowance.left))]
            if not some or not self.purse.take(len(some)):
                return
            now = self.purse.clock.now()
            try:
                tags = self._each(some)
            finally:
                self.purse.settle(len(some))
            self.purse.mirror.set_tags(tags, now)

    def sweep_when_due(self, limit: float) -> None:
        """Read all tags once a night, for at most `limit` credits, which are no run's allowance.

        The cheaper of two ways: each tag's tickets, or each open ticket's tags. Raises ZohoFailed.
        """
        now = self.purse.clock.now()
        last, tried = self._at(_SWEPT), self._at(_TRIED)
        if (last and now - last < _EVERY) or (tried and now - tried < _AGAIN):
            return
        self.purse.mirror.note(_TRIED, now.isoformat())
        allowance = Allowance(limit)
        purse, shared = self.purse, self.purse.allowance
        purse.allowance = allowance
        try:
            query = Sql("SELECT id FROM zdsync.open_tickets ORDER BY id")
            tickets = [row[0] for row in purse.mirror.rows(query)]
            swept = self._sweep(len(tickets)) or self._every(tickets, now)
        finally:
            purse.allowance = shared
        if swept:
            log.info("tags=swept credits=%g", limit - allowance.left)
        else:
            log.warning("tags=not swept: that costs more than %g credits", limit)
        purse.mirror.note(_SWEPT, now.isoformat())

    def _at(self, name: str) -> datetime | None:
        told = self.purse.mirror.noted(name)
        return datetime.fromisoformat(told) if told else None

    def _every(self, tickets: Sequence[str], now: datetime) -> bool:
        """Read the tags of each of these tickets, or of none."""
        if not self.purse.take(len(tickets)):
            return False
        try:
            tags = self._each(tickets)
        finally:
            self.purse.settle(len(tickets))
        self.purse.mirror.set_tags(tags, now)
        return True

    def _each(self, tickets: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found = side_by_side(self.purse.workers(), self._tags_of, tickets)
        return {one: names for one, names in found.items() if names is not None}

    def _tags_of(self, ticket_id: str) -> tuple[str, ...] | None:
        try:
            return self.purse.desk.tags_of(ticket_id)
        except Missing:
            return None  # gone meanwhile: the next pull's business

    def _sweep(self, tickets: int) -> bool:
        """Read all tags of all departments, if that costs less than a call for each ticket."""
        purse = self.purse
        started = purse.clock.now()
        query = "SELECT DISTINCT department_id FROM desk.tickets WHERE department_id IS NOT NULL"
        departments = [str(one) for (one,) in purse.mirror.rows(Sql(query))]
        asking = float(PAGE_CREDITS * len(departments))
        if asking >= tickets or not purse.take(asking):
            return False
        try:
            used = purse.desk.tags_in_use(departments)
        finally:
            purse.settle(asking)
        price = float(sum(_price(tag) for tag in used))
        if asking + price >= tickets or not purse.take(price):
            return False
        try:
            tags_read = [tag.id for tag in used]
            carriers = side_by_side(purse.workers(), purse.desk.tickets_of_tag, tags_read)
        finally:
            purse.settle(price)
        tags: dict[str, list[str]] = {}
        for tag in used:
            for ticket in carriers[tag.id]:
                tags.setdefault(ticket, []).append(tag.name)
        purse.mirror.tags_swept(tags, departments, started)
        return True


def _price(tag: Tag) -> int:
    return PAGE_CREDITS * (1 + tag.tickets // PAGE_ROWS)
