"""Desk reads of tickets: list, detail, archive, bin, tags.

Owns the operations of DT 2 but for search, counts and children. Must not change state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .desk_people import check_fields, project
from .filters import one_of
from .paging import cut, list_page, page
from .records import Account, Contact, Json, Ticket
from .shapes import Shaper
from .times import DAY
from .validate import BOOL, enum, enums, ids, integer, one_id, sort, text, texts
from .wire import Call, Response, Route, empty, not_found, ok, unprocessable

_READ = ("Desk.tickets.READ",)
_SEARCH = ("Desk.tickets.READ", "Desk.search.READ")
_SORTS: dict[str, Callable[[Ticket], Any]] = {
    "createdTime": lambda t: t.created,
    "modifiedTime": lambda t: t.modified,
    "dueDate": lambda t: t.due or 0,
    "recentThread": lambda t: t.customer_response or t.created,
    "ticketNumber": lambda t: t.number,
    "customerResponseTime": lambda t: t.customer_response or 0,
    "responseDueDate": lambda t: t.response_due or 0,
}


def find(c: Call, name: str = "ticketId") -> Ticket:
    """Return the ticket of the path, or refuse as the variant says for missing ids."""
    ticket = c.state.tickets.get(c.args[name])
    if ticket is None and c.variant.merged_loser == "master":
        ticket = c.state.tickets.get(c.state.merged.get(c.args[name], ""))
    if ticket is not None:
        c.ticket_id = ticket.id
        return ticket
    if c.variant.missing_answers == 422:
        raise unprocessable("The ticket does not exist")
    raise not_found()


def _ordered(rows: list[Ticket], sort_by: str) -> list[Ticket]:
    key = _SORTS[sort_by.removeprefix("-")]
    return sorted(rows, key=lambda t: (key(t), t.id), reverse=sort_by.startswith("-"))


def tickets(c: Call) -> Response:
    """GET /tickets: no modified time, no custom fields, no total."""
    by = c.q.get("sortBy", "-createdTime")
    if by == "-modifiedTime" and c.variant.list_refuses_minus_modified:
        raise unprocessable("The value passed for the query parameter 'sortBy' is invalid")
    where = list_page(c)
    key = (
        "tickets",
        by,
        *sorted(
            (k, str(v)) for k, v in c.q.items() if k not in ("from", "limit", "include", "fields")
        ),
    )
    rows = c.state.memo(key, lambda: _ordered(_list_matches(c), by))
    return _list_answer(c, rows[where.start : where.start + where.size])


def _list_matches(c: Call) -> list[Ticket]:
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


def _assignee(c: Call) -> list[Callable[[Ticket], bool]]:
    if "assignee" not in c.q:
        return []
    wanted = set(c.q["assignee"])
    return [lambda t: (t.assignee_id or "Unassigned") in wanted]


def _received(c: Call) -> list[Callable[[Ticket], bool]]:
    days = int(c.q.get("receivedInDays", "-1"))
    return [] if days < 0 else [lambda t: t.created >= c.at - days * DAY]


def _list_answer(c: Call, rows: list[Ticket]) -> Response:
    if not rows:
        return empty()
    s, include = c.shaper, c.q.get("include", [])
    # DT 2, live: isArchived is returned by default yet refused by name
    check_fields(c, set(s.search_row(rows[0], c.at)) - {"isArchived"})
    return ok({"data": [project(c, s.list_row(t, include), _extra, t) for t in rows]})


def _extra(s: Shaper, t: Ticket) -> Json:
    # DT 2, live: cf stays null in lists even when asked for
    return {
        "modifiedTime": s.time(t.modified),
        "cf": None,
        "createdBy": s.id(t.created_by),
        "modifiedBy": s.id(t.modified_by),
        "classification": t.classification,
    }


def ticket(c: Call) -> Response:
    """GET /tickets/{id}."""
    if c.variant.missing_answers == 204 and c.args["ticketId"] not in c.state.tickets:
        return empty()
    return ok(c.shaper.detail(find(c), c.at, c.q.get("include", [])))


def archived(c: Call) -> Response:
    """GET /tickets/archivedTickets of one department."""
    where = page(c, 25, c.variant.from_base)
    rows = [
        t
        for t in c.state.tickets.values()
        if t.archived and t.trashed is None and t.department_id == c.q["departmentId"]
    ]
    part = rows[where.start : where.start + where.size]
    include = c.q.get("include", [])
    return (
        ok(
            {
                "data": [c.shaper.list_row(t, include) for t in part],
                "pagination": {"next": None, "prev": None},
            }
        )
        if part
        else empty()
    )


def of_contact(c: Call) -> Response:
    """GET /contacts/{id}/tickets: list rows without category, subCategory, layoutId."""
    contact_id = c.args["contactId"]
    if contact_id not in c.state.contacts:
        raise not_found()
    spam = c.q.get("isSpam", False)
    rows = [
        t
        for t in c.state.tickets.values()
        if t.contact_id == contact_id
        and t.trashed is None
        and t.spam == spam
        and c.q.get("departmentId", t.department_id) == t.department_id
    ]
    where = page(c, 25, c.variant.from_base, 99)
    part = cut(c, _ordered(rows, c.q.get("sortBy", "createdTime")), where)
    return (
        ok({"data": [c.shaper.list_row(t, c.q.get("include", [])) for t in part]})
        if part
        else empty()
    )


def tags_of(c: Call) -> Response:
    """GET /tickets/{id}/tags: the key is `tags`."""
    t = find(c)
    return ok({"tags": [tag_row(c, name) for name in t.tags]})


def tag_row(c: Call, name: str) -> Json:
    """Write a tag."""
    tag = c.state.tag(name, c.at)
    return {"id": c.shaper.id(tag.id), "name": tag.name, "tagType": "MANUAL"}


def ticket_tags(c: Call) -> Response:
    """GET /ticketTags of a department with ticket counts, descending by default."""
    department = c.q["departmentId"]

    def count() -> list[tuple[str, int]]:
        counts = Counter(
            n
            for t in c.state.tickets.values()
            for n in t.tags
            if t.department_id == department and t.trashed is None and not t.spam
        )
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))

    found = list(c.state.memo(("ticketTags", department), count))
    match c.q.get("sortBy", "-count"):
        case "count":
            found.reverse()
        case "createdTime" | "-createdTime" as by:
            found.sort(key=lambda p: c.state.tag(p[0], c.at).id, reverse=by.startswith("-"))
    part = cut(c, found, page(c, 50, c.variant.from_base))
    rows = [tag_row(c, name) | {"ticketCount": str(n)} for name, n in part]
    return ok({"data": rows}) if rows else empty()


def tickets_of_tag(c: Call) -> Response:
    """GET /tags/{id}/tickets."""
    tag = c.state.tags.get(c.args["tagId"])
    if tag is None:
        raise not_found()
    by = c.q.get("sortBy", "createdTime")
    key = (
        "tagged",
        tag.id,
        by,
        *sorted((k, str(v)) for k, v in c.q.items() if k not in ("from", "limit", "include")),
    )
    rows = c.state.memo(
        key, lambda: _ordered([t for t in _list_matches(c) if tag.name in t.tags], by)
    )
    where = page(c, 10, c.variant.from_base)
    return _list_answer(c, rows[where.start : where.start + where.size])


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
    part = cut(c, rows, page(c, 10, 0))
    for row in part:
        for what in c.q.get("include", []):
            row[what] = (
                c.shaper.assignee(c.state.api_agent)
                if what == "deletedBy"
                else (row["departmentId"] and c.shaper.department(str(row["departmentId"])))
            )
    return ok({"data": part}) if part else empty()


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


_INCLUDE = ("contacts", "products", "departments", "team", "assignee")
_PAGE = {"limit": integer(1), "from": integer(0)}
_HUNDRED = {"limit": integer(1, 100), "from": integer(0)}
_WHO = {
    "assignee": ids(20, extra="Unassigned"),
    "channel": texts(20),
    "status": texts(20),
    "priority": texts(20),
    "receivedInDays": enum("15", "30", "90", "-1"),
}
ROUTES = [
    Route(
        "GET",
        "tickets",
        _READ,
        tickets,
        _PAGE
        | _WHO
        | {
            "include": enums(*_INCLUDE),
            "departmentId": one_id(),
            "departmentIds": ids(20),
            "viewId": one_id(),
            "teamIds": ids(),
            "fields": texts(30),
            "filters": text(0, 4500),
            "sortBy": sort(
                "createdTime",
                "modifiedTime",
                "dueDate",
                "recentThread",
                "customerResponseTime",
                "responseDueDate",
            ),
        },
        kind="range",
    ),
    Route(
        "GET",
        "tickets/archivedTickets",
        _SEARCH,
        archived,
        _PAGE
        | {
            "departmentId": one_id(required=True),
            "include": enums("isRead", *_INCLUDE),
            "viewType": enum("1", "2", "4"),
        },
        kind="range",
    ),
    Route(
        "GET",
        "tickets/{ticketId}",
        _READ,
        ticket,
        {"include": enums("contract", "isRead", "skills", *_INCLUDE)},
    ),
    Route("GET", "tickets/{ticketId}/tags", _READ, tags_of),
    Route(
        "GET",
        "contacts/{contactId}/tickets",
        ("Desk.contacts.READ", *_SEARCH),
        of_contact,
        _PAGE
        | {
            "include": enums("isRead", *_INCLUDE[1:]),
            "departmentId": one_id(),
            "sortBy": sort("createdTime", "modifiedTime"),
            "isSpam": BOOL,
        },
        kind="range",
    ),
    Route(
        "GET",
        "ticketTags",
        _READ,
        ticket_tags,
        _HUNDRED | {"departmentId": one_id(required=True), "sortBy": sort("createdTime", "count")},
        kind="range",
    ),
    Route(
        "GET",
        "tags/{tagId}/tickets",
        _READ,
        tickets_of_tag,
        _HUNDRED
        | _WHO
        | {
            "include": enums("isRead", *_INCLUDE),
            "sortBy": sort(
                "ticketNumber", "dueDate", "createdTime", "recentThread", "modifiedTime"
            ),
        },
        kind="range",
    ),
    Route(
        "GET",
        "recycleBin",
        ("Desk.settings.READ",),
        recycle_bin,
        _HUNDRED
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
]
