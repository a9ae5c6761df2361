"""`zdsync status` for people: one line a stream, then credits, the last run, the brake."""

from __future__ import annotations

from datetime import datetime

from zdsync.reports.listing import listing, render_listing
from zdsync.reports.status import Status


def status_text(status: Status, width: int | None, *, colour: bool) -> str:
    """Draw the status for `width` columns; None is a pipe."""
    spent = {one.stream: one.credits for one in status.spending}
    rows = [
        (
            one.stream,
            one.rows,
            _at(one.last_pull_at),
            _ago(one.lag_seconds),
            int(spent.get(one.stream, 0)),
        )
        for one in status.streams
    ]
    names = ("stream", "rows", "last pull", "behind", "credits today")
    table = render_listing(listing("", names, rows), width=width, colour=colour)
    left = "unknown" if status.left_today is None else f"{status.left_today:,}"
    lines = [
        "",
        f"credits    {status.spent('desk'):,.0f} spent today, {left} left; "
        f"CRM {status.spent('crm'):,.0f} spent",
        f"last run   {_run(status)}",
        f"published  {_at(status.published_at)}",
        f"writing    {'paused; zdsync resume lets it go on' if status.paused else 'allowed'}",
    ]
    return table + "\n".join(lines) + "\n"


def _run(status: Status) -> str:
    run = status.last_run
    if run is None:
        return "none"
    counts = f"{run['applied']} applied, {run['rejected']} rejected, {run['unknown']} unknown"
    error = f": {run['error']}" if run["error"] else ""
    return f"{run['command']} {run['outcome']}{error} at {run['started_at']}, {counts}"


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"


def _ago(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
