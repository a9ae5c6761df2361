"""How long the service waits for its next tick, so that the day's credits last. Pure.

While more than a quarter of the allowance is left the pause is as set. Then, where the rest of the
window at that pause would cost more than is left to us, it stretches just so far that it lasts; at
the end it rests.
"""

from __future__ import annotations

from datetime import timedelta

from zdsync.clock import Clock
from zdsync.transport import Account

LONGEST = timedelta(hours=1)  # the CRM has credits of its own, and rules are read again
NEAR = 0.25  # share of the allowance that is its end: what a busy morning costs tells little


def paced(account: Account, every: timedelta, cost: float, clock: Clock) -> timedelta:
    """The pause after a tick, at least `every`; `cost`: credits that a tick takes lately."""
    now = clock.now()
    until = account.resting()
    if until is not None:
        return max(every, min(until - now, LONGEST))
    if account.room() > NEAR * account.allowance:
        return every
    return stretched(every, cost, account.room(), account.ends() - now)


def stretched(every: timedelta, cost: float, room: float, left: timedelta) -> timedelta:
    """The pause at which `room` credits last for the time that is `left`."""
    wanted = left / every * cost  # credits until the window ends, at the pause that was set
    if wanted <= room:
        return every
    return max(every, min(every * (wanted / room) if room > 0 else LONGEST, LONGEST))
