"""How a backlog that a person agreed to comes to be written: within the limits, oldest first.

Pure. Promises that what unattended ticks write stays within every limit, that a ticket's share of
the backlog goes as a whole, and that what comes anew goes first: a fifth of each day's limit is
kept for it. Nothing is paused here, it waits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zdsync.changes import plan as plans
from zdsync.changes.plan import Plan
from zdsync.changes.price import price
from zdsync.changes.spent import SHARE_FROM, Limits, Past, is_destructive
from zdsync.changes.wire import GIVEN
from zdsync.model import Change

Backlog = Mapping[tuple[str, str], int]  # rule and ticket → its place, the oldest ticket first
_KEPT = 5  # one part of so many of a day's limit is kept for what comes anew


def fit(plan: Plan, room: Room, backlog: Backlog) -> Plan:
    """Take out what there is no room for now; it stands in `waiting`.

    What a person did not agree to (`fresh`) breaks no limit, which `guard` has seen to; it waits
    only where an agreed backlog, or a rule that is paused since, has filled the day.
    """
    fresh, old = _units(plan.writes, backlog)
    took: set[str] = set()
    for unit in fresh:
        if room.take(unit, drips=False):
            took.update(one.change_id for one in unit)
    for unit in old:
        if room.full:
            break
        if room.take(unit, drips=True):
            took.update(one.change_id for one in unit)
    left = tuple(one for one in plan.writes if one.change_id not in took)
    if not left:
        return plan
    kept = tuple(one for one in plan.changes if one.mode != "apply" or one.change_id in took)
    return replace(
        plan,
        changes=kept,
        waiting=left,
        plan_id=plans.plan_id(kept, plan.rules_digest),
        cost=price(kept),
    )


def _units(
    writes: Iterable[Change], backlog: Backlog
) -> tuple[list[list[Change]], list[list[Change]]]:
    """What goes together: of each ticket what comes anew, and what was agreed to, oldest first.

    Whom a ticket is given to belongs to the department that it is moved to: where one of both was
    agreed to, they go together.
    """
    fresh: dict[str, list[Change]] = defaultdict(list)
    old: dict[str, list[Change]] = defaultdict(list)
    ranks: dict[str, int] = {}
    moved: set[str] = set()
    for change in writes:
        place = backlog.get((change.rule, change.ticket_id))
        (fresh if place is None else old)[change.ticket_id].append(change)
        if place is not None:
            ranks[change.ticket_id] = min(place, ranks.get(change.ticket_id, place))
        if change.field == "department":
            moved.add(change.ticket_id)
    for ticket in moved & old.keys() & fresh.keys():
        old[ticket] += filter(_placed, fresh[ticket])
        fresh[ticket] = [one for one in fresh[ticket] if not _placed(one)]
    oldest = [old[ticket] for ticket in sorted(ranks, key=ranks.__getitem__)]
    return [some for some in fresh.values() if some], oldest


def _placed(change: Change) -> bool:
    return change.field == "department" or change.field in GIVEN


@dataclass(slots=True)
class Room:
    """What is left of the limits while one tick is filled."""

    limits: Limits
    past: Past
    statuses: Mapping[str, str]
    open_tickets: int
    rules: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    harsh: int = 0
    tickets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tickets |= self.past.taken.tickets

    @property
    def full(self) -> bool:
        """Whether nothing of a backlog finds room any more."""
        day = self.past.taken.changes + self.changes
        most = _of_day(self.limits.changes_per_day, drips=True)
        return self.changes >= self.limits.changes_per_tick or day >= most

    def take(self, unit: Sequence[Change], *, drips: bool) -> bool:
        """Take one ticket's changes if all of them find room; `drips`: a person agreed to them."""
        if self.rules[unit[0].rule] >= self.limits.changes_per_rule:
            return False
        counts = Counter(one.rule for one in unit)
        harsh = sum(is_destructive(one.field, one.after, self.statuses) for one in unit)
        if not all(self._fits(unit, counts, harsh, drips)):
            return False
        self.rules += counts
        self.changes += len(unit)
        self.harsh += harsh
        self.tickets.add(unit[0].ticket_id)
        return True

    def _fits(
        self, unit: Sequence[Change], counts: Counter[str], harsh: int, drips: bool
    ) -> Iterator[bool]:
        limits, taken = self.limits, self.past.taken
        for rule, count in counts.items():
            yield self.rules[rule] + count <= limits.changes_per_rule
        yield self.changes + len(unit) <= limits.changes_per_tick
        day = taken.changes + self.changes + len(unit)
        yield day <= _of_day(limits.changes_per_day, drips=drips)
        if harsh:
            yield self.harsh + harsh <= limits.destructive_per_tick
            most = _of_day(limits.destructive_per_day, drips=drips)
            yield taken.destructive + self.harsh + harsh <= most
        if self.open_tickets >= SHARE_FROM and unit[0].ticket_id not in self.tickets:
            share = round(limits.share_of_open_tickets * self.open_tickets, 6)
            yield len(self.tickets) + 1 <= _of_day(int(share), drips=drips)


def _of_day(limit: int, *, drips: bool) -> int:
    return limit - limit // _KEPT if drips else limit
