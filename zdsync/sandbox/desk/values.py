"""The values of a ticket: from the keys of a body to attributes, and which are refused.

Owns the checks of values (DT 3). Must not change state.
"""

from __future__ import annotations

from typing import Any

from ..call import Call
from ..records import Json, Ticket
from ..shapes.tickets import CF_LABELS
from ..state import PRIORITIES, STATUSES
from ..times import parse_iso
from ..wire import invalid
from .fields import CHANNELS, check_cf

NAMES = {  # body key -> attribute
    "subject": "subject",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "channel": "channel",
    "language": "language",
    "category": "category",
    "subCategory": "sub_category",
    "classification": "classification",
    "resolution": "resolution",
    "dueDate": "due",
    "email": "email",
    "phone": "phone",
    "contactId": "contact_id",
    "accountId": "account_id",
    "departmentId": "department_id",
    "productId": "product_id",
    "assigneeId": "assignee_id",
    "teamId": "team_id",
    "cf": "cf",
}
_ID_ATTRS = ("contact_id", "account_id", "department_id", "product_id", "assignee_id", "team_id")


def changes_of(body: Json) -> dict[str, Any]:
    """Translate body keys into attributes; keys without effect here are dropped."""
    changes: dict[str, Any] = {}
    for key, value in body.items():
        attr = NAMES.get(key)
        if attr in _ID_ATTRS:
            changes[attr] = None if value in (None, "", "null") else str(value)
        elif attr == "due":
            changes[attr] = None if value in (None, "null") else parse_iso(value)
        elif attr == "cf":
            changes["cf"] = changes.get("cf", {}) | (value or {})
        elif key == "customFields":  # the same fields by label (DT 3)
            names = {label: name for name, label in CF_LABELS.items()}
            by_name = {names.get(label, label): v for label, v in (value or {}).items()}
            changes["cf"] = by_name | changes.get("cf", {})
        elif attr:
            changes[attr] = value
    return changes


def check_changes(c: Call, ticket: Ticket, changes: dict[str, Any]) -> None:
    """Refuse values that the portal does not know."""
    if "status" in changes and changes["status"] not in STATUSES:
        raise invalid("/status", "invalid", "The status is not an allowed value")
    if changes.get("priority") is not None and changes["priority"] not in PRIORITIES:
        raise invalid("/priority", "invalid", "The priority is not an allowed value")
    if changes.get("channel") is not None and changes["channel"] not in CHANNELS:
        raise invalid("/channel", "invalid", "The channel is not an allowed value")
    if "subject" in changes and not changes["subject"]:
        raise invalid("/subject", "invalid", "The subject must not be empty")
    check_cf(changes.get("cf") or {})
    _check_links(c, ticket, changes)


def _check_links(c: Call, ticket: Ticket, changes: dict[str, Any]) -> None:
    state = c.state
    stores: list[tuple[str, str, Any]] = [
        ("department_id", "/departmentId", state.departments),
        ("contact_id", "/contactId", state.contacts),
        ("account_id", "/accountId", state.accounts),
    ]
    for attr, pointer, store in stores:
        if (
            attr in changes
            and not (attr == "account_id" and changes[attr] is None)
            and changes[attr] not in store
        ):
            raise invalid(pointer, "invalid", "The record does not exist")
    department = changes.get("department_id", ticket.department_id)
    _check_assignee(c, changes.get("assignee_id"), department)
    team = changes.get("team_id")
    if team and (team not in state.teams or state.teams[team].department_id != department):
        raise invalid("/teamId", "invalid", "The team does not belong to the department")


def _check_assignee(c: Call, agent_id: str | None, department_id: str) -> None:
    if agent_id is None:
        return
    agent = c.state.agents.get(agent_id)
    member = agent is not None and department_id in agent.departments
    if (
        agent is None
        or agent.status != "ACTIVE"
        or (c.variant.assignee_must_be_member and not member)
    ):
        raise invalid("/assigneeId", "invalid", "The agent is not active in the department")


def check_closing(c: Call, ticket: Ticket, changes: dict[str, Any]) -> None:
    """Refuse a close without the mandatory outcome (issue 2: every close needs one)."""
    closing = STATUSES.get(changes.get("status", "")) == "Closed"
    if not closing or ticket.status_type == "Closed":
        return
    department = c.state.departments[changes.get("department_id", ticket.department_id)].name
    if department not in c.variant.outcome_departments.split(","):
        return
    filled = {**(ticket.cf or {}), **(changes.get("cf") or {})}
    if not filled.get("cf_outcome"):
        raise invalid("/cf/cf_outcome", "missing", "Outcome is mandatory to close a ticket")
    for name in filter(None, c.variant.close_needs.split(",")):
        if not filled.get(name):
            raise invalid(f"/cf/{name}", "missing", f"{name} is mandatory to close a ticket")
