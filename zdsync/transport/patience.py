"""How often a call is repeated, and after what pause. Knows nothing of HTTP.

Promises that only what was raised as `Again` is repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from zdsync.clock import Clock
from zdsync.errors import ZdsyncError

T = TypeVar("T")

_ATTEMPTS = 6
_ATTEMPTS_BUSY = 10  # more patience with 429: nothing is broken
_LONGEST = 30.0  # seconds
_random = random.Random()


class Again(Exception):
    """Repeating may help; carries the error to raise when it did not.

    `wait`: seconds that Zoho asks for. `busy`: it refused for the number of calls.
    """

    def __init__(self, error: ZdsyncError, wait: float | None, busy: bool) -> None:
        super().__init__()
        self.error = error
        self.wait = wait
        self.busy = busy


def persist(attempt: Callable[[], T], clock: Clock) -> T:
    """Try until it works. Raises the last Again, or what else the attempt raises."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Again),
        stop=_stop,
        wait=_wait,
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(attempt)


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds before the next try: what Zoho asks for, else doubling with full jitter."""
    again = _again(state)
    if again and again.wait is not None:
        return again.wait + _random.uniform(0, 1)
    return _random.uniform(0.5, 1) * min(_LONGEST, 0.5 * 2.0**state.attempt_number)


def _stop(state: tenacity.RetryCallState) -> bool:
    again = _again(state)
    return state.attempt_number >= (_ATTEMPTS_BUSY if again and again.busy else _ATTEMPTS)


def _again(state: tenacity.RetryCallState) -> Again | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Again) else None
