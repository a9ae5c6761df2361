"""`zdsync status` for people: one line a stream, then credits, the last run, the brake."""

from __future__ import annotations

from datetime import datetime

from zdsync.reports.listing import listing, render_listing
from zdsync.reports.pools import Pool
from zdsync.reports.status import Status

_DRIFTED = 8  # lines of drift; the rest is in zdsync.drift


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
    lines = [
        "",
        f"credits    {_pool('Desk', status.desk, status.spent('desk'), 'today')}",
        f"           {_pool('CRM', status.crm, status.spent('crm'), 'in 24 hours')}",
        f"last run   {_run(status)}",
        f"published  {_at(status.published_at)}",
        f"held       {_held(status)}",
        f"writing    {'paused; zdsync resume lets it go on' if status.paused else 'allowed'}",
    ]
    lines += [f"{'' if number else 'rules':11}{one}" for number, one in enumerate(status.rules)]
    if status.unresolved:
        told = f"{status.unresolved} writes of the last 30 days may or may not have been made"
        lines.append(f"unknown    {told}; zdsync journal --unresolved, zdsync settle")
    if status.journal_lost:
        lines.append(f"journal    lacks {', '.join(status.journal_lost)}; zdsync adopt")
    for number, one in enumerate(status.drift[:_DRIFTED]):
        lines.append(f"{'' if number else 'fields':11}{one}")
    if len(status.drift) > _DRIFTED:
        lines.append(f"           … and {len(status.drift) - _DRIFTED} more in zdsync.drift")
    return table + "\n".join(lines) + "\n"


def _held(status: Status) -> str:
    """Fields of open tickets that rules leave alone."""
    if not status.holds:
        return "nothing"
    loops = f", {status.quarantined:,} of them in quarantine" if status.quarantined else ""
    return f"{status.holds:,} fields of open tickets{loops}; zdsync sql 'from zdsync.holds'"


def _pool(name: str, pool: Pool, spent: float, over: str) -> str:
    left = "what is left was not told" if pool.left is None else f"{pool.left:,} left"
    known = f" of {pool.daily:,}, {pool.kept:,} kept for others" if pool.daily else ""
    rest = f"; resting until {_at(pool.resting_until)}" if pool.resting_until else ""
    return f"{name} {spent:,.0f} spent {over}, {left}{known}{rest}"


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
