"""After closing, moving and marking as spam: what the ticket's History says of the gap before it.

One reading of History a ticket (3 credits), after its last write. Promises that the receipts which
waited for it are settled whatever comes of the reading. Nothing is taken back: it is reported.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from zdsync.changes import races
from zdsync.changes.races import Blow
from zdsync.changes.visit import Visit
from zdsync.errors import TokenRefused, ZohoFailed
from zdsync.model import Told

log = logging.getLogger(__name__)

_PAGES = 4  # of a ticket's History, 50 events each; more than one where the oldest come first
_UNSHOWN = "its History does not show this write yet, so a lost race cannot be ruled out"
_LONG = "its History is too long, so a lost race cannot be ruled out"


def check_races(visit: Visit) -> None:
    """Report edits of others that our destructive writes replaced, and settle these writes."""
    blows, visit.blows = visit.blows, []
    if not blows:
        return
    told, why = _history(visit, blows)
    mine = [change for change, receipt in visit.served.receipts if receipt.outcome == "applied"]
    texts: dict[str, str] = {}
    raced: set[str] = set()
    for blow in blows:
        found = races.lost(told, blow, mine)
        note = why or ("" if races.shows(told, blow) else _UNSHOWN)
        if found:
            note = races.words(found, blow.gap)
            raced |= {change.change_id for change in blow.changes}
            _report(visit, found, blow)
        texts |= {change.change_id: note for change in blow.changes}
    visit.settle_waiting(texts)
    visit.served.races += [pair for pair in visit.served.receipts if pair[0].change_id in raced]


def _history(visit: Visit, blows: Sequence[Blow]) -> tuple[list[Told], str]:
    """Read the ticket's History back to the first blow; else the reason why not."""
    pages = iter(range(_PAGES))
    since = min(blow.since for blow in blows)
    more = races.columns_of(change for blow in blows for change in blow.changes)
    try:
        told = visit.desk.history.of(
            visit.served.ticket_id, since, lambda price: next(pages, None) is not None, more
        )
    except (TokenRefused, ZohoFailed) as error:  # the write is done: the run need not stop
        return [], f"its History could not be read ({error.what})"
    return ([], _LONG) if told is None else (told, "")


def _report(visit: Visit, found: Sequence[Told], blow: Blow) -> None:
    for one in found:
        log.warning(
            "race=lost ticket=%s field=%s by=%s at=%s gap=%.1f",
            visit.served.ticket_id,
            one.field,
            one.agent_id or one.actor,
            one.at.isoformat(),
            blow.gap,
        )
