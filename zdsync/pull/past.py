"""Reads the History of tickets that moved and weaves it into zdsync.ticket_changes.

Promises: within the allowance, newest changes first, nothing on a day on which nothing changed; a
ticket is woven in one transaction, so a crash leaves it as it was. Fails quietly: without History
the changes stay as they were observed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.connectors.history import CREDITS, EMPTY
from zdsync.errors import Missing, TokenRefused, ZdsyncError, ZohoFailed
from zdsync.mirror import Mirror
from zdsync.mirror.past import Kept, Step, Written
from zdsync.model import Call, Told
from zdsync.pull.allowance import Allowance
from zdsync.pull.side_by_side import side_by_side
from zdsync.pull.weave import SLACK, Event, Values, weave

log = logging.getLogger(__name__)

GROUP = 25  # tickets woven in one transaction
CLOCKS = timedelta(minutes=5)  # how far Zoho's clock may run from ours; tags are timed by ours
Names = Mapping[str, Mapping[str, frozenset[str]]]
_COLUMNS = {"assignee": "assignee_id", "team": "team_id", "department": "department_id"}


@dataclass(frozen=True, slots=True)
class PastReader:
    """One run's reading of History; `workers` calls run side by side."""

    mirror: Mirror
    desk: Desk
    clock: Clock
    workers: Callable[[], int]
    drain: Callable[[], Sequence[Call]]
    run_id: str
    exclude: frozenset[str] = frozenset()  # columns that are never stored

    def read(self, allowance: Allowance) -> int:
        """Read what the allowance is enough for; returns how many tickets were read."""
        limit = int(allowance.left // CREDITS)
        wanted = self.mirror.past.wanted(self.clock.now(), limit) if limit > 0 else []
        return self._read(wanted, allowance)

    def closings(self, ids: Sequence[str], allowance: Allowance) -> int:
        """Read who closed these tickets, as far as the allowance goes; returns how many."""
        limit = int(allowance.left // CREDITS)
        return self._read(self.mirror.past.closings(ids)[: max(0, limit)], allowance)

    def whole(self, tickets: Sequence[tuple[str, datetime]], allowance: Allowance) -> int:
        """Read the History of tickets (id, creation) back to their creation, and note that.

        Stops where the allowance ends; what was read is in zdsync.histories.
        """
        return self._read(tickets, allowance, whole=True)

    def _read(
        self, wanted: Sequence[tuple[str, datetime]], allowance: Allowance, *, whole: bool = False
    ) -> int:
        if not wanted:
            return 0
        names = self.mirror.past.names()
        done = 0
        try:
            for start in range(0, len(wanted), GROUP):
                some = wanted[start : start + GROUP]
                read, failure = self._group(some, names, allowance, whole=whole)
                done += read
                if failure:
                    log.warning("history=stopped reason=%s", failure.what)
                    break
        finally:
            self.mirror.record_calls(self.run_id, self.drain())
        if done:
            log.info("history=read tickets=%d credits_left=%g", done, allowance.left)
        return done

    def _group(
        self,
        wanted: Sequence[tuple[str, datetime]],
        names: Names,
        allowance: Allowance,
        *,
        whole: bool,
    ) -> tuple[int, ZdsyncError | None]:
        """Read and weave a few tickets; returns how many, and what went wrong with others."""
        read_at = self.clock.now()
        gone: set[str] = set()

        failures: list[ZdsyncError] = []

        def one(ticket: tuple[str, datetime]) -> list[Told] | None:
            try:
                return None if failures else self.desk.history.of(*ticket, allowance.take)
            except Missing:
                gone.add(ticket[0])
                return []  # gone meanwhile: reconcile's business
            except (ZohoFailed, TokenRefused) as failure:
                failures.append(failure)
                return None

        found = side_by_side(self.workers(), one, wanted)
        told = {ticket: events for (ticket, _), events in found.items() if events is not None}
        if told:
            with self.mirror.transaction():
                torn = self._weave(told, names, read_at)
                if whole:
                    kept = {one: fields for one, fields in torn.items() if one not in gone}
                    self.mirror.past.note_whole(kept, read_at)
        return len(told), failures[0] if failures else None

    def _weave(
        self, told: Mapping[str, Sequence[Told]], names: Names, read_at: datetime
    ) -> dict[str, list[str]]:
        """Weave; returns for each ticket the fields whose events did not all find their place."""
        ids = list(told)
        torn: dict[str, list[str]] = {one: [] for one in ids}
        gone: list[int] = []
        steps: list[Step] = []
        with self.mirror.transaction():  # rowids hold within it
            held, written = self.mirror.past.held(ids), self.mirror.past.written(ids)
            for ticket, events in told.items():
                mine = own_events(events, written[ticket], names)
                stored = [e for e in events if f"desk.tickets.{e.field}" not in self.exclude]
                for field, some in _by_field(stored, mine, names).items():
                    rows, current = held[ticket].changes.get(field, ()), held[ticket].now(field)
                    woven = weave(
                        ticket,
                        field,
                        rows,
                        _spelt(some, rows, current),
                        current=current,
                        read_at=read_at,
                        slack=CLOCKS if field.startswith("tag:") else SLACK,
                    )
                    gone += woven.gone
                    steps += woven.steps
                    kept = [one for one in rows if one.source == "history"]
                    left = sum(one.rowid not in woven.gone for one in kept) + len(woven.steps)
                    if left < len(some):
                        torn[ticket].append(field)
            self.mirror.past.save(ids, gone, steps, read_at)
        return torn


def _by_field(told: Sequence[Told], mine: frozenset[int], names: Names) -> dict[str, list[Event]]:
    """The events of one ticket by field, with what their words may mean."""
    found: dict[str, list[Event]] = {}
    for one in told:
        before, after = (meaning(one.field, word, names) for word in (one.before, one.after))
        event = Event(before, after, one.at, one.actor, one.event in mine, one.agent_id)
        found.setdefault(one.field, []).append(event)
    return found


def _spelt(
    events: Sequence[Event], rows: Sequence[Kept], current: tuple[str | None, datetime] | None
) -> Sequence[Event]:
    """The events with "empty" written as this ticket's rows write it: priority has `-None-`."""
    seen = [value for row in rows for value in (row.before, row.after)]
    seen += [current[0]] if current else []
    blank = next((one for one in seen if one and one.casefold() in EMPTY), None)
    if blank is None:
        return events

    def spelt(values: Values) -> Values:
        return frozenset({blank}) if values == {None} else values

    return [replace(one, before=spelt(one.before), after=spelt(one.after)) for one in events]


def meaning(field: str, word: str | None, names: Names) -> Values:
    """The values that a told word may stand for; none where nobody is called so."""
    if word is None:
        return frozenset({None})
    if field not in names:
        return frozenset({word})
    known = names[field].get(word.casefold())
    return frozenset(known) if known else frozenset({word} if word.isdigit() else ())


def own_events(told: Sequence[Told], written: Iterable[Written], names: Names) -> frozenset[int]:
    """The events that are writes of zdsync: by field, value and the time of intent and receipt.

    History names the token's user as the agent. Each write takes the one event that is nearest;
    all that an event changed is then zdsync's (a move empties the assignee).
    """
    taken: set[tuple[str, int]] = set()
    for write in written:
        field = _COLUMNS.get(write.field, write.field)
        after = meaning(field, write.after, names)
        near = [
            (_distance(one.at, write), one.event)
            for one in told
            if one.field == field
            and (field, one.event) not in taken
            and one.actor in ("agent", "unknown")
            and meaning(field, one.after, names) & after
        ]
        distance, event = min(near, default=(CLOCKS, 0))
        if distance < CLOCKS:
            taken.add((field, event))
    return frozenset(event for _, event in taken)


def _distance(at: datetime, write: Written) -> timedelta:
    second = write.low.replace(microsecond=0)
    return max(second - at, at - write.high, timedelta(0))
