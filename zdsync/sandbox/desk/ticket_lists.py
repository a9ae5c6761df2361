"""Lists of tickets: which rows, in which order, in which shape.

Owns what GET /tickets and the tickets of a tag have in common (DT 2). Must not change state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..call import Call
from ..records import Json, Ticket
from ..shapes.tickets import Shaper
from ..times import DAY
from ..validate import enum, ids, texts
from ..wire import Response, empty, listed
from .filters import Test, one_of
from .paging import Page, cut
from .projection import check_fields, project

INCLUDE = ("contacts", "products", "departments", "team", "assignee")
WHO = {
    "assignee": ids(20, extra="Unassigned"),
    "channel": texts(20),
    "status": texts(20),
    "priority": texts(20),
    "receivedInDays": enum("15", "30", "90", "-1"),
}
_SORTS: dict[str, Callable[[Ticket], Any]] = {
    "createdTime": lambda t: t.created,
    "modifiedTime": lambda t: t.modified,
    "dueDate": lambda t: t.due or 0,
    "recentThread": lambda t: t.customer_response or t.created,
    "ticketNumber": lambda t: t.number,
    "customerResponseTime": lambda t: t.customer_response or 0,
    "responseDueDate": lambda t: t.response_due or 0,
}


def ordered(rows: list[Ticket], sort_by: str) -> list[Ticket]:
    """Sort by a key of `sortBy`, ties by id."""
    key = _SORTS[sort_by.removeprefix("-")]
    return sorted(rows, key=lambda t: (key(t), t.id), reverse=sort_by.startswith("-"))


def list_key(c: Call, *head: object) -> tuple[object, ...]:
    """Name a list by all that decides its rows and their order."""
    shown = ("from", "limit", "include", "fields")
    return *head, *sorted((k, str(v)) for k, v in c.q.items() if k not in shown)


def list_matches(c: Call) -> list[Ticket]:
    """Return the tickets that a list shows under its filters."""
    tests = [
        *one_of(c, "departmentId", "department_id"),
        *one_of(c, "departmentIds", "department_id"),
        *one_of(c, "teamIds", "team_id"),
        *one_of(c, "channel", "channel"),
        *one_of(c, "priority", "priority"),
        *one_of(c, "status", "status"),
        *_assignee(c),
        *_received(c),
    ]
    return [
        t for t in c.state.tickets.values() if c.state.listed(t) and all(test(t) for test in tests)
    ]


def _assignee(c: Call) -> list[Test]:
    if "assignee" not in c.q:
        return []
    wanted = set(c.q["assignee"])
    return [lambda t: (t.assignee_id or "Unassigned") in wanted]


def _received(c: Call) -> list[Test]:
    days = int(c.q.get("receivedInDays", "-1"))
    return [] if days < 0 else [lambda t: t.created >= c.at - days * DAY]


def list_answer(c: Call, every: list[Ticket], where: Page) -> Response:
    """Answer one page, under `include` and `fields`."""
    rows = cut(every, where)
    if not rows:
        return empty()
    s, include = c.shaper, c.q.get("include", [])
    # DT 2, live: isArchived is returned by default yet refused by name
    check_fields(c, set(s.search_row(rows[0], c.at)) - {"isArchived"})
    return listed([project(c, s.list_row(t, include), _extra, t) for t in rows])


def _extra(s: Shaper, t: Ticket) -> Json:
    # DT 2, live: cf stays null in lists even when asked for
    return {
        "modifiedTime": s.time(t.modified),
        "cf": None,
        "createdBy": s.id(t.created_by),
        "modifiedBy": s.id(t.modified_by),
        "classification": t.classification,
    }
