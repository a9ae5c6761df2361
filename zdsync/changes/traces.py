"""What a ticket's History tells of writes without an answer.

A field that shows its old value, or a third one, does not tell whether a write of ours was made
and then replaced by a person, whom a repetition would overrule. History is asked only where that
is open and somebody was at the ticket since: 3 credits a ticket (desk-tickets.md 1). Must not
decide; `recover` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from zdsync.changes import races, sight
from zdsync.changes.journal import Entry
from zdsync.changes.store import Writer
from zdsync.changes.wire import is_tag
from zdsync.errors import Refused, ZohoFailed
from zdsync.model import Row

_PAGES = 4  # of a ticket's History, 50 events each


def traces(desk: Writer, row: Row, entries: Sequence[Entry]) -> Mapping[str, datetime | None]:
    """Ask when these writes of one ticket were made, None: they were not; by change id.

    Those of which nothing is told are left out. `row`: the ticket as a detail just showed it.
    Raises TokenRefused.
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
    found = {}
    for one in asked:
        made = races.made(told or (), one, one.intended_at, sight.SKEW)
        if made is not None:
            found[one.change_id] = made or None
    return found


def _may_be_told(entry: Entry, row: Row) -> bool:
    """Whether somebody may have written since: a tag need not move the modified time."""
    modified = sight.modified(row)
    near = modified is None or modified >= entry.intended_at - sight.SKEW
    return near or is_tag(entry.field)
