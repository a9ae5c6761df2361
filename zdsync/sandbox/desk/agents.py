"""Desk agents: me, list, single, by ids.

Owns their operations of DP 2. Must not change state.
"""

from __future__ import annotations

from ..call import Call, Route
from ..records import Agent
from ..shapes import agents as shape
from ..validate import BOOL, enum, enums, ids, offsets, text
from ..wire import Response, listed, ok
from .lookup import one, some
from .paging import cut, page

BASIC = ("Desk.basic.READ", "Desk.settings.READ")


def my_info(c: Call) -> Response:
    """Answer the agent whose token this is."""
    me = c.state.agents[c.state.api_agent]
    include = c.q.get("include", [])
    row = shape.agent(c.shaper, me, include)
    for key in ("associatedDepartments", "associatedChatDepartments"):
        if key in include:
            row[key] = [] if "Chat" in key else [c.shaper.department(d) for d in me.departments]
    return ok(row)


def agents(c: Call) -> Response:
    """List agents; the default page is 10 rows (DP 2)."""
    rows = [a for a in c.state.agents.values() if _agent_fits(c, a)]
    rows.sort(key=lambda a: a.name, reverse=c.q.get("sortOrder") == "desc")
    part = cut(rows, page(c, 10, 0))
    include = c.q.get("include", [])
    return listed([shape.agent(c.shaper, a, include) for a in part])


def _agent_fits(c: Call, a: Agent) -> bool:
    q = c.q
    words = (a.first, a.last, a.email, a.name)
    return (
        ("status" not in q or a.status == q["status"])
        and ("departmentIds" not in q or bool(set(q["departmentIds"]) & set(a.departments)))
        and (
            "searchStr" not in q
            or any(q["searchStr"].strip("*").lower() in w.lower() for w in words)
        )
        and not q.get("isLightAgent", False)
        and q.get("isConfirmed", True)
    )


def agent(c: Call) -> Response:
    """Answer one agent."""
    found = one(c, c.state.agents, "agentId")
    return ok(shape.agent(c.shaper, found, c.q.get("include", [])))


def agents_by_ids(c: Call) -> Response:
    """Answer agents by ids."""
    found = some(c, c.state.agents, c.q["agentIds"], "agent")
    return ok({"data": [shape.agent_brief(c.shaper, a) for a in found]})


ROUTES = [
    Route(
        "GET",
        "myinfo",
        BASIC,
        my_info,
        {"include": enums("profile", "role", "associatedDepartments", "associatedChatDepartments")},
    ),
    Route(
        "GET",
        "agents",
        BASIC,
        agents,
        offsets(0, 200)
        | {
            "include": enums("profile", "role"),
            "roleIds": ids(50),
            "profileIds": ids(50),
            "departmentIds": ids(50),
            "searchStr": text(1, 100),
            "cfSearchStr": text(1),
            "cfFieldName": text(4),
            "isLightAgent": BOOL,
            "isConfirmed": BOOL,
            "fieldName": enum("firstName", "lastName", "emailId", "name"),
            "sortOrder": enum("asc", "desc"),
            "rolePermissionType": text(),
            "status": enum("ACTIVE", "DISABLED", "DELETED", "IMPORTED"),
        },
        kind="range",
    ),
    Route(
        "GET",
        "agents/{agentId}",
        BASIC,
        agent,
        {"include": enums("profile", "role", "verifiedEmails")},
    ),
    Route("GET", "agentsByIds", BASIC, agents_by_ids, {"agentIds": ids(50, required=True)}),
]
