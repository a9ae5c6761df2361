"""The check before apply: limits for unattended ticks, and what only a person may do.

Pure. A rule over its limit is paused and said so; a tick over its limit pauses its largest rule
and plans again; the rest goes on. Until holds exist, nothing is closed, moved or marked as spam
unattended. Must not write or read anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from zdsync.changes import plan as plans
from zdsync.changes.journal import Entry
from zdsync.changes.plan import Breach, Plan, Skipped
from zdsync.changes.price import price
from zdsync.model import Change, Portal, Scalar

SHARE_FROM = 100  # open tickets from which on a share of them means something
DAY = timedelta(hours=24)
_WRITTEN = frozenset({"applied", "unknown"})


class Limits(Protocol):
    """The limits of the rules file; `share_of_open_tickets` is a part of one."""

    @property
    def changes_per_tick(self) -> int: ...
    @property
    def changes_per_rule(self) -> int: ...
    @property
    def changes_per_day(self) -> int: ...
    @property
    def share_of_open_tickets(self) -> float: ...
    @property
    def destructive_per_tick(self) -> int: ...
    @property
    def destructive_per_day(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Spent:
    """What was written within the last 24 hours."""

    changes: int = 0
    destructive: int = 0
    tickets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Limit:
    """One measured limit: `counted` says which changes pay for it."""

    name: str
    allowed: float
    found: float
    counted: Callable[[Change], bool]


def spent(entries: Iterable[Entry], now: datetime, portal: Portal) -> Spent:
    """Count from the journal what the last 24 hours wrote."""
    recent = [
        one
        for one in entries
        if one.outcome in _WRITTEN and (one.settled_at or one.intended_at) > now - DAY
    ]
    harsh = sum(is_destructive(one.field, one.after, portal.statuses) for one in recent)
    return Spent(len(recent), harsh, frozenset(one.ticket_id for one in recent))


def is_destructive(field: str, after: Scalar, statuses: Mapping[str, str]) -> bool:
    """Whether a change closes, moves, marks as spam or answers a customer."""
    return field == "reply" or _is_withheld(field, after, statuses)


def _is_withheld(field: str, after: Scalar, statuses: Mapping[str, str]) -> bool:
    """Whether a person must agree; a reply needs none: it waits for its own setting."""
    closes = field == "status" and statuses.get(str(after), "") == "Closed"
    return closes or field == "department" or (field == "spam" and after is not False)


def breaches(
    plan: Plan, limits: Limits, past: Spent, portal: Portal, *, open_tickets: int
) -> tuple[Breach, ...]:
    """List every limit that an unattended tick would pass with this plan."""
    over = _over_rules(plan, limits)
    return tuple(over) + tuple(
        Breach(limit.name, "", limit.allowed, limit.found)
        for limit in _limits(plan, limits, past, portal, open_tickets)
        if limit.found > limit.allowed
    )


def destructive_breaches(
    plan: Plan, limits: Limits, past: Spent, portal: Portal
) -> tuple[Breach, ...]:
    """List the limits that even a person passes only with `--destructive`."""
    return tuple(
        Breach(limit.name, "", limit.allowed, limit.found)
        for limit in _harsh_limits(plan, limits, past, portal)
        if limit.found > limit.allowed
    )


def attended(
    plan: Plan, limits: Limits, past: Spent, portal: Portal, *, destructive: bool
) -> tuple[Breach, ...]:
    """What forbids a person to apply a plan: nothing, or the destructive limits."""
    return () if destructive else destructive_breaches(plan, limits, past, portal)


def unattended(
    replan: Callable[[frozenset[str]], Plan],
    limits: Limits,
    past: Spent,
    portal: Portal,
    *,
    open_tickets: int,
) -> Plan:
    """Reduce the plan of a tick to what may be written without a person.

    `replan` plans with a set of rules paused. The plan's breaches name each paused rule.
    """
    paused: frozenset[str] = frozenset()
    said: list[Breach] = []
    while True:
        plan = leave_to_person(replan(paused), portal)
        over = _over_rules(plan, limits) or _over_tick(plan, limits, past, portal, open_tickets)
        if not over:
            break
        said += over
        paused |= {breach.rule for breach in over}
    pauses = tuple(_pause(breach) for breach in said)
    return replace(plan, breaches=tuple(said), skipped=(*plan.skipped, *pauses))


def leave_to_person(plan: Plan, portal: Portal) -> Plan:
    """Take out what no unattended run may do; it stands in `left_to_apply`.

    With a close goes all that its rule wants of the ticket; with a move also whom the ticket was
    to be given to, who belongs to the new department.
    """
    harsh = {
        (change.ticket_id, change.rule)
        for change in plan.writes
        if _is_withheld(change.field, change.after, portal.statuses)
    }
    moved = {change.ticket_id for change in plan.writes if change.field == "department"}

    def left(change: Change) -> bool:
        given = change.field in {"assignee", "team"} and change.ticket_id in moved
        return change.mode == "apply" and (given or (change.ticket_id, change.rule) in harsh)

    withheld = tuple(change for change in plan.changes if left(change))
    if not withheld:
        return plan
    kept = tuple(change for change in plan.changes if not left(change))
    return replace(
        plan,
        changes=kept,
        left_to_apply=withheld,
        plan_id=plans.plan_id(kept, plan.rules_digest),
        cost=price(kept),
    )


def _pause(breach: Breach) -> Skipped:
    reason = (
        f"paused for this tick: {breach.limit} allows {breach.allowed:g}, found {breach.found:g}"
    )
    return Skipped(breach.rule, reason)


def _over_rules(plan: Plan, limits: Limits) -> list[Breach]:
    counts = Counter(change.rule for change in plan.writes)
    allowed = limits.changes_per_rule
    return [
        Breach("changes_per_rule", rule, allowed, found)
        for rule, found in counts.items()
        if found > allowed
    ]


def _over_tick(
    plan: Plan, limits: Limits, past: Spent, portal: Portal, open_tickets: int
) -> list[Breach]:
    for limit in _limits(plan, limits, past, portal, open_tickets):
        counts = Counter(change.rule for change in plan.writes if limit.counted(change))
        if limit.found > limit.allowed and counts:
            largest = max(counts, key=lambda rule: (counts[rule], rule))
            return [Breach(limit.name, largest, limit.allowed, limit.found)]
    return []


def _limits(
    plan: Plan, limits: Limits, past: Spent, portal: Portal, open_tickets: int
) -> list[_Limit]:
    count = len(plan.writes)
    touched = {change.ticket_id for change in plan.writes} | past.tickets
    found = [
        *_harsh_limits(plan, limits, past, portal),
        _Limit("changes_per_tick", limits.changes_per_tick, count, _any),
        _Limit("changes_per_day", limits.changes_per_day, past.changes + count, _any),
    ]
    if open_tickets >= SHARE_FROM:
        share = round(len(touched) / open_tickets, 4)
        found.append(_Limit("share_of_open_tickets", limits.share_of_open_tickets, share, _any))
    return found


def _harsh_limits(plan: Plan, limits: Limits, past: Spent, portal: Portal) -> list[_Limit]:
    def harsh(change: Change) -> bool:
        return is_destructive(change.field, change.after, portal.statuses)

    count = sum(map(harsh, plan.writes))
    day = past.destructive + count
    return [
        _Limit("destructive_per_tick", limits.destructive_per_tick, count, harsh),
        _Limit("destructive_per_day", limits.destructive_per_day, day, harsh),
    ]


def _any(change: Change) -> bool:
    return True
