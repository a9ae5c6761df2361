"""Look up intents that a crash left without a receipt, before anything is repeated (promise 5).

One detail read a ticket tells: the wanted value stands (applied), the old one stands (nothing was
written), or neither can be told (unknown). Must not write to Zoho.
"""

from __future__ import annotations

from itertools import groupby

from zdsync.changes.journal import Entry, Journal, brief
from zdsync.changes.serve import TICKETS
from zdsync.changes.store import Writer
from zdsync.changes.wire import GIVEN, is_tag, planned, same, seen, tag_name
from zdsync.clock import Clock
from zdsync.errors import Refused
from zdsync.model import Outcome, Receipt, Row, Scalar

_NOTE = "looked up after a crash"


def recover(desk: Writer, journal: Journal, clock: Clock) -> int:
    """Settle every open intent by looking; returns how many. Raises what reading raises."""
    entries = sorted(journal.unsettled(), key=lambda one: (one.ticket_id, one.run_id))
    for (ticket_id, run_id), some in groupby(entries, key=lambda one: (one.ticket_id, one.run_id)):
        found = list(some)
        row, tags = _look(desk, ticket_id, found)
        freed = GIVEN if any(one.field == "department" for one in found) else frozenset()
        receipts = [
            Receipt(one.change_id, _outcome(one, row, tags, freed), clock.now(), None, _NOTE)
            for one in found
        ]
        journal.settle(receipts, run_id=run_id)
    return len(entries)


def _look(
    desk: Writer, ticket_id: str, entries: list[Entry]
) -> tuple[Row | None, frozenset[str] | None]:
    try:
        row = desk.detail(TICKETS, ticket_id)
        tagged = row is not None and any(is_tag(one.field) for one in entries)
        tags = desk.tags_of(ticket_id) if tagged else ()
    except Refused:
        return None, None
    return row, frozenset(name.casefold() for name in tags)


def _outcome(
    entry: Entry, row: Row | None, tags: frozenset[str] | None, freed: frozenset[str]
) -> Outcome:
    """Tell what became of an intent; a move may have emptied the fields in `freed` meanwhile."""
    if row is None or tags is None:
        return "unknown"
    shown: Scalar
    if is_tag(entry.field):
        shown = tag_name(entry.field).casefold() in tags
    else:
        shown = brief(seen(row, entry.field))
    if same(shown, planned(entry, after=True)):
        return "applied"
    emptied = entry.field in freed and shown is None
    return "unsent" if emptied or same(shown, planned(entry, after=False)) else "unknown"
