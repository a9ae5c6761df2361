"""Desk writes of one ticket: create, PATCH, move, merge.

Owns what each write answers (DT 3). Promises that a refused write changed nothing. Side
effects live in effects.py.
"""

from __future__ import annotations

from .. import effects
from ..blocks import check_closed
from ..call import Call, Route
from ..validate import BOOL, Field, one_id
from ..wire import Refused, Response, empty, invalid, ok, unprocessable
from .lookup import TICKET_IDS, find, writable
from .values import changes_of, check_changes, check_closing

_UPDATE = ("Desk.tickets.UPDATE",)
_CREATE = ("Desk.tickets.CREATE",)


def patch(c: Call) -> Response:
    """PATCH /tickets/{id}: 200 with the written form, or less of it by the variant."""
    ticket = writable(c, find(c))
    if not c.body:
        raise Refused(422, "EMPTY_PAYLOAD", "The payload must not be empty")
    check_closed(c.state, ticket, c.body)
    changes = changes_of(c.body)
    check_changes(c, ticket, changes)
    check_closing(c, ticket, changes)
    notify = not c.q.get("disableClosureNotification", False)
    effects.update(c.state, ticket, changes, c.actor, c.at, notify=notify)
    if c.variant.patch_answers == "empty":
        return empty(200)
    whole = c.shaper.written(ticket, c.at)
    if c.variant.patch_answers == "sent":  # every other key is left out (DT 1)
        return ok({key: value for key, value in whole.items() if key == "id" or key in c.body})
    return ok(whole)


def create(c: Call) -> Response:
    """POST /tickets: 200 (not 201) with the written form."""
    body = c.body
    if "contactId" not in body:
        raise invalid("/contactId", "missing", "A contact is needed")
    if not body.get("subject"):
        raise invalid("/subject", "missing", "A subject is needed")
    at = c.state.stamp(c.at)
    ticket = effects.blank(
        c.state, str(body["departmentId"]), str(body["contactId"]), c.actor.id, at
    )
    changes = changes_of(body)
    check_changes(c, ticket, changes)
    ticket.modified_by = c.actor.id
    effects.add(c.state, ticket, changes, at)
    c.ticket_id = ticket.id
    return ok(c.shaper.written(ticket, c.at))


def move(c: Call) -> Response:
    """POST /tickets/{id}/move: 200, empty; departmentId in query and body (DT 3)."""
    ticket = writable(c, find(c))
    wanted = c.q.get("departmentId") or c.body.get("departmentId")
    if wanted is None:
        raise unprocessable("The query parameter 'departmentId' is missing")
    if str(c.body.get("departmentId", wanted)) != str(wanted):
        raise unprocessable("departmentId differs between query and body")
    if str(wanted) not in c.state.departments:
        raise invalid("/departmentId", "invalid", "The department does not exist")
    effects.move(c.state, ticket, str(wanted), c.actor, c.at)
    return empty(200)


def merge(c: Call) -> Response:
    """POST /tickets/{id}/merge: 200 with the written form; at most 5 tickets."""
    master = writable(c, find(c))
    wanted = [str(i) for i in c.body["ids"]]
    others = [c.state.tickets.get(i) for i in wanted]
    losers = [t for t in others if t is not None and t is not master]
    if len(losers) != len(wanted) or len(wanted) > 4:
        raise invalid("/ids", "invalid", "1 to 4 other tickets can be merged")
    effects.merge(c.state, master, losers, c.actor, c.at)
    return ok(c.shaper.written(master, c.at))


_WRITE: dict[str, Field] = {
    "subject": Field("text", 1000),
    "status": Field("text", 120),
    "priority": Field("text", 120, null=True),
    "channel": Field("text", 120, null=True),
    "language": Field("text", 100, null=True),
    "category": Field("text", 120, null=True),
    "subCategory": Field("text", 120, null=True),
    "classification": Field("text", 120, null=True),
    "description": Field("text", 65535, null=True),
    "resolution": Field("text", 65535),
    "dueDate": Field("time", null=True),
    "email": Field("text", 150, null=True),
    "phone": Field("text", 120, null=True),
    "contactId": Field("id"),
    "accountId": Field("id"),
    "departmentId": Field("id"),
    "productId": Field("id", null=True),
    "assigneeId": Field("id", null=True),
    "teamId": Field("id", null=True),
    "layoutId": Field("id"),
    "responseDueDate": Field("text", choices=("null",)),
    "cf": Field("map", null=True),
    "customFields": Field("map", null=True),
    "secondaryContacts": Field("list", 20),
    "entitySkills": Field("list", 10),
    "sharedDepartments": Field("list", 10),
    "uploads": Field("list"),
    "sourceTicket": Field("object"),
    "parentTicket": Field("object"),
    "contact": Field("object"),
    "webUrl": Field("text", 5000),
    "ticketCreationType": Field("text", choices=("sendAsEmail", "clone")),
    "clonedTicketId": Field("id"),
}
ROUTES = [
    Route(
        "POST",
        "tickets",
        _CREATE,
        create,
        {},
        _WRITE
        | {
            "departmentId": Field("id", required=True),
            "phone": Field("text", 120),
            "blueprint": Field("object"),
        },
    ),
    Route(
        "PATCH", "tickets/{ticketId}", _UPDATE, patch, {"disableClosureNotification": BOOL}, _WRITE
    ),
    Route(
        "POST",
        "tickets/{ticketId}/move",
        _UPDATE,
        move,
        {"departmentId": one_id(True)},
        {"departmentId": Field("id"), "forumId": Field("id")},
    ),
    Route(
        "POST",
        "tickets/{ticketId}/merge",
        _UPDATE,
        merge,
        {},
        TICKET_IDS | {"source": Field("object", required=True)},
    ),
]
