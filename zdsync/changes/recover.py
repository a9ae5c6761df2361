"""Look up writes whose outcome is open, before anything is repeated (promise 5).

One detail read a ticket tells of fields: the wanted value stands (applied), the old one stands
(nothing was written), or neither can be told (unknown). What was said carries its change id and is
looked for among comments and messages. Must not write to Zoho.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import groupby

from zdsync.changes.journal import Entry, Journal, brief
from zdsync.changes.marks import carries
from zdsync.changes.store import Speech, Writer
from zdsync.changes.visit import TICKETS
from zdsync.changes.wire import GIVEN, is_speech, is_tag, planned, same, seen, tag_name
from zdsync.clock import Clock
from zdsync.errors import Refused
from zdsync.model import Outcome, Receipt, Row, Scalar

# A call that we were killed in may still be at work in Zoho: what is not there now may come yet.
LATE = timedelta(seconds=60)
WORTH = timedelta(hours=1)  # how long an unknown outcome is looked for, at each run
RECENT = 2  # files of the journal that hold the last hour for sure
_NOTE = "looked up after a crash"
_FOUND = "found in the ticket afterwards"


def recover(desk: Writer, journal: Journal, clock: Clock) -> int:
    """Settle open intents by looking; returns how many. Raises what reading raises.

    Something said that is not to be seen yet stays open: it is nobody's until a minute has gone.
    """
    return _crashed(desk, journal, clock) + _unknown(desk, journal, clock)


def _crashed(desk: Writer, journal: Journal, clock: Clock) -> int:
    entries = sorted(journal.unsettled(), key=lambda one: (one.ticket_id, one.run_id))
    settled = 0
    for (ticket_id, run_id), some in groupby(entries, key=lambda one: (one.ticket_id, one.run_id)):
        found = list(some)
        receipts = [*_of_fields(desk, ticket_id, found, clock), *_of_speech(desk, found, clock)]
        journal.settle(receipts, run_id=run_id)
        settled += len(receipts)
    return settled


def _unknown(desk: Writer, journal: Journal, clock: Clock) -> int:
    """Find what was said after all; what is not there stays unknown and is never said again."""
    since = clock.now() - WORTH
    found = 0
    for entry in journal.entries(RECENT):
        said = entry.outcome == "unknown" and entry.field in ("comment", "reply")
        if said and (entry.settled_at or entry.intended_at) > since and _stands(desk, entry):
            receipt = Receipt(entry.change_id, "applied", clock.now(), None, _FOUND)
            journal.find([receipt], run_id=entry.run_id)
            found += 1
    return found


def _of_fields(
    desk: Writer, ticket_id: str, entries: Iterable[Entry], clock: Clock
) -> Iterator[Receipt]:
    found = [one for one in entries if not is_speech(one.field)]
    if not found:
        return
    row, tags = _look(desk, ticket_id, found)
    freed = GIVEN if any(one.field == "department" for one in found) else frozenset()
    for one in found:
        outcome = _outcome(one, row, tags, freed)
        yield Receipt(one.change_id, outcome, clock.now(), None, _NOTE)


def _of_speech(desk: Writer, entries: Iterable[Entry], clock: Clock) -> Iterator[Receipt]:
    for one in entries:
        if not is_speech(one.field):
            continue
        outcome: Outcome | None = "unknown"  # a notice leaves no trace to look for
        if one.field in ("comment", "reply"):
            late = clock.now() - one.intended_at >= LATE
            stands = _stands(desk, one)
            gone: Outcome = "unknown" if stands is None else "unsent"
            outcome = "applied" if stands else (gone if late else None)
        if outcome is not None:
            yield Receipt(one.change_id, outcome, clock.now(), None, _NOTE)


def _stands(desk: Writer, entry: Entry) -> bool | None:
    """Whether something said is in the ticket; None where that cannot be read."""
    ours = partial(carries, change_id=entry.change_id)
    speech: Speech = desk.speech
    try:
        if entry.field == "comment":
            return speech.finds_comment(entry.ticket_id, ours)
        return speech.finds_reply(entry.ticket_id, ours, since=entry.intended_at)
    except Refused:
        return None


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
