"""Desk writes of one ticket: create, PATCH, move, merge, tags.

Owns the checks of values and what each write answers (DT 3). Promises that a refused
write changed nothing. Side effects live in effects.py.
"""

from __future__ import annotations

import re
from typing import Any

from . import effects
from .desk_read import find, tag_row
from .fields import CHANNELS, check_cf
from .records import Json, Ticket
from .shapes import CF_LABELS
from .state import PRIORITIES, STATUSES
from .times import parse_iso
from .validate import BOOL, Field, one_id
from .wire import Call, Refused, Response, Route, empty, invalid, ok, unprocessable

_UPDATE = ("Desk.tickets.UPDATE",)
_CREATE = ("Desk.tickets.CREATE",)  # DT 1: tag add and remove need CREATE too
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
_TAG = re.compile(r"[\w \u0080-\U0010ffff.\-+%]{3,50}")
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
    if not {**(ticket.cf or {}), **(changes.get("cf") or {})}.get("cf_outcome"):
        raise invalid("/cf/cf_outcome", "missing", "Outcome is mandatory to close a ticket")


def writable(c: Call, ticket: Ticket) -> Ticket:
    """Refuse writes to trashed and archived tickets (DT 5 point 6)."""
    if ticket.trashed is not None:
        raise unprocessable("The ticket is in the recycle bin")
    if ticket.archived:
        raise unprocessable("The ticket is archived")
    return ticket


def patch(c: Call) -> Response:
    """PATCH /tickets/{id}: 200 with the written form."""
    ticket = writable(c, find(c))
    if not c.body:
        raise Refused(422, "EMPTY_PAYLOAD", "The payload must not be empty")
    changes = changes_of(c.body)
    check_changes(c, ticket, changes)
    check_closing(c, ticket, changes)
    notify = not c.q.get("disableClosureNotification", False)
    effects.update(c.state, ticket, changes, c.actor, c.at, notify=notify)
    return ok(c.shaper.written(ticket, c.at))


def create(c: Call) -> Response:
    """POST /tickets: 200 (not 201) with the written form."""
    body = c.body
    if "contactId" not in body:
        raise invalid("/contactId", "missing", "A contact is needed")
    if not body.get("subject"):
        raise invalid("/subject", "missing", "A subject is needed")
    at = c.state.stamp(c.at)
    ticket = blank(c, str(body["departmentId"]), str(body["contactId"]), at)
    changes = changes_of(body)
    check_changes(c, ticket, changes)
    add(c, ticket, changes, at)
    c.ticket_id = ticket.id
    return ok(c.shaper.written(ticket, c.at))


def blank(c: Call, department_id: str, contact_id: str, at: int) -> Ticket:
    """Make a ticket that is not in the portal yet."""
    contact = c.state.contacts.get(contact_id)
    return Ticket(
        c.state.new_id(),
        c.state.new_number(),
        "",
        None,
        "Open",
        "Open",
        None,
        "Email",
        "en",
        department_id,
        contact_id,
        contact.account_id if contact else None,
        None,
        None,
        contact.email if contact else None,
        at,
        at,
        created_by=c.actor.id,
        customer_response=at,
    )


def add(c: Call, ticket: Ticket, changes: dict[str, Any], at: int) -> None:
    """Put a new ticket with its values into the portal."""
    for name, value in changes.items():
        setattr(ticket, name, value)
    ticket.status_type = STATUSES[ticket.status]
    ticket.closed = at if ticket.status_type == "Closed" else None
    ticket.modified_by = c.actor.id
    c.state.add(ticket, at)


def move(c: Call) -> Response:
    """POST /tickets/{id}/move: 200, empty; departmentId in query and body (DT 3)."""
    ticket = writable(c, find(c))
    wanted = c.q.get("departmentId") or c.body.get("departmentId")
    if wanted is None:
        raise unprocessable("The query parameter 'departmentId' is missing")
    if str(c.body.get("departmentId", wanted)) != str(wanted):
        raise unprocessable("departmentId differs between query and body")
    if str(wanted) not in c.state.departments:
        raise invalid("/departmentId", "invalid", "The department does not exist")
    effects.move(c.state, ticket, str(wanted), c.actor, c.at)
    return empty(200)


