"""Shapes of agents, departments and teams (DP 3).

Must not decide who may see a record.
"""

from __future__ import annotations

from ..records import Agent, Department, Json, Team
from .pieces import Pieces


def agent_brief(s: Pieces, a: Agent) -> Json:
    """Write a row of agentsByIds."""
    return {
        "id": s.id(a.id),
        "zuid": a.zuid,
        "firstName": a.first,
        "lastName": a.last,
        "emailId": a.email,
        "status": a.status,
        "phone": a.phone,
        "mobile": None,
        "extn": None,
        "associatedDepartmentIds": [s.id(d) for d in a.departments],
        "roleId": _role_id(a.role),
        "profileId": _role_id(a.profile),
        "rolePermissionType": "Custom",
        "aboutInfo": None,
        "channelExpert": [],
        "photoURL": None,
        "isConfirmed": True,
        "isZiaAgent": False,
        "cf": {},
    }


def agent(s: Pieces, a: Agent, include: list[str]) -> Json:
    """Write a row of GET /agents and GET /agents/{id}."""
    row = agent_brief(s, a)
    row.update(
        name=a.name,
        langCode="en_US",
        countryCode="en_US",
        timeZone="America/Chicago",
        associatedChatDepartmentIds=[],
    )
    if "role" in include:
        row["role"] = {"id": _role_id(a.role), "name": a.role}
    if "profile" in include:
        row["profile"] = {"id": _role_id(a.profile), "name": a.profile}
    return row


def _role_id(name: str) -> str:
    """Return the id of a role or profile: stable by name."""
    return str(189_198_000_000_000_000 + sum(ord(c) * (n + 1) for n, c in enumerate(name)))


def department(s: Pieces, d: Department) -> Json:
    """Write a department; associatedAgentIds only in the single call (DP 3)."""
    return {
        "id": s.id(d.id),
        "name": d.name,
        "nameInCustomerPortal": d.name,
        "isEnabled": True,
        "isDefault": d.is_default,
        "createdTime": s.time(d.created),
        "creatorId": s.id(d.creator_id),
        "chatStatus": "NOT_CREATED",
        "hasLogo": False,
        "description": None,
        "sanitizedName": d.name.lower().replace(" ", "-"),
        "isVisibleInCustomerPortal": True,
        "isAssignToTeamEnabled": True,
    }


def team(s: Pieces, t: Team) -> Json:
    """Write a team with its members as `agents` and `derivedAgents`."""
    members = [s.id(a) for a in t.agents]
    return {
        "id": s.id(t.id),
        "name": t.name,
        "departmentId": s.id(t.department_id),
        "description": None,
        "agents": members,
        "derivedAgents": members,
        "roles": [],
        "rolesWithSubordinates": [],
        "subTeams": [],
        "logoUrl": None,
    }
