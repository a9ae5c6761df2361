"""Limits: credits, depth prices and simultaneous calls of one system.

Owns the tables of DT 1 "Credits" and CRM 13. Promises that a call past a limit is refused
before it has any effect. Must not know what the calls do.
"""

from __future__ import annotations

from collections import deque

from .times import DAY, HOUR
from .variant import Variant

# edition: Desk base, per agent, at once; CRM base, per user, at once
_EDITIONS = {
    "free": (5_000, 0, 5, 5_000, 0, 5),
    "express": (25_000, 100, 10, 50_000, 250, 10),
    "standard": (50_000, 250, 10, 50_000, 250, 10),
    "professional": (75_000, 500, 15, 50_000, 500, 15),
    "enterprise": (100_000, 1_000, 25, 50_000, 1_000, 20),
}
_TIERS = ((2_000, 3), (10_000, 10), (100_000, 50))  # table (a) of DT 1


def depth_price(rows: int) -> int:
    """Return the credits of a range call that reaches down to that row."""
    return next((price for depth, price in _TIERS if rows <= depth), 100)


class Meter:
    """Credits and simultaneous calls of one system."""

    def __init__(self, budget: int, at_once: int, rolling: bool, begins: int = 0) -> None:
        self.budget = budget
        self.at_once = at_once
        self.under_way = 0
        self._rolling = rolling
        self._begins = begins * HOUR
        self._spent: deque[tuple[int, int]] = deque()
        self._total = 0

    def enter(self) -> int:
        """Count a call in; return how many are under way with it."""
        self.under_way += 1
        return self.under_way

    def leave(self) -> None:
        """Count a call out."""
        self.under_way -= 1

    @property
    def spent(self) -> int:
        """Credits of the window as last looked at."""
        return self._total

    def remaining(self, at: int) -> int:
        """Return the credits left: a calendar day, or a rolling one (README 7)."""
        start = at - DAY if self._rolling else at - (at - self._begins) % DAY
        while self._spent and self._spent[0][0] < start:
            self._total -= self._spent.popleft()[1]
        return self.budget - self._total

    def spend(self, credits: int, at: int) -> int:
        """Book credits; return what is left."""
        self._spent.append((at, credits))
        self._total += credits
        return max(0, self.remaining(at))

    def retry_after(self, at: int) -> int:
        """Return the seconds until credits come back."""
        if self._rolling and self._spent:
            return max(1, (self._spent[0][0] + DAY - at) // 1000)
        return max(1, (DAY - (at - self._begins) % DAY) // 1000)


def meters(variant: Variant, agents: int, users: int) -> dict[str, Meter]:
    """Build the meters of Desk and CRM for an edition."""
    if variant.edition not in _EDITIONS:
        raise ValueError(f"unknown edition {variant.edition!r}; known: {', '.join(_EDITIONS)}")
    base, per_agent, at_once, crm_base, per_user, crm_at_once = _EDITIONS[variant.edition]
    return {
        "desk": Meter(
            variant.daily_credits or base + per_agent * agents,
            variant.concurrency or at_once,
            rolling=False,
            begins=variant.day_begins,
        ),
        "crm": Meter(
            variant.crm_daily_credits or crm_base + per_user * users,
            variant.crm_concurrency or crm_at_once,
            rolling=True,
        ),
    }
