"""The main table of a report as CSV (RFC 4180), safe to open in a spreadsheet. Pure.

The first column, `level`, tells totals and groups from rows: adding up `row` lines gives the
total. Text that a spreadsheet would run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO

from zdsync.reports.report import Cell, Report, Table
from zdsync.text import printable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(report: Report) -> str:
    """Write the first table, all columns, headed by their keys; lines end in CR LF."""
    table = report.tables[0]
    rows = [[line.level, *map(_cell, line.cells)] for line in table.rows]
    return _written([["level", *(_text(column.key) for column in table.columns)], *rows])


def table_csv(table: Table) -> str:
    """Write one table alone, without levels."""
    rows = [list(map(_cell, line.cells)) for line in table.rows]
    return _written([[_text(column.key) for column in table.columns], *rows])


def _written(rows: list[list[str]]) -> str:
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _cell(value: Cell) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return _text(value) if isinstance(value, str) else "" if value is None else str(value)


def _text(value: str) -> str:
    clean = printable(value)
    return "'" + clean if value.startswith(_FORMULA) or clean.startswith(_FORMULA) else clean
