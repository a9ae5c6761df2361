"""Search of tickets, contacts and accounts.

Owns the search operations of DT 2 and DP 4: ranges over the lagging view, filters, depth,
`count`. Promises that a search by a range alone costs O(page). Must not change state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..call import Call, Route
from ..index import TimeIndex, View, id_of, key_of
from ..shapes.accounts import account_search
from ..shapes.contacts import contact_search
from ..validate import CUSTOM, RANGE, ids, offsets, one_id, sort, text, texts
from ..wire import Response, dumps, empty, ok_rows
from .filters import Test
from .paging import Page, cut, search_page
from .search_terms import account_tests, contact_tests, ticket_tests

_SORTS: dict[str, Callable[[Any], Any]] = {
    "createdTime": lambda r: (r.created, r.id),
    "modifiedTime": lambda r: (r.modified, r.id),
    "customerResponseTime": lambda r: (r.customer_response or 0, r.id),
    "lastName": lambda r: (r.last.lower(), r.id),
    "firstName": lambda r: ((r.first or "").lower(), r.id),
    "accountName": lambda r: (r.name.lower(), r.id),
}


def search_tickets(c: Call) -> Response:
    """GET /tickets/search."""
    return _search(c, c.state.ticket_view, ticket_tests, lambda t: c.shaper.search_bytes(t, c.at))


def search_contacts(c: Call) -> Response:
    """GET /contacts/search."""
    return _search(
        c, c.state.contact_view, contact_tests, lambda r: dumps(contact_search(c.shaper, r))
    )


def search_accounts(c: Call) -> Response:
    """GET /accounts/search."""
    return _search(
        c, c.state.account_view, account_tests, lambda r: dumps(account_search(c.shaper, r))
    )


def _search(
    c: Call,
    view: View[Any],
    tests_of: Callable[[Call], list[Test]],
    render: Callable[[Any], bytes],
) -> Response:
    where = search_page(c)
    c.state.settle(c.at)
    key, down = _sort_key(c)
    tests = tests_of(c)
    keys, left, right = _asked(c, view.index) or _span(c, view.index)
    if not tests and _axis(key) == _range_axis(c):
        total = right - left
        picked = _slice(keys, left, right, where, down)
        rows = [view.doc(id_of(k)) for k in picked]
    else:
        found = c.state.memo(
            _memo_key(c), lambda: _matches(view, keys[left:right], tests, key, down)
        )
        total = len(found)
        rows = [view.doc(i) for i in cut(found, where)]
    if not rows:
        return empty()
    return ok_rows([render(r) for r in rows], f',"count":{_count(c, total)}')


def _count(c: Call, total: int) -> str:
    value = c.shaper.count(total)
    return f'"{value}"' if isinstance(value, str) else str(value)


def _sort_key(c: Call) -> tuple[str, bool]:
    name = c.q.get("sortBy", "relevance")
    if name.endswith("relevance"):  # newest first, along the range that was asked
        name = ("" if name.startswith("-") else "-") + (
            "modifiedTime" if "modifiedTimeRange" in c.q else "createdTime"
        )
    return (name[1:], True) if name.startswith("-") else (name, False)


def _axis(key: str) -> str:
    return {"createdTime": "created", "modifiedTime": "modified"}.get(key, "")


def _range_axis(c: Call) -> str:
    """Return the axis of the only range; two ranges are filtered the slow way."""
    has = [a for a in ("created", "modified") if f"{a}TimeRange" in c.q]
    if not has:
        return _axis(_sort_key(c)[0])
    return has[0] if len(has) == 1 else "both"


def _asked(c: Call, index: TimeIndex) -> tuple[list[int], int, int] | None:
    """Return the keys of the ids that were asked for; no walk over everything."""
    if "id" not in c.q or "createdTimeRange" in c.q or "modifiedTimeRange" in c.q:
        return None
    keys = [key_of(0, i) for i in dict.fromkeys(c.q["id"]) if i in index]
    return keys, 0, len(keys)


def _span(c: Call, index: TimeIndex) -> tuple[list[int], int, int]:
    """Return the keys and the positions of the range; no copy, it may hold everything."""
    v = c.variant
    for axis in ("modified", "created"):
        if f"{axis}TimeRange" in c.q:
            lo, hi = c.q[f"{axis}TimeRange"]
            left, right = index.span(axis, lo, hi, v.range_start, v.range_end)
            return index.axes[axis], left, right
    keys = index.axes["modified" if _sort_key(c)[0] == "modifiedTime" else "created"]
    return keys, 0, len(keys)


def _slice(keys: list[int], left: int, right: int, where: Page, down: bool) -> list[int]:
    if not down:
        first = left + where.start
        return keys[first : min(right, first + where.size)]
    end = max(left, right - where.start)
    return keys[max(left, end - where.size) : end][::-1]


def _memo_key(c: Call) -> tuple[object, ...]:
    asked = tuple(sorted((k, str(v)) for k, v in c.q.items() if k not in ("from", "limit")))
    lagging = c.at // 1000 if c.variant.index_lag_seconds else 0
    return ("search", c.origin, asked, lagging)


def _matches(
    view: View[Any], keys: Sequence[int], tests: list[Test], key: str, down: bool
) -> list[str]:
    docs = (view.doc(id_of(k)) for k in keys)
    found = [d for d in docs if all(test(d) for test in tests)]
    found.sort(key=_SORTS[key], reverse=down)
    return [d.id for d in found]


_COMMON = {
    "id": ids(),
    "createdTimeRange": RANGE,
    "modifiedTimeRange": RANGE,
    **offsets(1, 100),
    "accountName": text(3, 500),
    **{f"customField{n}": CUSTOM for n in range(1, 11)},
}
_READ = "Desk.search.READ"

ROUTES = [
    Route(
        "GET",
        "tickets/search",
        ("Desk.tickets.READ", _READ),
        search_tickets,
        _COMMON
        | {
            "ticketNumber": ids(),
            "departmentId": one_id(),
            "status": texts(),
            "priority": texts(),
            "assigneeId": ids(extra="${empty}"),
            "contactId": ids(),
            "accountId": ids(),
            "productId": ids(),
            "email": texts(30),
            "phone": texts(30),
            "productName": text(3, 500),
            "contactName": text(0, 200),
            "subject": text(3, 1000),
            "description": text(0, 65535),
            "category": text(),
            "channel": text(),
            "tag": text(3, 100),
            "_all": text(3, 100),
            "dueDateRange": RANGE,
            "customerResponseTimeRange": RANGE,
            "sortBy": sort("relevance", "modifiedTime", "createdTime", "customerResponseTime"),
        },
        kind="range",
    ),
    Route(
        "GET",
        "contacts/search",
        ("Desk.contacts.READ", _READ),
        search_contacts,
        _COMMON
        | {
            "email": texts(30),
            "phone": texts(30),
            "mobile": texts(30),
            "_all": text(3, 1000),
            "lastName": text(0, 200),
            "firstName": text(0, 40),
            "fullName": text(0, 200),
            "sortBy": sort("relevance", "modifiedTime", "createdTime", "lastName", "firstName"),
        },
        kind="range",
    ),
    Route(
        "GET",
        "accounts/search",
        ("Desk.contacts.READ", _READ),
        search_accounts,
        _COMMON
        | {
            "_all": text(3, 1000),
            "sortBy": sort("relevance", "modifiedTime", "createdTime", "accountName"),
        },
        kind="range",
    ),
]
