"""What a run began on a ticket and did not end, so that the next plan can end it.

A rule that tags and comments no longer matches once its tag stands: what a crash, the brake or a
failing Zoho cut off then would be lost. Promises to bring back only what was never sent, of the
same rules, within a day, and nothing that is held by now; compare and set decides as for any
change. Pure; must not read files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zdsync.changes.journal import Entry
from zdsync.changes.plan import Held, Plan, Shadowed, plan_id
from zdsync.changes.spoken import COUNTS
from zdsync.changes.visit import MOVED
from zdsync.changes.wire import GIVEN, is_speech, planned, wire
from zdsync.model import Change

KEEP = timedelta(hours=24)
_DONE = frozenset({"applied", "already"})
_LOST = frozenset({"rejected", "stale"})  # Zoho or a person spoke: what hangs on it is given up
_COUNTED = {"comment": "comment_count", "reply": "thread_count"}
assert set(_COUNTED.values()) == set(COUNTS)


@dataclass(frozen=True, slots=True)
class Tail:
    """A change that was cut off: its id, the plan that holds it, and what was done before it."""

    change_id: str
    plan_id: str
    ticket_id: str
    done: tuple[Entry, ...]


def cut_off(entries: Iterable[Entry], rules_digest: str, now: datetime) -> list[Tail]:
    """Find what was not sent although something of the same ticket was written with it."""
    recent = [
        one for one in entries if now - one.intended_at < KEEP and one.rules_digest == rules_digest
    ]
    visits: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    tries: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for one in recent:
        visits[one.run_id, one.ticket_id].append(one)
        tries[one.ticket_id, one.rule_id, one.field].append(one)
    found = []
    for some in tries.values():
        last = some[-1]
        same = [one for one in some if one.change_id == last.change_id]
        beside = [mate for one in same for mate in visits[one.run_id, one.ticket_id]]
        if (last.outcome == "unsent" or _waits(last)) and _begun(beside):
            done = tuple(one for one in beside if one.outcome in _DONE)
            found.append(Tail(last.change_id, last.plan_id, last.ticket_id, done))
    return found


def _begun(visits: Sequence[Entry]) -> bool:
    """Whether something was done, nothing refused, and no field is in doubt."""
    visits = [one for one in visits if not _waits(one)]
    outcomes = {one.outcome for one in visits if not is_speech(one.field)}
    said = {one.outcome for one in visits if is_speech(one.field)}
    sure = not (outcomes & {None, "unknown"}) and None not in said
    return bool((outcomes | said) & _DONE) and not (outcomes | said) & _LOST and sure


def _waits(entry: Entry) -> bool:
    """Whether something was left only because the ticket moved.

    That forbids no word, and nobody to be given a ticket that was moved for it.
    """
    waiting = is_speech(entry.field) or entry.field in GIVEN
    return entry.outcome == "stale" and waiting and entry.error == MOVED


def with_tails(
    plan: Plan,
    tails: Sequence[Tail],
    fetch: Callable[[str], Plan | None],
    wanted: Callable[[Change], bool],
    unheld: Callable[[Plan], Plan],
) -> Plan:
    """Add to a plan what was cut off, where the plan itself decides nothing of it.

    What it wants as well is checked as what was cut off: the mirror may not know yet what was
    done. `fetch` gives the plan of an id, None where it is gone; `wanted` leaves changes out;
    `unheld` leaves out of a plan what is held by now.
    """
    if not tails:
        return plan
    done = {tail.change_id: tail.done for tail in tails}
    own = tuple(
        _after(one, done[one.change_id]) if one.change_id in done else one for one in plan.changes
    )
    decided: list[Change | Held | Shadowed] = [*own, *plan.held, *plan.shadowed]
    taken = {_place(one) for one in decided}
    plans = {name: fetch(name) for name in {tail.plan_id for tail in tails}}
    more = tuple(
        change
        for change in _changes(tails, plans)
        if wanted(change) and _place(change) not in taken
    )
    ended = unheld(replace(plan, changes=more, held=()))
    changes, held = (*own, *ended.changes), (*plan.held, *ended.held)
    named = plan_id(changes, plan.rules_digest)
    return replace(plan, changes=changes, held=held, plan_id=named)


def _place(change: Change | Held | Shadowed) -> tuple[str, ...]:
    """Where only one change may be: a field of a ticket, or what one rule says there."""
    said = (change.rule,) if is_speech(change.field) else ()
    return change.ticket_id, change.field, *said


def _changes(tails: Sequence[Tail], plans: Mapping[str, Plan | None]) -> Iterator[Change]:
    known = {
        (name, change.change_id): change
        for name, plan in plans.items()
        if plan is not None
        for change in plan.writes
    }
    for tail in tails:
        change = known.get((tail.plan_id, tail.change_id))
        if change is not None:
            yield _after(change, tail.done)


def _after(change: Change, done: Sequence[Entry]) -> Change:
    """The change as it is to be checked now: what we wrote before it is nobody else's hand."""
    fields = {one.field for one in done}
    saw = dict(change.saw)
    for field, column in _COUNTED.items():
        was = saw.get(column)
        if isinstance(was, int):
            saw[column] = was + sum(one.field == field for one in done)
    found = replace(change, saw=saw, was_open=change.was_open and "status" not in fields)
    if change.field in GIVEN and "department" in fields:  # a move may take agent and team away
        stood = change.spared or planned(change, after=False)
        freed = wire(change.field, None, None)
        return replace(found, before=None, wire_before=freed, spared=stood)
    return found
