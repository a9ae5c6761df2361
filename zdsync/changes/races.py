"""Lost races: edits of others that a write of ours replaced, as the ticket's History tells them.

Pure. Zoho has no If-Match: somebody may edit a ticket between our reading and our writing. History
has whole seconds, names or ids, and any of its keys may be missing (desk-tickets.md 1 and 2):
what cannot be compared is not called a race. Must not read Zoho.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from zdsync.changes.wire import PATCHED, Intended, is_speech, is_tag, planned, seen
from zdsync.model import Change, Row, Scalar, Told

# What History writes as a detail does; people by id only, for their names are not in a ticket.
_ALIKE = frozenset(
    {
        *("status", "priority", "category", "sub_category", "classification", "channel"),
        *("language", "department_id"),
    }
)
_SHOWN = frozenset({"status", "priority", "assignee_id", "team_id", "department_id"})
_TAKEN = ("assignee_id", "team_id")  # by a move

_YES = frozenset({"true"})


@dataclass(frozen=True, slots=True)
class Blow:
    """One destructive write: what it set, the reading before it, and how long that was.

    `since`: Zoho's modified time in that reading; `gap` in seconds, from the sending of the read to
    the answer of the write.
    """

    changes: tuple[Change, ...]
    row: Row
    since: datetime
    gap: float


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What a column showed before a write, and what was written, in all forms History may use."""

    column: str
    before: frozenset[str]
    after: frozenset[str]


def columns_of(changes: Iterable[Intended]) -> list[str]:
    """The names under which History may tell of these changes."""
    return [one.column for change in changes for one in _overwritten(change, {})]


def made(
    told: Iterable[Told], change: Intended, sent: datetime, skew: timedelta
) -> datetime | Literal[False] | None:
    """When a change was made, by Zoho's clock; False: it was not, None: that is not told.

    `sent` is by our clock, `skew` how far that may be off. What set the value before then, while
    another than the change's old one stood, was an earlier hand. Only of fields that History
    writes as a detail does its silence tells something.
    """
    form = next(iter(_overwritten(change, {})), None)
    if form is None:
        return None
    old = _all(change.before, planned(change, after=False))
    chain = [event for event in told if event.field == form.column]
    since = _whole(sent) - skew
    doubtful = form.column not in _ALIKE or not any(event.at >= since for event in chain)
    for last, event in zip([None, *chain], chain, strict=False):
        if event.at < since or not _in(event, form.after):
            continue
        was = event.before if event.before is not None or last is None else last.after
        if _fold(was) in old:
            return event.at
        doubtful |= was is None or event.at >= _whole(sent)  # untold, or a race that we won
    return None if doubtful else False


def shows(told: Sequence[Told], blow: Blow) -> bool:
    """Whether History tells of the write at all."""
    wanted = [form for change in blow.changes for form in _overwritten(change, blow.row)[:1]]
    since = _whole(blow.since)
    return any(event.at >= since and _sets(event, one) for event in told for one in wanted)


def lost(told: Sequence[Told], blow: Blow, mine: Iterable[Change] = ()) -> list[Told]:
    """The edits that a write replaced; `told` is oldest first, `mine` all that we wrote ourselves.

    A mark as spam buries whatever else was edited in the gap.
    """
    ours = [form for change in mine for form in _overwritten(change, blow.row)]
    recent = [one for one in told if one.at >= _whole(blow.since)]
    found: list[Told] = []
    for change in blow.changes:
        if change.field == "spam":
            found += _buried(recent, blow, ours)
        for one in _overwritten(change, blow.row):
            found += _replaced([event for event in recent if event.field == one.column], one, blow)
    return list(dict.fromkeys(found))


def _replaced(chain: Sequence[Told], one: Overwritten, blow: Blow) -> list[Told]:
    found = []
    for last, event in zip([None, *chain], chain, strict=False):
        if not _in(event, one.after):
            continue
        if last is None:
            hidden = event.before is not None and _comparable(one, event.before)
            if event.at <= _whole(blow.since) and _fold(event.after) in one.before:
                continue  # the reading shows it already: an earlier move took it, not this one
            if hidden and _fold(event.before) not in one.before | one.after:
                found.append(Told(one.column, None, event.before, event.at, "unknown", -1))
        elif _fold(last.after) not in one.before | one.after and (
            last.at > _whole(blow.since) or _comparable(one, last.after)
        ):
            found.append(last)
    return found


def _buried(recent: Sequence[Told], blow: Blow, ours: Sequence[Overwritten]) -> list[Told]:
    """Edits in the gap before a mark as spam; both times are Zoho's, in whole seconds.

    Not since the modified time that was read: a tag need not move it (desk-tickets.md 4).
    """
    mark = next((n for n, one in enumerate(recent) if one.field == "spam" and _in(one, _YES)), 0)
    began = recent[mark].at - timedelta(seconds=blow.gap + 1) if mark else None
    return [
        one
        for one in recent[:mark]
        if began
        and one.at >= began
        and one.at > _whole(blow.since)
        and not any(one.field == form.column and _in(one, form.after) for form in ours)
    ]


def _overwritten(change: Intended, row: Row) -> list[Overwritten]:
    if change.field == "department":
        own = _forms(change, row, "department_id")
        return [own, *(_freed(row, column) for column in _TAKEN)]
    if change.field == "spam":
        return [Overwritten("spam", _all(False), _all(True))]
    if is_tag(change.field):
        return [Overwritten(change.field, _all(change.before), _all(change.after))]
    if is_speech(change.field):
        return []
    if change.field in PATCHED:
        return [_forms(change, row, PATCHED[change.field][1])]
    return [_forms(change, row, change.field.removeprefix("cf."))]


def _forms(change: Intended, row: Row, column: str) -> Overwritten:
    before = _all(seen(row, change.field), change.before, planned(change, after=False))
    return Overwritten(column, before, _all(change.after, planned(change, after=True)))


def _freed(row: Row, column: str) -> Overwritten:
    return Overwritten(column, _all(row.get(column)), _all(None))


def _comparable(one: Overwritten, value: str | None) -> bool:
    return one.column in _ALIKE or (one.column in _TAKEN and (value is None or value.isdigit()))


def _sets(event: Told, one: Overwritten) -> bool:
    return event.field == one.column and _in(event, one.after)


def _in(event: Told, values: frozenset[str]) -> bool:
    return _fold(event.after) in values


def _all(*values: Scalar) -> frozenset[str]:
    return frozenset(_fold(value) for value in values)


def _fold(value: Scalar) -> str:
    text = "" if value is None else str(value).strip().casefold()
    return "" if text == "-none-" else text


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def words(races: Sequence[Told], gap: float) -> str:
    """Say what was lost; a value only where it is no text of a customer."""
    said = "; ".join(_said(one) for one in races)
    return f"lost race: within {gap:.1f} s between reading and writing {said}; it was overwritten"


def _said(one: Told) -> str:
    name = one.field.removesuffix("_id")
    value = f" to {one.after or 'nothing'}" if one.field in _SHOWN else ""
    who = f"agent {one.agent_id}" if one.agent_id else _WHO.get(one.actor, "somebody")
    return f"{who} set {name}{value} at {one.at:%H:%M:%S} UTC"


_WHO = {"agent": "an agent", "customer": "the customer", "automation": "an automation"}
