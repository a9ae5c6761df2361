"""Random records as rows of a real mirror: tickets, and the people and accounts behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.rules.oracle.draw import ANY, DECLARED, NOW, Groups
from zdsync.changes.ground import make_ground
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Row, Shape
from zdsync.rules import CompiledRule
from zdsync.sql import Sql, join

# Field of the language → column of desk.tickets.
COLUMNS = {
    **{name: name for name in ("subject", "description", "status", "priority", "channel")},
    **{name: name for name in ("category", "email", "language", "is_escalated")},
    **{name: name for name in ("thread_count", "comment_count")},
    "created": "created_time",
    "modified": "modified_time",
    "due": "due_date",
    "closed": "closed_time",
}
# What the view computes of other rows is tested there (tests/mirror/test_views.py).
GROUPS: Groups = (
    ("subject", "description", "text", "status", "priority", "category", "email"),
    ("text", "department", "assignee", "contact.name", "contact.owner", "account.sla_tier"),
    ("thread_count", "comment_count"),
    ("is_escalated", "contact.in_crm"),
    ("created", "due", "closed"),
    ("tags",),
    tuple(DECLARED),
    ANY,
)


TABLES = (
    *("desk.tickets", "desk.departments", "desk.agents", "desk.contacts", "desk.accounts"),
    *("desk.ticket_tags", "crm.contacts", "crm.accounts"),
)


def empty(mirror: Mirror) -> None:
    """Forget the rows of the case before."""
    with mirror.transaction():
        for table in TABLES:
            mirror.run(Sql(f"delete from {table}"))


def fill(mirror: Mirror, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a ticket a record, with a department, agent, contact and account of its own."""
    found: dict[str, list[Row]] = {}
    for place, record in enumerate(records):
        for stream, row in rows_of(str(place), record):
            found.setdefault(stream, []).append(row)
    for stream, rows in found.items():
        mirror.upsert(RecordBatch(stream, Shape.SEARCH, tuple(rows), NOW))
    mirror.set_tags({str(i): record.get("tags") or () for i, record in enumerate(records)}, NOW)


def rows_of(id: str, record: Mapping[str, Any]) -> Iterable[tuple[str, Row]]:
    def cf(prefix: str) -> dict[str, Any]:
        found = {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}
        return {name: value for name, value in found.items() if value is not None}

    old = {"id": id, "modified_time": "2026-03-02 00:00:00"}
    plain = {COLUMNS[name]: written(item) for name, item in record.items() if name in COLUMNS}
    links = {f"{name}_id": id for name in ("department", "assignee", "contact", "account")}
    yield "desk.tickets", {**old, **links, **plain, "cf": cf("cf.")}
    yield "desk.departments", {"id": id, "name": record.get("department")}
    yield "desk.agents", {"id": id, "email_id": record.get("assignee")}
    link = {"zoho_crm_contact_id": id if record.get("contact.in_crm") else None}
    yield (
        "desk.contacts",
        {**old, **link, "first_name": record.get("contact.name"), "cf": cf("contact.cf.")},
    )
    yield "desk.accounts", {**old, "zoho_crm_account_id": id, "cf": cf("account.cf.")}
    owner = {"owner_email": record.get("contact.owner")}
    yield "crm.contacts", {**old, **owner, "cf": cf("crm.contact.cf.")}
    tier = {"SLA_Tier": record.get("account.sla_tier")}
    yield "crm.accounts", {**old, "cf": {**tier, **cf("crm.account.cf.")}}


def written(item: Any) -> Any:
    """A cell as the connectors write it: instants naive, in UTC; counts whole."""
    if isinstance(item, float):
        return int(item)
    if not isinstance(item, datetime):
        return item
    return item.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def as_mirrored(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the mirror can tell of a record: no CRM contact without a link, names trimmed."""
    whole = {
        name: int(record[name]) for name in ("thread_count", "comment_count") if name in record
    }
    found = {**record, **whole, "contact.in_crm": bool(record.get("contact.in_crm"))}
    if not found["contact.in_crm"]:
        found = {
            name: item
            for name, item in found.items()
            if name != "contact.owner" and not name.startswith("crm.contact.")
        }
    if isinstance(found.get("contact.name"), str):
        found["contact.name"] = found["contact.name"].strip(" ")
    return found


def judged(mirror: Mirror, rules: Sequence[CompiledRule]) -> list[tuple[Any, ...]]:
    """A row a ticket, a cell a rule: the ground is made as a plan makes it."""
    make_ground(mirror, rules)
    columns = join(", ", [Sql("t.ticket_id"), *(rule.where for rule in rules)])
    rows = mirror.rows(join(" ", [Sql("SELECT"), columns, Sql("FROM rule_ground AS t")]))
    return [row[1:] for row in sorted(rows, key=lambda row: int(row[0]))]
