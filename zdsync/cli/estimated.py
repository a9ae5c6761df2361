"""`zdsync pull --estimate` for people and for programs."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from zdsync.app import App
from zdsync.errors import Misconfigured
from zdsync.pull import Estimate, Price
from zdsync.reports.listing import listing, render_listing
from zdsync.settings import load_settings

_NAMES = ("stream", "rows", "calls", "credits", "time")


def estimated(args: Namespace, width: int | None, *, colour: bool) -> str:
    """What `pull --estimate` prints. Misconfigured for --json without it."""
    if not args.estimate:
        raise Misconfigured("--json is for the estimate", hint="use it with --estimate")
    found = App(load_settings()).estimate(args.streams, full=args.full)
    if args.json:
        return json.dumps(estimate_document(found), ensure_ascii=False, indent=2)
    return estimate_text(found, width, colour=colour)


def estimate_text(found: Estimate, width: int | None, *, colour: bool) -> str:
    """Draw the estimate for `width` columns; None is a pipe."""
    rows = [
        (one.stream, _rows(one), one.calls, round(one.credits), _time(one.seconds))
        for one in found.prices
    ]
    calls = sum(one.calls for one in found.prices)
    desk, crm = found.credits("desk"), found.credits("crm")
    seconds = sum(one.seconds for one in found.prices)
    rows.append(("total", "", calls, round(desk + crm), _time(seconds)))
    table = render_listing(listing("", _NAMES, rows), width=width, colour=colour)
    more = "at least " if found.at_least else "about "
    source = "measured" if found.measured else "assumed"
    lines = [
        "",
        f"{'A full pull' if found.full else 'A pull'} costs {more}{calls:,} calls, "
        f"{desk:,.0f} Desk and {crm:,.0f} CRM credits, {_time(seconds)}.",
        f"Time: {found.answer:.2g} s an answer ({source}), {found.at_once} calls at once where "
        "that helps.",
        f"Left to zdsync today: {max(0, found.room):,.0f} Desk credits."
        + (" It would rest and go on." if desk > found.room else ""),
        f"This estimate cost {found.cost_calls} calls, {found.cost_credits:,.0f} credits.",
    ]
    return table + "\n".join(lines) + "\n"


def estimate_document(found: Estimate) -> dict[str, Any]:
    """The estimate as JSON: `rows` is null where no count was told, `known` tells its worth."""
    return {
        "full": found.full,
        "streams": [
            {
                "stream": one.stream,
                "rows": one.rows,
                "known": one.known,
                "calls": one.calls,
                "credits": one.credits,
                "seconds": round(one.seconds, 1),
            }
            for one in found.prices
        ],
        "total": {
            "calls": sum(one.calls for one in found.prices),
            "credits": found.credits("desk") + found.credits("crm"),
            "desk_credits": found.credits("desk"),
            "crm_credits": found.credits("crm"),
            "seconds": round(sum(one.seconds for one in found.prices), 1),
            "at_least": found.at_least,
        },
        "answer_seconds": found.answer,
        "answer_measured": found.measured,
        "calls_at_once": found.at_once,
        "left_to_us_today": found.room,
        "cost": {"calls": found.cost_calls, "credits": found.cost_credits},
    }


def _rows(one: Price) -> str:
    match one.known:
        case "exact":
            return f"{one.rows:,}"
        case "at least":
            return f"at least {one.rows:,}"
        case "as the mirror has":
            return f"about {one.rows:,}"
    return "not told"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
