"""What a ticket's History tells of writes without an answer.

A field that shows its old value, or a third one, does not tell whether a write of ours was made
and then replaced by a person, whom a repetition would overrule. History is asked only where that
is open and somebody was at the ticket since: 3 credits a ticket (desk-tickets.md 1). Must not
decide; `recover` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zdsync.changes import races, sight
from zdsync.changes.journal import Entry
from zdsync.changes.store import Writer
from zdsync.changes.wire import is_tag
from zdsync.errors import Refused, ZohoFailed
from zdsync.model import Row, Told

_PAGES = 4  # of a ticket's History, 50 events each


@dataclass(frozen=True, slots=True)
class Trace:
    """Whether a write was made, and when by Zoho's clock."""

    made: bool
    at: datetime | None = None


def traces(desk: Writer, row: Row, entries: Sequence[Entry]) -> Mapping[str, Trace]:
    """Ask what became of these writes of one ticket; by change id, without what is not told.

    `row`: the ticket as a detail just showed it. Raises TokenRefused.
    """
    asked = [one for one in entries if _may_be_told(one, row)]
    if not asked:
        return {}
    pages = iter(range(_PAGES))
    since = min(one.intended_at for one in asked) - sight.SKEW
    try:
        told = desk.history.of(
            asked[0].ticket_id,
            since,
            lambda price: next(pages, None) is not None,
            races.columns_of(asked),
        )
    except (Refused, ZohoFailed):
        return {}  # the ticket's values must do
    found = {one.change_id: _trace(told or (), one) for one in asked}
    return {change: trace for change, trace in found.items() if trace is not None}


def _may_be_told(entry: Entry, row: Row) -> bool:
    """Whether somebody may have written since: a tag need not move the modified time."""
    modified = sight.modified(row)
    near = modified is None or modified >= entry.intended_at - sight.SKEW
    return near or is_tag(entry.field)


def _trace(told: Sequence[Told], entry: Entry) -> Trace | None:
    recent = [one for one in told if one.at >= entry.intended_at - sight.SKEW]
    made = races.made(recent, entry)
    if made is not None:
        return Trace(True, made.at)
    return Trace(False) if races.would_show(recent, entry) else None
