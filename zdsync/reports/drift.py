"""What drifted in the portal's fields, as status, doctor and JSON show it. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zdsync.sql import Sql, load

Rows = Callable[[Sql], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Drifted:
    """One field: what happened to it, and who reads it."""

    seen_at: datetime
    stream: str
    module: str
    field: str
    kind: str
    before: str | None
    after: str | None
    read_by: tuple[str, ...]

    @property
    def broken(self) -> bool:
        """Whether somebody reads a field that is gone under this name."""
        gone = self.kind == "vanished" or (self.kind == "renamed" and self.before == self.field)
        return gone and bool(self.read_by)

    def __str__(self) -> str:
        system = "CRM" if self.stream.startswith("crm") else "Desk"
        match self.kind:
            case "vanished":
                what = "is gone; its values stay"
            case "renamed":
                what = f"is called {self.after} now; before {self.before}"
            case "type_changed":
                what = f"changed its type from {self.before} to {self.after}"
            case _:
                what = f"is new ({self.after})"
        readers = f", read by {', '.join(self.read_by)}" if self.read_by else ""
        return f"{system} {self.module}.{self.field} {what}{readers}"

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "seen_at": self.seen_at.isoformat().replace("+00:00", "Z"),
            "stream": self.stream,
            "module": self.module,
            "field": self.field,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "read_by": list(self.read_by),
        }


def read_drift(rows: Rows, now: datetime) -> tuple[Drifted, ...]:
    """Fields that drifted within a week, or that are gone and still read."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    found = rows(Sql(load("zdsync.reports.queries", "status_drift.sql"), (at,)))
    return tuple(_drifted(row) for row in found)


def _drifted(row: tuple[Any, ...]) -> Drifted:
    seen_at, stream, module, field, kind, before, after, read_by = row
    names = (stream, module, field, kind, before, after)
    return Drifted(seen_at.replace(tzinfo=UTC), *names, tuple(read_by))
