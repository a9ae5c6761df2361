"""Desk writes of many tickets: spam, close, update, trash, restore.

Owns the bulk operations of DT 3, most of which answer nothing per ticket. Promises that a
refused call changed nothing. Side effects live in effects.py.
"""

from __future__ import annotations

from . import effects
from .desk_write import NAMES, changes_of, check_changes, check_closing, writable
from .records import Json, Ticket
from .validate import Field
from .wire import Call, Response, Route, empty, invalid, ok

_UPDATE = ("Desk.tickets.UPDATE",)


def _bulk(c: Call, key: str = "ids") -> list[Ticket]:
    """Return the tickets of a bulk call; atomic or silently partial by the variant."""
    wanted = list(dict.fromkeys(map(str, c.body[key])))
    if len(wanted) > c.variant.bulk_ids_max:
        raise invalid(f"/{key}", "invalid", f"takes {c.variant.bulk_ids_max} ids at most")
    c.credits = max(1, -(-len(wanted) // 2))  # DT 1: 1 credit per 2 records
    found = [c.state.tickets[i] for i in wanted if i in c.state.tickets]
    if c.variant.bulk_is_atomic and len(found) < len(wanted):
        raise invalid(f"/{key}", "invalid", "One of the tickets does not exist")
    if len(found) == 1:
        c.ticket_id = found[0].id
    return found


def mark_spam(c: Call) -> Response:
    """POST /tickets/markSpam: 200, empty; may reach beyond the listed tickets."""
    tickets = [writable(c, t) for t in _bulk(c)]
    spam, beyond = c.body["isSpam"], c.body.get("contactSpam", False)
    if c.body.get("handleExistingTickets"):
        people = {t.contact_id for t in tickets}
        tickets = [t for t in c.state.tickets.values() if t.contact_id in people]
    for ticket in tickets:
        effects.mark_spam(c.state, ticket, spam, c.actor, c.at, contact_too=beyond)
    return empty(200)


def close_tickets(c: Call) -> Response:
    """POST /closeTickets: 200, empty; always mails, it has no switch (DT 3)."""
    tickets = [writable(c, t) for t in _bulk(c)]
    for ticket in tickets:
        check_closing(c, ticket, {"status": "Closed"})
    for ticket in tickets:
        effects.update(c.state, ticket, {"status": "Closed"}, c.actor, c.at)
    return empty(200)


def update_many(c: Call) -> Response:
    """POST /tickets/updateMany: 204, empty, nothing per ticket (DT 3)."""
    tickets = [writable(c, t) for t in _bulk(c)]
    if c.variant.update_many_flat:
        c.credits = 25  # DT 1, 3P2 alone
    name, value = c.body["fieldName"], c.body.get("fieldValue")
    body: Json = {"cf": {name: value}} if c.body.get("isCustomField") else {name: value}
    if not c.body.get("isCustomField") and name not in NAMES:
        raise invalid("/fieldName", "invalid", "The field cannot be updated")
    for ticket in tickets:
        check_changes(c, ticket, changes_of(body))
        check_closing(c, ticket, changes_of(body))
    for ticket in tickets:
        effects.update(c.state, ticket, changes_of(body), c.actor, c.at)
    return empty(204)


def move_to_trash(c: Call) -> Response:
    """POST /tickets/moveToTrash: 204; the key is ticketIds."""
    tickets = _bulk(c, "ticketIds")
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
        results.append(
            {
                "id": record_id,
                "success": done,
                "errors": None if done else {"errorCode": "UNPROCESSABLE_ENTITY", "httpCode": 422},
            }
        )
    c.credits = 6 * len(results)
    return ok({"results": results})


_IDS = {"ids": Field("ids", 100_000, required=True)}
ROUTES = [
    Route(
        "POST",
        "tickets/markSpam",
        _UPDATE,
        mark_spam,
        {},
        _IDS
        | {
            "isSpam": Field("bool", required=True),
            "contactSpam": Field("bool"),
            "handleExistingTickets": Field("bool"),
        },
    ),
    Route("POST", "closeTickets", _UPDATE, close_tickets, {}, _IDS),
    Route(
        "POST",
        "tickets/updateMany",
        _UPDATE,
        update_many,
        {},
        _IDS
        | {
            "fieldName": Field("text", 100, required=True),
            "fieldValue": Field("text", 65535),
            "isCustomField": Field("bool"),
        },
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
