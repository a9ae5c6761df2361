"""The recycle bin: what lies in it, putting in and taking out.

Owns GET /recycleBin (DT 2) and the bulk calls that fill and empty it (DT 3). Side effects
live in effects.py.
"""

from __future__ import annotations

from .. import effects
from ..call import Call, Route
from ..records import Account, Contact, Json, Ticket
from ..shapes.tickets import Shaper
from ..validate import Field, enum, enums, offsets, one_id, sort
from ..wire import Response, empty, listed, ok
from .lookup import listed_tickets, outcome
from .paging import cut, page


def recycle_bin(c: Call) -> Response:
    """GET /recycleBin."""
    rows = [
        r
        for r in _bin_rows(c)
        if c.q.get("module", r["type"]) == r["type"]
        and c.q.get("departmentId", r["departmentId"]) == r["departmentId"]
    ]
    by = c.q.get("sortBy", "-deletedTime")
    name = {"name": "displayName", "department": "departmentId", "deletedBy": "deletedById"}
    key = name.get(by.removeprefix("-"), by.removeprefix("-"))
    rows.sort(key=lambda r: (r[key] or "", r["id"]), reverse=by.startswith("-"))
    part = cut(rows, page(c, 10, 0))
    for row in part:
        for what in c.q.get("include", []):
            row[what] = (
                c.shaper.assignee(c.state.api_agent)
                if what == "deletedBy"
                else (row["departmentId"] and c.shaper.department(str(row["departmentId"])))
            )
    return listed(list(part))


def _bin_rows(c: Call) -> list[Json]:
    s, state = c.shaper, c.state
    rows = [
        _bin_row(s, t, "tickets", t.subject[:100], by=t.trashed_by, department=t.department_id)
        for t in state.tickets.values()
        if t.trashed is not None
    ]
    rows += [
        _bin_row(s, p, "contacts", p.name[:100], by=state.api_agent)
        for p in state.contacts.values()
        if p.trashed is not None
    ]
    rows += [
        _bin_row(s, a, "accounts", a.name[:100], by=state.api_agent)
        for a in state.accounts.values()
        if a.trashed is not None
    ]
    return rows


def _bin_row(
    s: Shaper,
    item: Ticket | Contact | Account,
    kind: str,
    name: str,
    *,
    by: str | None,
    department: str | None = None,
) -> Json:
    return {
        "id": s.id(item.id),
        "type": kind,
        "displayName": name,
        "departmentId": s.id(department),
        "deletedById": s.id(by),
        "deletedTime": s.time(item.trashed),
    }


def move_to_trash(c: Call) -> Response:
    """POST /tickets/moveToTrash: 204; the key is ticketIds."""
    tickets = listed_tickets(c, "ticketIds")
    c.credits = 6 * len(tickets)  # DT 1: delete and restore 6 per record
    for ticket in tickets:
        effects.trash(c.state, ticket, c.actor, c.at)
    return empty(204)


def restore(c: Call) -> Response:
    """POST /recycleBin/restore: 200 with results per id."""
    results: list[Json] = []
    for record_id in map(str, c.body["ids"]):
        ticket = c.state.tickets.get(record_id)
        done = ticket is not None and ticket.trashed is not None
        if ticket is not None and done:
            effects.restore(c.state, ticket, c.actor, c.at)
        results.append(outcome(record_id, done))
    c.credits = 6 * len(results)
    return ok({"results": results})


ROUTES = [
    Route(
        "GET",
        "recycleBin",
        ("Desk.settings.READ",),
        recycle_bin,
        offsets(1, 100)
        | {
            "include": enums("deletedBy", "department"),
            "departmentId": one_id(),
            "moduleId": one_id(),
            "module": enum(
                "accounts",
                "contacts",
                "tickets",
                "tasks",
                "timeEntry",
                "calls",
                "events",
                "contracts",
                "products",
                "topics",
                "solutions",
            ),
            "sortBy": sort("name", "type", "department", "deletedBy", "deletedTime"),
        },
        kind="range",
    ),
    Route(
        "POST",
        "tickets/moveToTrash",
        ("Desk.tickets.DELETE",),
        move_to_trash,
        {},
        {"ticketIds": Field("ids", 100_000, required=True)},
    ),
    Route(
        "POST",
        "recycleBin/restore",
        ("Desk.settings.UPDATE",),
        restore,
        {},
        {
            "ids": Field("list", 1000, required=True),
            "isChildNeedToBeRestored": Field("bool", null=True),
        },
    ),
]
