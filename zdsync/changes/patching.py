"""One PATCH for all fields of a ticket, and what becomes of it where Zoho refuses a part.

Promises that a refused field costs only its own change and those that make no sense without it,
and that status and outcome of a close travel together. Must not read the ticket; `visit` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from zdsync.changes.belonging import by_rule, by_unit, mates_of, named_by
from zdsync.changes.refusals import concerns_all
from zdsync.changes.visit import TOGETHER, Visit
from zdsync.changes.wire import body, with_accepted
from zdsync.errors import Refused
from zdsync.model import Change, Row


def patch(visit: Visit, changes: Sequence[Change]) -> None:
    """Send one PATCH; where it is refused, again without what Zoho named, else part by part."""
    if not changes:
        return

    def call(some: list[Change]) -> Row:
        notify = all(change.notify for change in some)
        return visit.desk.patch_ticket(visit.served.ticket_id, body(some), notify=notify)

    try:
        done = visit.attempt(changes, call)
    except Refused as error:
        _refused(visit, [change for change in changes if change in visit.todo], error)
        return
    if done is not None:
        _accepted(visit, *done)


def _accepted(visit: Visit, some: Sequence[Change], row: Row) -> None:
    served = visit.served
    earlier, served.row = served.row or {}, row
    set_status = any(change.field == "status" for change in some)
    closed = set_status and row.get("status_type") in (None, "Closed")
    visit.closed = visit.closed or set_status
    if closed and earlier.get("status_type") != "Closed":
        visit.struck(some)
    else:
        visit.finish(some, "applied")
    if not row.get("modified_time"):
        visit.last_look()  # every key of an answer may be missing (desk-tickets.md 1)
    served.row = with_accepted(served.row, some, earlier)


def _refused(visit: Visit, some: Sequence[Change], error: Refused) -> None:
    if concerns_all(error):
        visit.reject(some, error)
        rest = [change for change in visit.todo if not change.field.startswith("notify:")]
        visit.finish(rest, "unsent", "the ticket takes no edits: an earlier one was refused")
        return
    named = named_by(error, some)
    if named:
        visit.reject(named, error)
        rest = [change for change in some if change not in named]
        visit.finish(mates_of(named, rest), "unsent", TOGETHER)
        patch(visit, [change for change in rest if change in visit.todo])
        return
    parts = by_rule(some)
    parts = parts if len(parts) > 1 else by_unit(some)
    if len(parts) == 1:
        visit.reject(some, error)
        return
    for part in parts:
        patch(visit, [change for change in part if change in visit.todo])
