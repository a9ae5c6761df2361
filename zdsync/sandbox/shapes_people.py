"""Shapes of contacts, accounts, agents and of the portal's settings.

Owns the projections of DP 3: which key stands in list, search and detail.
Must not decide who may see a record.
"""

from __future__ import annotations

from .records import Account, Agent, Contact, Department, Json, Team
from .shapes import LAYOUT_ID, Shaper

_HAPPY = {"badPercentage": "0", "okPercentage": "0", "goodPercentage": "0"}
CONTACT_CF = {"cf_vip": "VIP"}
ACCOUNT_CF = {"cf_region": "Region"}


def crm_contact(s: Shaper, c: Contact) -> Json | None:
    """Write zohoCRMContact, null when unsynced (DP 3, CRM link)."""
    return {"id": c.crm_id, "type": c.crm_type} if c.crm_id else None


def _contact_core(s: Shaper, c: Contact) -> Json:
    return {
        "id": s.id(c.id),
        "firstName": c.first,
        "lastName": c.last,
        "email": c.email,
        "secondaryEmail": None,
        "phone": c.phone,
        "mobile": c.mobile,
        "type": c.type,
        "accountId": s.id(c.account_id),
        "ownerId": s.id(c.owner_id),
        "photoURL": None,
        "webUrl": f"https://desk.example/support/demo/ShowHomePage.do#Contacts/dv/{c.id}",
        "createdTime": s.time(c.created),
        "isEndUser": True,
        "customerHappiness": _HAPPY,
    }


def contact_list(s: Shaper, c: Contact, accounts: bool) -> Json:
    """Write a row of GET /contacts: no modifiedTime, no cf."""
    row = _contact_core(s, c)
    row.update(
        isAnonymous=False,
        accountCount="1" if c.account_id else "0",
        zohoCRMContact=crm_contact(s, c),
        isSpam=c.spam,
    )
    if accounts:
        row["account"] = s.account_ref(c.account_id)
    return row


def _contact_body(s: Shaper, c: Contact) -> Json:
    cf = {name: (c.cf or {}).get(name) for name in CONTACT_CF}
    return {
        "zip": None,
        "country": c.country,
        "twitter": None,
        "city": None,
        "street": None,
        "facebook": None,
        "description": None,
        "state": None,
        "title": None,
        "modifiedTime": s.time(c.modified),
        "layoutId": s.id(LAYOUT_ID),
        "cf": cf,
        "customFields": {CONTACT_CF[k]: v for k, v in cf.items()},
    }


def contact_search(s: Shaper, c: Contact) -> Json:
    """Write a row of contact search: full, but without isSpam."""
    row = _contact_core(s, c) | _contact_body(s, c)
    row["owner"] = agent_ref(s, c.owner_id)
    row["account"] = s.account_ref(c.account_id)
    how = s.variant.contact_search_has_crm_link
    if how != "absent":
        link = crm_contact(s, c)
        row["zohoCRMContact"] = {} if how == "empty" and link else link
    return row


def contact_detail(s: Shaper, c: Contact, include: list[str]) -> Json:
    """Write GET /contacts/{id}."""
    row = contact_list(s, c, "accounts" in include) | _contact_body(s, c)
    row.update(
        isFollowing=False,
        isDeleted=False,
        isTrashed=c.trashed is not None,
        layoutDetails={"id": s.id(LAYOUT_ID), "layoutName": "Default"},
    )
    if "owner" in include:
        row["owner"] = person_ref(s, c.owner_id)
    return row


def agent_ref(s: Shaper, agent_id: str | None) -> Json | None:
    """Write the owner inside a search row."""
    a = s.state.agents.get(agent_id or "")
    return (
        None
        if a is None
        else {
            "id": s.id(a.id),
            "firstName": a.first,
            "lastName": a.last,
            "emailId": a.email,
            "photoURL": None,
            "zuid": a.zuid,
        }
    )


def person_ref(s: Shaper, agent_id: str | None) -> Json | None:
    """Write the owner of include=owner: id and names only."""
    a = s.state.agents.get(agent_id or "")
    return None if a is None else {"id": s.id(a.id), "firstName": a.first, "lastName": a.last}


def account_list(s: Shaper, a: Account) -> Json:
    """Write a row of GET /accounts: no modifiedTime, no ownerId, no cf."""
    return {
        "id": s.id(a.id),
        "accountName": a.name,
        "website": a.website,
        "email": a.email,
        "phone": a.phone,
        "createdTime": s.time(a.created),
        "webUrl": f"https://desk.example/support/demo/ShowHomePage.do#Accounts/dv/{a.id}",
        "zohoCRMAccount": {"id": a.crm_id} if a.crm_id else None,
        "customerHappiness": _HAPPY,
    }


def _account_body(s: Shaper, a: Account) -> Json:
    cf = {name: (a.cf or {}).get(name) for name in ACCOUNT_CF}
    return {
        "country": None,
        "code": None,
        "city": None,
        "street": None,
        "annualrevenue": None,
        "description": None,
        "industry": a.industry,
        "state": None,
        "ownerId": s.id(a.owner_id),
        "fax": None,
        "modifiedTime": s.time(a.modified),
        "layoutId": s.id(LAYOUT_ID),
        "cf": cf,
        "customFields": {ACCOUNT_CF[k]: v for k, v in cf.items()},
    }


def account_search(s: Shaper, a: Account) -> Json:
    """Write a row of account search: full, but the CRM link is not declared (DP 3)."""
    row = account_list(s, a) | _account_body(s, a)
    del row["customerHappiness"]
    row["owner"] = agent_ref(s, a.owner_id)
    how = s.variant.account_search_has_crm_link
    if how == "absent":
        del row["zohoCRMAccount"]
    elif how == "empty" and row["zohoCRMAccount"]:
        row["zohoCRMAccount"] = {}
    return row


def account_detail(s: Shaper, a: Account, include: str) -> Json:
    """Write GET /accounts/{id}."""
    row = account_list(s, a) | _account_body(s, a)
    del row["customerHappiness"]
    row.update(
        isFollowing=False,
        isDeleted=False,
        isTrashed=a.trashed is not None,
        associatedSLAIds=[],
        layoutDetails={"id": s.id(LAYOUT_ID), "layoutName": "Default"},
    )
    if include == "owner":
        row["owner"] = person_ref(s, a.owner_id)
    return row


def agent_brief(s: Shaper, a: Agent) -> Json:
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
        "roleId": role_id(a.role),
        "profileId": role_id(a.profile),
        "rolePermissionType": "Custom",
        "aboutInfo": None,
        "channelExpert": [],
        "photoURL": None,
        "isConfirmed": True,
        "isZiaAgent": False,
        "cf": {},
    }


def agent(s: Shaper, a: Agent, include: list[str]) -> Json:
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
        row["role"] = {"id": role_id(a.role), "name": a.role}
    if "profile" in include:
        row["profile"] = {"id": role_id(a.profile), "name": a.profile}
    return row


def role_id(name: str) -> str:
    """Return the id of a role or profile: stable by name."""
    return str(189_198_000_000_000_000 + sum(ord(c) * (n + 1) for n, c in enumerate(name)))


def department(s: Shaper, d: Department) -> Json:
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


def team(s: Shaper, t: Team) -> Json:
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
