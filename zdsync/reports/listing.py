"""Rows of any question as a table, CSV or JSON; for `zdsync sql`, `journal` and `status`.

Uses the reports' own renderers: one way to draw a table. Text from the mirror is made harmless.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from zdsync.reports.report import Cell, Column, Kind, Line, Table

ListingFormat = Literal["table", "csv", "json"]


def listing(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Make a table of rows; a column is of numbers where every value is one."""
    kinds = [_kind([row[place] for row in rows]) for place in range(len(names))]
    columns = tuple(Column(name, name, kind) for name, kind in zip(names, kinds, strict=True))
    lines = tuple(
        Line(tuple(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)))
        for row in rows
    )
    return Table("rows", title, columns, lines)


def render_listing(
    table: Table, form: ListingFormat = "table", *, width: int | None = None, colour: bool = False
) -> str:
    """Write a table as text; `width` and `colour` are the terminal's, None is a pipe."""
    match form:
        case "table":
            from zdsync.reports.terminal import table_text

            return table_text(table, width, colour=colour)
        case "csv":
            from zdsync.reports.csv_file import table_csv

            return table_csv(table)
        case "json":
            keys = [column.key for column in table.columns]
            records = [dict(zip(keys, line.cells, strict=True)) for line in table.rows]
            return json.dumps(records, ensure_ascii=False, indent=2, default=str) + "\n"


def _kind(values: Sequence[Any]) -> Kind:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int) and not isinstance(value, bool) for value in known):
        return "int"
    return "text"


def _cell(value: Any, kind: Kind) -> Cell:
    if value is None or kind == "int":
        cell: Cell = value
        return cell
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
