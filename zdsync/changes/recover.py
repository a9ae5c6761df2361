"""Look up writes whose outcome is open, before anything is repeated (promise 5).

One detail read a ticket tells of fields: the wanted value stands (applied); else History is asked
whether it stood (`traces`); else the old one stands (nothing was written), or nothing can be told
(unknown). What was said carries its change id and is looked for among comments and messages; what
was never announced was never sent. Must not write to Zoho.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TypeVar

import orjson

from zdsync.changes.journal import Entry, Journal, brief
from zdsync.changes.marks import carries
from zdsync.changes.store import Speech, Writer
from zdsync.changes.traces import traces
from zdsync.changes.visit import TICKETS
from zdsync.changes.wire import GIVEN, is_speech, is_tag, planned, same, seen, tag_name
from zdsync.clock import Clock
from zdsync.errors import Refused
from zdsync.model import Outcome, Receipt, Row, Scalar

T = TypeVar("T")

# A call that we were killed in, or that got no answer, may still be at work in Zoho: what is not
# there now may come yet.
LATE = timedelta(seconds=60)
# A reply is asked for at once (connectors/speech.py); a mail server may still have its own pace.
LATE_REPLY = timedelta(minutes=5)
WORTH = timedelta(hours=24)  # how long an unknown outcome may wait for a look
_PATIENCE = timedelta(hours=1)  # how long something said is looked for, at each run
IN_VAIN = "looked for in vain: "  # begins the receipt's text once no further look is worth it
CRASHED = "looked up after a crash"
_FOUND = "found in the ticket afterwards"
_LATER = "told by a later write"
_SORTED = orjson.OPT_SORT_KEYS
_REPLACED = "told by its History; another value has replaced it"
_UNTOLD = "not in the ticket's History"
_MISSED = "not in the ticket afterwards"
_NEVER = "never sent: a crash came before"
_AT_ONCE = 4  # tickets that are looked at side by side


def recover(desk: Writer, journal: Journal, clock: Clock) -> int:
    """Settle open intents by looking; returns how many. Raises what reading raises.

    A comment or message under way that is not to be seen yet stays open: it is nobody's until a
    minute has gone.
    """
    return _crashed(desk, journal, clock) + _unknown(desk, journal, clock)


def _crashed(desk: Writer, journal: Journal, clock: Clock) -> int:
    def look(some: Sequence[Entry]) -> list[Receipt]:
        fields = _of_fields(desk, some, clock.now(), CRASHED)
        return [*fields, *_of_speech(desk, some, clock.now())]

    settled = 0
    for some, receipts in _side_by_side(look, journal.unsettled()):
        journal.settle(receipts, run_id=some[0].run_id)
        settled += len(receipts)
    return settled


def _unknown(desk: Writer, journal: Journal, clock: Clock) -> int:
    """Find what became of calls without an answer; what cannot be told stays unknown.

    A message to a customer that is not there is not taken for unsent: a person decides that.
    """

    entries, now = journal.recent(), clock.now()
    heirs = _heirs(entries)

    def look(some: Sequence[Entry]) -> list[Receipt]:
        ours = [one for one in some if not is_speech(one.field)]
        told = [one for one in ours if _key(one) in heirs]
        seen_now = _of_fields(desk, [one for one in ours if one not in told], now, _FOUND)
        found = [
            *(Receipt(one.change_id, heirs[_key(one)], now, None, _LATER) for one in told),
            *(one for one in seen_now if _tells(one, some, now=now)),
            *_of_unanswered(desk, some, now),
        ]
        return [*found, *_in_vain(some, found, now)]

    count = 0
    for some, receipts in _side_by_side(look, [one for one in entries if _worth(one, now)]):
        journal.find(receipts, run_id=some[0].run_id)
        count += sum(one.outcome != "unknown" for one in receipts)
    return count


def _key(entry: Entry) -> tuple[str, str]:
    return entry.run_id, entry.change_id


def _heirs(entries: Sequence[Entry]) -> dict[tuple[str, str], Outcome]:
    """What a later write of the same field tells of one without an answer.

    It was made because the old value still stood, or not made because the new one did.
    """
    found: dict[tuple[str, str], Outcome] = {}
    open_: dict[tuple[str, str, str], list[Entry]] = {}
    for one in entries:
        if is_speech(one.field):
            continue
        place = (one.ticket_id, one.field, orjson.dumps(one.wire, option=_SORTED).decode())
        if one.outcome == "unknown":
            open_.setdefault(place, []).append(one)
        elif one.outcome in ("applied", "already"):
            told: Outcome = "unsent" if one.outcome == "applied" else "applied"
            found |= {_key(older): told for older in open_.pop(place, ())}
    return found


def _worth(entry: Entry, now: datetime) -> bool:
    if entry.outcome != "unknown" or entry.field.startswith("notify:"):
        return False
    return _age(entry, now) < WORTH and not entry.error.startswith(IN_VAIN)


def _in_vain(
    entries: Iterable[Entry], found: Iterable[Receipt], now: datetime
) -> Iterator[Receipt]:
    """Give up what a look did not tell and none will: each costs a credit, at each run."""
    told = {one.change_id for one in found}
    for one in entries:
        enough = _PATIENCE if is_speech(one.field) else LATE
        if one.change_id not in told and _age(one, now) >= enough:
            at = one.settled_at or one.intended_at  # when the call ended
            yield Receipt(one.change_id, "unknown", at, one.http_status, IN_VAIN + one.error)


def _age(entry: Entry, now: datetime) -> timedelta:
    return now - (entry.settled_at or entry.intended_at)


def _tells(receipt: Receipt, entries: Iterable[Entry], *, now: datetime) -> bool:
    """Whether a look at a field ends the doubt: the old value may yet be replaced for a minute."""
    if receipt.outcome == "unsent":
        (entry,) = [one for one in entries if one.change_id == receipt.change_id]
        return _age(entry, now) >= LATE
    return receipt.outcome == "applied"


def _side_by_side(
    look: Callable[[Sequence[Entry]], T], entries: Iterable[Entry]
) -> Iterator[tuple[list[Entry], T]]:
    """Look at the entries of each run and ticket; what is known is kept if a later look fails."""

    def place(one: Entry) -> tuple[str, str]:
        return one.ticket_id, one.run_id

    groups = [list(some) for _, some in groupby(sorted(entries, key=place), key=place)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="recover") as pool:
        for start in range(0, len(groups), 2 * _AT_ONCE):
            some = groups[start : start + 2 * _AT_ONCE]
            yield from zip(some, pool.map(look, some), strict=True)


def _of_fields(
    desk: Writer, entries: Iterable[Entry], now: datetime, note: str
) -> Iterator[Receipt]:
    found = [one for one in entries if not is_speech(one.field)]
    if not found:
        return
    row, tags = _look(desk, found[0].ticket_id, found)
    freed = GIVEN if any(one.field == "department" for one in found) else frozenset()
    outcomes = {one.change_id: _outcome(one, row, tags, freed) for one in found}
    missed = [one for one in found if outcomes[one.change_id] != "applied"]
    told = traces(desk, row, missed) if row is not None else {}
    for one in found:
        at = told.get(one.change_id)
        if at is not None:  # what was seen since then shows who replaced it
            at = min(max(at, one.intended_at), now)
            yield Receipt(one.change_id, "applied", at, None, _REPLACED)
        elif one.change_id in told:
            yield Receipt(one.change_id, "unsent", now, None, _UNTOLD)
        else:
            yield Receipt(one.change_id, outcomes[one.change_id], now, None, note)


def _of_speech(desk: Writer, entries: Iterable[Entry], now: datetime) -> Iterator[Receipt]:
    """Tell what a crash made of things said; a notice that was sent leaves no trace."""
    for one in entries:
        if not is_speech(one.field):
            continue
        if one.called is False:
            yield Receipt(one.change_id, "unsent", now, None, _NEVER)
            continue
        outcome = "unknown" if one.field.startswith("notify:") else _said(desk, one, now)
        if outcome is not None:
            yield Receipt(one.change_id, outcome, now, None, CRASHED)


def _of_unanswered(desk: Writer, entries: Iterable[Entry], now: datetime) -> Iterator[Receipt]:
    for one in entries:
        outcome = _said(desk, one, now) if is_speech(one.field) else None
        # A message that Zoho had trouble with may leave it later: two are worse than none.
        if outcome == "applied" or (outcome == "unsent" and one.field == "comment"):
            note = _FOUND if outcome == "applied" else _MISSED
            yield Receipt(one.change_id, outcome, now, None, note)


def _said(desk: Writer, entry: Entry, now: datetime) -> Outcome | None:
    """Tell what became of a comment or message whose call was made; None: not to be told yet."""
    stands = _stands(desk, entry)
    if stands:
        return "applied"
    late = LATE_REPLY if entry.field == "reply" else LATE
    if stands is False and _age(entry, now) < late:
        return None
    return "unknown" if stands is None else "unsent"


def _stands(desk: Writer, entry: Entry) -> bool | None:
    """Whether something said is in the ticket; None where that cannot be read."""
    ours = partial(carries, change_id=entry.change_id)
    speech: Speech = desk.speech
    try:
        if entry.field == "comment":
            return speech.finds_comment(entry.ticket_id, ours)
        return speech.finds_reply(entry.ticket_id, ours, since=entry.intended_at)
    except Refused:
        return None


def _look(
    desk: Writer, ticket_id: str, entries: list[Entry]
) -> tuple[Row | None, frozenset[str] | None]:
    try:
        row = desk.detail(TICKETS, ticket_id)
        tagged = row is not None and any(is_tag(one.field) for one in entries)
        tags = desk.tags_of(ticket_id) if tagged else ()
    except Refused:
        return None, None
    return row, frozenset(name.casefold() for name in tags)


def _outcome(
    entry: Entry, row: Row | None, tags: frozenset[str] | None, freed: frozenset[str]
) -> Outcome:
    """Tell what became of an intent; a move may have emptied the fields in `freed` meanwhile."""
    if row is None or tags is None:
        return "unknown"
    shown: Scalar
    if is_tag(entry.field):
        shown = tag_name(entry.field).casefold() in tags
    else:
        shown = brief(seen(row, entry.field))
    if same(shown, planned(entry, after=True)):
        return "applied"
    emptied = entry.field in freed and shown is None
    return "unsent" if emptied or same(shown, planned(entry, after=False)) else "unknown"
