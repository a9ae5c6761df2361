"""The check before apply: what may be written with nobody watching.

Pure. A rule over its limit is paused; a tick over its limit pauses its largest rule and plans
again; the rest goes on. What a person agreed to breaks no limit and waits for its turn (`drip`).
What is paused stays so until somebody agrees; `pauses` keeps that. Must not write or read anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zdsync.changes.drip import Backlog, Room, fit
from zdsync.changes.plan import Breach, Plan
from zdsync.changes.spent import SHARE_FROM, Limits, Past, is_destructive
from zdsync.model import Change, Portal


@dataclass(frozen=True, slots=True)
class _Limit:
    """One measured limit: `counted` says which changes pay for it.

    `before`: what each rule has done of it within the day, for a limit of a day.
    """

    name: str
    allowed: float
    found: float
    counted: Callable[[Change], bool]
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guard:
    """The limits of one instant: what was written before, what a person agreed to."""

    limits: Limits
    past: Past
    portal: Portal
    open_tickets: int
    backlog: Backlog = field(default_factory=dict)

    def breaches(self, plan: Plan) -> tuple[Breach, ...]:
        """List every limit that an unattended tick would pass with this plan."""
        fresh = self._fresh(plan)
        return tuple(self._over_rules(fresh)) + tuple(
            Breach(limit.name, "", limit.allowed, limit.found)
            for limit in self._limits(fresh, frozenset())
            if limit.found > limit.allowed
        )

    def attended(self, plan: Plan) -> tuple[Breach, ...]:
        """List the limits that even a person passes only with `--destructive`."""
        past = self.past.everything.destructive
        return tuple(
            Breach(limit.name, "", limit.allowed, limit.found)
            for limit in self._harsh_limits(plan.writes, past)
            if limit.found > limit.allowed
        )

    def unattended(
        self, replan: Callable[[frozenset[str]], Plan], paused: frozenset[str] = frozenset()
    ) -> Plan:
        """Reduce the plan of a tick to what may be written without a person.

        `replan` plans with a set of rules paused, cheaply. `paused`: those that are already. The
        plan's breaches name each rule that is to be paused now; `waiting` is what a person agreed
        to and for which there is no room yet.
        """
        said: list[Breach] = []
        while True:
            plan = replan(paused)
            fresh = self._fresh(plan)
            over = self._over_rules(fresh) or self._over_tick(fresh, paused)
            if not over:
                break
            said += over
            paused |= {breach.rule for breach in over}
        room = Room(self.limits, self.past, self.portal.statuses, self.open_tickets)
        return replace(fit(plan, room, self.backlog), breaches=tuple(said))

    def _fresh(self, plan: Plan) -> Sequence[Change]:
        if not self.backlog:
            return plan.writes
        return [one for one in plan.writes if (one.rule, one.ticket_id) not in self.backlog]

    def _over_rules(self, fresh: Sequence[Change]) -> list[Breach]:
        counts = Counter(change.rule for change in fresh)
        allowed = self.limits.changes_per_rule
        return [
            Breach("changes_per_rule", rule, allowed, found)
            for rule, found in counts.items()
            if found > allowed
        ]

    def _over_tick(self, fresh: Sequence[Change], paused: frozenset[str]) -> list[Breach]:
        """The first limit that is passed, and the rule that pays: the largest of tick or day.

        What a paused rule did before is no longer charged: the others need not pay for it.
        """
        for limit in self._limits(fresh, paused):
            counts = Counter(change.rule for change in fresh if limit.counted(change))
            if limit.found <= limit.allowed or not counts:
                continue
            for rule, count in limit.before.items():
                counts[rule] += count if rule not in paused else 0
            largest = max(counts, key=lambda rule: (counts[rule], rule))
            return [Breach(limit.name, largest, limit.allowed, limit.found)]
        return []

    def _limits(self, fresh: Sequence[Change], paused: frozenset[str]) -> list[_Limit]:
        limits, past, count = self.limits, self.past.charge(paused), len(fresh)
        by_rule = {rule: one.changes for rule, one in self.past.charged.items()}
        day = past.changes + count
        found = [
            *self._harsh_limits(fresh, past.destructive),
            _Limit("changes_per_tick", limits.changes_per_tick, count, _any),
            _Limit("changes_per_day", limits.changes_per_day, day, _any, by_rule),
        ]
        if self.open_tickets >= SHARE_FROM:
            touched = {change.ticket_id for change in fresh} | past.tickets
            share = round(len(touched) / self.open_tickets, 4)
            by_rule = {rule: len(one.tickets) for rule, one in self.past.charged.items()}
            name, allowed = "share_of_open_tickets", limits.share_of_open_tickets
            found.append(_Limit(name, allowed, share, _any, by_rule))
        return found

    def _harsh_limits(self, some: Sequence[Change], past: int) -> list[_Limit]:
        def harsh(change: Change) -> bool:
            return is_destructive(change.field, change.after, self.portal.statuses)

        count, limits = sum(map(harsh, some)), self.limits
        by_rule = {rule: one.destructive for rule, one in self.past.charged.items()}
        return [
            _Limit("destructive_per_tick", limits.destructive_per_tick, count, harsh),
            _Limit("destructive_per_day", limits.destructive_per_day, past + count, harsh, by_rule),
        ]


def _any(change: Change) -> bool:
    return True
