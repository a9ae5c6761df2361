"""The account of credits between runs: resumed from zdsync.calls, kept in zdsync.options.

Promises that a run started by cron, or beside the service, goes on where the others stopped:
what was spent, what Zoho said is left, until when to rest. Makes no call.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from zdsync.mirror import Mirror
from zdsync.sql import Sql, load
from zdsync.transport import Budget, Standing

NOTE = "credits."
_EDITION_HOLDS = timedelta(days=1)  # after that the portal is asked again which edition it has


def resume(mirror: Mirror, budget: Budget, now: datetime) -> None:
    """Let a budget go on from what the mirror knows of its system."""
    told = _kept(mirror, budget.system)
    since = budget.account.began(now).replace(tzinfo=None)
    query = Sql(load("zdsync.mirror.queries", "credits.sql"), (budget.system, since))
    ((spent, people),) = mirror.rows(query)
    if not budget.edition_known and told.get("edition") and _fresh(told, now):
        budget.set_edition(str(told["edition"]))
    if budget.edition is not None:
        budget.set_edition(budget.edition, int(people))
    budget.account.resume(
        Standing(
            spent=float(spent) + budget.undrained(),
            left=told.get("left"),
            told_at=_instant(told.get("told_at")),
            most=int(told.get("most") or 0),
            rest_until=_instant(told.get("rest_until")),
        )
    )


def keep(mirror: Mirror, budget: Budget, now: datetime) -> None:
    """Keep how a budget stands."""
    before = _kept(mirror, budget.system)
    same = before.get("edition") == budget.edition and _fresh(before, now)
    told = {
        **asdict(budget.account.standing()),
        "reserve": budget.account.reserve,
        "edition": budget.edition,
        "edition_at": before.get("edition_at") if same else now,
    }
    mirror.note(NOTE + budget.system, orjson.dumps(told).decode())


def _kept(mirror: Mirror, system: str) -> dict[str, Any]:
    found = mirror.noted(NOTE + system)
    told = orjson.loads(found) if found else {}
    return told if isinstance(told, dict) else {}


def _fresh(told: dict[str, Any], now: datetime) -> bool:
    at = _instant(told.get("edition_at"))
    return at is not None and now - at < _EDITION_HOLDS


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
