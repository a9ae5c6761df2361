"""Durations and instants as rules spell them: `48h`, `4 business hours`, `in 2h`, `2026-03-01`.

What is written without a zone is UTC, as everything in the mirror. Must not: know a calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = re.compile(r"(\d{1,6}) ?([mhd])")
_LONGEST = timedelta(days=36_500)  # further back the calendar of Python ends
_BUSINESS = re.compile(r"(\d{1,6}) business (day|hour|minute)s?")
_MOST = {"day": 2_500, "hour": 20_000, "minute": 1_000_000}  # about ten years of an office
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Business:
    """A duration in the working time of a calendar."""

    count: int
    unit: Literal["day", "hour", "minute"]


Span = timedelta | Business


@dataclass(frozen=True, slots=True)
class Relative:
    """An instant that moves with the clock: `now`, `in 2h` (ahead), `3 business days ago`."""

    span: Span
    ahead: bool = True


Moment = datetime | Relative


def read_duration(text: str) -> timedelta | None:
    """Read `30m`, `48h` or `21d`; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        return None
    span = int(match.group(1)) * _UNITS[match.group(2)]
    return span if span <= _LONGEST else None


def read_span(text: str) -> Span | None:
    """Read a plain duration, or one in business time; None for anything else."""
    match = _BUSINESS.fullmatch(" ".join(text.lower().split()))
    if match is None:
        return read_duration(text)
    unit: Literal["day", "hour", "minute"] = match.group(2)  # type: ignore[assignment]  # the pattern's words
    count = int(match.group(1))
    return Business(count, unit) if count <= _MOST[unit] else None


def read_moment(text: str) -> Moment | None:
    """Read `now`, `in 2h`, `3 business days ago`, a date or an instant; None for anything else."""
    words = " ".join(text.lower().split())
    if words == "now":
        return Relative(timedelta())
    if words.startswith("in "):
        ahead = read_span(words.removeprefix("in "))
        return None if ahead is None else Relative(ahead)
    if words.endswith(" ago"):
        back = read_span(words.removesuffix(" ago"))
        return None if back is None else Relative(back, ahead=False)
    return read_instant(text)


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
