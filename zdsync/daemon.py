"""The service loop: one tick, a pause, again. The only importer of `schedule`.

Promises: no job ever raises out of the loop (schedule would run a failed job again at every
poll); SIGTERM and SIGINT end the loop after the write under way; one instance a data directory.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

import schedule

from zdsync import diagnostics
from zdsync.errors import CreditsSpent, ZdsyncError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


@dataclass(slots=True)
class _Said:
    """What the log was told last, so that it is told once."""

    pause: timedelta
    rest_until: datetime | None = None


def serve(
    tick: Callable[[], None],
    *,
    every: timedelta,
    instance: AbstractContextManager[object],
    stop: threading.Event,
    pause: Callable[[], timedelta] | None = None,
) -> None:
    """Run `tick` now and again after each pause, until `stop` is set.

    The pause is `every`, or what `pause` says after a tick: longer where credits run short.
    `instance` is held all the while; it raises MirrorBusy where another service runs.
    """
    with instance:
        clockwork = schedule.Scheduler()
        said = _Said(every)

        def job() -> None:
            _safely(tick, said)
            clockwork.clear()
            plan(_next_pause(pause, said) if pause else every)

        def plan(wait: timedelta) -> None:
            clockwork.every(max(1, round(wait.total_seconds()))).seconds.do(job)

        plan(every)
        log.info("service=started every=%ds", every.total_seconds())
        clockwork.run_all()
        while not stop.is_set():
            clockwork.run_pending()
            stop.wait(POLL_SECONDS)
        log.info("service=stopped")


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and SIGINT set `stop`; a second SIGINT interrupts at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _next_pause(pause: Callable[[], timedelta], said: _Said) -> timedelta:
    try:
        wait = pause()
    except Exception as error:
        diagnostics.bug(error)
        return said.pause
    if round(wait.total_seconds()) != round(said.pause.total_seconds()):
        log.info("service=pausing seconds=%d reason=credits", wait.total_seconds())
    said.pause = wait
    return wait


def _safely(tick: Callable[[], None], said: _Said) -> None:
    try:
        tick()
        said.rest_until = None
    except CreditsSpent as error:
        if error.retry_at != said.rest_until:  # once a rest, not at every tick of it
            log.warning("service=resting %s", diagnostics.render(error).replace("\n", " | "))
        said.rest_until = error.retry_at
    except Exception as error:
        told = diagnostics.known(error)
        if isinstance(told, ZdsyncError):
            log.error("tick=failed %s", diagnostics.render(told).replace("\n", " | "))
        else:
            diagnostics.bug(error)
