"""How the mirror stands: streams, credits of the day, the last run, the brake.

Reads the published copy through the query function it is given. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zdsync.reports.drift import Drifted, read_drift
from zdsync.reports.pools import Pool, Rows, read_pool
from zdsync.reports.rules import Waiting, read_rules
from zdsync.sql import Sql, load

_QUERIES = "zdsync.reports.queries"
_HOLDS = "select count(*), count(*) filter (where reason = 'flipped') from zdsync.holds"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream; instants are aware UTC, `lag_seconds` counts from its last pull."""

    stream: str
    rows: int
    cursor: datetime | None
    last_pull_at: datetime | None
    lag_seconds: int | None


@dataclass(frozen=True, slots=True)
class Spending:
    """What one stream cost today."""

    system: str
    stream: str
    calls: int
    credits: float


@dataclass(frozen=True, slots=True)
class Status:
    """All of `zdsync status`."""

    streams: tuple[StreamStatus, ...]
    spending: tuple[Spending, ...]
    desk: Pool
    crm: Pool
    last_run: dict[str, Any] | None
    holds: int
    paused: bool
    published_at: datetime | None
    drift: tuple[Drifted, ...] = ()
    quarantined: int = 0  # of the holds: fields that changed again and again
    rules: tuple[Waiting, ...] = ()
    unresolved: int = 0  # writes of the last 30 days of which nobody knows whether they were made
    journal_lost: tuple[str, ...] = ()  # files; without them rules say nothing

    def spent(self, system: str) -> float:
        """Credits of one system's pool; Desk and CRM each have their own."""
        return sum(one.credits for one in self.spending if one.system == system)

    def document(self) -> dict[str, Any]:
        """The promised JSON document (instants as ISO 8601)."""
        return {
            "streams": [
                {
                    "stream": one.stream,
                    "rows": one.rows,
                    "cursor": _iso(one.cursor),
                    "last_pull_at": _iso(one.last_pull_at),
                    "lag_seconds": one.lag_seconds,
                }
                for one in self.streams
            ],
            "credits": {
                "spent_today": self.spent("desk"),
                "crm_spent_today": self.spent("crm"),
                "left_today": self.desk.left,
                "by_stream": {one.stream: one.credits for one in self.spending},
                "resting_until": self.desk.document()["resting_until"],
                "pools": {"desk": self.desk.document(), "crm": self.crm.document()},
            },
            "last_run": self.last_run,
            "holds": self.holds,
            "quarantined": self.quarantined,
            "unresolved": self.unresolved,
            "paused": self.paused,
            "published_at": _iso(self.published_at),
            "drift": [one.document() for one in self.drift],
            "rules": [one.document() for one in self.rules],
            "journal_lost": list(self.journal_lost),
        }


def read_status(
    rows: Rows, now: datetime, *, paused: bool, day_began: datetime, crm_began: datetime
) -> Status:
    """Ask the mirror how it stands at `now`; the pools of credits began at `day_began`, …"""
    at = _naive(now)

    def ask(name: str, *params: object) -> list[tuple[Any, ...]]:
        return rows(Sql(load(_QUERIES, name + ".sql"), params))

    streams = ask("status_streams", at)
    runs = ask("status_run")
    (holds, looping) = rows(Sql(_HOLDS))[0]
    ((lost,),) = ask("status_journal")
    (published,) = rows(Sql("select max(as_of) from zdsync.published"))[0]
    return Status(
        streams=tuple(
            StreamStatus(name, count, _aware(cursor), _aware(pulled), lag)
            for name, count, cursor, pulled, lag in streams
        ),
        spending=tuple(
            Spending(*row) for row in ask("status_credits", _naive(day_began), _naive(crm_began))
        ),
        desk=read_pool(rows, "desk", day_began, now),
        crm=read_pool(rows, "crm", crm_began, now),
        last_run=_run(runs[0]) if runs else None,
        holds=int(holds),
        paused=paused,
        published_at=_aware(published),
        drift=read_drift(rows, now),
        quarantined=int(looping),
        rules=read_rules(rows),
        unresolved=int(ask("status_unresolved", at)[0][0]),
        journal_lost=tuple(sorted(lost)),
    )


def _run(row: tuple[Any, ...]) -> dict[str, Any]:
    run_id, command, started_at, outcome, applied, rejected, unknown, error = row
    return {
        "run_id": run_id,
        "command": command,
        "started_at": _iso(_aware(started_at)),
        "outcome": outcome,
        "applied": applied or 0,
        "rejected": rejected or 0,
        "unknown": unknown or 0,
        "error": error or "",
    }


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
