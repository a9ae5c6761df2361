"""Weaves what History tells into what was observed of one field of one ticket. Pure.

An observed change (one pull saw New, the next Closed) is replaced by the steps between, if they
chain from its before to its after inside its window; else it stays as it is. What History tells
beyond that, before the first sight or there and back between two pulls, is added where it chains
to what was observed. Nothing is made up, and weaving again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from zdsync.mirror.past import Kept, Step
from zdsync.model import Actor

Values = frozenset[str | None]
SLACK = timedelta(seconds=2)  # History has whole seconds, and may be written after the record
_OURS: tuple[Actor, ...] = ("agent", "unknown")  # as which Zoho names the token's user


@dataclass(frozen=True, slots=True)
class Event:
    """One told change; `before` and `after` hold each value that the told name may mean."""

    before: Values
    after: Values
    at: datetime
    actor: Actor
    own: bool = False  # a write of zdsync, as its receipt says
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Woven:
    """Rows to drop, and steps to keep instead of them or beside them."""

    gone: tuple[int, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Events `low` to `high` (exclusive) that explain a row; done: the row is one of them.

    `early` are rows of such events that History told before they were seen.
    """

    low: int
    high: int
    row: Kept
    done: bool
    early: tuple[Kept, ...] = ()


def weave(
    ticket_id: str,
    field: str,
    rows: Sequence[Kept],
    events: Sequence[Event],
    *,
    current: tuple[str | None, datetime] | None,
    read_at: datetime,
    slack: timedelta = SLACK,
) -> Woven:
    """Weave events (oldest first) into the rows of one field (in the order they were seen).

    `current`: the value that the mirror holds and the instant for which it is known.
    """
    blocks = _explained(rows, events, slack)
    told = {block.row.rowid for block in blocks}
    dark = [row for row in rows if row.source == "observed" and row.rowid not in told]
    makes = _Steps(ticket_id, field, events)
    steps = [step for block in blocks if not block.done for step in makes.of_block(block)]
    for low, high, value, first in _gaps(blocks, events, current, slack):
        if not any(_within(event, row, slack) for event in events[low:high] for row in dark):
            steps += makes.between(low, high, value, first, read_at)
    gone = [row.rowid for one in blocks if not one.done for row in (one.row, *one.early)]
    return Woven(tuple(gone), tuple(sorted(steps, key=lambda step: (step.changed_at, step.seq))))


# -- which events explain which rows ----------------------------------------------------------


def _explained(rows: Sequence[Kept], events: Sequence[Event], slack: timedelta) -> list[_Block]:
    places = {(event.at, place): n for n, (event, place) in enumerate(_placed(events))}
    blocks: list[_Block] = []
    for row in rows:
        at = places.get((row.changed_at, row.seq)) if row.source == "history" else None
        if at is not None and row.before in events[at].before and row.after in events[at].after:
            blocks.append(_Block(at, at + 1, row, True))
    for row in rows:
        if row.source == "history":
            continue
        low = max((one.high for one in blocks if one.row.seen_at <= row.seen_at), default=0)
        top = min(
            (one.low for one in blocks if one.row.seen_at > row.seen_at and one.low >= low),
            default=len(events),
        )
        found = _block(row, events, low, top, slack)
        if found:
            blocks.append(found)
        else:
            blocks = _told_early(row, events, blocks, slack)
    return sorted(blocks, key=lambda block: block.low)


def _told_early(
    row: Kept, events: Sequence[Event], blocks: list[_Block], slack: timedelta
) -> list[_Block]:
    """Explain a row by events that are kept already: of the second in which the mirror stood,
    History may have told what no pull had seen.
    """
    if row.not_before is None:
        return blocks
    low = sum(event.at < row.not_before.replace(microsecond=0) - slack for event in events)
    found = _block(row, events, low, len(events), slack)
    if found is None:
        return blocks
    over = [one for one in blocks if one.low < found.high and found.low < one.high]
    if not all(one.done for one in over):
        return blocks
    early = tuple(one.row for one in over)
    return [one for one in blocks if one not in over] + [replace(found, early=early)]