def merge(c: Call) -> Response:
    """POST /tickets/{id}/merge: 200 with the written form; at most 5 tickets."""
    master = writable(c, find(c))
    wanted = [str(i) for i in c.body["ids"]]
    others = [c.state.tickets.get(i) for i in wanted]
    losers = [t for t in others if t is not None and t is not master]
    if len(losers) != len(wanted) or len(wanted) > 4:
        raise invalid("/ids", "invalid", "1 to 4 other tickets can be merged")
    effects.merge(c.state, master, losers, c.actor, c.at)
    return ok(c.shaper.written(master, c.at))


def _tag_names(c: Call) -> list[str]:
    names: list[str] = c.body["tags"]
    for n, name in enumerate(names):
        if not isinstance(name, str) or not _TAG.fullmatch(name) or name.lower() == "null":
            raise invalid(f"/tags/{n}", "invalid", "The tag name is not valid")
    if not names:
        raise invalid("/tags", "invalid", "1 to 51 tags are needed")
    return names


def associate_tag(c: Call) -> Response:
    """POST /tickets/{id}/associateTag: 200 with added or all tags (DT 3 Tags)."""
    ticket = writable(c, find(c))
    added = effects.tag(c.state, ticket, c.actor, c.at, add=_tag_names(c))
    names = added if c.variant.associate_answers == "added" else list(ticket.tags)
    return ok({"data": [tag_row(c, name) for name in names]})


def dissociate_tag(c: Call) -> Response:
    """POST /tickets/{id}/dissociateTag: 200, empty."""
    ticket = writable(c, find(c))
    effects.tag(c.state, ticket, c.actor, c.at, remove=_tag_names(c))
    return empty(200)


_WRITE: dict[str, Field] = {
    "subject": Field("text", 1000),
    "status": Field("text", 120),
    "priority": Field("text", 120, null=True),
    "channel": Field("text", 120, null=True),
    "language": Field("text", 100, null=True),
    "category": Field("text", 120, null=True),
    "subCategory": Field("text", 120, null=True),
    "classification": Field("text", 120, null=True),
    "description": Field("text", 65535, null=True),
    "resolution": Field("text", 65535),
    "dueDate": Field("time", null=True),
    "email": Field("text", 150, null=True),
    "phone": Field("text", 120, null=True),
    "contactId": Field("id"),
    "accountId": Field("id"),
    "departmentId": Field("id"),
    "productId": Field("id", null=True),
    "assigneeId": Field("id", null=True),
    "teamId": Field("id", null=True),
    "layoutId": Field("id"),
    "responseDueDate": Field("text", choices=("null",)),
    "cf": Field("map", null=True),
    "customFields": Field("map", null=True),
    "secondaryContacts": Field("list", 20),
    "entitySkills": Field("list", 10),
    "sharedDepartments": Field("list", 10),
    "uploads": Field("list"),
    "sourceTicket": Field("object"),
    "parentTicket": Field("object"),
    "contact": Field("object"),
    "webUrl": Field("text", 5000),
    "ticketCreationType": Field("text", choices=("sendAsEmail", "clone")),
    "clonedTicketId": Field("id"),
}
_IDS = {"ids": Field("ids", 100_000, required=True)}
_TAGS = {"tags": Field("list", 51, required=True)}

ROUTES = [
    Route(
        "POST",
        "tickets",
        _CREATE,
        create,
        {},
        _WRITE
        | {
            "departmentId": Field("id", required=True),
            "phone": Field("text", 120),
            "blueprint": Field("object"),
        },
    ),
    Route(
        "PATCH", "tickets/{ticketId}", _UPDATE, patch, {"disableClosureNotification": BOOL}, _WRITE
    ),
    Route(
        "POST",
        "tickets/{ticketId}/move",
        _UPDATE,
        move,
        {"departmentId": one_id(True)},
        {"departmentId": Field("id"), "forumId": Field("id")},
    ),
    Route(
        "POST",
        "tickets/{ticketId}/merge",
        _UPDATE,
        merge,
        {},
        _IDS | {"source": Field("object", required=True)},
    ),
    Route("POST", "tickets/{ticketId}/associateTag", _CREATE, associate_tag, {}, _TAGS),
    Route("POST", "tickets/{ticketId}/dissociateTag", _CREATE, dissociate_tag, {}, _TAGS),
]
