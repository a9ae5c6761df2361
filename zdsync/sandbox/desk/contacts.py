"""Desk contacts: list, detail, by ids, spam.

Owns their operations of DP 2 and DP 3. Promises that only contacts/markSpam changes state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import effects
from ..call import Call, Route
from ..records import Contact, Json
from ..shapes.contacts import contact_detail, contact_list, contact_search
from ..validate import Field, enums, ids, sort
from ..wire import Response, ok
from .lookup import one, outcome, some
from .people_lists import LIST, list_people

_READ = ("Desk.contacts.READ",)
_SORTS: dict[str, Callable[[Contact], Any]] = {
    "firstName": lambda r: r.first or "",
    "lastName": lambda r: r.last,
    "phone": lambda r: r.phone or "",
    "email": lambda r: r.email or "",
    "account": lambda r: r.account_id or "",
    "createdTime": lambda r: r.created,
    "modifiedTime": lambda r: r.modified,
}


def contacts(c: Call) -> Response:
    """GET /contacts."""
    with_account = "accounts" in c.q.get("include", [])
    return list_people(
        c,
        c.state.contacts,
        _SORTS,
        row=lambda r: contact_list(c.shaper, r, with_account),
        full=contact_search,
        names=lambda r: contact_detail(c.shaper, r, []),
    )


def contact(c: Call) -> Response:
    """GET /contacts/{id}."""
    found = one(c, c.state.contacts, "contactId")
    return ok(contact_detail(c.shaper, found, c.q.get("include", [])))


def contacts_by_ids(c: Call) -> Response:
    """GET /contacts/contactsByIds: the list shape."""
    found = some(c, c.state.contacts, c.q["ids"], "contact")
    return ok({"data": [contact_list(c.shaper, r, False) for r in found]})


def contacts_mark_spam(c: Call) -> Response:
    """POST /contacts/markSpam: answers 200 with results (DP 1)."""
    results: list[Json] = []
    for contact_id in map(str, c.body["ids"]):
        found = c.state.contacts.get(contact_id)
        results.append(outcome(contact_id, found is not None))
        if found is not None:
            _mark(c, found)
    return ok({"results": results})


def _mark(c: Call, found: Contact) -> None:
    with c.state.change(found, c.at):
        found.spam = c.body["isSpam"]
    if c.body.get("handleExistingTickets"):
        for ticket in list(c.state.tickets.values()):
            if ticket.contact_id == found.id:
                effects.mark_spam(c.state, ticket, found.spam, c.actor, c.at)


ROUTES = [
    Route(
        "GET",
        "contacts",
        _READ,
        contacts,
        LIST | {"include": enums("accounts"), "sortBy": sort(*_SORTS)},
        kind="range",
    ),
    Route("GET", "contacts/contactsByIds", _READ, contacts_by_ids, {"ids": ids(20, required=True)}),
    Route("GET", "contacts/{contactId}", _READ, contact, {"include": enums("accounts", "owner")}),
    Route(
        "POST",
        "contacts/markSpam",
        ("Desk.contacts.UPDATE",),
        contacts_mark_spam,
        {},
        {
            "ids": Field("ids", 1000, required=True),
            "isSpam": Field("bool", required=True),
            "handleExistingTickets": Field("bool"),
        },
    ),
]