def _placed(events: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """Each event with its place among those of its instant."""
    place, last = 0, None
    for event in events:
        place = place + 1 if event.at == last else 0
        last = event.at
        yield event, place


def _block(
    row: Kept, events: Sequence[Event], low: int, top: int, slack: timedelta
) -> _Block | None:
    """The fewest events, from `low` on, that lead to the row: all that its version must show."""
    must, may = _bounds(row.changed_at, events[:top], slack)
    ends = [n for n in range(max(must, low + 1), may + 1) if row.after in events[n - 1].after]
    ours = [n for n in ends if events[n - 1].own] if row.actor == "zdsync" else []
    for high in ours or ends:
        start = _start(row, events, low, high, slack)
        if start is not None:
            return _Block(start, high, row, False)
    return None


def _bounds(known: datetime, events: Sequence[Event], slack: timedelta) -> tuple[int, int]:
    """How many events a version of that instant must show, and how many it may."""
    second = known.replace(microsecond=0)
    must = sum(event.at < second - slack for event in events)
    return must, sum(event.at <= second + slack for event in events)


def _start(row: Kept, events: Sequence[Event], low: int, high: int, slack: timedelta) -> int | None:
    """Go back from the last event while they chain, to the value before, out of the window."""
    for at in range(high - 1, low - 1, -1):
        if at < high - 1 and _joint(events[at], events[at + 1]) is None:
            return None
        opens = row.not_before.replace(microsecond=0) + slack if row.not_before else None
        if row.before in events[at].before and (
            at == low or opens is None or events[at - 1].at <= opens
        ):
            return at
    return None


def _joint(first: Event, second: Event) -> Values | None:
    """The one value in which two events meet; None if they do not, or if it is not sure."""
    meeting = first.after & second.before
    return meeting if len(meeting) == 1 else None


def _within(event: Event, row: Kept, slack: timedelta) -> bool:
    """Whether an unexplained row may be this event's doing."""
    starts = row.not_before is None or event.at >= row.not_before - slack
    return starts and event.at <= row.changed_at + slack


# -- what lies between ---------------------------------------------------------------------------


def _gaps(
    blocks: Sequence[_Block],
    events: Sequence[Event],
    current: tuple[str | None, datetime] | None,
    slack: timedelta,
) -> Iterator[tuple[int, int, str | None, tuple[str | None] | None]]:
    """Yield events between explained rows: from, to, the value after them, that before them.

    The value before is not known where nothing was observed before: there the events go back as
    far as they chain.
    """
    low, first = 0, None
    for block in blocks:
        yield low, block.low, block.row.before, first
        low, first = block.high, (block.row.after,)
    if current is not None:
        value, known = current
        must, may = _bounds(known, events, slack)
        for high in range(may, max(must, low + 1) - 1, -1):
            if value in events[high - 1].after:
                yield low, high, value, first
                return


@dataclass(frozen=True, slots=True)
class _Steps:
    """Makes the steps of one field."""

    ticket_id: str
    field: str
    events: Sequence[Event]

    def of_block(self, block: _Block) -> list[Step]:
        """The steps that explain a row; what zdsync wrote stays its own."""
        row, some = block.row, list(self.events[block.low : block.high])
        ours = {one.changed_at for one in block.early if one.actor == "zdsync"}
        some = [replace(event, own=event.own or event.at in ours) for event in some]
        if row.actor == "zdsync" and not any(event.own for event in some):
            last = some[-1]
            some[-1] = replace(last, own=len(some) == 1 or last.actor in _OURS)
        pinned = self._pinned(some, (row.before,), row.after)
        return self._made(block.low, some, pinned, row.seen_at) if pinned else []

    def between(
        self,
        low: int,
        high: int,
        value: str | None,
        first: tuple[str | None] | None,
        read_at: datetime,
    ) -> list[Step]:
        """The steps of a gap that ends with `value`, if they chain."""
        if first is None:
            low = self._longest(low, high, value)
        some = self.events[low:high]
        pinned = self._pinned(some, first, value) if some else None
        return self._made(low, some, pinned, read_at) if pinned else []

    def _longest(self, low: int, high: int, value: str | None) -> int:
        """From where on events chain up to `high` without a break."""
        if high <= low or value not in self.events[high - 1].after:
            return high
        at = high - 1
        while at > low and _joint(self.events[at - 1], self.events[at]) is not None:
            at -= 1
        while at < high and len(self.events[at].before) != 1:
            at += 1
        return at

    @staticmethod
    def _pinned(
        some: Sequence[Event], first: tuple[str | None] | None, value: str | None
    ) -> list[str | None] | None:
        """The values between events, from the first before to the last after; None if unsure."""
        start = some[0].before if first is None else some[0].before & frozenset(first)
        if len(start) != 1 or value not in some[-1].after:
            return None
        pinned = list(start)
        for one, other in pairwise(some):
            meeting = _joint(one, other)
            if meeting is None:
                return None
            pinned += meeting
        return [*pinned, value]

    def _made(
        self, low: int, some: Sequence[Event], pinned: Sequence[str | None], seen_at: datetime
    ) -> list[Step]:
        places = [place for _, place in _placed(self.events)]
        return [
            Step(
                self.ticket_id,
                self.field,
                pinned[n],
                pinned[n + 1],
                event.at,
                seen_at,
                "zdsync" if event.own else event.actor,
                places[low + n],
                None if event.own else event.agent_id,
            )
            for n, event in enumerate(some)
        ]
