"""One ticket's changes, from the detail read to the last receipt.

Order (architecture.md section 6): move → read again → tags → reply → comment → one PATCH → mark
spam; notices come last. Promise 6: a write happens only while a detail read at most 5 seconds old
shows what the plan saw. Zoho has no If-Match, so an edit inside that gap can be overwritten. Must
not touch the mirror: rows go back to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from zdsync.changes import utter
from zdsync.changes.belonging import mates_of, named_by, orphaned_marks
from zdsync.changes.store import Messenger, Writer
from zdsync.changes.wire import (
    GIVEN,
    body,
    is_speech,
    is_tag,
    planned,
    same,
    seen,
    still,
    tag_name,
    with_accepted,
)
from zdsync.clock import Clock
from zdsync.errors import OutcomeUnknown, Refused, TokenRefused, ZohoFailed
from zdsync.model import Change, Outcome, Receipt, Row
from zdsync.streams import BY_NAME

TICKETS = BY_NAME["desk.tickets"]
FRESH = 5.0  # seconds that a detail read may be trusted
_TAGS_A_CALL = 50  # desk-tickets.md section 3: 1-51 names

_TOGETHER = "a close needs its status and its outcome together"

Settle = Callable[[Sequence[Receipt]], None]


@dataclass(slots=True)
class Served:
    """What became of a ticket: its receipts, the freshest row, its tags where they were read.

    `stopped`: an error after which the whole run must stop. `before`: the modified time that the
    ticket had right before it was written.
    """

    ticket_id: str
    receipts: list[tuple[Change, Receipt]] = field(default_factory=list)
    row: Row | None = None
    tags: tuple[str, ...] | None = None
    before: str | None = None
    stopped: TokenRefused | ZohoFailed | None = None


class _Halted(Exception):
    """The brake was pulled before a write."""


def serve(
    changes: Sequence[Change],
    desk: Writer,
    clock: Clock,
    settle: Settle,
    paused: Callable[[], bool],
    *,
    messenger: Messenger | None = None,
    announce: Callable[[Change], None] = lambda change: None,
) -> Served:
    """Write the changes of one ticket; every intent has a receipt afterwards.

    `settle` puts receipts into the journal, `announce` that something is about to be said; their
    errors pass through.
    """
    served = Served(changes[0].ticket_id)
    visit = _Visit(desk, clock, settle, paused, served, list(changes), messenger, announce)
    try:
        visit.run()
    except _Halted:
        visit.finish(visit.todo, "unsent", "halted before the write")
    except Refused as error:
        visit.finish(visit.todo, "rejected", error.what, error.status)
    except (TokenRefused, ZohoFailed) as error:
        visit.served.stopped = error
        visit.finish(visit.todo, "unsent", f"the run stopped: {error.what}")
    return visit.served


@dataclass(slots=True)
class _Visit:
    """The state of one ticket while it is served; `todo` are the changes without a receipt."""

    desk: Writer
    clock: Clock
    settle: Settle
    paused: Callable[[], bool]
    served: Served
    todo: list[Change]
    messenger: Messenger | None
    announce: Callable[[Change], None]
    read_at: float = 0.0
    moved: bool = False
    closed: bool = False  # by us, in this visit
    said: dict[str, int] = field(default_factory=dict)  # messages by us, in this visit

    def run(self) -> None:
        self.brake()
        self._look()
        self._move()
        self._tag()
        utter.reply(self, self.desk.speech)
        utter.comment(self, self.desk.speech)
        self._patch(self._fields(), again=True)
        self._spam()
        utter.notify(self, self.messenger)

    def finish(
        self,
        changes: Iterable[Change],
        outcome: Outcome,
        error: str = "",
        status: int | None = None,
    ) -> None:
        """Give receipts; these changes are done with."""
        some = list(changes)
        now = self.clock.now()
        receipts = [Receipt(one.change_id, outcome, now, status, error) for one in some]
        if not receipts:
            return
        self.settle(receipts)
        self.served.receipts += zip(some, receipts, strict=True)
        done = {change.change_id for change in some}
        self.todo = [change for change in self.todo if change.change_id not in done]

    def brake(self) -> None:
        """Stop here where somebody pulled the brake."""
        if self.paused():
            raise _Halted

    def _look(self) -> None:
        """Read the ticket and settle what needs no write or may have none any more."""
        row = self.desk.detail(TICKETS, self.served.ticket_id)
        self.read_at = self.clock.monotonic()
        if row is None:
            self.finish(self.todo, "stale", "the ticket is gone")
            return
        self.served.row = row
        if not self.moved:
            self.served.before = row.get("modified_time")
        if row.get("is_trashed") or row.get("is_deleted"):
            self.finish(self.todo, "stale", "the ticket is in the recycle bin")
        shown = self._shown()
        if self._moving(row):  # whom the ticket has now may be taken from it by the move
            shown = [one for one in shown if one.field not in GIVEN or not self._is_after(one, row)]
        self.finish((one for one in shown if self._is_after(one, row)), "already")
        if row.get("is_spam"):
            self.finish(self.todo, "stale", "the ticket was marked as spam meanwhile")
        if row.get("status_type") == "Closed" and not self.closed:
            ours = (change for change in self.todo if change.was_open)
            self.finish(ours, "stale", "the ticket was closed meanwhile")
        spoken = (one for one in self.todo if not still(one.saw, row, self.said))
        self.finish(spoken, "stale", "somebody wrote in the ticket meanwhile")
        stale = [one for one in shown if one in self.todo and not self._expected(one, row)]
        self.finish(stale, "stale", "another value stands there now")
        self.finish(mates_of(stale, self.todo), "unsent", _TOGETHER)

    def _moving(self, row: Row) -> bool:
        moves = [change for change in self.todo if change.field == "department"]
        return any(not self._is_after(change, row) for change in moves)

    def _is_after(self, change: Change, row: Row) -> bool:
        return same(seen(row, change.field), planned(change, after=True))

    def _expected(self, change: Change, row: Row) -> bool:
        found = seen(row, change.field)
        freed = self.moved and change.field in GIVEN and found is None
        return freed or same(found, planned(change, after=False))

    def before_write(self, changes: Sequence[Change]) -> list[Change]:
        """Check brake and freshness; return those that may still be written."""
        self.brake()
        if self.clock.monotonic() - self.read_at > FRESH:
            self._look()
        return [change for change in changes if change in self.todo]

    def _move(self) -> None:
        moves = [change for change in self.todo if change.field == "department"]
        moves = self.before_write(moves) if moves else moves
        if not moves:
            self._moot()
            return
        target = str(moves[0].wire["departmentId"])
        if self.write(moves, lambda: self.desk.move_ticket(self.served.ticket_id, target)):
            self.moved = True
            self._look()
        else:
            self._moot()

    def _moot(self) -> None:
        """Whom a move's ticket was to go to belongs to the department that it did not reach."""
        failed = any(
            change.field == "department" and receipt.outcome not in {"applied", "already"}
            for change, receipt in self.served.receipts
        )
        if failed:
            given = [change for change in self.todo if change.field in GIVEN]
            self.finish(given, "unsent", "the ticket was not moved")

    def write(self, changes: Sequence[Change], call: Callable[[], object]) -> bool:
        """Do one call for these changes and give their receipts; True where it was accepted."""
        try:
            call()
        except Refused as error:
            self.finish(changes, "rejected", error.what, error.status)
            return False
        except OutcomeUnknown as error:
            self._unknown(changes, error)
            return False
        self.finish(changes, "applied")
        return True

    def _unknown(self, changes: Sequence[Change], error: OutcomeUnknown) -> None:
        # What was read before it may carry the very second of the write, and would then beat
        # the search row that shows the effect.
        self.served.row = None
        self.finish(changes, "unknown", error.what)
        self.finish(self.todo, "unsent", "an earlier write of this ticket has an unknown outcome")

    def _tag(self) -> None:
        tags = [change for change in self.todo if is_tag(change.field)]
        if not tags:
            return
        have = self.desk.tags_of(self.served.ticket_id)
        self.served.tags = have
        folded = {name.casefold() for name in have}
        shown = [one for one in tags if (tag_name(one.field).casefold() in folded) == one.after]
        self.finish(shown, "already")
        for wanted in (True, False):
            some = [change for change in tags if change.after is wanted and change in self.todo]
            for start in range(0, len(some), _TAGS_A_CALL):
                self._tag_call(some[start : start + _TAGS_A_CALL], wanted)

    def _tag_call(self, changes: Sequence[Change], wanted: bool) -> None:
        some = self.before_write(changes)
        if not some:
            return
        call = self.desk.add_tags if wanted else self.desk.remove_tags
        tags = [tag_name(change.field) for change in some]
        try:
            call(self.served.ticket_id, tags)
        except Refused as error:
            if len(some) == 1:
                self.finish(some, "rejected", error.what, error.status)
            for change in some if len(some) > 1 else ():
                self._tag_call([change], wanted)  # find the one that Zoho refuses
        except OutcomeUnknown as error:
            self.served.tags = None
            self._unknown(some, error)
        else:
            self.finish(some, "applied")
            self._note_tags(tags, wanted)

    def _note_tags(self, tags: Sequence[str], wanted: bool) -> None:
        if self.served.tags is None:
            return
        folded = {name.casefold() for name in tags}
        kept = tuple(name for name in self.served.tags if name.casefold() not in folded)
        self.served.tags = (*kept, *tags) if wanted else kept

    def _fields(self) -> list[Change]:
        return [one for one in self._shown() if one.field != "spam"]

    def _shown(self) -> list[Change]:
        """The changes that a detail read shows."""
        return [one for one in self.todo if not is_tag(one.field) and not is_speech(one.field)]

    def spoke(self, column: str) -> None:
        """Count a message of ours: it is nobody else's, and no answer shows it.

        The row goes on as it was read, with one more; where the message moved the modified time
        a later reading knows better.
        """
        self.said[column] = self.said.get(column, 0) + 1
        row = self.served.row
        if row is not None and isinstance(row.get(column), int):
            self.served.row = {**row, column: row[column] + 1}

    def _patch(self, changes: Sequence[Change], *, again: bool) -> None:
        """Send one PATCH; where it is refused, once more without what Zoho named."""
        some = self.before_write(changes) if changes else []
        if not some:
            return
        notify = all(change.notify for change in some)
        try:
            row = self.desk.patch_ticket(self.served.ticket_id, body(some), notify=notify)
        except Refused as error:
            self._refused(some, error, again)
        except OutcomeUnknown as error:
            self._unknown(some, error)
        else:
            earlier, self.served.row = self.served.row or {}, row
            self.closed = self.closed or any(change.field == "status" for change in some)
            self.finish(some, "applied")
            if not row.get("modified_time"):
                self._last_look()  # every key of an answer may be missing (desk-tickets.md 1)
            self.served.row = with_accepted(self.served.row, some, earlier)

    def _refused(self, some: Sequence[Change], error: Refused, again: bool) -> None:
        named = named_by(error, some)
        rules = dict.fromkeys(change.rule for change in some)
        if named and again:
            self.finish(named, "rejected", error.what, error.status)
            mates = mates_of(named, [change for change in some if change not in named])
            self.finish(mates, "unsent", _TOGETHER)
            self._patch([change for change in some if change in self.todo], again=False)
        elif again and len(rules) > 1:
            for rule in rules:
                self._patch([change for change in some if change.rule == rule], again=False)
        else:
            self.finish(some, "rejected", error.what, error.status)

    def _spam(self) -> None:
        orphans = orphaned_marks(self.todo, self.served.receipts)
        self.finish(orphans, "unsent", "the rest of its rule was not done")
        marks = [change for change in self.todo if change.field == "spam"]
        marks = self.before_write(marks) if marks else marks
        if marks and self.write(marks, lambda: self.desk.mark_spam(self.served.ticket_id)):
            self._last_look()

    def _last_look(self) -> None:
        """Read what a write did not answer; the write is done whatever comes of it."""
        try:
            self.served.row = self.desk.detail(TICKETS, self.served.ticket_id) or self.served.row
        except Refused:
            return
        except (TokenRefused, ZohoFailed) as error:
            self.served.stopped = error
