"""The nouns of a report: figures, tables, charts. Data only; says nothing of how it is drawn.

Owns the shapes that a builder fills and a renderer reads. Names from the mirror travel here as
they are; every renderer makes them harmless for its own medium. No I/O, no clock, no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from zdsync.sql import Sql

# Answers one statement with column names and rows; the mirror's `columns_and_rows`.
Query = Callable[[Sql], tuple[list[str], list[tuple[Any, ...]]]]

Kind = Literal["text", "int", "hours", "percent", "instant", "day"]
Align = Literal["left", "right"]
Level = Literal["total", "group", "row"]
Cell = str | int | float | datetime | None  # hours: float; percent: 0-100; instant: aware UTC


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` is promised to programs, `label` is for people.

    `group` is a heading over neighbouring columns. `quiet`: people are spared the column while
    all its numbers are zero; programs always get it. `alarm`: a number above zero asks for a look.
    """

    key: str
    label: str
    kind: Kind = "int"
    group: str = ""
    quiet: bool = False
    alarm: bool = False

    @property
    def align(self) -> Align:
        """Words to the left, numbers to the right."""
        return "left" if self.kind in ("text", "instant", "day") else "right"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table. Groups add up to the total, and so do plain rows."""

    cells: tuple[Cell, ...]
    level: Level = "row"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. `outline`: the first column names a group, the second a row within it.

    `detail`: backs a chart; a page folds it away and a terminal leaves it out.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    outline: bool = False
    detail: bool = False

    def shown(self) -> tuple[int, ...]:
        """Places of the columns that people see: all but quiet ones without a number."""
        return tuple(
            place
            for place, column in enumerate(self.columns)
            if not column.quiet or any(line.cells[place] for line in self.rows)
        )

    def records(self) -> list[dict[str, Cell]]:
        """Every row by column key, its level first, as programs read it."""
        keys = [column.key for column in self.columns]
        return [
            {"level": line.level, **dict(zip(keys, line.cells, strict=True))} for line in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline number, with a word on what it stands against."""

    key: str
    label: str
    value: int
    detail: str = ""
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing: a Vega-Lite document, what it says in words, and the table behind it.

    `legend`: names of the series with their colours; a page sets it as text, so that it wraps.
    """

    key: str
    title: str
    text: str
    spec: Mapping[str, Any]
    legend: tuple[tuple[str, str], ...] = ()
    table: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What is known at `as_of`, over the half-open period from `since` to `as_of`, in UTC.

    `fresh_at`: when the mirror last read what the report shows (None: not known). `notes`: what
    a reader must know before using a number.
    """

    name: str
    title: str
    as_of: datetime
    since: datetime
    fresh_at: datetime | None
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    told: str = "opened and closed"  # what is told of the period

    @property
    def lag(self) -> timedelta | None:
        """Age of the data at `as_of`; zero where the mirror already knows more."""
        return max(timedelta(), self.as_of - self.fresh_at) if self.fresh_at else None


# Builds one report from the query function, as_of and since (both aware, UTC).
Builder = Callable[[Query, datetime, datetime], Report]


@dataclass(frozen=True, slots=True)
class Standing:
    """A report that can be asked for by name; `period` is its span where nobody says one.

    `reads`: the ticket's fields that it stands on, by API name in snake_case.
    """

    name: str
    title: str
    build: Builder
    period: timedelta = timedelta(days=7)
    reads: frozenset[str] = frozenset()
