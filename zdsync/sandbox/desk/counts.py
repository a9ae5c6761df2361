"""Desk counts of tickets, in all, by field and by agent.

Owns the count operations of DT 2. Must not change state.
"""

from __future__ import annotations

from collections import Counter

from ..call import Call, Route
from ..records import Json, Ticket
from ..validate import CUSTOM, RANGE, enums, ids, text, texts
from ..wire import Response, ok
from .filters import custom, inside, one_of

_SEARCH = ("Desk.tickets.READ", "Desk.search.READ")


def _counted(c: Call) -> list[Ticket]:
    tests = [
        *one_of(c, "departmentId", "department_id"),
        *one_of(c, "contactId", "contact_id"),
        *one_of(c, "assigneeId", "assignee_id"),
        *one_of(c, "accountId", "account_id"),
        *one_of(c, "category", "category"),
        *inside(c, "createdTimeRange", lambda t: t.created),
        *inside(c, "modifiedTimeRange", lambda t: t.modified),
        *custom(c),
    ]
    return [
        t
        for t in c.state.tickets.values()
        if t.trashed is None and not t.archived and all(test(t) for test in tests)
    ]


def tickets_count(c: Call) -> Response:
    """GET /ticketsCount; spam counts or not as the variant says."""
    c.credits = c.variant.count_credits
    rows = _counted(c)
    return ok({"count": str(sum(1 for t in rows if c.variant.count_includes_spam or not t.spam))})


def count_by_field(c: Call) -> Response:
    """GET /ticketsCountByFieldValues: classes are spelt OPEN, ONHOLD, CLOSED here (DT 2)."""
    c.credits = c.variant.count_credits
    rows = _counted(c)
    plain = [t for t in rows if c.variant.count_includes_spam or not t.spam]
    answer: Json = {"count": str(len(plain))}
    for name in c.q["field"]:
        match name:
            case "spam":
                answer[name] = str(sum(t.spam for t in rows))
            case "escalated":
                answer[name] = str(sum(t.escalated for t in plain))
            case "overDue":
                answer[name] = str(sum(c.shaper.overdue(t, c.at) for t in plain))
            case _:
                answer[name] = _values(plain, name)
    return ok(answer)


def _values(rows: list[Ticket], name: str) -> list[Json]:
    words = {"Open": "OPEN", "On Hold": "ONHOLD", "Closed": "CLOSED"}
    attr = "status_type" if name == "statusType" else name
    counts = Counter(getattr(t, attr) for t in rows)
    return [
        {"value": words[v] if name == "statusType" else v, "count": str(n)}
        for v, n in counts.most_common()
    ]


def agents_counts(c: Call) -> Response:
    """GET /agentsTicketsCount."""
    rows = []
    for agent_id in c.q["agentIds"]:
        mine = [
            t for t in c.state.tickets.values() if t.assignee_id == agent_id and c.state.listed(t)
        ]
        rows.append(
            {
                "agentId": agent_id,
                "isOnline": False,
                "dueIn1HrCount": "0",
                "channel": [],
                "openCount": str(sum(t.status_type == "Open" for t in mine)),
                "onholdCount": str(sum(t.status_type == "On Hold" for t in mine)),
                "overDueCount": str(sum(c.shaper.overdue(t, c.at) for t in mine)),
            }
        )
    return ok({"data": rows})


_COUNTS = {
    "departmentId": ids(),
    "contactId": ids(),
    "assigneeId": ids(),
    "category": texts(),
    "createdTimeRange": RANGE,
    "modifiedTimeRange": RANGE,
    "customField1": CUSTOM,
    "customField2": CUSTOM,
    "customField3": CUSTOM,
}
ROUTES = [
    Route("GET", "ticketsCount", _SEARCH, tickets_count, _COUNTS),
    Route(
        "GET",
        "ticketsCountByFieldValues",
        _SEARCH,
        count_by_field,
        _COUNTS
        | {
            "accountId": ids(),
            "field": enums(
                "statusType",
                "status",
                "priority",
                "channel",
                "spam",
                "overDue",
                "escalated",
                required=True,
            ),
        },
    ),
    Route(
        "GET",
        "agentsTicketsCount",
        ("Desk.tickets.READ",),
        agents_counts,
        {"agentIds": ids(50, required=True), "departmentId": text()},
    ),
]
