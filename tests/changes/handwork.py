"""What befell one ticket, step by step, in a real mirror: the ground of the tests of holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.conftest import FakeClock
from zdsync.mirror import Mirror
from zdsync.mirror.holds import within
from zdsync.model import RecordBatch, Shape
from zdsync.sql import Sql

BORN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IDS = {"ana@x.example": "1", "bo@x.example": "2", "cy@x.example": "3"}
DEPARTMENTS = {"Support": "71", "IT": "72"}
TEAMS = {"Front": "81"}
STATUSES = {"Open": "OPEN", "Waiting": "ONHOLD", "Closed": "CLOSED", "Done": "CLOSED"}
_COLUMNS = {
    "assignee": ("assignee_id", IDS),
    "team": ("team_id", TEAMS),
    "department": ("department_id", DEPARTMENTS),
    "due": ("due_date", {}),
}


@dataclass
class Life:
    """One ticket, created at minute 0; minutes are those since."""

    mirror: Mirror
    id: str
    row: dict[str, Any] = field(default_factory=dict)
    written: int = 0

    def put(self, **values: Any) -> None:
        """Change the ticket in Zoho; no pull has seen it."""
        for name, value in values.items():
            column, ids = _COLUMNS.get(name, (name, {}))
            self.row[column] = ids.get(value, value) if ids else value
            if name == "status":
                self.row["status_type"] = "Closed" if value in ("Closed", "Done") else "Open"

    def sees(self, minute: float, *, read: float | None = None, **values: Any) -> None:
        """Somebody gave these values at that minute; a pull reads them then, or at `read`."""
        self.put(**values)
        if values:
            self.row["modified_time"] = _naive(minute)
        batch = RecordBatch("desk.tickets", Shape.DETAIL, (dict(self.row),), at(read or minute))
        self.mirror.upsert(batch)

    def tags(self, minute: float, *names: str) -> None:
        """A reading of the ticket's tags."""
        self.mirror.set_tags({self.id: names}, at(minute))

    def writes(
        self,
        minute: float,
        field: str,
        after: Any,
        *,
        before: Any = None,
        rule: str = "r",
        outcome: str | None = "applied",
        shown: bool = True,
        lost: bool = False,
    ) -> None:
        """Let zdsync write; `shown`: its answer came to the mirror, `lost`: it came to nothing."""
        self.written += 1
        intent = {
            "kind": "intent", "run_id": self.id, "change_id": str(self.written), "rule_id": rule,
            "ticket_id": self.id, "field": field, "before": before, "after": after,
            "intended_at": at(minute).isoformat(),
        }  # fmt: skip
        lines: list[Mapping[str, Any]] = [intent]
        settled = at(minute) + timedelta(seconds=1)
        if outcome:
            receipt = {"kind": "receipt", "outcome": outcome, "settled_at": settled.isoformat()}
            lines.append({**intent, **receipt})
        self.mirror.load_journal(lines)
        if lost:
            return
        if field.startswith("tag:"):
            if shown:
                asked = Sql("select tag from desk.ticket_tags where ticket_id = ?", (self.id,))
                have = {row[0] for row in self.mirror.rows(asked)}
                name = field.removeprefix("tag:")
                now = have | {name} if after else have - {name}
                self.mirror.set_tags(
                    {self.id: sorted(now)}, at(minute), actor="zdsync", own={(self.id, field)}
                )
            return
        custom = field.removeprefix("cf.") if field.startswith("cf.") else None
        name = {"spam": "is_spam"}.get(field, field)
        self.put(**({"cf": {**self.row["cf"], custom: after}} if custom else {name: after}))
        self.row["modified_time"] = _naive(minute)
        if shown:
            column, _ = _COLUMNS.get(field, (field, {}))
            batch = RecordBatch("desk.tickets", Shape.DETAIL, (dict(self.row),), at(minute))
            self.mirror.upsert(batch, actor="zdsync", own={(self.id, column)})

    def told(self, minute: float, column: str, after: str, **more: Any) -> None:
        """History told of a change."""
        self.mirror.run(
            Sql(
                "insert into zdsync.ticket_changes (ticket_id, field, after, changed_at, seen_at, "
                "actor, source, not_before, seq) values "
                "(?, ?, ?, ?::timestamp, ?::timestamp, ?, 'history', ?::timestamp, 0)",
                (self.id, column, after, _naive(minute), _naive(more.get("seen", minute)),
                 more.get("actor", "agent"), _naive(minute)),
            )
        )  # fmt: skip

    def releases(self, minute: float, field: str = "") -> None:
        self.mirror.release(self.id, [field], at(minute))

    def holds(self) -> dict[str, str]:
        """Held fields with the reason."""
        core = within("select id from desk.tickets where presence = 'live'")
        asked = f"select field, reason from ({core}) where ticket_id = ? order by 1"
        return dict(self.mirror.rows(Sql(asked, (self.id,))))


def at(minute: float) -> datetime:
    return BORN + timedelta(minutes=minute)


def _naive(minute: float) -> str:
    return f"{at(minute):%Y-%m-%d %H:%M:%S}"


@contextmanager
def portal(folder: Path) -> Iterator[Mirror]:
    """A mirror with the people and statuses of a small portal, and no ticket."""
    clock = FakeClock(BORN)
    path = folder / "private" / "mirror.duckdb"
    with Mirror.open(path, memory="256MB", options={}, clock=clock) as mirror:
        statuses = [{"value": n, "statusType": k} for n, k in STATUSES.items()]
        rows: dict[str, list[dict[str, Any]]] = {
            "desk.agents": [
                {"id": id_, "email_id": mail, "name": mail[:2].title(), "status": "ACTIVE"}
                for mail, id_ in IDS.items()
            ],
            "desk.departments": [
                {"id": id_, "name": name, "is_enabled": True} for name, id_ in DEPARTMENTS.items()
            ],
            "desk.teams": [{"id": id_, "name": name} for name, id_ in TEAMS.items()],
            "desk.fields": [
                {"id": "s", "module": "tickets", "api_name": "status", "type": "Picklist",
                 "pick_list_values": statuses},
            ],
        }  # fmt: skip
        for stream, some in rows.items():
            mirror.upsert(RecordBatch(stream, Shape.DETAIL, tuple(some), BORN))
        yield mirror


def life(mirror: Mirror, id_: str, *, seen: float = 1, **values: Any) -> Life:
    """A new ticket, first seen by a pull at minute `seen`."""
    one = Life(mirror, id_)
    one.row = {
        "id": id_, "ticket_number": "1" + id_, "created_time": _naive(0), "assignee_id": None,
        "team_id": None, "priority": None, "category": None, "is_spam": False, "cf": {},
        "modified_time": _naive(0), "due_date": None,
    }  # fmt: skip
    one.put(**{"status": "Open", "department": "Support", **values})
    one.sees(seen)
    one.tags(seen)
    return one
