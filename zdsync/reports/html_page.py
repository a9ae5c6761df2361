"""A report as one HTML file that needs nothing else: no script, font, image or link outside.

Jinja2 escapes every value; a Content-Security-Policy in the page forbids all loading, so that
even a flaw could fetch nothing. Imports jinja2 when used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from zdsync.reports.drawing import draw
from zdsync.reports.report import Cell, Column, Level, Line, Report, Table
from zdsync.reports.shown import ZERO, cell_text, face, freshness, instant, stale
from zdsync.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

_NAME = 60  # longest name on the page


@dataclass(frozen=True, slots=True)
class _Heading:
    """One heading: its words, how it is set, and how many columns it spans."""

    text: str
    classes: str
    span: int = 1


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table as the page draws it: headings of groups, headings, and cells with their classes."""

    title: str
    groups: list[_Heading]
    headings: list[_Heading]
    lines: list[tuple[Level, list[tuple[str, str]]]]
    notes: list[str]


def to_html(report: Report) -> str:
    """Write the page; charts are drawn here, tables behind a chart are folded away."""
    from markupsafe import Markup

    behind = {table.key: _grid(table) for table in report.tables}
    return _template().render(
        report=report,
        as_of=instant(report.as_of),
        since=instant(report.since),
        freshness=freshness(report),
        stale=stale(report),
        # The drawing escapes its text, and names were made harmless before; the style is ours.
        charts=[(each, Markup(draw(each)), behind.get(each.table)) for each in report.charts],
        folded={table.key for table in report.tables if table.detail},
        grids=[behind[table.key] for table in report.tables if not table.detail],
        notes=[printable(note) for note in report.notes],
        style=Markup(_read("report.css")),
    )


def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read("report.html"))


def _read(name: str) -> str:
    return files("zdsync.reports.templates").joinpath(name).read_text(encoding="utf-8")


def _grid(table: Table) -> _Grid:
    columns, lines = face(table)
    starts = _starts(columns)
    return _Grid(
        title=table.title,
        groups=_groups(columns),
        headings=[
            _Heading(printable(column.label, _NAME), f"{column.align} {start}".strip())
            for column, start in zip(columns, starts, strict=True)
        ],
        lines=[(line.level, _cells(line, columns, starts)) for line in lines],
        notes=[printable(note) for note in table.notes],
    )


def _starts(columns: list[Column]) -> list[str]:
    """Mark the first column of each group, where the page draws a line."""
    before = [columns[0].group, *(column.group for column in columns)]
    return [
        "start" if column.group != last else ""
        for column, last in zip(columns, before, strict=False)
    ]


def _groups(columns: list[Column]) -> list[_Heading]:
    runs = [(name, len(list(run))) for name, run in groupby(columns, lambda each: each.group)]
    if not any(name for name, _ in runs):
        return []
    return [
        _Heading(printable(name, _NAME), "start" if place else "", span)
        for place, (name, span) in enumerate(runs)
    ]


def _cells(line: Line, columns: list[Column], starts: list[str]) -> list[tuple[str, str]]:
    return [
        _cell(value, column, start)
        for value, column, start in zip(line.cells, columns, starts, strict=True)
    ]


def _cell(value: Cell, column: Column, start: str) -> tuple[str, str]:
    text = cell_text(value, column, _NAME)
    quiet = "zero" if text in ("", ZERO) else "alarm" if column.alarm else ""
    return text, " ".join(filter(None, (column.align, start, quiet)))
