"""Reads the conversations of tickets that need it, and their rows where those are too old.

A list of threads and comments costs three credits, a hundred rows by id as much
(desk-tickets.md section 1). Promises that each call is booked before it is made, at what the row
says that its ticket may take, so that the allowance is not passed. What was read before a failure
is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from zdsync.connectors import Conversation
from zdsync.errors import Missing, Refused
from zdsync.mirror import Counted
from zdsync.model import RecordBatch, Shape
from zdsync.pull.purse import Purse
from zdsync.pull.side_by_side import side_by_side
from zdsync.streams import BY_NAME

log = logging.getLogger(__name__)

PAGE_CREDITS = 3.0  # before an answer's header has told
_ROUND = 20  # tickets between two commits
_IDS_A_CALL = 50  # search by id: the number is not stated (desk-tickets.md section 2)


@dataclass(slots=True)
class Talks:
    """One run's reading of conversations."""

    purse: Purse
    price: float = PAGE_CREDITS  # of one call
    changed: int = 0

    def rows(self, ids: Sequence[str]) -> None:
        """Read tickets' rows by id, so that their counts are true. Raises ZohoFailed."""
        purse, spec = self.purse, BY_NAME["desk.tickets"]
        for start in range(0, len(ids), _IDS_A_CALL):
            some = ids[start : start + _IDS_A_CALL]
            if not purse.take(PAGE_CREDITS):
                return
            try:
                batch = purse.desk.proofs.by_ids(spec, some)
            finally:
                purse.settle(PAGE_CREDITS)
            self.changed += purse.mirror.upsert(batch)
            purse.mirror.conversations.rows_asked(some)

    def read(self, ids: Sequence[str], *, oldest_first: bool) -> int:
        """Read conversations, as far as the allowance goes; returns how many were read.

        Raises ZohoFailed and TokenRefused.
        """
        waiting = self.purse.mirror.conversations.in_turn(ids, oldest_first=oldest_first)
        done = 0
        while some := self._affordable(waiting):
            waiting = waiting[len(some) :]
            done += self._round(some)
        return done

    def _affordable(self, waiting: Sequence[Counted]) -> list[Counted]:
        """Take the next round: one ticket while it is not known which lists the portal has."""
        some: list[Counted] = []
        left = self.purse.allowance.left
        for ticket in waiting[: _ROUND if self.purse.desk.conversations.known else 1]:
            left -= self._price(ticket)
            if left < 0:
                break
            some.append(ticket)
        return some

    def _price(self, ticket: Counted) -> float:
        known = self.purse.desk.conversations
        return self.price * known.calls_for(ticket.threads or 0, ticket.comments or 0)

    def _round(self, some: Sequence[Counted]) -> int:
        purse = self.purse
        booked = sum(map(self._price, some))
        if not purse.take(booked):
            return 0
        try:
            found = side_by_side(purse.workers(), self._one, some)
        finally:
            calls = purse.settle(booked)
        self.price = max((call.credits for call in calls), default=0) or self.price
        good = {one.id: talk for one, talk in found.items() if talk is not None}
        self._keep(good)
        failed = [one.id for one in some if one.id not in good]
        if failed:
            log.warning("stream=desk.threads unread=%d", len(failed))
        purse.mirror.conversations.failed(failed)
        return len(good)

    def _one(self, ticket: Counted) -> Conversation | None:
        """Read one ticket; None where it is gone, or lists no message although it counts some."""
        try:
            talk = self.purse.desk.conversations.of(
                ticket.id, threads=bool(ticket.threads), comments=ticket.comments != 0
            )
        except Missing:
            return None  # gone meanwhile: the next pull's business
        except Refused as refused:
            log.warning("stream=desk.threads ticket=%s refused=%d", ticket.id, refused.status)
            return None
        # A ticket that suddenly says nothing is a fault, not silence (promise 4).
        return None if ticket.threads and not talk.threads else talk

    def _keep(self, talks: dict[str, Conversation]) -> None:
        now = self.purse.clock.now()
        threads = tuple(row for talk in talks.values() for row in talk.threads)
        comments = tuple(row for talk in talks.values() for row in talk.comments)
        batches = [
            RecordBatch(name, Shape.LIST, rows, now)
            for name, rows in (("desk.threads", threads), ("desk.comments", comments))
        ]
        self.changed += self.purse.mirror.conversations.keep(batches, list(talks))
