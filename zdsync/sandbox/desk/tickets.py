"""Desk reads of tickets: list, detail, archive, tickets of a contact.

Owns those operations of DT 2. Must not change state.
"""

from __future__ import annotations

from ..blocks import blocked
from ..call import Call, Route
from ..validate import BOOL, enum, enums, ids, offsets, one_id, sort, text, texts
from ..wire import Response, empty, listed, not_found, ok, unprocessable
from .lookup import find, one
from .paging import cut, list_page, page
from .ticket_lists import INCLUDE, WHO, list_answer, list_key, list_matches, ordered

_READ = ("Desk.tickets.READ",)
_SEARCH = ("Desk.tickets.READ", "Desk.search.READ")


def tickets(c: Call) -> Response:
    """GET /tickets: no modified time, no custom fields, no total."""
    by = c.q.get("sortBy", "-createdTime")
    if by == "-modifiedTime" and c.variant.list_refuses_minus_modified:
        raise unprocessable("The value passed for the query parameter 'sortBy' is invalid")
    where = list_page(c)
    rows = c.state.memo(list_key(c, "tickets", by), lambda: ordered(list_matches(c), by))
    return list_answer(c, rows, where)


def ticket(c: Call) -> Response:
    """GET /tickets/{id}."""
    if c.variant.missing_answers == 204 and c.args["ticketId"] not in c.state.tickets:
        return empty()
    found = find(c)
    if found.trashed is not None and c.variant.trashed_answers != 200:
        raise not_found() if c.variant.trashed_answers == 404 else blocked(c.variant, "trashed")
    return ok(c.shaper.detail(found, c.at, c.q.get("include", [])))


def archived(c: Call) -> Response:
    """GET /tickets/archivedTickets of one department."""
    where = page(c, 25, c.variant.from_base)
    rows = [
        t
        for t in c.state.tickets.values()
        if t.archived and t.trashed is None and t.department_id == c.q["departmentId"]
    ]
    include = c.q.get("include", [])
    part = [c.shaper.list_row(t, include) for t in cut(rows, where)]
    pagination = {"next": None, "prev": None}
    return ok({"data": part, "pagination": pagination}) if part else empty()


def of_contact(c: Call) -> Response:
    """GET /contacts/{id}/tickets: list rows without category, subCategory, layoutId."""
    contact = one(c, c.state.contacts, "contactId")
    spam = c.q.get("isSpam", False)
    rows = [
        t
        for t in c.state.tickets.values()
        if t.contact_id == contact.id
        and t.trashed is None
        and t.spam == spam
        and c.q.get("departmentId", t.department_id) == t.department_id
    ]
    where = page(c, 25, c.variant.from_base, 99)
    part = cut(ordered(rows, c.q.get("sortBy", "createdTime")), where)
    return listed([c.shaper.list_row(t, c.q.get("include", [])) for t in part])


ROUTES = [
    Route(
        "GET",
        "tickets",
        _READ,
        tickets,
        offsets()
        | WHO
        | {
            "include": enums(*INCLUDE),
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
        offsets()
        | {
            "departmentId": one_id(required=True),
            "include": enums("isRead", *INCLUDE),
            "viewType": enum("1", "2", "4"),
        },
        kind="range",
    ),
    Route(
        "GET",
        "tickets/{ticketId}",
        _READ,
        ticket,
        {"include": enums("contract", "isRead", "skills", *INCLUDE)},
    ),
    Route(
        "GET",
        "contacts/{contactId}/tickets",
        ("Desk.contacts.READ", *_SEARCH),
        of_contact,
        offsets()
        | {
            "include": enums("isRead", *INCLUDE[1:]),
            "departmentId": one_id(),
            "sortBy": sort("createdTime", "modifiedTime"),
            "isSpam": BOOL,
        },
        kind="range",
    ),
]
