"""State: all records of the portal, their indexes, the write log and the call log.

Owns identity, order and versions. Promises that every change of a ticket, contact or
account goes through `change`, so that indexes and caches stay right. Must not know HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from .children import Children
from .field_edits import FieldEdits
from .index import BASE, TimeIndex, View
from .records import (
    Account,
    Agent,
    CallEntry,
    Contact,
    CrmRecord,
    CrmUser,
    Department,
    Mail,
    Tag,
    Team,
    Ticket,
    WriteEntry,
)
from .times import SECOND
from .variant import Variant

if TYPE_CHECKING:
    from .blocks import Block

T = TypeVar("T")
_MEMO = 16
STATUSES = {
    "Open": "Open",
    "In Progress": "Open",
    "Escalated": "Open",
    "Overdue": "Open",
    "On Hold": "On Hold",
    "Waiting for customer": "On Hold",
    "Closed": "Closed",
}
PRIORITIES = ("High", "Medium", "Low")
OUTCOMES = ("Provider error", "Failed test", "Broken automation", "Spam", "Resolved", "No answer")


class State:
    """The portal and its CRM, in memory."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.org_id = "60001280952"
        self.api_agent = ""  # the agent whose token the client holds
        self.departments: dict[str, Department] = {}
        self.teams: dict[str, Team] = {}
        self.agents: dict[str, Agent] = {}
        self.accounts: dict[str, Account] = {}
        self.contacts: dict[str, Contact] = {}
        self.tickets: dict[str, Ticket] = {}
        self.tags: dict[str, Tag] = {}
        self.tag_ids: dict[str, str] = {}
        self.crm_users: dict[str, CrmUser] = {}
        self.crm_accounts: dict[str, CrmRecord] = {}
        self.crm_contacts: dict[str, CrmRecord] = {}
        self.crm_leads: dict[str, CrmRecord] = {}
        self.merged: dict[str, str] = {}
        self.blocks: dict[str, Block] = {}  # tickets that take no write, or not every one
        self.mails: list[Mail] = []
        self.writes: list[WriteEntry] = []
        self.calls: list[CallEntry] = []
        self.call_counts: Counter[str] = Counter()
        self.version = 0
        self.edits = FieldEdits()
        self.more: dict[str, dict[str, object]] = {}  # keys that no schema names, by record
        self.rows: dict[str, tuple[bool, bytes]] = {}  # rendered search rows, and if overdue
        self.ticket_order = TimeIndex()  # every ticket that is not purged, without lag
        lag = variant.index_lag_seconds * SECOND
        self.ticket_view: View[Ticket] = View(self.tickets, self.searchable, lag)
        self.contact_view: View[Contact] = View(self.contacts, _untrashed, lag)
        self.account_view: View[Account] = View(self.accounts, _untrashed, lag)
        self.children = Children(self)
        self._last_seq = 0
        self._last_crm = 0
        self._last_number = 100
        self._memo: dict[tuple[object, ...], tuple[int, object]] = {}

    # -- identity

    def new_id(self) -> str:
        """Return the next record id of the portal."""
        self._last_seq += 1
        return str(BASE + self._last_seq)

    def new_crm_id(self) -> str:
        """Return the next CRM id: another number space (CRM 16)."""
        self._last_crm += 1
        return str(5_551_000_000_000_000_000 + self._last_crm)

    def new_number(self) -> int:
        """Return the next ticket number."""
        self._last_number += 1
        return self._last_number

    def tag(self, name: str, at: int) -> Tag:
        """Return the tag of that name (case does not count), made if new."""
        tag_id = self.tag_ids.get(name.lower())
        if tag_id is None:
            tag = Tag(self.new_id(), name, at)
            self.tags[tag.id] = tag
            self.tag_ids[name.lower()] = tag.id
            return tag
        return self.tags[tag_id]

    def crm_records(self, module: str) -> dict[str, CrmRecord]:
        """Return the records of a CRM module."""
        stores = {
            "Contacts": self.crm_contacts,
            "Accounts": self.crm_accounts,
            "Leads": self.crm_leads,
        }
        return stores[module]

    # -- what is seen where

    def searchable(self, ticket: Ticket) -> bool:
        """Tell whether search shows the ticket under this variant."""
        v = self.variant
        return (
            (v.spam_in_search or not ticket.spam)
            and (v.archived_in_search or not ticket.archived)
            and (v.trashed_in_search or ticket.trashed is None)
        )

    def listed(self, ticket: Ticket) -> bool:
        """Tell whether GET /tickets shows the ticket."""
        return (
            ticket.trashed is None
            and not ticket.archived
            and (self.variant.spam_in_list or not ticket.spam)
        )

    # -- change

    def load(self) -> None:
        """Build all indexes after the world was made."""
        for view in (self.ticket_view, self.contact_view, self.account_view):
            view.load()
        self.ticket_order.load(self.tickets.values())

    def stamp(self, at: int) -> int:
        """Cut an instant to the precision that records keep."""
        return at if self.variant.subsecond else at - at % SECOND

    @contextmanager
    def change(
        self, item: Ticket | Contact | Account, at: int, bump: bool = True
    ) -> Iterator[None]:
        """Wrap every change of a record; moves the modified time unless told not to."""
        view = self._view(item)
        view.before(item)
        yield
        if bump:
            item.modified = self.stamp(at)
        self._changed(item.id, at)

    def add(self, item: Ticket | Contact | Account, at: int) -> None:
        """Put a new record into the portal."""
        store: dict[str, Ticket | Contact | Account] = self._view(item).store
        store[item.id] = item
        self._changed(item.id, at)

    def purge(self, item: Ticket | Contact | Account, at: int) -> None:
        """Remove a record for good."""
        self._view(item).before(item)
        del self._view(item).store[item.id]
        self._changed(item.id, at)

    def settle(self, at: int) -> None:
        """Let lagging changes surface in search."""
        for view in (self.ticket_view, self.contact_view, self.account_view):
            view.settle(at)

    def memo(self, key: tuple[object, ...], make: Callable[[], list[T]]) -> list[T]:
        """Return a list made once per version of the state."""
        found = self._memo.get(key)
        if found is None or found[0] != self.version:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            found = self._memo[key] = (self.version, make())
        return found[1]  # type: ignore[return-value]  # a key is made by one place

    def _view(self, item: Ticket | Contact | Account) -> View[Ticket | Contact | Account]:
        views = {Ticket: self.ticket_view, Contact: self.contact_view, Account: self.account_view}
        return views[type(item)]  # type: ignore[return-value]  # the view of its kind

    def _changed(self, record_id: str, at: int) -> None:
        self.version += 1
        if record_id in self.tickets or record_id in self.ticket_order:
            self._reorder(record_id)
            self.rows.pop(record_id, None)
            self.ticket_view.after(record_id, at)
            return
        self.rows.clear()  # ticket rows carry their contact and account
        for view in (self.contact_view, self.account_view):
            if record_id in view.store or record_id in view.index:
                view.after(record_id, at)

    def _reorder(self, record_id: str) -> None:
        ticket = self.tickets.get(record_id)
        if ticket is None:
            self.ticket_order.drop(record_id)
        else:
            self.ticket_order.put(ticket)


def _untrashed(item: Contact | Account) -> bool:
    return item.trashed is None
