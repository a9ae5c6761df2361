"""How far back a pull reads, and how often further: index lag cannot be observed. Pure.

Sources: architecture section 5; index lag is undocumented (desk-tickets.md section 2).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from zdsync.model import Cursor

LOOKBACK = timedelta(minutes=15)
DEEP_LOOKBACK = timedelta(hours=24)  # rows that a moving list skipped are read again
DEEP_EVERY = timedelta(hours=1)
AHEAD = timedelta(minutes=5)  # Zoho's clock may run before ours
FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # before any Zoho portal


def is_deep(cursor: Cursor, now: datetime) -> bool:
    """Whether the next pull of a stream is one with the long lookback."""
    return cursor.deep_at is None or now - cursor.deep_at >= DEEP_EVERY
