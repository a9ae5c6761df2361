"""Desk reads about the portal: organisations, agents, departments, teams, fields.

Owns the operations of DP 2 that change rarely. Must not change state.
"""

from __future__ import annotations

from . import shapes_people as sp
from .fields import FIELDS, Meta, new_field, old_field
from .paging import cut, page
from .records import Agent, Department, Json
from .validate import BOOL, Param, enum, enums, ids, integer, one_id, text, texts
from .wire import Call, Response, Route, empty, not_found, ok, unprocessable

_BASIC = ("Desk.basic.READ", "Desk.settings.READ")
_AGENT_SHAPES = enums("profile", "role")


def _organization(c: Call) -> Json:
    return {
        "id": c.shaper.id(c.state.org_id),
        "portalName": "demo",
        "companyName": "Demo Clinic",
        "edition": c.variant.edition.upper(),
        "timeZone": "America/Chicago",
        "isDefault": True,
        "isAdminInOrg": True,
        "isSandboxPortal": False,
        "currencyCode": "USD",
        "country": "US",
        "portalURL": "https://desk.example/support/demo",
        "isPayloadEncryptionEnabled": False,
    }


def organizations(c: Call) -> Response:
    """Answer what organisations the token reaches."""
    return ok({"data": [_organization(c)]})


def my_info(c: Call) -> Response:
    """Answer the agent whose token this is."""
    me = c.state.agents[c.state.api_agent]
    include = c.q.get("include", [])
    row = sp.agent(c.shaper, me, include)
    for key in ("associatedDepartments", "associatedChatDepartments"):
        if key in include:
            row[key] = [] if "Chat" in key else [c.shaper.department(d) for d in me.departments]
    return ok(row)


def agents(c: Call) -> Response:
    """List agents; the default page is 10 rows (DP 2)."""
    rows = [a for a in c.state.agents.values() if _agent_fits(c, a)]
    rows.sort(key=lambda a: a.name, reverse=c.q.get("sortOrder") == "desc")
    part = cut(c, rows, page(c, 10, 0))
    include = c.q.get("include", [])
    return ok({"data": [sp.agent(c.shaper, a, include) for a in part]}) if part else empty()


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
    found = c.state.agents.get(c.args["agentId"])
    if found is None:
        raise not_found()
    return ok(sp.agent(c.shaper, found, c.q.get("include", [])))


def agents_by_ids(c: Call) -> Response:
    """Answer agents by ids; missing ones skipped or refused (DP 12 point 8)."""
    found = [c.state.agents.get(i) for i in c.q["agentIds"]]
    if None in found and not c.variant.skip_missing_by_ids:
        raise unprocessable("One of the agent ids does not exist")
    return ok({"data": [sp.agent_brief(c.shaper, a) for a in found if a]})


def departments(c: Call) -> Response:
    """List departments."""
    rows = list(c.state.departments.values())
    if not c.q.get("isEnabled", True):
        return empty()
    if "searchStr" in c.q:
        rows = [d for d in rows if c.q["searchStr"].strip("*").lower() in d.name.lower()]
    part = cut(c, rows, page(c, 10, 0))
    return ok({"data": [sp.department(c.shaper, d) for d in part]}) if part else empty()


def department(c: Call) -> Response:
    """Answer one department with its agents."""
    found = c.state.departments.get(c.args["departmentId"])
    if found is None:
        raise not_found()
    row = sp.department(c.shaper, found)
    row["associatedAgentIds"] = [
        c.shaper.id(a.id) for a in c.state.agents.values() if found.id in a.departments
    ]
    return ok(row)


def teams(c: Call) -> Response:
    """List teams under the key `teams`; 0 or no limit means all (DP 2)."""
    rows = list(c.state.teams.values())
    start = c.q.get("from", 0)
    limit = c.q.get("limit", 0) or c.variant.teams_limit or len(rows)
    return ok({"teams": [sp.team(c.shaper, t) for t in rows[start : start + limit]]})


def _metas(c: Call) -> list[tuple[int, Meta]]:
    names = c.q.get("apiNames")
    every = enumerate(FIELDS.get(c.q["module"], ()))
    return [(n, m) for n, m in every if names is None or m.api_name in names]


def organization_fields(c: Call) -> Response:
    """List fields the old way."""
    return ok({"data": [old_field(c.q["module"], n, m) for n, m in _metas(c)]})


def fields(c: Call) -> Response:
    """List fields the new way; not every portal has it (variant fields_endpoint)."""
    if not c.variant.fields_endpoint:
        raise not_found()
    if c.q["module"] not in FIELDS:
        raise unprocessable("The value passed for the query parameter 'module' is invalid")
    return ok({"data": [new_field(c.q["module"], n, m) for n, m in _metas(c)]})


def reply_address(department: Department) -> str:
    """Return the address that replies of a department come from."""
    return f"{department.name.lower().replace(' ', '-')}@clinic.example"


def mail_reply_addresses(c: Call) -> Response:
    """List from addresses of a department (DP 9; the shape is our guess)."""
    rows = [
        {
            "id": str(int(d.id) + 500_000),
            "departmentId": c.shaper.id(d.id),
            "isActive": True,
            "displayName": f"{d.name} Desk",
            "isVerified": True,
            "address": reply_address(d),
        }
        for d in c.state.departments.values()
        if c.q.get("departmentId", d.id) == d.id
    ]
    return ok({"data": rows}) if rows else empty()


_FIELD_MODULE = enum(
    "tickets",
    "contacts",
    "accounts",
    "tasks",
    "calls",
    "events",
    "contracts",
    "products",
    required=True,
)
_PAGE = {"limit": integer(0, 200), "from": integer(0)}

ROUTES = [
    Route("GET", "organizations", _BASIC, organizations, {"includeCustomDomain": BOOL}),
    Route("GET", "accessibleOrganizations", _BASIC, organizations),
    Route(
        "GET",
        "myinfo",
        _BASIC,
        my_info,
        {"include": enums("profile", "role", "associatedDepartments", "associatedChatDepartments")},
    ),
    Route(
        "GET",
        "agents",
        _BASIC,
        agents,
        _PAGE
        | {
            "include": _AGENT_SHAPES,
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
        _BASIC,
        agent,
        {"include": enums("profile", "role", "verifiedEmails")},
    ),
    Route("GET", "agentsByIds", _BASIC, agents_by_ids, {"agentIds": ids(50, required=True)}),
    Route(
        "GET",
        "departments",
        _BASIC,
        departments,
        _PAGE
        | {
            "isEnabled": BOOL,
            "searchStr": text(1, 100),
            "chatStatus": enum("AVAILABLE", "DISABLED", "NOT_CREATED", "${UNAVAILABLE}"),
        },
        kind="range",
    ),
    Route("GET", "departments/{departmentId}", _BASIC, department),
    Route("GET", "teams", _BASIC, teams, _PAGE, kind="range"),
    Route(
        "GET",
        "organizationFields",
        ("Desk.basic.READ",),
        organization_fields,
        {"module": _FIELD_MODULE, "apiNames": texts(300), "departmentId": one_id()},
    ),
    Route(
        "GET",
        "fields",
        ("Desk.basic.READ",),
        fields,
        {
            "module": Param("text", 1, 100, required=True),
            "apiNames": texts(300),
            "filter": text(),
            "associatedDepartments": one_id(),
        },
    ),
    Route(
        "GET",
        "mailReplyAddress",
        ("Desk.settings.READ",),
        mail_reply_addresses,
        {"departmentId": one_id(), "limit": integer(1, 100), "from": integer(0)},
    ),
]
