"""One ticket's changes, from the detail read to the last receipt.

Order (architecture.md section 6): move → read again → tags → reply → comment → one PATCH → mark
spam; then the History where something destructive was done; notices come last. Must not touch the
mirror: rows go back to the caller. An undo takes a mark of spam away before all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zdsync.changes import patching, tagging, utter
from zdsync.changes.aftercheck import check_races
from zdsync.changes.belonging import orphaned_marks, unmarks
from zdsync.changes.plan import UNSEEN, Seen
from zdsync.changes.store import Messenger, Writer
from zdsync.changes.visit import TICKETS, Halted, Served, Settle, Visit
from zdsync.changes.wire import GIVEN
from zdsync.clock import Clock
from zdsync.errors import Refused, TokenRefused, ZohoFailed
from zdsync.model import Change

__all__ = ["TICKETS", "Served", "serve"]

_PASSED_OVER = (
    "Zoho accepted the call and did not do it. The ticket was not marked as spam: it may be locked,"
    " archived or merged; look at it in Zoho"
)


def serve(
    changes: Sequence[Change],
    desk: Writer,
    clock: Clock,
    settle: Settle,
    paused: Callable[[], bool],
    *,
    messenger: Messenger | None = None,
    announce: Callable[[Change], None] = lambda change: None,
    seen: Seen = UNSEEN,
) -> Served:
    """Write the changes of one ticket; every intent has a receipt afterwards.

    `settle` puts receipts into the journal, `announce` that something is about to be said; their
    errors pass through. `seen`: how the ticket stood when it was planned.
    """
    served = Served(changes[0].ticket_id)
    visit = Visit(desk, clock, settle, paused, served, list(changes), messenger, seen, announce)
    try:
        _write(visit)
        check_races(visit)
        utter.notify(visit, messenger)
    except Halted:
        visit.finish(visit.todo, "unsent", "halted before the write")
    except Refused as error:
        visit.reject(visit.todo, error)
    except (TokenRefused, ZohoFailed) as error:
        visit.served.stopped = error
        visit.finish(visit.todo, "unsent", f"the run stopped: {error.what}")
    check_races(visit)
    return visit.served


def _write(visit: Visit) -> None:
    visit.brake()
    visit.look()
    _unmark(visit)
    tagging.check(visit)
    _move(visit)
    tagging.tag(visit)
    utter.reply(visit, visit.desk.speech)
    utter.comment(visit, visit.desk.speech)
    patching.patch(visit, [one for one in visit.shown() if one.field != "spam"])
    _spam(visit)


def _unmark(visit: Visit) -> None:
    """Take a mark of spam away: a marked ticket may refuse everything else."""
    marks = unmarks(visit.todo)
    if not marks:
        return
    if visit.write(marks, lambda: visit.desk.unmark_spam(visit.served.ticket_id)):
        before = visit.served.before
        visit.look()
        visit.served.before = before
    else:
        visit.finish(visit.todo, "unsent", "the ticket is still marked as spam")


def _move(visit: Visit) -> None:
    moves = [change for change in visit.todo if change.field == "department"]
    if moves and _struck(visit, moves, _move_call(visit, moves[0])):
        visit.moved = True
        visit.look()
    else:
        _moot(visit)


def _move_call(visit: Visit, move: Change) -> Callable[[], None]:
    target = str(move.wire["departmentId"])
    return lambda: visit.desk.move_ticket(visit.served.ticket_id, target)


def _moot(visit: Visit) -> None:
    """Whom a move's ticket was to go to belongs to the department that it did not reach."""
    failed = any(
        change.field == "department" and receipt.outcome not in {"applied", "already"}
        for change, receipt in visit.served.receipts
    )
    if failed:
        given = [change for change in visit.todo if change.field in GIVEN]
        visit.finish(given, "unsent", "the ticket was not moved")


def _spam(visit: Visit) -> None:
    orphans = orphaned_marks(visit.todo, visit.served.receipts)
    visit.finish(orphans, "unsent", "the rest of its rule was not done")
    marks = [change for change in visit.todo if change.field == "spam"]
    if marks and _struck(visit, marks, lambda: visit.desk.mark_spam(visit.served.ticket_id)):
        before = visit.served.row
        visit.last_look()
        now = visit.served.row
        if now is not None and now is not before and now.get("is_spam") is False:
            _passed_over(visit, marks)


def _passed_over(visit: Visit, marks: Sequence[Change]) -> None:
    """A call for many tickets may leave one out and not say so (desk-tickets.md 3 and 5)."""
    ids = {one.change_id for one in marks}
    waiting, served = visit.unsettled, visit.served
    visit.blows = [one for one in visit.blows if ids.isdisjoint(c.change_id for c in one.changes)]
    visit.unsettled = [pair for pair in waiting if pair[0].change_id not in ids]
    served.receipts = [pair for pair in served.receipts if pair[0].change_id not in ids]
    visit.finish(marks, "rejected", _PASSED_OVER, 200)


def _struck(visit: Visit, changes: Sequence[Change], call: Callable[[], None]) -> bool:
    """Do one destructive call; True where it was accepted."""
    try:
        done = visit.attempt(changes, lambda some: call())
    except Refused as error:
        visit.reject(changes, error)
        return False
    if done is not None:
        visit.struck(done[0])
    return done is not None
