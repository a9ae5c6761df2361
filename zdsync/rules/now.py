"""The instant of a run with the calendars of the file: what durations of rules count from.

Owns: the SQL of instants that move with the clock. `as_of` is one instant a run, so each calendar
has one instant for a duration, and a rule compares with constants. Must not: read a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from zdsync.errors import Problem
from zdsync.rules.fields import FIELDS, RuleField
from zdsync.rules.folding import exactly, fold
from zdsync.rules.instants import Business, Moment, Relative, Span, naive
from zdsync.rules.worktime import OFFICE, Calendar
from zdsync.sql import Sql, ident, join, value

_DEPARTMENT = FIELDS["department"]


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendar of a department by its name, else the first of the file.

    `lacking`: departments that the portal does not know. One may be misspelt, and then its tickets
    count by a wrong calendar: rules that count business time must not run.
    """

    first: Calendar = OFFICE
    departments: Mapping[str, Calendar] = field(default_factory=dict)
    lacking: tuple[Problem, ...] = ()

    def of(self, department: str | None) -> Calendar:
        """Find the calendar of a department; names fold case."""
        return self.departments.get(fold(department or ""), self.first)


class Instants(Protocol):
    """What writes the instants of a condition, and the instant that SQL of rules calls now."""

    @property
    def as_of(self) -> datetime: ...

    def sql(self, when: Span | Relative | datetime) -> Sql: ...


@dataclass(frozen=True, slots=True)
class Now:
    """`as_of` (aware) and the calendars that business time is counted by."""

    as_of: datetime
    calendars: Calendars = field(default_factory=Calendars)

    def sql(self, when: Span | Relative | datetime) -> Sql:
        """Write an instant as TIMESTAMP; a bare duration counts back from `as_of`."""
        if isinstance(when, datetime):
            return _bound(when)
        moment = when if isinstance(when, Relative) else Relative(when, ahead=False)
        default = self._at(self.calendars.first, moment)
        if not isinstance(moment.span, Business):
            return _bound(default)
        others: dict[datetime, list[str]] = {}
        for name, calendar in self.calendars.departments.items():
            others.setdefault(self._at(calendar, moment), []).append(name)
        others.pop(default, None)
        if not others:
            return _bound(default)
        column = Sql(f"t.{ident(_DEPARTMENT.fold_column)}")
        cases = [
            "WHEN " + column + " IN (" + join(", ", [value(exactly(name)) for name in names])
            + ") THEN " + _bound(at)
            for at, names in others.items()
        ]  # fmt: skip
        return "(CASE " + join(" ", cases) + " ELSE " + _bound(default) + " END)"

    def at(self, moment: Moment, department: str | None) -> datetime:
        """Find the instant that something means for a ticket of a department."""
        if isinstance(moment, datetime):
            return moment
        return self._at(self.calendars.of(department), moment)

    def reads(self, operands: Iterable[object]) -> tuple[RuleField, ...]:
        """List the fields that instants like these hang on: the department, if it matters."""
        return (_DEPARTMENT,) if business(operands) and self.calendars.departments else ()

    def _at(self, calendar: Calendar, moment: Relative) -> datetime:
        move = calendar.ahead if moment.ahead else calendar.back
        return move(self.as_of, moment.span)


def _bound(moment: datetime) -> Sql:
    return "CAST(" + value(naive(moment)) + " AS TIMESTAMP)"


def business(operands: Iterable[object]) -> bool:
    """Whether one of these instants or durations counts business time."""
    spans = (one.span if isinstance(one, Relative) else one for one in operands)
    return any(isinstance(span, Business) for span in spans)
