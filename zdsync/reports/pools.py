"""How the pools of credits stand, as the last run kept it. Reads only.

Desk and the CRM each have their own: a calendar day, and 24 hours that roll.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from zdsync.sql import Sql

Rows = Callable[[Sql], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. `since`: when its window began; `left`: as Zoho told in it, None where it did not.

    `daily`: credits of a whole window as far as known; `kept`: those that are left to others.
    """

    since: datetime
    left: int | None = None
    daily: int | None = None
    kept: int | None = None
    resting_until: datetime | None = None

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        until = self.resting_until
        return {
            "left": self.left,
            "a_day": self.daily,
            "kept_for_others": self.kept,
            "window_began": self.since.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "resting_until": until.isoformat().replace("+00:00", "Z") if until else None,
        }


def read_pool(rows: Rows, system: str, since: datetime, now: datetime) -> Pool:
    """Read one system's pool; what Zoho told before its window began is not shown."""
    found = rows(Sql("select value from zdsync.options where name = ?", ("credits." + system,)))
    told: dict[str, Any] = orjson.loads(found[0][0]) if found else {}
    told_at, until = _instant(told.get("told_at")), _instant(told.get("rest_until"))
    daily = told.get("daily")
    return Pool(
        since=since,
        left=told.get("left") if told_at and told_at >= since else None,
        daily=daily,
        kept=round(daily * told.get("reserve", 0)) if daily else None,
        resting_until=until if until and until > now else None,
    )


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
