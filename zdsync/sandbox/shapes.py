"""Shapes of tickets: which key stands in list, search, detail and written form.

Owns the projections of DT 2 and of the schemas TicketListItem, TicketSearchItem,
TicketDetail and TicketWritten. Promises that a key absent there is absent here.
Must not decide who may see a record.
"""

from __future__ import annotations

from collections.abc import Iterable

from .records import Agent, Json, Ticket
from .state import State
from .times import iso
from .variant import Variant
from .wire import dumps

LAYOUT_ID = "189199000000000001"
CF_LABELS = {"cf_outcome": "Outcome", "cf_cid": "CID", "cf_follow_up": "Follow up"}
_ROWS_KEPT = 20_000


class Shaper:
    """Writes records as JSON objects under one variant."""

    def __init__(self, state: State, variant: Variant) -> None:
        self.state = state
        self.variant = variant
        self._epoch = variant.times == "epoch"
        self._millis = variant.millis

    # -- scalars

    def time(self, ms: int | None) -> str | int | None:
        """Write an instant as the variant says (README 1)."""
        if ms is None:
            return None
        return ms if self._epoch else iso(ms, self._millis)

    def id(self, record_id: str | None) -> str | int | None:
        """Write an id as text or as number (DT 1, string-or-integer)."""
        if record_id is None:
            return None
        return int(record_id) if self.variant.ids_as_int else record_id

    def count(self, total: int) -> str | int:
        """Write the `count` of a search."""
        if self.variant.count_capped_at:
            total = min(total, self.variant.count_capped_at)
        return str(total) if self.variant.count_as_string else total

    # -- pieces

    def account_ref(self, account_id: str | None) -> Json | None:
        """Write the account object inside a contact."""
        account = self.state.accounts.get(account_id or "")
        if account is None:
            return None
        return {"id": self.id(account.id), "accountName": account.name, "website": account.website}

    def contact_ref(self, contact_id: str, with_spam: bool) -> Json | None:
        """Write the contact object inside a ticket."""
        contact = self.state.contacts.get(contact_id)
        if contact is None:
            return None
        row = {
            "id": self.id(contact.id),
            "firstName": contact.first,
            "lastName": contact.last,
            "email": contact.email,
            "phone": contact.phone,
            "mobile": contact.mobile,
            "type": contact.type,
            "account": self.account_ref(contact.account_id),
        }
        if with_spam:
            row["isSpam"] = contact.spam
        return row

    def assignee(self, agent_id: str | None) -> Json | None:
        """Write the assignee of list and detail: key `email`."""
        agent = self.state.agents.get(agent_id or "")
        return (
            None
            if agent is None
            else {
                "id": self.id(agent.id),
                "firstName": agent.first,
                "lastName": agent.last,
                "email": agent.email,
                "photoURL": None,
            }
        )

    def search_assignee(self, agent: Agent | None) -> Json | None:
        """Write the assignee of search: keys `emailId` and `zuid` (DT 2)."""
        return (
            None
            if agent is None
            else {
                "id": self.id(agent.id),
                "firstName": agent.first,
                "lastName": agent.last,
                "emailId": agent.email,
                "photoURL": None,
                "zuid": agent.zuid,
            }
        )

    def department(self, department_id: str) -> Json:
        """Write id and name of a department."""
        return {"id": self.id(department_id), "name": self.state.departments[department_id].name}

    def team(self, team_id: str | None) -> Json | None:
        """Write id, name and logo of a team."""
        team = self.state.teams.get(team_id or "")
        return (
            None if team is None else {"id": self.id(team.id), "name": team.name, "logoUrl": None}
        )

    def cf(self, ticket: Ticket) -> Json:
        """Write the custom fields by API name, all of them, empty ones as null."""
        have = ticket.cf or {}
        return {name: have.get(name) for name in CF_LABELS}

    def labels(self, cf: Json) -> Json:
        """Write the same values by label (customFields)."""
        return {CF_LABELS.get(name, name): value for name, value in cf.items()}

    def overdue(self, ticket: Ticket, at: int) -> bool:
        """Tell whether an open ticket passed its due date."""
        return ticket.status_type != "Closed" and ticket.due is not None and ticket.due < at

    def web_url(self, ticket: Ticket) -> str:
        """Write the address of a ticket in the web UI."""
        return f"https://desk.example/support/demo/ShowHomePage.do#Cases/dv/{ticket.id}"

    # -- ticket shapes

    def _core(self, t: Ticket) -> Json:
        return {
            "id": self.id(t.id),
            "ticketNumber": str(t.number),
            "subject": t.subject,
            "status": t.status,
            "statusType": t.status_type,
            "priority": t.priority,
            "channel": t.channel,
            "language": t.language,
            "departmentId": self.id(t.department_id),
            "contactId": self.id(t.contact_id),
            "accountId": self.id(t.account_id),
            "assigneeId": self.id(t.assignee_id),
            "teamId": self.id(t.team_id),
            "productId": self.id(t.product_id),
            "email": t.email,
            "phone": t.phone,
            "createdTime": self.time(t.created),
            "closedTime": self.time(t.closed),
            "onholdTime": self.time(t.onhold),
            "dueDate": self.time(t.due),
            "responseDueDate": self.time(t.response_due),
            "customerResponseTime": self.time(t.customer_response),
            "lockedTime": None,
            "threadCount": str(t.threads),
            "commentCount": str(t.comments),
            "isSpam": t.spam,
            "isArchived": t.archived,
            "webUrl": self.web_url(t),
        }

    def list_row(self, t: Ticket, include: Iterable[str]) -> Json:
        """Write a row of GET /tickets: no modifiedTime, no cf, no description (DT 2)."""
        row = self._core(t)
        row.update(
            category=t.category,
            subCategory=t.sub_category,
            layoutId=self.id(LAYOUT_ID),
            channelCode=None,
            sentiment=None,
            relationshipType=None,
            source=_source(),
            lastThread=self.last_thread(t),
        )
        return self.included(row, t, include)

    def last_thread(self, t: Ticket) -> Json:
        """Write channel and direction of the last thread."""
        return {
            "channel": t.channel.upper(),
            "direction": t.last_direction,
            "isDraft": False,
            "isForward": False,
        }

    def included(self, row: Json, t: Ticket, include: Iterable[str]) -> Json:
        """Add what `include` asks for."""
        for name in include:
            match name:
                case "contacts":
                    row["contact"] = self.contact_ref(t.contact_id, True)
                case "departments":
                    row["department"] = self.department(t.department_id)
                case "team":
                    row["team"] = self.team(t.team_id)
                case "assignee":
                    row["assignee"] = self.assignee(t.assignee_id)
                case "products":
                    row["product"] = None
                case "isRead":
                    row["isRead"] = True
                case "skills":
                    row["skillsInfo"] = []
                case "contract":
                    row["contractId"] = None
        return row

    def search_row(self, t: Ticket, at: int) -> Json:
        """Write a row of search: nearly full, assignee with emailId and zuid."""
        row = self._core(t)
        cf = self.cf(t)
        # DT 2: search declares text or null, at most 100 characters; a legal value can be longer
        cf = {name: None if value is None else str(value) for name, value in cf.items()}
        row.update(
            category=t.category,
            subCategory=t.sub_category,
            classification=t.classification,
            description=t.description,
            resolution=t.resolution,
            relationshipType=None,
            department=self.department(t.department_id),
            contact=self.contact_ref(t.contact_id, False),
            assignee=self.search_assignee(self.state.agents.get(t.assignee_id or "")),
            team=self.team(t.team_id),
            product=None,
            layoutId=self.id(LAYOUT_ID),
            slaId=None,
            createdBy=self.id(t.created_by),
            modifiedBy=self.id(t.modified_by),
            modifiedTime=self.time(t.modified),
            childTicketCount="0",
            isOverDue=self.overdue(t, at),
            isEscalated=t.escalated,
            isRead=True,
            lastThread=self.last_thread(t),
            secondaryContacts=[],
            entitySkills=[],
            sharedDepartments=[],
            cf=cf,
            customFields=self.labels(cf),
        )
        return row

    def search_bytes(self, t: Ticket, at: int) -> bytes:
        """Return the encoded search row, cached until the ticket or its people change."""
        if self.state.tickets.get(t.id) is not t:  # a lagging version
            return dumps(self.search_row(t, at))
        rows, overdue = self.state.rows, self.overdue(t, at)
        found = rows.get(t.id)
        if found is None or found[0] != overdue:
            if len(rows) >= _ROWS_KEPT:
                rows.clear()
            found = rows[t.id] = (overdue, dumps(self.search_row(t, at)))
        return found[1]

    def written(self, t: Ticket, at: int) -> Json:
        """Write the answer of a PATCH, POST or merge."""
        row = self._core(t)
        cf = self.cf(t)
        row.update(
            category=t.category,
            subCategory=t.sub_category,
            classification=t.classification,
            description=t.description,
            resolution=t.resolution,
            layoutId=self.id(LAYOUT_ID),
            layoutDetails={"id": self.id(LAYOUT_ID), "layoutName": "Default"},
            slaId=None,
            modifiedTime=self.time(t.modified),
            modifiedBy=self.id(t.modified_by),
            taskCount="0",
            attachmentCount="0",
            approvalCount="0",
            timeEntryCount="0",
            isOverDue=self.overdue(t, at),
            isResponseOverdue=False,
            isEscalated=t.escalated,
            isDeleted=False,
            isTrashed=t.trashed is not None,
            channelCode=None,
            channelRelatedInfo=None,
            source=_source(),
            secondaryContacts=[],
            entitySkills=[],
            sharedDepartments=[],
            cf=cf,
            customFields=self.labels(cf),
            sourceTicket=None,
        )
        return row

    def detail(self, t: Ticket, at: int, include: Iterable[str]) -> Json:
        """Write GET /tickets/{id}: the written form and counts of tags and followers."""
        row = self.written(t, at)
        row.update(
            sentiment=None,
            isFollowing=False,
            createdBy=self.id(t.created_by),
            tagCount=str(len(t.tags)),
            followerCount=str(len(self.state.children.followers.get(t.id, ()))),
        )
        return self.included(row, t, include)


def _source() -> Json:
    return {
        "appName": None,
        "extId": None,
        "permalink": None,
        "type": "SYSTEM",
        "appPhotoURL": None,
    }


def shaped(fields: Iterable[str], row: Json) -> Json:
    """Keep the named keys: `fields` replaces the default projection (DT 2, live)."""
    return {"id": row["id"], **{name: row[name] for name in fields if name in row}}
