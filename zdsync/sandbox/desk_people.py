"""Desk lists and details of contacts and accounts.

Owns GET /contacts, /accounts and their single calls (DP 2, DP 3). Must not change state,
but for contacts/markSpam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from . import effects
from . import shapes_people as sp
from .paging import cut, list_page
from .records import Account, Contact, Json
from .shapes import Shaper, shaped
from .validate import Field, enum, enums, ids, integer, one_id, sort, texts
from .wire import Call, Refused, Response, Route, empty, not_found, ok, unprocessable

T = TypeVar("T")
_READ = ("Desk.contacts.READ",)
_CONTACT_SORTS: dict[str, Callable[[Contact], Any]] = {
    "firstName": lambda r: r.first or "",
    "lastName": lambda r: r.last,
    "phone": lambda r: r.phone or "",
    "email": lambda r: r.email or "",
    "account": lambda r: r.account_id or "",
    "createdTime": lambda r: r.created,
    "modifiedTime": lambda r: r.modified,
}
_ACCOUNT_SORTS: dict[str, Callable[[Account], Any]] = {
    "website": lambda r: r.website or "",
    "email": lambda r: r.email or "",
    "phone": lambda r: r.phone or "",
    "accountName": lambda r: r.name,
    "createdTime": lambda r: r.created,
    "modifiedTime": lambda r: r.modified,
}


def _sorted(c: Call, rows: list[Any], sorts: dict[str, Callable[[Any], Any]]) -> list[Any]:
    name = c.q.get("sortBy", "createdTime")
    key = sorts[name.removeprefix("-")]
    return sorted(rows, key=lambda r: (key(r), r.id), reverse=name.startswith("-"))


def project(c: Call, row: Json, full: Callable[[Shaper, T], Json], record: T) -> Json:
    """Apply `fields`: it replaces the projection; modifiedTime and cf only if the variant."""
    names = c.q.get("fields")
    if names is None:
        return row
    if c.variant.list_fields_return_modified:
        row = full(c.shaper, record) | row
    return shaped(names, row)


def check_fields(c: Call, known: set[str]) -> None:
    """Refuse `fields` as the variant says; an unknown name fails with 500 (DT 1, 3P5)."""
    if "fields" not in c.q:
        return
    if c.variant.list_refuses_fields:
        raise unprocessable("An extra query parameter 'fields' is found")
    if not set(c.q["fields"]) <= known:
        raise Refused(500, "INTERNAL_SERVER_ERROR", "An internal server error occurred")


def contacts(c: Call) -> Response:
    """GET /contacts."""
    rows = c.state.memo(
        ("contacts", c.q.get("sortBy")),
        lambda: _sorted(
            c, [r for r in c.state.contacts.values() if r.trashed is None], _CONTACT_SORTS
        ),
    )
    part = cut(c, rows, list_page(c))
    if not part:
        return empty()
    check_fields(c, set(sp.contact_detail(c.shaper, part[0], [])))
    with_account = "accounts" in c.q.get("include", [])
    return ok(
        {
            "data": [
                project(c, sp.contact_list(c.shaper, r, with_account), sp.contact_search, r)
                for r in part
            ]
        }
    )


def contact(c: Call) -> Response:
    """GET /contacts/{id}."""
    found = c.state.contacts.get(c.args["contactId"])
    if found is None:
        raise not_found()
    return ok(sp.contact_detail(c.shaper, found, c.q.get("include", [])))


def contacts_by_ids(c: Call) -> Response:
    """GET /contacts/contactsByIds: the list shape."""
    found = [c.state.contacts.get(i) for i in c.q["ids"]]
    if None in found and not c.variant.skip_missing_by_ids:
        raise unprocessable("One of the contact ids does not exist")
    return ok({"data": [sp.contact_list(c.shaper, r, False) for r in found if r]})


def contacts_mark_spam(c: Call) -> Response:
    """POST /contacts/markSpam: answers 200 with results (DP 1)."""
    results: list[Json] = []
    for contact_id in map(str, c.body["ids"]):
        found = c.state.contacts.get(contact_id)
        results.append(
            {
                "id": contact_id,
                "success": found is not None,
                "errors": None if found else {"errorCode": "UNPROCESSABLE_ENTITY", "httpCode": 422},
            }
        )
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


def accounts(c: Call) -> Response:
    """GET /accounts."""
    rows = c.state.memo(
        ("accounts", c.q.get("sortBy")),
        lambda: _sorted(
            c, [r for r in c.state.accounts.values() if r.trashed is None], _ACCOUNT_SORTS
        ),
    )
    part = cut(c, rows, list_page(c))
    if not part:
        return empty()
    check_fields(c, set(sp.account_detail(c.shaper, part[0], "")))
    return ok(
        {"data": [project(c, sp.account_list(c.shaper, r), sp.account_search, r) for r in part]}
    )


def account(c: Call) -> Response:
    """GET /accounts/{id}."""
    found = c.state.accounts.get(c.args["accountId"])
    if found is None:
        raise not_found()
    return ok(sp.account_detail(c.shaper, found, c.q.get("include", "")))


def account_slas(c: Call) -> Response:
    """GET /accounts/{id}/sla: this portal has none."""
    if c.args["accountId"] not in c.state.accounts:
        raise not_found()
    return ok({"data": []})


_PAGE = {
    "limit": integer(1),
    "from": integer(0),
    "fields": texts(30),
    "viewId": one_id(),
    "filterId": one_id(),
}
ROUTES = [
    Route(
        "GET",
        "contacts",
        _READ,
        contacts,
        _PAGE | {"include": enums("accounts"), "sortBy": sort(*_CONTACT_SORTS)},
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
    Route(
        "GET", "accounts", _READ, accounts, _PAGE | {"sortBy": sort(*_ACCOUNT_SORTS)}, kind="range"
    ),
    Route("GET", "accounts/{accountId}", _READ, account, {"include": enum("owner")}),
    Route(
        "GET",
        "accounts/{accountId}/sla",
        ("Desk.settings.READ",),
        account_slas,
        {
            "departmentId": one_id(),
            "limit": integer(1, 100),
            "from": integer(0),
            "status": enum("ACTIVE", "INACTIVE"),
        },
        kind="range",
    ),
]
