"""Business time, minute by minute and day by day, as the page of the language words it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.rules.oracle.folding import fold

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Week = tuple[tuple[tuple[int, int], ...], ...]  # from Monday on: spans in minutes of the day


@dataclass(frozen=True)
class Office:
    """One calendar; no week: it never closes."""

    zone: str
    week: Week | None
    off: frozenset[date] = frozenset()

    def hours(self, day: date) -> tuple[tuple[int, int], ...]:
        if day in self.off:
            return ()
        return ((0, 1440),) if self.week is None else self.week[day.weekday()]


USUAL = Office("UTC", (((540, 1080),),) * 5 + ((),) * 2)


@dataclass(frozen=True)
class Offices:
    """The calendars of a file: the first, and those of departments."""

    first: Office = USUAL
    of: Mapping[str, Office] = field(default_factory=dict)

    def at(self, department: str | None) -> Office:
        by_fold = {fold(name): office for name, office in self.of.items()}
        return by_fold.get(fold(department or ""), self.first)


@lru_cache(20_000)
def back(span: str, now: datetime, office: Office) -> datetime:
    """The last instant from which so much business time has passed until now."""
    count, _, unit = span.split()
    if office.week is None and not office.off:
        return now - int(count) * {"d": DAY, "h": 60 * MINUTE, "m": MINUTE}[unit[0]]
    if unit.startswith("day"):
        return days_back(int(count), now, office)
    return time_back(int(count) * (60 if unit.startswith("hour") else 1) * MINUTE, now, office)


def time_back(left: timedelta, now: datetime, office: Office) -> datetime:
    zone = ZoneInfo(office.zone)
    at = now
    while left:
        start = at.replace(second=0, microsecond=0)
        start = start if start < at else at - MINUTE
        wall = start.astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        if any(opens <= minute < closes for opens, closes in office.hours(wall.date())):
            if left <= at - start:
                return at - left
            left -= at - start
        at = start
    return at


def days_back(count: int, now: datetime, office: Office) -> datetime:
    zone = ZoneInfo(office.zone)
    day = now.astimezone(zone).date()
    clock = shown(now, zone, day)
    if not office.hours(day):  # on a day off it is as late as when the last working day ended
        day = working_day(day, office)
        clock = DAY
    for _ in range(count):
        day = working_day(day, office)
    return instant(datetime.combine(day, time()) + moved(clock, office.hours(day)), office.zone)


def shown(now: datetime, zone: ZoneInfo, day: date) -> timedelta:
    """The latest time that a clock has shown this day: in an hour that comes twice it waits."""

    def clock(at: datetime) -> timedelta | None:
        wall = at.astimezone(zone).replace(tzinfo=None)
        return wall - datetime.combine(day, time()) if wall.date() == day else None

    found = clock(now) or timedelta()
    at = now.replace(second=0, microsecond=0) - MINUTE
    while (past := clock(at)) is not None:
        found = max(found, past + MINUTE)  # that minute has gone by
        at -= MINUTE
    return found


def working_day(day: date, office: Office) -> date:
    """The last day before this one that has hours."""
    day -= DAY
    while not office.hours(day):
        day -= DAY
    return day


def moved(clock: timedelta, hours: tuple[tuple[int, int], ...]) -> timedelta:
    """A clock time within hours; between two shifts the end of the first."""
    found = hours[0][0] * MINUTE
    for opens, closes in hours:
        if clock >= opens * MINUTE:
            found = min(clock, closes * MINUTE)
    return found


def instant(wall: datetime, name: str) -> datetime:
    """When the clock of a zone first shows this; where it leaps over it, the leap."""
    zone = ZoneInfo(name)
    whole = wall.replace(second=0, microsecond=0)
    at = (whole - 2 * DAY).replace(tzinfo=UTC)
    while (shown := at.astimezone(zone).replace(tzinfo=None)) < whole:
        at += MINUTE
    return at + (wall - whole) if shown == whole else at
