"""Reads the tickets of an undo afresh: what stands there decides, not the mirror.

Tickets are read side by side, one call each, two where a tag is undone. Must not write.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from zdsync.changes.journal import Entry
from zdsync.changes.plan import Seen
from zdsync.changes.serve import TICKETS
from zdsync.changes.sight import modified
from zdsync.changes.store import Writer
from zdsync.changes.undo_target import WRITTEN
from zdsync.changes.wire import is_speech, is_tag
from zdsync.errors import Refused
from zdsync.model import Row


@dataclass(frozen=True, slots=True)
class Look:
    """How a ticket stands: its row, its tags where they were asked for; why it cannot be read."""

    row: Row | None = None
    tags: tuple[str, ...] | None = None
    refused: str = ""

    @property
    def calls(self) -> int:
        return 1 if self.tags is None else 2

    def seen(self) -> Seen:
        """What must still be so when the ticket is written (promise 6)."""
        return Seen(modified(self.row or {}), self.tags)


def look(desk: Writer, entries: Iterable[Entry], workers: int) -> dict[str, Look]:
    """Read every ticket of which a field was written. Raises what ends a run, not a refusal."""
    tagged: dict[str, bool] = {}
    for one in entries:
        if one.outcome in WRITTEN and not is_speech(one.field):
            tagged[one.ticket_id] = is_tag(one.field) or tagged.get(one.ticket_id, False)

    def read(ticket: str) -> Look:
        return _look(desk, ticket, tags=tagged[ticket])

    with ThreadPoolExecutor(workers, thread_name_prefix="undo") as pool:
        try:
            return dict(zip(tagged, pool.map(read, tagged), strict=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _look(desk: Writer, ticket: str, *, tags: bool) -> Look:
    try:
        row = desk.detail(TICKETS, ticket)
        if row is None or not tags:
            return Look(row)
        return Look(row, desk.tags_of(ticket))
    except Refused as error:
        return Look(refused=error.what)
