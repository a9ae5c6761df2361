"""A report as one JSON document with stable keys. Pure.

Names are exact here: what a terminal or a reader could stumble over is escaped, not replaced.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from zdsync.reports.report import Cell, Report, Table

# DEL, C1 controls, bidi controls and line separators: legal JSON, unkind to a terminal.
_UNKIND = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def to_json(report: Report) -> str:
    """Write the whole report; instants are ISO 8601 in UTC, ages in hours, rows by column key."""
    document = {
        "report": report.name,
        "title": report.title,
        "as_of": _cell(report.as_of),
        "since": _cell(report.since),
        "fresh_at": _cell(report.fresh_at),
        "lag_seconds": None if report.lag is None else int(report.lag.total_seconds()),
        "figures": {figure.key: figure.value for figure in report.figures},
        "tables": {table.key: _table(table) for table in report.tables},
        "notes": list(report.notes),
    }
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return _UNKIND.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [
            {"key": column.key, "label": column.label, "kind": column.kind, "group": column.group}
            for column in table.columns
        ],
        "rows": [
            {key: _cell(value) for key, value in record.items()} for record in table.records()
        ],
        "notes": list(table.notes),
    }


def _cell(value: Cell) -> str | int | float | None:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
