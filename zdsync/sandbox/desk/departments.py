"""Desk departments and what belongs to them: teams, addresses of replies.

Owns their operations of DP 2 and DP 9. Must not change state.
"""

from __future__ import annotations

from ..call import Call, Route
from ..records import Department
from ..shapes import agents as shape
from ..validate import BOOL, enum, offsets, one_id, text
from ..wire import Refused, Response, empty, listed, ok, unprocessable
from .agents import BASIC
from .lookup import one
from .paging import cut, page


def departments(c: Call) -> Response:
    """List departments."""
    rows = list(c.state.departments.values())
    if not c.q.get("isEnabled", True):
        return empty()
    if "searchStr" in c.q:
        rows = [d for d in rows if c.q["searchStr"].strip("*").lower() in d.name.lower()]
    part = cut(rows, page(c, 10, 0))
    return listed([shape.department(c.shaper, d) for d in part])


def department(c: Call) -> Response:
    """Answer one department with its agents."""
    found = one(c, c.state.departments, "departmentId")
    row = shape.department(c.shaper, found)
    row["associatedAgentIds"] = [
        c.shaper.id(a.id) for a in c.state.agents.values() if found.id in a.departments
    ]
    return ok(row)


def teams(c: Call) -> Response:
    """List teams under the key `teams`; 0 or no limit means all (DP 2)."""
    rows = list(c.state.teams.values())
    start = c.q.get("from", 0)
    limit = c.q.get("limit", 0) or c.variant.teams_limit or len(rows)
    return ok({"teams": [shape.team(c.shaper, t) for t in rows[start : start + limit]]})


def reply_address(department: Department) -> str:
    """Return the address that replies of a department come from."""
    return f"{department.name.lower().replace(' ', '-')}@clinic.example"


def mail_reply_addresses(c: Call) -> Response:
    """List from addresses of a department (DP 9; the shape is our guess)."""
    if c.variant.reply_addresses != 200:
        raise Refused(c.variant.reply_addresses, "FORBIDDEN", "No access to the addresses")
    if c.variant.reply_addresses_of == "department" and "departmentId" not in c.q:
        raise unprocessable("The query parameter 'departmentId' is missing")
    rows = [
        {
            "id": str(int(d.id) + 500_000),
            "departmentId": c.shaper.id(d.id),
            "isActive": True,
            "displayName": f"{d.name} Desk",
            "isVerified": True,
            "address": reply_address(d),
        }
        for d in replying(c)
        if c.q.get("departmentId", d.id) == d.id
    ]
    first = c.variant.reply_addresses_of == "first" and "departmentId" not in c.q
    return listed(rows[:1] if first else rows)


def replying(c: Call) -> list[Department]:
    """Return the departments that have an address to reply from."""
    wanted = c.variant.reply_departments
    return [d for d in c.state.departments.values() if wanted is None or d.name in wanted]


ROUTES = [
    Route(
        "GET",
        "departments",
        BASIC,
        departments,
        offsets(0, 200)
        | {
            "isEnabled": BOOL,
            "searchStr": text(1, 100),
            "chatStatus": enum("AVAILABLE", "DISABLED", "NOT_CREATED", "${UNAVAILABLE}"),
        },
        kind="range",
    ),
    Route("GET", "departments/{departmentId}", BASIC, department),
    Route("GET", "teams", BASIC, teams, offsets(0, 200), kind="range"),
    Route(
        "GET",
        "mailReplyAddress",
        ("Desk.settings.READ",),
        mail_reply_addresses,
        {"departmentId": one_id()} | offsets(1, 100),
    ),
]
