"""Desk writes of many tickets: spam, close, update.

Owns the bulk operations of DT 3 that answer nothing per ticket. Promises that a
refused call changed nothing. Side effects live in effects.py.
"""

from __future__ import annotations

from .. import effects
from ..call import Call, Route
from ..records import Json, Ticket
from ..validate import Field
from ..wire import Refused, Response, empty, invalid
from .lookup import TICKET_IDS, listed_tickets, writable
from .values import NAMES, changes_of, check_changes, check_closing

_UPDATE = ("Desk.tickets.UPDATE",)


def mark_spam(c: Call) -> Response:
    """POST /tickets/markSpam: 200, empty; may reach beyond the listed tickets."""
    tickets = _takers(c, listed_tickets(c))
    spam, beyond = c.body["isSpam"], c.body.get("contactSpam", False)
    if c.body.get("handleExistingTickets"):
        people = {t.contact_id for t in tickets}
        tickets = [t for t in c.state.tickets.values() if t.contact_id in people]
    for ticket in tickets:
        effects.mark_spam(c.state, ticket, spam, c.actor, c.at, contact_too=beyond)
    return empty(200)


def _takers(c: Call, tickets: list[Ticket]) -> list[Ticket]:
    """Those that take the write; one that does not refuses the call or is passed over (DT 5)."""
    taking = []
    for ticket in tickets:
        try:
            taking.append(writable(c, ticket))
        except Refused:
            if c.variant.bulk_is_atomic:
                raise
    return taking


def close_tickets(c: Call) -> Response:
    """POST /closeTickets: 200, empty; always mails, it has no switch (DT 3)."""
    tickets = _takers(c, listed_tickets(c))
    for ticket in tickets:
        check_closing(c, ticket, {"status": "Closed"})
    for ticket in tickets:
        effects.update(c.state, ticket, {"status": "Closed"}, c.actor, c.at)
    return empty(200)


def update_many(c: Call) -> Response:
    """POST /tickets/updateMany: 204, empty, nothing per ticket (DT 3)."""
    tickets = [writable(c, t) for t in listed_tickets(c)]
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


ROUTES = [
    Route(
        "POST",
        "tickets/markSpam",
        _UPDATE,
        mark_spam,
        {},
        TICKET_IDS
        | {
            "isSpam": Field("bool", required=True),
            "contactSpam": Field("bool"),
            "handleExistingTickets": Field("bool"),
        },
    ),
    Route("POST", "closeTickets", _UPDATE, close_tickets, {}, TICKET_IDS),
    Route(
        "POST",
        "tickets/updateMany",
        _UPDATE,
        update_many,
        {},
        TICKET_IDS
        | {
            "fieldName": Field("text", 100, required=True),
            "fieldValue": Field("text", 65535),
            "isCustomField": Field("bool"),
        },
    ),
]
