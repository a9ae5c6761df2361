"""What the service spends on a day on which nothing happens: ticks under a clock of our own.

A quarter of the day is measured, 72 ticks, and taken four times; tests/loop/test_idle_day.py
goes through all of it. The credits of an idle day hang on the pause, not on the size; a large
mirror's comparisons may cost up to their allowance, which is added in full.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.rows import Figure
from zdsync.app import App
from zdsync.pull import ALLOWANCE
from zdsync.sandbox import Sandbox
from zdsync.settings import Settings

TICKETS = 40
DAY = timedelta(days=1)
QUARTERS = 4
PAUSE = timedelta(minutes=5)  # the default of ZDSYNC_EVERY
RECONCILES = 4  # a stream every six hours
RULES = Path(__file__).parent.parent / "rules.yaml"


class Clock:
    """Time that both sides share; it passes only when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def figures() -> Iterator[Figure]:
    """Pull all, let two days pass, then tick for six hours; the shipped rules only plan."""
    clock = Clock()
    box = Sandbox(tickets=TICKETS, now=clock.now)
    with tempfile.TemporaryDirectory() as folder, box.serve() as creds:
        given: dict[str, Any] = {**creds, "data_dir": Path(folder), "rules": RULES}
        app = App(Settings(**given), clock=clock)
        app.pull()
        clock.sleep(2 * DAY.total_seconds())  # beyond every lookback
        app.tick()
        first, began = len(box.calls), clock.at
        for number in range(1, DAY // QUARTERS // PAUSE + 1):
            clock.at = began + number * PAUSE
            app.tick()
    by_call = Counter[str]()
    for call in box.calls[first:]:
        if call.system == "desk":
            by_call[call.endpoint.removeprefix("/api/v1/")] += QUARTERS * call.credits
    spent = sum(by_call.values())
    most = spent + RECONCILES * ALLOWANCE
    floor = 3 * 3 * (DAY // PAUSE)
    said = f"{floor:,}: one page each of tickets, contacts, accounts"
    yield Figure("Desk credits", f"{spent:,}", "", said)
    yield Figure("with comparisons at their allowance", f"{most:,.0f}", "3,800", "")
    for name, credits in by_call.most_common(6):
        yield Figure(f"  {name}", f"{credits:,}", "", "")
