"""Instants of the sandbox: epoch milliseconds inside, Zoho's forms at the border.

Promises exact round trips. Must not read the system clock (Sandbox passes it in).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()
_CLOCK = tuple(f"{minute:02}:{second:02}" for minute in range(60) for second in range(60))
_INSTANT = re.compile(r"(19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")


@lru_cache(maxsize=4096)
def day_text(days: int) -> str:
    """Return yyyy-mm-dd of a day counted from 1970."""
    return date.fromordinal(_EPOCH + days).isoformat()


@lru_cache(maxsize=32_768)
def hour_text(hours: int) -> str:
    """Return yyyy-mm-ddThh: of an hour counted from 1970."""
    days, hour = divmod(hours, 24)
    return f"{day_text(days)}T{hour:02}:"


def iso(ms: int, millis: bool) -> str:
    """Write an instant as UTC with Z, the Time schema of the Desk contract."""
    hours, rest = divmod(ms, HOUR)
    seconds, part = divmod(rest, SECOND)
    if not millis:
        return f"{hour_text(hours)}{_CLOCK[seconds]}Z"
    return f"{hour_text(hours)}{_CLOCK[seconds]}.{part:03}Z"


def parse_iso(text: str) -> int | None:
    """Read a UTC instant with Z; None when the text is not one."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return from_datetime(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        return None


def from_datetime(moment: datetime) -> int:
    """Turn an aware datetime into epoch milliseconds."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return delta // timedelta(milliseconds=1)


def offset_minutes(zone: str) -> int:
    """Read +05:30 as minutes."""
    sign = -1 if zone[0] == "-" else 1
    hours, minutes = zone[1:].split(":")
    return sign * (int(hours) * 60 + int(minutes))


def crm_time(ms: int, zone: str) -> str:
    """Write an instant the CRM way: whole seconds, local, with the offset (CRM 15)."""
    return iso(ms + offset_minutes(zone) * MINUTE, False)[:-1] + zone


def parse_offset_iso(text: str) -> int | None:
    """Read ISO 8601 that must carry an offset or Z (If-Modified-Since, CRM 6)."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return None if moment.tzinfo is None else from_datetime(moment.astimezone(UTC))
