"""When credits are counted anew: Desk's calendar day, the CRM's rolling 24 hours. Pure.

Source: desk-tickets.md 1 "Credits" (calendar day of the data centre's time zone), crm.md 13. The
zone of each centre is not named there: it is taken to be that of its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# data centre: zone, and its standard offset where the machine has no zones (a slim container)
_ZONES: dict[str, tuple[str, float]] = {
    "com": ("America/Los_Angeles", -8),
    "eu": ("Europe/Amsterdam", 1),
    "in": ("Asia/Kolkata", 5.5),
    "au": ("Australia/Sydney", 10),
    "jp": ("Asia/Tokyo", 9),
    "cn": ("Asia/Shanghai", 8),
    "ca": ("America/Toronto", -5),
    "sa": ("Asia/Riyadh", 3),
    "uk": ("Europe/London", 0),
    "sg": ("Asia/Singapore", 8),
    "ae": ("Asia/Dubai", 4),
}
_BACK = timedelta(minutes=30)  # a rolling window gives credits back bit by bit


class Window(Protocol):
    """The time over which credits are counted."""

    @property
    def words(self) -> str: ...

    def start(self, now: datetime) -> datetime: ...

    def end(self, now: datetime) -> datetime:
        """When there will be credits again."""
        ...


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day of one zone."""

    zone: tzinfo
    words: str = "today"

    def start(self, now: datetime) -> datetime:
        return _midnight(now.astimezone(self.zone))

    def end(self, now: datetime) -> datetime:
        # From noon, so that a day of 23 or 25 hours does not land on the wrong date.
        noon = now.astimezone(self.zone).replace(hour=12, fold=0)
        return _midnight(noon + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last 24 hours."""

    words: str = "within 24 hours"

    def start(self, now: datetime) -> datetime:
        return now - timedelta(days=1)

    def end(self, now: datetime) -> datetime:
        return now + _BACK


def day_of(dc: str) -> Day:
    """The credit day of a data centre; that of UTC for an unknown one."""
    name, offset = _ZONES.get(dc, ("UTC", 0))
    try:
        return Day(ZoneInfo(name))
    except ZoneInfoNotFoundError:
        return Day(timezone(timedelta(hours=offset)))


def next_utc_midnight(now: datetime) -> datetime:
    """Where the day may also begin: the zone of a centre is not documented."""
    return _midnight(now.astimezone(UTC)) + timedelta(days=1)


def _midnight(local: datetime) -> datetime:
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return start.astimezone(UTC)
