"""What hangs on tickets, read as rules need it: rows, tags, conversations and who
closed them, in this order.

Promises that a run spends no more on it than its allowance. Decides nothing: who needs what is
the plan's to say.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zdsync.errors import TokenRefused, ZdsyncError, ZohoFailed
from zdsync.pull.conversations import Talks
from zdsync.pull.past import PastReader
from zdsync.pull.progress import StreamOutcome
from zdsync.pull.purse import Purse
from zdsync.pull.tags import TagReader
from zdsync.streams import CHILDREN

log = logging.getLogger(__name__)

SWEEP = 4  # a nightly sweep of tags may cost so many runs' allowances


@dataclass(frozen=True, slots=True)
class Attached:
    """One run's reader of what hangs on tickets."""

    purse: Purse
    past: PastReader | None = None

    def read(
        self,
        rows: Sequence[str] = (),
        tags: Sequence[str] = (),
        conversations: Sequence[str] = (),
        closings: Sequence[str] = (),
    ) -> None:
        """Read what these tickets need, as far as the allowance goes. Raises ZohoFailed."""
        purse, talks = self.purse, Talks(self.purse)
        before = (purse.calls, purse.credits)
        try:
            talks.rows(rows)
            TagReader(purse).read(tags)
            talks.read(conversations, oldest_first=True)
            self._closings(closings)
        finally:
            log.info(
                "attached calls=%d credits=%g left=%g",
                purse.calls - before[0],
                purse.credits - before[1],
                purse.allowance.left,
            )

    def _closings(self, ids: Sequence[str]) -> None:
        """Read the History of closed tickets; the purse keeps the account."""
        if self.past is None or not ids:
            return
        left = self.purse.allowance.left
        replace(self.past, drain=tuple).closings(ids, self.purse.allowance)
        self.purse.settle(left - self.purse.allowance.left)

    def named(self, names: Sequence[str]) -> list[StreamOutcome]:
        """Read the conversations of tickets that moved, if one of their streams is named."""
        wanted = [spec.name for spec in CHILDREN if spec.name in names]
        if not wanted:
            return []
        talks, error, read = Talks(self.purse), None, 0
        moved = self.purse.mirror.conversations.moved()
        try:
            read = talks.read(moved, oldest_first=False)
        except (ZohoFailed, TokenRefused) as failure:
            error = failure
        log.info("stream=desk.threads tickets=%d left=%d", read, len(moved) - read)
        first = StreamOutcome(wanted[0], read, talks.changed, error)
        return [first, *(StreamOutcome(name, 0, 0, error) for name in wanted[1:])]

    def sweep_tags(self, allowance: float) -> ZdsyncError | None:
        """Sweep the tags of all tickets if a night has passed; returns why it failed."""
        try:
            TagReader(self.purse).sweep_when_due(SWEEP * allowance)
        except (ZohoFailed, TokenRefused) as failure:
            log.warning("tags=sweep failed, nothing changed: %s", failure.what)
            return failure
        return None
