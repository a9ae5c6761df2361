"""Which stream is compared when, and what a comparison came to. Compares nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zdsync.errors import ZdsyncError
from zdsync.mirror import Mirror
from zdsync.pull.lookback import FIRST
from zdsync.sql import Sql

STREAMS = ("desk.tickets", "desk.contacts", "desk.accounts")
CHECKED = (*STREAMS, "crm.contacts", "crm.accounts", "crm.leads")
NOTE = "reconciled."
EVERY = timedelta(hours=6)  # the service compares one stream so often …
ALLOWANCE = 60.0  # … for so many credits


def due(mirror: Mirror, now: datetime) -> str | None:
    """The stream that was compared longest ago; None while the last comparison is fresh."""
    query = Sql("select name, value from zdsync.options where starts_with(name, ?)", (NOTE,))
    last = {
        str(name).removeprefix(NOTE): datetime.fromisoformat(value)
        for name, value in mirror.rows(query)
    }
    if last and now - max(last.values()) < EVERY:
        return None
    whole = [name for name in STREAMS if mirror.cursor(name).complete]
    return min(whole, key=lambda name: last.get(name, FIRST), default=None)


@dataclass(slots=True)
class Comparison:
    """How one stream compared: windows, rows on both sides, what was mended, what it cost."""

    stream: str
    windows: int = 0
    remote: int = 0
    held: int = 0
    repaired: int = 0
    buried: int = 0
    back: int = 0
    credits: float = 0.0
    unproven: list[str] = field(default_factory=list)
    error: ZdsyncError | None = None
