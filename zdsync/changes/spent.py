"""What was written within the last 24 hours, and which of it limits count against whom.

Pure. Three counts: `charged` is what each rule did unattended and nobody agreed to, so it can break
a limit; `taken` is all that was done unattended, so it fills the day; `everything` is what a person
did too. Must not decide anything; `guard` and `drip` do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from zdsync.model import Scalar

SHARE_FROM = 100  # open tickets from which on a share of them means something
DAY = timedelta(hours=24)


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
    """What was written: changes, those of them that are destructive, the tickets."""

    changes: int = 0
    destructive: int = 0
    tickets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Written:
    """One write of the last 24 hours, by whom, and whether a person agreed to it."""

    rule: str
    ticket_id: str
    field: str
    after: Scalar
    unattended: bool
    charged: bool


@dataclass(frozen=True, slots=True)
class Past:
    """The last 24 hours; `charged`, by rule, is a part of `taken`, and that of `everything`."""

    charged: Mapping[str, Spent] = field(default_factory=dict)
    taken: Spent = Spent()
    everything: Spent = Spent()

    def charge(self, without: frozenset[str]) -> Spent:
        """What is charged to all rules but some, those that are paused."""
        some = [one for rule, one in self.charged.items() if rule not in without]
        return Spent(
            sum(one.changes for one in some),
            sum(one.destructive for one in some),
            frozenset().union(*(one.tickets for one in some)),
        )


def spent(written: Iterable[Written], statuses: Mapping[str, str]) -> Past:
    """Count; `statuses`: name → class."""
    some = list(written)
    charged: dict[str, list[Written]] = defaultdict(list)
    for one in some:
        if one.charged:
            charged[one.rule].append(one)
    return Past(
        charged={rule: _count(own, statuses) for rule, own in charged.items()},
        taken=_count((one for one in some if one.unattended), statuses),
        everything=_count(some, statuses),
    )


def _count(written: Iterable[Written], statuses: Mapping[str, str]) -> Spent:
    some = list(written)
    harsh = sum(is_destructive(one.field, one.after, statuses) for one in some)
    return Spent(len(some), harsh, frozenset(one.ticket_id for one in some))


def is_destructive(field: str, after: Scalar, statuses: Mapping[str, str]) -> bool:
    """Whether a change closes, moves, marks as spam or answers a customer."""
    closes = field == "status" and statuses.get(str(after), "") == "Closed"
    marks = field == "spam" and after is not False  # an undo takes the mark off
    return closes or marks or field in {"department", "reply"}
