"""Credits and simultaneous calls of one system (Desk or CRM).

Owns the edition tables (desk-tickets.md 1 "Credits", crm.md 13), the gate that limits calls at
once, and the record of what each call cost. Promises that a read is not sent once the day's
credits are down to the share that is left to others. Must not know HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from zdsync.clock import Clock
from zdsync.errors import CreditsSpent
from zdsync.model import Call

_PROBE = timedelta(hours=1)  # the window's end is unknown: ask again after this


@dataclass(frozen=True, slots=True)
class Edition:
    """What a portal may use: credits a day, more for each agent or user, calls at once."""

    credits: int
    per_agent: int
    concurrency: int


DESK_EDITIONS: Mapping[str, Edition] = {
    "free": Edition(5_000, 0, 5),
    "express": Edition(25_000, 100, 10),
    "standard": Edition(50_000, 250, 10),
    "professional": Edition(75_000, 500, 15),
    "enterprise": Edition(100_000, 1_000, 25),
}
CRM_EDITIONS: Mapping[str, Edition] = {
    "free": Edition(5_000, 0, 5),
    "standard": Edition(50_000, 250, 10),
    "professional": Edition(50_000, 500, 15),
    "enterprise": Edition(50_000, 1_000, 20),
    "ultimate": Edition(50_000, 2_000, 25),
}
_CAUTIOUS = 5  # calls at once while the edition is unknown: every edition allows it


class Budget:
    """Limits calls at once, adapts to 429s, and keeps account of credits; thread-safe."""

    def __init__(
        self,
        system: str,
        clock: Clock,
        *,
        editions: Mapping[str, Edition],
        edition: str | None = None,
        reserve: float = 0.2,
    ) -> None:
        self.system = system
        self._clock = clock
        self._editions = editions
        self._reserve = reserve
        self._daily: int | None = None
        self._gate = threading.Condition()
        self._most = _CAUTIOUS
        self._limit = float(_CAUTIOUS)
        self._busy = 0
        self._calls: list[Call] = []
        self.left_today: int | None = None
        self._asked_again_at: datetime | None = None
        if edition:
            self.set_edition(edition)

    @property
    def concurrency(self) -> int:
        """How many calls the edition allows at once."""
        return self._most

    @property
    def allowed_now(self) -> int:
        """How many calls may run at once after recent 429s."""
        return max(1, int(self._limit))

    @property
    def edition_known(self) -> bool:
        """Whether the limits come from an edition, not from caution."""
        return self._daily is not None

    def set_edition(self, name: str, agents: int = 0) -> None:
        """Take limits from an edition's name; an unknown name keeps the cautious ones."""
        edition = self._editions.get(name)
        if edition is None:
            return
        with self._gate:
            self._daily = edition.credits + edition.per_agent * agents
            if edition.concurrency != self._most:
                self._most = edition.concurrency
                self._limit = float(self._most)
            self._gate.notify_all()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the places for simultaneous calls."""
        with self._gate:
            while self._busy >= self.allowed_now:
                self._gate.wait()
            self._busy += 1
        try:
            yield
        finally:
            with self._gate:
                self._busy -= 1
                self._gate.notify_all()

    def slow_down(self) -> None:
        """Halve the calls at once: Zoho said that there were too many."""
        with self._gate:
            self._limit = max(1.0, self._limit / 2)

    def speed_up(self) -> None:
        """Allow a little more after a good answer: one more place per round of calls."""
        with self._gate:
            if self._limit < self._most:
                self._limit = min(float(self._most), self._limit + 1 / (2 * self._limit))
                self._gate.notify_all()

    def check_read(self) -> None:
        """Raise CreditsSpent if what is left today belongs to the portal's other users."""
        with self._gate:
            now = self._clock.now()
            if self.left_today is None or self._daily is None:
                return
            if self.left_today >= self._reserve * self._daily:
                self._asked_again_at = None
                return
            if self._asked_again_at is None:
                self._asked_again_at = now + _PROBE
            if now >= self._asked_again_at:
                self._asked_again_at = now + _PROBE  # one call learns what is left now
                return
            raise CreditsSpent(
                f"{self.left_today} {self.system} API credits are left today and "
                f"{self._reserve:.0%} of {self._daily} are kept for others",
                self._asked_again_at,
                "Wait for the next day, lower ZDSYNC_CREDIT_RESERVE, or set ZDSYNC_EDITION.",
            )

    def record(self, call: Call, left: int | None) -> None:
        """Note one call, and the credits left if the answer told them."""
        with self._gate:
            self._calls.append(call)
            if left is not None:
                self.left_today = left

    def drain(self) -> list[Call]:
        """Hand out the calls recorded since the last drain."""
        with self._gate:
            calls, self._calls = self._calls, []
        return calls


def range_credits(depth: int) -> float:
    """Price of a Desk range read that reaches row `depth`, where no header tells it.

    Two tables circulate (desk-tickets.md 1); this is the dearer one.
    """
    for reach, price in ((2_000, 3.0), (10_000, 10.0), (100_000, 50.0)):
        if depth <= reach:
            return price
    return 100.0
