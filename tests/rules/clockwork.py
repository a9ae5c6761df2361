"""Working time told minute by minute, written from rules-language.md and from nothing else.

Knows a calendar as the file spells it: a zone, hours by weekday as text, dates off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Office:
    """`hours` None is always open."""

    zone: str
    hours: Mapping[str, str] | None
    off: Collection[date] = field(default_factory=frozenset)

    def spans(self, day: date) -> list[tuple[int, int]]:
        text = "" if self.hours is None or day in self.off else self.hours.get(DAYS[day.weekday()])
        found = []
        for part in (text or "").split(","):
            if part.strip():
                opens, closes = (clock(end) for end in part.strip().split("-"))
                found.append((opens, closes))
        return found

    def open_at(self, moment: datetime) -> bool:
        """Whether the minute that begins here is a working one."""
        local = moment.astimezone(ZoneInfo(self.zone))
        at = local.hour * 60 + local.minute
        return any(opens <= at < closes for opens, closes in self.spans(local.date()))

    def minutes_back(self, moment: datetime, count: int) -> datetime:
        while count:
            moment -= MINUTE
            count -= self.open_at(moment)
        return moment

    def minutes_ahead(self, moment: datetime, count: int) -> datetime:
        while count:
            count -= self.open_at(moment)
            moment += MINUTE
        return moment

    def day_back(self, moment: datetime, count: int) -> datetime:
        """For an instant on a working day whose clock ran evenly."""
        local = moment.astimezone(ZoneInfo(self.zone))
        day = local.date()
        assert self.spans(day)
        while count:
            day -= timedelta(days=1)
            count -= bool(self.spans(day))
        at = inside(self.spans(day), local.hour * 60 + local.minute)
        wall = datetime.combine(day, time(), None) + at * MINUTE
        return wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


def clock(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def inside(spans: list[tuple[int, int]], at: int) -> int:
    """The nearest minute inside the hours that is not later, or the opening."""
    allowed = [minute for opens, closes in spans for minute in range(opens, closes + 1)]
    return max((minute for minute in allowed if minute <= at), default=min(allowed))
