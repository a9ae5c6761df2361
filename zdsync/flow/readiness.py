"""Which streams are fit to act on (promise 11): read once in full, and lately. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from zdsync.model import Cursor
from zdsync.streams import STREAMS, StreamSpec

PATIENCE = 3  # pauses after which a stream is too old to act on


def unready_streams(
    cursor: Callable[[str], Cursor], now: datetime, every: timedelta, *, crm: bool
) -> dict[str, str]:
    """Return stream → why no rule may act on it: never fully read, or too long ago (promise 11)."""
    found = {}
    for spec in STREAMS:
        if spec.system == "crm" and not crm:
            continue
        reason = _unready(spec, cursor(spec.name), now, every)
        if reason:
            found[spec.name] = reason
    return found


def _unready(spec: StreamSpec, at: Cursor, now: datetime, every: timedelta) -> str | None:
    if not at.complete or at.last_pull_at is None:
        return f"{spec.name} was never fully read; run zdsync pull"
    age = now - at.last_pull_at
    if age > PATIENCE * max(every, timedelta(seconds=spec.every)):
        minutes = age.total_seconds() / 60
        return f"{spec.name} was last read {minutes:.0f} minutes ago; run zdsync pull"
    return None
