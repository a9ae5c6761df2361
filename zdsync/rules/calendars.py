"""Reads `settings.calendars` and `settings.departments`: zones, hours, holidays.

The shape was checked by `models`; here every zone, day, span, country and date is. Notes each
problem at its token. Must not: count time (that is `worktime`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from zdsync.errors import Problem
from zdsync.model import Named
from zdsync.rules.folding import fold
from zdsync.rules.names import Names
from zdsync.rules.nodes import Node, Notes, near
from zdsync.rules.now import Calendars
from zdsync.rules.worktime import OFFICE, Calendar, Days, Hours

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(\d{1,2}):([0-5]\d) ?[-–] ?(\d{1,2}):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MIDNIGHT = 24 * 60
_ROUND: tuple[Hours, ...] = (((0, _MIDNIGHT),),) * 7
_WRITE = 'write "09:00-18:00", or "09:00-12:00, 13:00-18:00", in quotes'


def read_calendars(settings: Node | None, names: Names) -> Calendars:
    """Read the calendars of a file and whose they are; without one Mon-Fri 09:00-18:00 UTC."""
    listed = settings.get("calendars") if settings else None
    reader = _Reader(names.notes)
    calendars = {key.text: reader.calendar(key, node) for key, node in _pairs(listed)}
    first = next(iter(calendars.values()), OFFICE)
    departments: dict[str, Calendar] = {}
    lacking: list[Problem] = []
    for key, use in _pairs(settings.get("departments") if settings else None):
        found, lacks = _department(key, use, names)
        lacking += lacks
        name = fold(found.name if found else key.text)
        if name in departments:
            names.notes.add(key, f"the department {key.text!r} stands twice", "keep one line")
        chosen = use.get("calendar") or use
        if chosen.text not in calendars and chosen.named:
            hint = near(chosen.text, list(calendars), "describe it under `calendars`")
            names.notes.add(chosen, f"no calendar {chosen.text!r}", hint)
        departments[name] = calendars.get(chosen.text, first)
    return Calendars(first, departments, tuple(lacking))


def _department(key: Node, use: Node, names: Names) -> tuple[Named | None, list[Problem]]:
    """Find a department, and what is wrong with its name; of an optional one that is a remark."""
    optional = use.get("optional")
    if optional is None or not optional.value:
        before = len(names.notes.found)
        found = names.department(key)
        return found, [problem for _, _, problem in names.notes.found[before:]]
    apart = replace(names, notes=Notes(names.notes.file))
    found = apart.department(key)
    for problem in apart.notes.problems():
        names.notes.remark(key, f"{problem.what}: its calendar is not used")
    return found, []


def _pairs(node: Node | None) -> tuple[tuple[Node, Node], ...]:
    return (node.pairs if node else None) or ()


@dataclass(frozen=True, slots=True)
class _Reader:
    notes: Notes

    def calendar(self, key: Node, node: Node) -> Calendar:
        """Read one calendar; where something is wrong, notes it and takes what is usual."""
        zone, hours, holidays = node.get("timezone"), node.get("hours"), node.get("holidays")
        days_off = self._days_off(holidays) if holidays else frozenset()
        if hours is None or hours.pairs is None:
            # `always`: plain time, unless there are days on which nobody works.
            week = _ROUND if days_off else None
        else:
            week = self._week(key, hours)
        return Calendar(self._zone(zone) if zone else OFFICE.zone, week, days_off)

    def _zone(self, node: Node) -> tzinfo:
        if not node.named or not node.text:
            return OFFICE.zone  # the shape check has noted it
        try:
            return ZoneInfo(node.text)
        except (KeyError, ValueError, OSError):
            # By their last part: all of a continent's zones look alike.
            cities = {_city(zone): zone for zone in sorted(available_timezones())}
            close = get_close_matches(_city(node.text), cities, n=3, cutoff=0.8)
            hint = "did you mean " + " or ".join(cities[city] for city in close) + "?"
            hint = hint if close else "such as America/Chicago or UTC"
            hint = hint if cities else "this machine has no zones: install its package tzdata"
            self.notes.add(node, f"no time zone {node.text!r}", hint)
            return OFFICE.zone

    def _week(self, key: Node, node: Node) -> tuple[Hours, ...]:
        before = len(self.notes.found)
        week: list[list[tuple[int, int]]] = [[] for _ in _DAYS]
        for days, spans in _pairs(node):
            read = list(self._spans(spans)) if spans.named and spans.text else []
            named = list(self._days(days))
            for span in read:
                self._fill([week[day] for day in named], span, spans)
        wordless = any(not spans.named or not spans.text for _, spans in _pairs(node))
        if not any(week) and len(self.notes.found) == before and not wordless:
            what = f"the calendar {key.text!r} has no working hour"
            self.notes.add(node if node.pairs else key, what, '{mon-fri: "09:00-18:00"}')
        return tuple(tuple(sorted(spans)) for spans in week)

    def _fill(self, days: list[list[tuple[int, int]]], span: tuple[int, int], node: Node) -> None:
        for taken in days:
            other = next((one for one in taken if span[0] < one[1] and one[0] < span[1]), None)
            if other is None:
                taken.append(span)
                continue
            what = f"{_show(*span)} and {_show(*other)} overlap"
            self.notes.add(node, what, "on each day let one begin where the other ends")

    def _days(self, node: Node) -> Iterator[int]:
        """Read `mon`, `mon-fri`, `fri-mon` or `mon, wed`."""
        for part in node.text.split(","):
            ends = [self._day(word.strip(), node) for word in re.split("[-–]", part, maxsplit=1)]
            first, last = ends[0], ends[-1]
            if first is not None and last is not None:
                yield from ((first + place) % 7 for place in range((last - first) % 7 + 1))

    def _day(self, word: str, node: Node) -> int | None:
        for words in (_DAYS, _LONG_DAYS):
            if word.casefold() in words:
                return words.index(word.casefold())
        hint = near(word, [*_DAYS, *_LONG_DAYS], "days are mon, tue, … or mon-fri")
        self.notes.add(node, f"{word!r} is no day of the week", hint)
        return None

    def _spans(self, node: Node) -> Iterator[tuple[int, int]]:
        for part in node.text.split(","):
            match = _SPAN.fullmatch(part.strip())
            if match is None:
                what = f"{part.strip()!r} is no span of hours"
                if node.value is not None and not isinstance(node.value, str):
                    what += ": YAML may read 12:30 without quotes as a number"
                self.notes.add(node, what, _WRITE)
                continue
            from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
            opens, closes = from_hour * 60 + from_minute, to_hour * 60 + to_minute
            if max(opens, closes) > _MIDNIGHT:
                self.notes.add(node, f"{part.strip()!r}: a day ends at 24:00", _WRITE)
            elif closes <= opens:
                hint = 'past midnight take two days: "22:00-24:00" and "00:00-06:00" on the next'
                self.notes.add(node, f"{part.strip()!r} ends before it begins", hint)
            else:
                yield opens, closes

    def _days_off(self, node: Node) -> Days:
        if node.items is None:
            return self._country(node) if node.named else frozenset()
        dates = [self._date(item) for item in node.items if item.scalar]
        return frozenset(day for day in dates if day is not None)

    def _date(self, node: Node) -> date | None:
        try:
            if _DATE.fullmatch(node.text):
                return date.fromisoformat(node.text)
        except ValueError:
            pass  # the 30th of February
        hint = "write dates, such as 2026-12-25, or one country code without brackets"
        self.notes.add(node, f"{node.text!r} is not a date", hint)
        return None

    def _country(self, node: Node) -> Days:
        # Imported here: it takes 0.1 s, and few files name a country.
        import holidays
        from holidays.registry import COUNTRIES

        known: Mapping[str, list[str]] = holidays.list_supported_countries()
        country, _, part = node.text.partition("-")
        if country not in known:
            named = {name.replace("_", " "): codes[1] for name, codes in COUNTRIES.items()}
            close = get_close_matches(node.text.casefold(), named, n=3, cutoff=0.75)
            hint = "did you mean " + " or ".join(f"{named[name]} ({name})" for name in close) + "?"
            hint = hint if close else "take a code of two capitals, such as US or DE-BY"
            if country == "no":
                hint = "Norway is NO; for no holidays at all take the line out"
            self.notes.add(node, f"no holidays are known of {country!r}", hint)
            return frozenset()
        if part and part not in known[country]:
            hint = near(part, known[country]) or f"it has no parts: write {country}"
            self.notes.add(node, f"{country} has no part {part!r}", hint)
            return frozenset()
        return _Holidays(holidays.country_holidays(country, subdiv=part or None))


@dataclass(frozen=True, slots=True)
class _Holidays:
    """A country's public holidays, with the days off in their stead where they fall on Sundays."""

    known: HolidayBase = field(hash=False)

    def __contains__(self, day: object, /) -> bool:
        if isinstance(day, date) and day.year not in self.known.years:
            # Of some countries the moon's feasts are known of a few decades only: it warns.
            with warnings.catch_warnings(action="ignore"):
                return day in self.known
        return day in self.known


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ").casefold()


def _show(opens: int, closes: int) -> str:
    return "-".join(f"{at // 60:02}:{at % 60:02}" for at in (opens, closes))
