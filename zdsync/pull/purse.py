"""What reading on demand works with: the way to Zoho, the mirror, and the run's allowance.

Owns the account: what was booked before a call is set right by what its answer says it cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.mirror import Mirror
from zdsync.model import Call
from zdsync.pull.allowance import Allowance


@dataclass(slots=True)
class Purse:
    """One run's means; `calls` and `credits` are what was spent of the allowance so far."""

    mirror: Mirror
    desk: Desk
    clock: Clock
    workers: Callable[[], int]
    drain: Callable[[], Sequence[Call]]
    run_id: str
    allowance: Allowance
    calls: int = 0
    credits: float = 0.0

    def take(self, credits: float) -> bool:
        """Book a price before its calls; False where it is not left."""
        self.note()  # calls of others before us
        return self.allowance.take(credits)

    def settle(self, booked: float) -> Sequence[Call]:
        """Replace what was booked by what the calls since then cost; returns these."""
        calls = self.note()
        spent = sum(call.credits for call in calls)
        self.allowance.charge(spent - booked)
        self.calls += len(calls)
        self.credits += spent
        return calls

    def note(self) -> Sequence[Call]:
        """Keep the calls made since the last time in the mirror, and return them."""
        calls = self.drain()
        self.mirror.record_calls(self.run_id, calls)
        return calls
