"""Rules that wait for a person, and what waits of backlogs that a person agreed to. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zdsync.sql import Sql, load
from zdsync.text import printable

Rows = Callable[[Sql], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One rule: since when it is paused (None: it is not), why, and how many tickets wait.

    `words` are Zoho's, of the last refusal.
    """

    rule: str
    since: datetime | None
    reason: str
    words: str
    tickets: int

    def __str__(self) -> str:
        wait = f"{self.tickets:,} tickets of an agreed backlog wait"
        if self.since is None:
            return f"{printable(self.rule, 60)}: {wait}"
        words = f", last: {printable(self.words, 100)}" if self.words else ""
        more = f"; {wait}" if self.tickets else ""
        return (
            f"{printable(self.rule, 60)} paused since {self.since:%Y-%m-%d %H:%M} UTC: "
            f"{self.reason}{words}{more}"
        )

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        since = self.since.isoformat().replace("+00:00", "Z") if self.since else None
        return {
            "rule": self.rule,
            "paused_at": since,
            "reason": self.reason,
            "words": self.words,
            "waiting": self.tickets,
        }


def read_rules(rows: Rows) -> tuple[Waiting, ...]:
    """Read which rules are paused, and whose backlogs wait."""
    found = rows(Sql(load("zdsync.reports.queries", "status_rules.sql")))
    return tuple(
        Waiting(rule, at.replace(tzinfo=UTC) if at else None, reason, words, int(tickets))
        for rule, at, reason, words, tickets in found
    )
