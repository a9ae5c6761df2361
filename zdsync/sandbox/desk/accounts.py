"""Desk accounts: list, detail, service levels.

Owns their operations of DP 2 and DP 3. Must not change state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..call import Call, Route
from ..records import Account
from ..shapes.accounts import account_detail, account_list, account_search
from ..validate import enum, offsets, one_id, sort
from ..wire import Response, ok
from .lookup import one
from .people_lists import LIST, list_people

_READ = ("Desk.contacts.READ",)
_SORTS: dict[str, Callable[[Account], Any]] = {
    "website": lambda r: r.website or "",
    "email": lambda r: r.email or "",
    "phone": lambda r: r.phone or "",
    "accountName": lambda r: r.name,
    "createdTime": lambda r: r.created,
    "modifiedTime": lambda r: r.modified,
}


def accounts(c: Call) -> Response:
    """GET /accounts."""
    return list_people(
        c,
        c.state.accounts,
        _SORTS,
        row=lambda r: account_list(c.shaper, r),
        full=account_search,
        names=lambda r: account_detail(c.shaper, r, ""),
    )


def account(c: Call) -> Response:
    """GET /accounts/{id}."""
    found = one(c, c.state.accounts, "accountId")
    return ok(account_detail(c.shaper, found, c.q.get("include", "")))


def account_slas(c: Call) -> Response:
    """GET /accounts/{id}/sla: this portal has none."""
    one(c, c.state.accounts, "accountId")
    return ok({"data": []})


ROUTES = [
    Route("GET", "accounts", _READ, accounts, LIST | {"sortBy": sort(*_SORTS)}, kind="range"),
    Route("GET", "accounts/{accountId}", _READ, account, {"include": enum("owner")}),
    Route(
        "GET",
        "accounts/{accountId}/sla",
        ("Desk.settings.READ",),
        account_slas,
        {
            "departmentId": one_id(),
            **offsets(1, 100),
            "status": enum("ACTIVE", "INACTIVE"),
        },
        kind="range",
    ),
]
