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
from datetime import timedelta
from types import FrameType

import schedule

from zdsync import diagnostics
from zdsync.errors import ZdsyncError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


def serve(
    tick: Callable[[], None],
    *,
    every: timedelta,
    instance: AbstractContextManager[object],
    stop: threading.Event,
) -> None:
    """Run `tick` now and after each pause of `every`, until `stop` is set.

    `instance` is held all the while; it raises MirrorBusy where another service runs.
    """
    with instance:
        clockwork = schedule.Scheduler()
        clockwork.every(max(1, round(every.total_seconds()))).seconds.do(_safely, tick)
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


def _safely(tick: Callable[[], None]) -> None:
    try:
        tick()
    except Exception as error:
        told = diagnostics.known(error)
        if isinstance(told, ZdsyncError):
            log.error("tick=failed %s", diagnostics.render(told).replace("\n", " | "))
        else:
            diagnostics.bug(error)
