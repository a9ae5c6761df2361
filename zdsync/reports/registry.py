"""The reports that can be asked for, by name, and the one door to build them.

A later report adds its Standing to REPORTS; nothing else changes.
"""

from __future__ import annotations

import difflib
from datetime import datetime

from zdsync.errors import Misconfigured, Problem
from zdsync.reports import workload
from zdsync.reports.report import Query, Report, Standing

REPORTS: dict[str, Standing] = {each.name: each for each in (workload.STANDING,)}


def standing(name: str) -> Standing:
    """Find a report by name; Misconfigured with near names where there is none."""
    if name in REPORTS:
        return REPORTS[name]
    near = difflib.get_close_matches(name, REPORTS, n=1)
    hint = f"did you mean {near[0]}?" if near else "reports: " + ", ".join(REPORTS)
    raise Misconfigured("Unknown report", [Problem("report", "no such report", hint, name)])


def build(name: str, query: Query, as_of: datetime, since: datetime | None = None) -> Report:
    """Build one report; `since` is by default the report's own period before as_of.

    Both instants are aware. Raises Misconfigured for an unknown name, and what `query` raises.
    """
    report = standing(name)
    return report.build(query, as_of, since or as_of - report.period)
