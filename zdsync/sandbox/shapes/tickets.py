"""Shapes of tickets: which key stands in list, search, detail and written form.

Owns the projections of DT 2 and of the schemas TicketListItem, TicketSearchItem,
TicketDetail and TicketWritten. Promises that a key absent there is absent here.
Must not decide who may see a record.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..records import Json, Ticket
from ..wire import dumps
from .pieces import LAYOUT_ID, Pieces, source, web_url

CF_LABELS = {"cf_outcome": "Outcome", "cf_cid": "CID", "cf_follow_up": "Follow up"}
_ROWS_KEPT = 20_000


class Shaper(Pieces):
    """Writes tickets as JSON objects under one variant."""

    def overdue(self, ticket: Ticket, at: int) -> bool:
        """Tell whether an open ticket passed its due date."""
        return ticket.status_type != "Closed" and ticket.due is not None and ticket.due < at

    def _core(self, t: Ticket) -> Json:
        return {
            "id": self.id(t.id),
            "ticketNumber": str(t.number),
            "subject": t.subject,
            "status": t.status,
            "statusType": t.status_type,
            "priority": self.pick(t.priority),
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
            "threadCount": self.number(t.threads),
            "commentCount": self.number(t.comments),
            "isSpam": t.spam,
            "isArchived": t.archived,
            "webUrl": web_url("Cases", t.id),
            **self.more(t.id),
        }

    def list_row(self, t: Ticket, include: Iterable[str]) -> Json:
        """Write a row of GET /tickets: no modifiedTime, no cf, no description (DT 2)."""
        row = self._core(t)
        row.update(
            category=self.pick(t.category),
            subCategory=self.pick(t.sub_category),
            layoutId=self.id(LAYOUT_ID),
            channelCode=None,
            sentiment=None,
            relationshipType=None,
            source=source(),
            lastThread=self.last_thread(t),
        )
        return self.seen(self.included(row, t, include))

    def last_thread(self, t: Ticket) -> Json:
        """Write channel and direction of the last thread."""
        last = self.state.children.last_thread(t)
        return {
            "channel": last.channel if last else t.channel.upper(),
            "direction": t.last_direction,
            "isDraft": last is not None and last.status == "DRAFT",
            "isForward": last is not None and last.forward,
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
        # DT 2: search declares text or null, at most 100 characters; a legal value can be longer
        cf = {name: None if value is None else str(value) for name, value in (t.cf or {}).items()}
        row.update(
            **self._texts(t),
            relationshipType=None,
            department=self.department(t.department_id),
            contact=self.contact_ref(t.contact_id, False),
            assignee=self.agent_ref(t.assignee_id),
            team=self.team(t.team_id),
            product=None,
            layoutId=self.id(LAYOUT_ID),
            slaId=None,
            createdBy=self.id(t.created_by),
            modifiedBy=self.id(t.modified_by),
            modifiedTime=self.time(t.modified),
            childTicketCount=self.number(0),
            isOverDue=self.overdue(t, at),
            isEscalated=t.escalated,
            isRead=True,
            lastThread=self.last_thread(t),
            secondaryContacts=[],
            entitySkills=[],
            sharedDepartments=[],
            **self.custom_fields(cf, CF_LABELS),
        )
        return self.seen(row)

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
        row.update(
            **self._texts(t),
            layoutId=self.id(LAYOUT_ID),
            layoutDetails=self.layout(),
            slaId=None,
            modifiedTime=self.time(t.modified),
            modifiedBy=self.id(t.modified_by),
            taskCount=self.number(0),
            attachmentCount=self.number(0),
            approvalCount=self.number(0),
            timeEntryCount=self.number(0),
            isOverDue=self.overdue(t, at),
            isResponseOverdue=False,
            isEscalated=t.escalated,
            isDeleted=False,
            isTrashed=t.trashed is not None,
            channelCode=None,
            channelRelatedInfo=None,
            source=source(),
            secondaryContacts=[],
            entitySkills=[],
            sharedDepartments=[],
            **self.custom_fields(t.cf, CF_LABELS),
            sourceTicket=None,
        )
        return self.seen(row)

    def detail(self, t: Ticket, at: int, include: Iterable[str]) -> Json:
        """Write GET /tickets/{id}: the written form and counts of tags and followers."""
        row = self.written(t, at)
        row.update(
            sentiment=None,
            isFollowing=False,
            createdBy=self.id(t.created_by),
            tagCount=self.number(len(t.tags)),
            followerCount=self.number(len(self.state.children.followers.get(t.id, ()))),
        )
        return self.seen(self.included(row, t, include))

    def _texts(self, t: Ticket) -> Json:
        return {
            "category": self.pick(t.category),
            "subCategory": self.pick(t.sub_category),
            "classification": self.pick(t.classification),
            "description": t.description,
            "resolution": t.resolution,
        }
