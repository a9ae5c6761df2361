"""The plan of an undo: what a run changed goes back, where nobody touched it since. Pure.

Promises that a value which anybody else gave is left alone and listed, that what is said or not
known is listed, and that planning again after a crash plans only what is left. Whom a move took
from a ticket is given back with it. Must not read or write anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zdsync.changes import plan as plans
from zdsync.changes.journal import Entry
from zdsync.changes.plan import Cost, Plan
from zdsync.changes.price import price
from zdsync.changes.undo_field import BACK, Known, Verdict
from zdsync.changes.undo_hands import Hands
from zdsync.changes.undo_look import Look
from zdsync.changes.undo_target import UNDO, WRITTEN, Asked, Place, place_of
from zdsync.changes.wire import GIVEN, is_speech
from zdsync.model import Change, Portal

_STAYS = "the ticket stays in the other department"
_HANDED = "whom the ticket was given to there would lose it: {}"
_INACTIVE = "{} is no active agent any more"
_BURIED = "the ticket cannot be read; if it lies in spam, a person must unmark it first"
_SAID = "it was said, and cannot be taken back"


@dataclass(frozen=True, slots=True)
class Left:
    """A write that is not undone, and why; `rule` is the one that it was for."""

    ticket_id: str
    ticket_number: str
    field: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing comes to: a plan, what stands as before already, what is left as it is."""

    run_id: str
    plan: Plan
    already: tuple[Left, ...] = ()
    left: tuple[Left, ...] = ()


def undo_plan(
    asked: Asked,
    looks: Mapping[str, Look],
    hands: Hands,
    portal: Portal,
    as_of: datetime,
) -> Undo:
    """Plan the way back of what was asked for, ticket by ticket."""
    tickets: dict[str, list[Entry]] = defaultdict(list)
    for one in asked.entries:
        if one.outcome in WRITTEN or (one.outcome is None and is_speech(one.field)):
            tickets[one.ticket_id].append(one)
    changes: list[Change] = []
    already: list[Left] = []
    left: list[Left] = []
    for ticket, entries in tickets.items():
        known = Known(ticket, looks.get(ticket, Look()), asked.later, hands, portal)
        visit = _Ticket(asked.run_id, known)
        visit.plan(entries)
        changes += visit.changes
        already += visit.already
        left += visit.left
    digest = f"{UNDO}:{asked.run_id}"  # the journal tells by it what was undone
    cost = _priced(changes, looks)
    made = plans.plan_id(changes, digest)
    seen = {one.ticket_id: looks[one.ticket_id].seen() for one in changes}
    plan = Plan(made, as_of, digest, tuple(changes), cost=cost, seen=seen)
    return Undo(asked.run_id, plan, tuple(already), tuple(left))


def _priced(changes: Sequence[Change], looks: Mapping[str, Look]) -> Cost:
    calls = sum(one.calls for one in looks.values())
    return replace(price(changes), read_calls=calls, read_credits=float(calls))


@dataclass(slots=True)
class _Ticket:
    """One ticket on its way back."""

    run_id: str
    known: Known
    changes: list[Change] = field(default_factory=list)
    already: list[Left] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def plan(self, entries: Sequence[Entry]) -> None:
        for one in entries:
            if is_speech(one.field):
                self._note(one, Verdict(reason=_SAID))
        fields = _by_field(entries)
        dead = self.known.unreachable() or self._spam(fields)
        if dead == "the ticket is gone" and any(one.field == "spam" for one in fields):
            dead = _BURIED  # desk-tickets.md 2: how a spam ticket reads by id is not stated
        if dead:
            for one in fields:
                self._note(one, Verdict(reason=dead))
            return
        move = next((one for one in fields if one.field == "department"), None)
        given = [one for one in fields if one.field in GIVEN and move]
        if move:
            self._move(move, given)
        for one in fields:
            if one is not move and one not in given:
                self._note(one, self.known.judge(one))

    def _spam(self, fields: Sequence[Entry]) -> str:
        """Why nothing can be changed in a ticket marked as spam; "" where the mark goes, too."""
        if not self.known.now("spam"):
            return ""
        mark = next((one for one in fields if one.field == "spam" and one.after), None)
        if mark is None:
            return "the ticket is marked as spam"
        verdict = self.known.judge(mark)
        return "" if verdict.back else f"the ticket stays marked as spam: {verdict.reason}"

    def _move(self, move: Entry, given: Sequence[Entry]) -> None:
        """A move goes back together with whom the ticket was given to.

        Not where somebody was given the ticket since: the move would take it from them.
        """
        verdict = self.known.judge(move)
        freed = verdict.already and self.known.undone(move)  # by an undo that a crash ended
        fates = [(one, self.known.judge(one, freed=freed)) for one in given]
        beside = [self.known.before_move(move, name) for name in sorted(GIVEN)]
        written = {one.field for one in given}
        taken = [
            (one, self.known.beside(move, one.field)) for one in beside if one.field not in written
        ]
        handed = self._handed((*fates, *taken)) if verdict.back else ""
        if handed:
            verdict = Verdict(reason=_HANDED.format(handed))
        self._note(move, verdict)
        for one, found in fates:
            self._note(one, self._with_move(verdict, found))
        for one, found in taken:
            lost = found.back and (verdict.back or self.known.now(one.field) is None)
            if (verdict.back or freed) and (lost or found.reason):
                self._note(one, found)

    def _handed(self, some: Iterable[tuple[Entry, Verdict]]) -> str:
        """Why somebody else has the ticket now, if so."""
        return next(
            (found.reason for one, found in some if found.reason and self.known.now(one.field)), ""
        )

    @staticmethod
    def _with_move(move: Verdict, given: Verdict) -> Verdict:
        if move.back and given.already:
            return BACK  # the move may take it away: it is given again after it
        return Verdict(reason=_STAYS) if move.reason and given.back else given

    def _note(self, one: Entry, verdict: Verdict) -> None:
        gone = self.known.left_us(one) if verdict.back else ""
        verdict = Verdict(reason=_INACTIVE.format(gone)) if gone else verdict
        if verdict.back:
            self.changes.append(self.known.going_back(self.run_id, one))
            return
        reason = verdict.reason or "it is as before"
        told = Left(one.ticket_id, self.known.number, one.field, one.rule_id, reason)
        (self.already if verdict.already else self.left).append(told)


def _by_field(entries: Iterable[Entry]) -> list[Entry]:
    """The writes of fields, from the first value before to the last one after."""
    found: dict[Place, Entry] = {}
    for one in entries:
        if not is_speech(one.field):
            first = found.get(place_of(one), one)
            whole = replace(one, before=first.before, wire_before=first.wire_before)
            found[place_of(one)] = whole
    return list(found.values())
