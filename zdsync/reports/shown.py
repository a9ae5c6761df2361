"""How a cell reads to people, the same on a terminal and on a page. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from zdsync.reports.report import Cell, Column, Line, Report, Table
from zdsync.text import printable

ZERO = "·"
_NO_NAME = "–"


def cell_text(value: Cell, column: Column, width: int = 60) -> str:
    """Write one cell; nothing is "" and the number nought a quiet dot."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if column.kind == "day" else instant(value)
    if isinstance(value, str):
        return printable(value, width) or _NO_NAME
    return _number(value, column)


def _number(value: int | float, column: Column) -> str:
    match column.kind:
        case "hours":
            return age(value)
        case "percent":
            return f"{value:.0f} %"
        case _:
            return f"{value:,}" if value else ZERO


def face(table: Table) -> tuple[list[Column], list[Line]]:
    """The columns and lines that people see.

    Columns without a number are left out; in an outline the two columns of names become one, and
    its rows are meant to be indented.
    """
    shown = table.shown()
    columns = [table.columns[place] for place in shown]
    lines = [Line(tuple(line.cells[place] for place in shown), line.level) for line in table.rows]
    if table.outline:
        head, second, *rest = columns
        columns = [replace(head, label=f"{head.label} / {second.label.lower()}"), *rest]
    return columns, [replace(line, cells=_named(line, table.outline)) for line in lines]


def _named(line: Line, outline: bool) -> tuple[Cell, ...]:
    head, *rest = line.cells
    if outline:
        second, *rest = rest
        head = second if line.level == "row" else head
    return ("Total" if line.level == "total" else head, *rest)


def age(hours: float) -> str:
    """Write an age: minutes under an hour, hours under two days, days from there."""
    if hours < 1:
        return f"{int(hours * 60)} min"
    return f"{int(hours)} h" if hours < 48 else f"{int(hours / 24):,} d"


def instant(moment: datetime) -> str:
    """Write an instant to the minute, in UTC and saying so."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def freshness(report: Report) -> str:
    """Say how old the data behind a report is."""
    if report.fresh_at is None or report.lag is None:
        return "age of the data unknown"
    if report.lag < timedelta(minutes=1):
        return f"pulled at {instant(report.fresh_at)}"
    lag = age(report.lag / timedelta(hours=1))
    return f"pulled at {instant(report.fresh_at)}, {lag} before"


def stale(report: Report) -> bool:
    """Whether the data is old enough to mislead: an hour, or of unknown age."""
    return report.lag is None or report.lag >= timedelta(hours=1)
