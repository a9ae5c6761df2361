"""Work in numbers: what one group of tickets weighs, and how groups add up.

Pure. The definitions of the numbers are in queries/workload.sql.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Slice(NamedTuple):
    """One row of workload.sql: tickets alike in department, agent, status and priority."""

    department: str | None
    agent_id: str | None  # None: nobody
    agent: str | None  # a name that no other agent has
    agent_email: str | None
    status: str | None  # of open classes only
    kind: str | None  # the status class: Open, On Hold, Closed
    priority: str | None
    open: int
    overdue: int
    oldest: datetime | None  # naive UTC
    opened: int
    closed: int

    @property
    def gone(self) -> bool:
        """Closed by now: what its status was at as_of, if open then, is not known."""
        return self.kind == "Closed"


@dataclass(frozen=True, slots=True)
class Load:
    """The sum of some slices. `statuses` and `priorities` each add up to `open`."""

    open: int = 0
    overdue: int = 0
    unassigned: int = 0
    oldest: datetime | None = None
    opened: int = 0
    closed: int = 0
    statuses: Counter[str | None] = field(default_factory=Counter)
    priorities: Counter[str | None] = field(default_factory=Counter)
    closed_since: int = 0


def weigh(slices: Sequence[Slice]) -> Load:
    """Add slices up."""
    statuses: Counter[str | None] = Counter()
    priorities: Counter[str | None] = Counter()
    for each in slices:
        priorities[each.priority] += each.open
        if not each.gone:
            statuses[each.status] += each.open
    return Load(
        open=sum(each.open for each in slices),
        overdue=sum(each.overdue for each in slices),
        unassigned=sum(each.open for each in slices if each.agent_id is None),
        oldest=min((each.oldest for each in slices if each.oldest), default=None),
        opened=sum(each.opened for each in slices),
        closed=sum(each.closed for each in slices),
        statuses=statuses,
        priorities=priorities,
        closed_since=sum(each.open for each in slices if each.gone),
    )


def grouped(
    slices: Iterable[Slice], key: Callable[[Slice], str | None]
) -> list[tuple[str | None, list[Slice]]]:
    """Put slices together by `key`: nobody first, then the most open tickets, then by name."""
    groups: dict[str | None, list[Slice]] = {}
    for each in slices:
        groups.setdefault(key(each), []).append(each)
    return sorted(groups.items(), key=lambda item: _rank(*item))


def _rank(name: str | None, slices: Sequence[Slice]) -> tuple[Any, ...]:
    return (name is not None, -sum(each.open for each in slices), name or "")
