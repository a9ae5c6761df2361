"""The reports that can be asked for, by name, and the one door to build them.

A later report adds its Standing to REPORTS; nothing else changes.
"""

from __future__ import annotations

from datetime import datetime

from zdsync.errors import Misconfigured, Problem
from zdsync.reports import workload
from zdsync.reports.report import Query, Report, Standing
from zdsync.text import near

REPORTS: dict[str, Standing] = {each.name: each for each in (workload.STANDING,)}


def standing(name: str) -> Standing:
    """Find a report by name; Misconfigured with near names where there is none."""
    if name in REPORTS:
        return REPORTS[name]
    hint = near(name, list(REPORTS))
    raise Misconfigured("Unknown report", [Problem("report", "no such report", hint, name)])


def build(name: str, query: Query, as_of: datetime, since: datetime | None = None) -> Report:
    """Build one report; `since` is by default the report's own period before as_of.

    Both instants are aware. Raises Misconfigured for an unknown name, and what `query` raises.
    """
    report = standing(name)
    return report.build(query, as_of, since or as_of - report.period)
