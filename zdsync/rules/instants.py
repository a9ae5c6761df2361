"""Durations and instants as rules spell them: `30m`, `48h`, `21d`, `2026-03-01 09:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = re.compile(r"(\d{1,6}) ?([mhd])")
_LONGEST = timedelta(days=36_500)  # further back the calendar of Python ends
_BUSINESS = re.compile(r"\d+ business (day|hour|minute)s?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")


def read_duration(text: str) -> timedelta | None:
    """Read `30m`, `48h` or `21d`; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        return None
    span = int(match.group(1)) * _UNITS[match.group(2)]
    return span if span <= _LONGEST else None


def is_business(text: str) -> bool:
    """Whether this is a duration in business time, such as `1 business day`."""
    return _BUSINESS.fullmatch(text.strip().lower()) is not None


def read_instant(text: str) -> datetime | None:
    """Read a date or an instant; without a zone it is UTC. None for anything else."""
    text = text.strip()
    if not _INSTANT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def naive(moment: datetime) -> datetime:
    """Turn an aware instant into the mirror's naive UTC TIMESTAMP."""
    return moment.astimezone(UTC).replace(tzinfo=None)
