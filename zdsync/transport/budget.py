"""Credits and simultaneous calls of one system (Desk or CRM).

Owns the edition tables (desk-tickets.md 1 "Credits", crm.md 13), the gate that limits calls at
once, and the record of what each call cost; the credits themselves are account.py's. Must not
know HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from zdsync.clock import Clock
from zdsync.model import Call
from zdsync.transport.account import Account
from zdsync.transport.window import Window


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
        window: Window,
        *,
        editions: Mapping[str, Edition],
        edition: str | None = None,
        reserve: float = 0.2,
    ) -> None:
        self.system = system
        self.account = Account(
            system, clock, window, daily=None, reserve=reserve, half_told=system == "crm"
        )
        self._editions = editions
        self._gate = threading.Condition()
        self._most = _CAUTIOUS
        self._limit = float(_CAUTIOUS)
        self._round = 0  # how often the limit was halved
        self._busy = 0
        self._calls: list[Call] = []
        self.edition: str | None = None
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
        return self.edition is not None

    def set_edition(self, name: str, agents: int = 0) -> None:
        """Take limits from an edition's name; an unknown name keeps the cautious ones.

        `agents`: those who bring credits of their own (Desk: not the light ones; CRM: users).
        """
        edition = self._editions.get(name)
        if edition is None:
            return
        self.edition = name
        self.account.set_daily(edition.credits + edition.per_agent * agents)
        with self._gate:
            if edition.concurrency != self._most:
                self._most = edition.concurrency
                self._limit = float(self._most)
            self._gate.notify_all()

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Hold one of the places for simultaneous calls; yields the round it was taken in."""
        with self._gate:
            while self._busy >= self.allowed_now:
                self._gate.wait()
            self._busy += 1
            taken = self._round
        try:
            yield taken
        finally:
            with self._gate:
                self._busy -= 1
                self._gate.notify_all()

    def slow_down(self, taken: int) -> None:
        """Halve the calls at once: Zoho said that there were too many.

        Once for all calls of a round: ten refused together are one sign, not ten.
        """
        with self._gate:
            if taken == self._round:
                self._round += 1
                self._limit = max(1.0, self._limit / 2)

    def speed_up(self) -> None:
        """Allow a little more after a good answer: one more place per round of calls."""
        with self._gate:
            if self._limit < self._most:
                self._limit = min(float(self._most), self._limit + 1 / (2 * self._limit))
                self._gate.notify_all()

    @contextmanager
    def reading(self, price: float) -> Iterator[None]:
        """Set a read's price aside while it is under way. Raises CreditsSpent."""
        self.account.book(price)
        try:
            yield
        finally:
            self.account.release(price)

    def record(self, call: Call, left: int | None) -> None:
        """Note one call, and the credits left if the answer told them."""
        self.account.note(call.credits, left, good=200 <= call.status < 400)
        with self._gate:
            self._calls.append(call)

    def undrained(self) -> float:
        """Credits of the calls that nobody has taken yet."""
        with self._gate:
            return sum(call.credits for call in self._calls)

    def drain(self) -> list[Call]:
        """Hand out the calls recorded since the last drain."""
        with self._gate:
            calls, self._calls = self._calls, []
        return calls


def price_of(system: str, params: Mapping[str, str | int]) -> float:
    """Price of a call, where no header tells it: a range of Desk by its depth, else one credit."""
    if system == "desk" and "limit" in params:
        return range_credits(int(params.get("from", 0)) + int(params["limit"]))
    return 1.0


def range_credits(depth: int) -> float:
    """Price of a Desk range read that reaches row `depth`, where no header tells it.

    Two tables circulate (desk-tickets.md 1); this is the dearer one.
    """
    for reach, price in ((2_000, 3.0), (10_000, 10.0), (100_000, 50.0)):
        if depth <= reach:
            return price
    return 100.0
