"""Working time of one calendar: so many business days, hours or minutes back or ahead.

Owns the arithmetic of zones, hours and days off. Promises that a later start never gives an
earlier end, daylight saving or not. Pure. Must not: know departments, rules or SQL.

- A minute is working when the zone's clock shows a time inside the hours, and the date is no day
  off: an hour that is skipped in spring is nobody's, one that comes twice in autumn counts twice.
- A business day back is the same clock time on the previous working day, moved into its hours:
  before the opening to the opening, after the close to the close, inside a break to its earlier
  edge (ahead: its later one). A day off adds nothing: back from it counts from the end of the
  working day before, ahead from the beginning of the one after.
- A clock time that is skipped is the instant of the leap; one that comes twice is the first. While
  the clock shows an hour for the second time, it stands still for business days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from zdsync.rules.instants import Span

# Minutes of a day from opening to close, in order, apart.
Hours = tuple[tuple[int, int], ...]
Stretch = tuple[datetime, datetime, timedelta]

_DAY = timedelta(days=1)
_UNITS = {"day": _DAY, "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
_FARTHEST = 365 * 40  # days: a calendar of a minute a week must come to an end too
# Offsets go from -12 to +14 hours: every instant of a date lies so near to its noon in UTC.
_AROUND, _STEP = timedelta(hours=27), timedelta(hours=9)


class Days(Protocol):
    """Dates on which nobody works."""

    def __contains__(self, day: object, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working hours by weekday (Monday first) in a zone; `week` None is always open."""

    zone: tzinfo
    week: tuple[Hours, ...] | None
    days_off: Days = frozenset()

    def back(self, moment: datetime, span: Span) -> datetime:
        """Find the latest instant since which this much time has passed at `moment` (aware)."""
        return self._moved(moment, span, -1)

    def ahead(self, moment: datetime, span: Span) -> datetime:
        """Find the earliest instant at which this much time will have passed since `moment`."""
        return self._moved(moment, span, 1)

    def _moved(self, moment: datetime, span: Span, step: int) -> datetime:
        moment = moment.astimezone(UTC)
        if isinstance(span, timedelta):
            return moment + step * span
        plain = span.count * _UNITS[span.unit]
        if self.week is None or not span.count:
            return moment + step * plain
        if span.unit == "day":
            return self._days(moment, span.count, step)
        return self._hours(moment, plain, step)

    def _hours(self, moment: datetime, left: timedelta, step: int) -> datetime:
        day = moment.astimezone(self.zone).date()
        for _ in range(_FARTHEST):
            for opens, closes in list(self._open(day))[::step]:
                first = max(opens, moment) if step > 0 else opens
                last = closes if step > 0 else min(closes, moment)
                if last - first >= left:
                    return first + left if step > 0 else last - left
                left -= max(last - first, timedelta())
            day += step * _DAY
        return _midnight(day)

    def _days(self, moment: datetime, count: int, step: int) -> datetime:
        day = moment.astimezone(self.zone).date()
        if self._works(day):
            clock = _clock(self.zone, day, moment)
        else:
            day = self._working(day, step)
            clock = _DAY if step < 0 else timedelta()
        for _ in range(count):
            day = self._working(day, step)
        return _instant(self.zone, day, _inside(clock, self._of(day), step))

    def _working(self, day: date, step: int) -> date:
        """Find the next working day; a calendar whose every day is off ends somewhere far."""
        for _ in range(_FARTHEST):
            day += step * _DAY
            if self._works(day):
                break
        return day

    def _of(self, day: date) -> Hours:
        return self.week[day.weekday()] if self.week else ()

    def _works(self, day: date) -> bool:
        return bool(self._of(day)) and day not in self.days_off and bool(_stretches(self.zone, day))

    def _open(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working time of a date, in order."""
        if not self._works(day):
            return
        midnight = _midnight(day)
        for start, end, offset in _stretches(self.zone, day):
            for opens, closes in self._of(day):
                first = max(start, midnight + timedelta(minutes=opens) - offset)
                last = min(end, midnight + timedelta(minutes=closes) - offset)
                if first < last:
                    yield first, last


def _inside(clock: timedelta, hours: Hours, step: int) -> timedelta:
    """Move a clock time into the hours of a day."""
    spans = [(timedelta(minutes=opens), timedelta(minutes=closes)) for opens, closes in hours]
    if not spans:
        return clock
    clock = min(max(clock, spans[0][0]), spans[-1][1])
    if step < 0:
        return max(min(clock, closes) for opens, closes in spans if opens <= clock)
    return min(max(clock, opens) for opens, closes in spans if closes >= clock)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _clock(zone: tzinfo, day: date, moment: datetime) -> timedelta:
    """The latest clock time that a date has shown up to `moment`."""
    shown = [
        min(moment, end) + offset - _midnight(day)
        for start, end, offset in _stretches(zone, day)
        if start <= moment
    ]
    return max(shown)


def _instant(zone: tzinfo, day: date, clock: timedelta) -> datetime:
    """The first instant of a date at which its clock shows `clock` or more."""
    wanted = _midnight(day) + clock
    stretches = _stretches(zone, day)
    for start, end, offset in stretches:
        if end + offset > wanted:
            return max(start, wanted - offset)
    return stretches[-1][1] if stretches else wanted


@lru_cache(maxsize=4096)
def _stretches(zone: tzinfo, day: date) -> tuple[Stretch, ...]:
    """Cut a date into stretches in which the clock runs evenly: first instant, end, offset.

    A date without a change of the clock is one stretch; one that the zone left out has none.
    """
    midnight = _midnight(day)
    begin = midnight + timedelta(hours=12) - _AROUND
    edges = [begin + place * _STEP for place in range(7)]
    cuts = [begin]
    for low, high in pairwise(edges):
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            cuts.append(_change(zone, low, high))
    found: list[Stretch] = []
    for start, end in zip(cuts, [*cuts[1:], edges[-1]], strict=True):
        offset = start.astimezone(zone).utcoffset() or timedelta()
        first, last = max(start, midnight - offset), min(end, midnight + _DAY - offset)
        if first < last:
            found.append((first, last, offset))
    return tuple(found)


def _change(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """Find the second at which the offset is no longer that of `low`."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


# Where a file names no calendar: Mon-Fri 09:00-18:00 in UTC, no holidays.
OFFICE = Calendar(UTC, (((540, 1080),),) * 5 + ((),) * 2)
