"""One ticket while it is served: what is left to do, the last reading of it, the receipts given.

Promise 6: a write is sent only while a detail read is at most 5 seconds old, counted from the
sending of that read, and only for what it still shows as it was planned. Zoho has no If-Match, so
an edit between that read and the write can be overwritten: `gap` tells how long that was. Must not
know the order of the calls; `serve` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from zdsync.changes import sight
from zdsync.changes.belonging import mates_of, unmarks
from zdsync.changes.plan import UNSEEN, Seen
from zdsync.changes.races import Blow
from zdsync.changes.refusals import receipt_text
from zdsync.changes.store import Messenger, Writer
from zdsync.changes.wire import GIVEN, is_speech, is_tag, planned, same, seen, still
from zdsync.clock import Clock
from zdsync.errors import (
    OutcomeUnknown,
    Refused,
    ScopeMissing,
    TokenRefused,
    TooLate,
    ZohoFailed,
)
from zdsync.model import Change, Outcome, Receipt, Row
from zdsync.streams import BY_NAME

TICKETS = BY_NAME["desk.tickets"]
FRESH = 5.0  # seconds that a detail read may be trusted
_LOOKS = 3  # readings in a row that may come too late, before the ticket is left alone
TOGETHER = "a close needs its status and its outcome together"
MOVED = "somebody changed the ticket since it was planned"
_SLOW = f"Zoho is too slow now: no write within {FRESH:g} seconds of a reading"

T = TypeVar("T")
Settle = Callable[[Sequence[Receipt]], None]


@dataclass(slots=True)
class Served:
    """What became of a ticket: its receipts, the freshest row, its tags where they are known.

    `stopped`: an error after which the whole run must stop. `before`: the modified time that the
    ticket had right before it was written. `races`: receipts that tell of a lost race. `gap`: the
    longest time, in seconds, from the sending of a read to the answer of a write that trusted it.
    """

    ticket_id: str
    receipts: list[tuple[Change, Receipt]] = field(default_factory=list)
    row: Row | None = None
    tags: tuple[str, ...] | None = None
    before: str | None = None
    stopped: TokenRefused | ZohoFailed | None = None
    races: list[tuple[Change, Receipt]] = field(default_factory=list)
    gap: float = 0.0


class Halted(Exception):
    """The brake was pulled before a write."""


@dataclass(slots=True)
class Visit:
    """The state of one ticket while it is served; `todo` are the changes without a receipt.

    `unsettled`: receipts of destructive writes, which wait for what the ticket's History says.
    """

    desk: Writer
    clock: Clock
    settle: Settle
    paused: Callable[[], bool]
    served: Served
    todo: list[Change]
    messenger: Messenger | None = None
    seen: Seen = UNSEEN
    announce: Callable[[Change], None] = lambda change: None  # before something is said
    read_at: float = 0.0
    moved: bool = False
    wrote: bool = False  # by us, in this visit: the modified time tells no more of others
    closed: bool = False  # by us, in this visit
    said: dict[str, int] = field(default_factory=dict)  # messages by us, in this visit
    seen_row: Row = field(default_factory=dict)  # as the last detail read showed it
    blows: list[Blow] = field(default_factory=list)
    unsettled: list[tuple[Change, Receipt]] = field(default_factory=list)

    # -- receipts

    def finish(
        self,
        changes: Iterable[Change],
        outcome: Outcome,
        error: str = "",
        status: int | None = None,
    ) -> None:
        """Give receipts; these changes are done with."""
        now = self.clock.now()
        self._give([(one, Receipt(one.change_id, outcome, now, status, error)) for one in changes])

    def reject(self, changes: Iterable[Change], error: Refused) -> None:
        """Give receipts that hold Zoho's words, what was not done, and what to do."""
        now = self.clock.now()
        self._give(
            [
                (one, Receipt(one.change_id, "rejected", now, error.status, text))
                for one in changes
                for text in [receipt_text(error, one)]
            ]
        )

    def _give(self, pairs: Sequence[tuple[Change, Receipt]], *, wait: bool = False) -> None:
        if not pairs:
            return
        if wait:
            self.unsettled += pairs
        else:
            self.settle([receipt for _, receipt in pairs])
        self.served.receipts += pairs
        done = {change.change_id for change, _ in pairs}
        self.todo = [change for change in self.todo if change.change_id not in done]

    def struck(self, changes: Sequence[Change]) -> None:
        """Note a destructive write that was accepted; its receipts wait for `reconcile`.

        A crash meanwhile leaves open intents, which the next run looks up.
        """
        now = self.clock.now()
        since = sight.modified(self.seen_row) or now
        self.blows.append(Blow(tuple(changes), self.seen_row, since, self._gap()))
        self._give([(one, Receipt(one.change_id, "applied", now)) for one in changes], wait=True)

    def settle_waiting(self, texts: dict[str, str]) -> None:
        """Settle what waited, with what History told of each change (by change id)."""
        final = [
            (change, replace(receipt, error=texts.get(change.change_id, "")))
            for change, receipt in self.unsettled
        ]
        waited = {change.change_id for change, _ in self.unsettled}
        self.unsettled = []
        kept = [pair for pair in self.served.receipts if pair[0].change_id not in waited]
        self.served.receipts = [*kept, *final]
        if final:
            self.settle([receipt for _, receipt in final])

    # -- looking

    def brake(self) -> None:
        """Stop here where somebody pulled the brake."""
        if self.paused():
            raise Halted

    def look(self) -> None:
        """Read the ticket and settle what needs no write or may have none any more."""
        asked_at = self.clock.monotonic()  # what is answered may be as old as that
        row = self.desk.detail(TICKETS, self.served.ticket_id)
        self.read_at = asked_at
        if row is None:
            self.finish(self.todo, "stale", "the ticket is gone")
            return
        if row.get("id") not in (None, self.served.ticket_id):
            self.served.row = None  # desk-tickets.md 3 "Fate of merged ids on read"
            self.finish(self.todo, "stale", "the ticket was merged into another")
            return
        self.served.row = self.seen_row = row
        if not self.moved:
            self.served.before = row.get("modified_time")
        self._leave_what_is_gone(row)
        self._leave_what_moved(row)

    def _leave_what_is_gone(self, row: Row) -> None:
        if row.get("is_trashed") or row.get("is_deleted"):
            self.finish(self.todo, "stale", "the ticket is in the recycle bin")
        shown = self.shown()
        if self._moving(row):  # whom the ticket has now may be taken from it by the move
            shown = [one for one in shown if one.field not in GIVEN or not self._is_after(one, row)]
        self.finish([one for one in shown if self._is_after(one, row)], "already")
        if row.get("is_spam") and not unmarks(self.todo):
            self.finish(self.todo, "stale", "the ticket was marked as spam meanwhile")
        if row.get("status_type") == "Closed" and not self.closed:
            ours = [change for change in self.todo if change.was_open]
            self.finish(ours, "stale", "the ticket was closed meanwhile")

    def _leave_what_moved(self, row: Row) -> None:
        spoken = [one for one in self.todo if not still(one.saw, row, self.said)]
        self.finish(spoken, "stale", "somebody wrote in the ticket meanwhile")
        stale = [one for one in self.shown() if not self._expected(one, row)]
        self.finish(stale, "stale", "another value stands there now")
        self.finish(mates_of(stale, self.todo), "unsent", TOGETHER)
        if not self.wrote and sight.moved(row, self.seen):
            self.finish(self.todo, "stale", MOVED)

    def shown(self) -> list[Change]:
        """The changes that a detail read shows."""
        return [one for one in self.todo if not is_tag(one.field) and not is_speech(one.field)]

    def _moving(self, row: Row) -> bool:
        moves = [change for change in self.todo if change.field == "department"]
        return any(not self._is_after(change, row) for change in moves)

    def _is_after(self, change: Change, row: Row) -> bool:
        return same(seen(row, change.field), planned(change, after=True))

    def _expected(self, change: Change, row: Row) -> bool:
        found = seen(row, change.field)
        freed = self.moved and change.field in GIVEN and found is None
        spared = change.spared is not None and same(found, change.spared)
        return freed or spared or same(found, planned(change, after=False))

    # -- writing

    def before_write(self, changes: Sequence[Change]) -> list[Change]:
        """Check brake and freshness; return those that may still be written."""
        self.brake()
        for _ in range(_LOOKS):
            if not self.todo or self._gap() <= FRESH:
                break
            self.look()
        else:
            self.finish(self.todo if self._gap() > FRESH else (), "unsent", _SLOW)
        return [change for change in changes if change in self.todo]

    def _gap(self) -> float:
        return self.clock.monotonic() - self.read_at

    def attempt(
        self, changes: Sequence[Change], call: Callable[[list[Change]], T]
    ) -> tuple[list[Change], T] | None:
        """Do one call for those that may still be written; None where nothing was accepted.

        Raises Refused: nobody has given receipts for it yet.
        """
        for _ in range(_LOOKS):
            some = self.before_write(changes)
            if not some:
                return None
            try:
                with self.desk.until(self.read_at + FRESH):
                    answer = call(some)
            except TooLate:
                continue  # the next look tells what became of the ticket meanwhile
            except ScopeMissing as error:  # one kind of call: the others may work
                raise Refused(error.what, error.status, "SCOPE_MISMATCH", hint=error.hint) from None
            except OutcomeUnknown as error:
                self._unknown(some, error)
                return None
            self.wrote = True
            self.served.gap = max(self.served.gap, self._gap())
            return some, answer
        self.finish(self.todo, "unsent", _SLOW)
        return None

    def write(self, changes: Sequence[Change], call: Callable[[], object]) -> bool:
        """Do one call for these changes and give their receipts; True where it was accepted."""
        try:
            done = self.attempt(changes, lambda some: call())
        except Refused as error:
            self.reject(changes, error)
            return False
        if done is not None:
            self.finish(done[0], "applied")
        return done is not None

    def _unknown(self, changes: Sequence[Change], error: OutcomeUnknown) -> None:
        # What was read before it may carry the very second of the write, and would then beat
        # the search row that shows the effect.
        self.served.row = None
        if any(is_tag(change.field) for change in changes):
            self.served.tags = None
        self.finish(changes, "unknown", error.what)
        self.finish(self.todo, "unsent", "an earlier write of this ticket has an unknown outcome")

    def spoke(self, column: str) -> None:
        """Count a message of ours: it is nobody else's, and no answer shows it.

        The row goes on as it was read, with one more; where the message moved the modified time
        a later reading knows better.
        """
        self.said[column] = self.said.get(column, 0) + 1
        row = self.served.row
        if row is not None and isinstance(row.get(column), int):
            self.served.row = {**row, column: row[column] + 1}

    def last_look(self) -> None:
        """Read what a write did not answer; the write is done whatever comes of it."""
        try:
            self.served.row = self.desk.detail(TICKETS, self.served.ticket_id) or self.served.row
        except Refused:
            return
        except (TokenRefused, ZohoFailed) as error:
            self.served.stopped = error
