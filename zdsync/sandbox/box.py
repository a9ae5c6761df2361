"""Sandbox: the public face of the simulator.

Owns one portal and its two doors, and what tests do behind the API's back (remote edits,
deletions, faults). Promises that all of it passes through the same side effects as a call.
Must not read the system clock when a clock was given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import effects
from .accounts import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from .api import Api, Observer
from .faults import Fault, Faults
from .records import Actor, CallEntry, Comment, Contact, CrmRecord, Mail, Thread, Ticket, WriteEntry
from .remote import actor_of, attributes_of
from .state import STATUSES, State
from .times import SECOND, from_datetime
from .variant import Variant
from .world import make_world

if TYPE_CHECKING:
    import responses

_CRM = {"Contacts": "crm_contacts", "Accounts": "crm_accounts", "Leads": "crm_leads"}


def _system_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A Zoho on loopback: accounts server, Desk and CRM over one state in memory."""

    def __init__(
        self,
        tickets: int = 2000,
        seed: int = 7,
        variant: Variant | None = None,
        *,
        faults: str = "none",
        latency: float = 0.0,
        now: Callable[[], datetime] | None = None,
        observer: Observer | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now = now or _system_now
        self.variant = variant or Variant()
        self.state: State = make_world(self.variant, tickets, seed, self.at())
        self.faults = Faults(faults, seed)
        self.api = Api(
            self.state, self.faults, clock=self.at, latency=latency, sleep=sleep, observer=observer
        )

    def at(self) -> int:
        """Return the present instant as epoch milliseconds."""
        return from_datetime(self._now())

    # -- doors

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[dict[str, str]]:
        """Serve over real HTTP on loopback from a daemon thread; yield the credentials."""
        from .server import serving

        with serving(self.api, port) as base:
            yield self.creds(base)

    def register(
        self, mock: responses.RequestsMock, base: str = "https://sandbox.test"
    ) -> dict[str, str]:
        """Answer through `responses` callbacks; return the credentials."""
        from .callbacks import register

        register(self.api, mock, base)
        return self.creds(base)

    def creds(self, base: str) -> dict[str, str]:
        """Return what a client needs to log in at that address."""
        return {
            "accounts_url": base,
            "desk_url": f"{base}/api/v1",
            "crm_url": f"{base}/crm/v8",
            "org_id": self.state.org_id,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }

    def grant_code(self, scopes: str | None = None) -> str:
        """Make a self-client code as the API console would."""
        return self.api.tokens.grant_code(self.at(), scopes)

    # -- what happened

    @property
    def writes(self) -> list[WriteEntry]:
        """Every write that took effect, in order."""
        return self.state.writes

    @property
    def calls(self) -> list[CallEntry]:
        """Every call to Desk and CRM, refused ones too."""
        return self.state.calls

    @property
    def mails(self) -> list[Mail]:
        """Every mail to a contact."""
        return self.state.mails

    # -- somebody else at work

    def edit(self, ticket_id: str, by: str = "agent", **fields: Any) -> Ticket:
        """Edit a ticket from elsewhere; fields by API name or attribute name."""
        with self.api.lock:
            ticket = self.state.tickets[ticket_id]
            actor = actor_of(self.state, by, ticket)
            effects.update(self.state, ticket, attributes_of(fields), actor, self.at())
            return ticket

    def mass_update(self, ids: Sequence[str], by: str = "automation", **fields: Any) -> int:
        """Edit many tickets within the same second; return that instant."""
        at = self.at()
        at -= at % SECOND
        with self.api.lock:
            for ticket_id in ids:
                ticket = self.state.tickets[ticket_id]
                effects.update(
                    self.state,
                    ticket,
                    attributes_of(fields),
                    actor_of(self.state, by, ticket),
                    at,
                    notify=False,
                )
        return at

    def create(self, **fields: Any) -> Ticket:
        """Make a ticket as a customer would; contact and department default to the first."""
        with self.api.lock:
            state, at = self.state, self.state.stamp(self.at())
            values = attributes_of(fields)
            contact = state.contacts[values.get("contact_id") or next(iter(state.contacts))]
            values.setdefault("department_id", next(iter(state.departments)))
            ticket = Ticket(
                state.new_id(),
                state.new_number(),
                "A new ticket",
                "Hello",
                "Open",
                "Open",
                None,
                "Email",
                "en",
                values["department_id"],
                contact.id,
                contact.account_id,
                None,
                None,
                contact.email,
                at,
                at,
                created_by=contact.id,
                customer_response=at,
            )
            for name, value in values.items():
                setattr(ticket, name, value)
            ticket.status_type = STATUSES[ticket.status]
            ticket.closed = at if ticket.status_type == "Closed" else None
            state.add(ticket, at)
            return ticket

    def trash(self, ticket_id: str) -> None:
        """Put a ticket into the recycle bin."""
        self._on(ticket_id, effects.trash)

    def restore(self, ticket_id: str) -> None:
        """Take a ticket out of the recycle bin."""
        self._on(ticket_id, effects.restore)

    def purge(self, record_id: str) -> None:
        """Delete a ticket, contact or account for good; the bin does not know it."""
        with self.api.lock:
            s = self.state
            item = s.tickets.get(record_id) or s.contacts.get(record_id) or s.accounts[record_id]
            s.purge(item, self.at())
            s.children.drop(record_id)

    def merge(self, master: str, others: Iterable[str]) -> None:
        """Merge others into master."""
        with self.api.lock:
            losers = [self.state.tickets[i] for i in others]
            winner = self.state.tickets[master]
            actor = actor_of(self.state, "agent", winner)
            effects.merge(self.state, winner, losers, actor, self.at())

    def archive(self, ticket_id: str) -> None:
        """Archive a ticket; that does not move its modified time."""
        with self.api.lock:
            ticket = self.state.tickets[ticket_id]
            with self.state.change(ticket, self.at(), bump=False):
                ticket.archived = True

    def mark_spam(self, ticket_id: str, spam: bool = True) -> None:
        """Mark a ticket as spam by an agent's hand."""
        with self.api.lock:
            ticket = self.state.tickets[ticket_id]
            actor = actor_of(self.state, "agent", ticket)
            effects.mark_spam(self.state, ticket, spam, actor, self.at())

    def tag(
        self,
        ticket_id: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        by: str = "agent",
    ) -> None:
        """Add and remove tags."""
        with self.api.lock:
            ticket = self.state.tickets[ticket_id]
            effects.tag(
                self.state,
                ticket,
                actor_of(self.state, by, ticket),
                self.at(),
                add=add,
                remove=remove,
            )

    def reply(self, ticket_id: str, content: str = "Any news?", by: str = "customer") -> None:
        """Add a thread: inward by the customer, outward by an agent."""
        with self.api.lock:
            state, ticket = self.state, self.state.tickets[ticket_id]
            actor = actor_of(self.state, by, ticket)
            inward = by == "customer"
            thread = Thread(
                state.new_id(),
                "in" if inward else "out",
                "EMAIL",
                state.stamp(self.at()),
                content,
                actor.id,
                "END_USER" if inward else "AGENT",
                None,
                ticket.email,
            )
            effects.reply(state, ticket, thread, actor, self.at())

    def comment(self, ticket_id: str, content: str, by: str = "agent") -> None:
        """Add a private comment."""
        with self.api.lock:
            state, ticket = self.state, self.state.tickets[ticket_id]
            actor = actor_of(self.state, by, ticket)
            note = Comment(
                state.new_id(), content, "plainText", False, actor.id, state.stamp(self.at())
            )
            effects.comment(state, ticket, note, actor, self.at())

    def edit_contact(self, contact_id: str, **attributes: Any) -> None:
        """Edit a Desk contact by attribute name; trashed=True puts it into the bin."""
        self._edit_person(self.state.contacts[contact_id], attributes)

    def edit_account(self, account_id: str, **attributes: Any) -> None:
        """Edit a Desk account by attribute name; trashed=True puts it into the bin."""
        self._edit_person(self.state.accounts[account_id], attributes)

    def create_contact(self, last: str, **attributes: Any) -> Contact:
        """Make a Desk contact; the rest by attribute name."""
        with self.api.lock:
            at = self.state.stamp(self.at())
            contact = Contact(
                self.state.new_id(), None, last, None, None, None, None, None, None, None, at, at
            )
            for name, value in attributes.items():
                setattr(contact, name, value)
            self.state.add(contact, at)
            return contact

    # -- the CRM

    def crm_edit(self, module: str, record_id: str, **values: Any) -> None:
        """Edit a CRM record; Owner takes a user id."""
        with self.api.lock:
            record = self._crm(module)[record_id]
            record.owner_id = values.pop("Owner", record.owner_id)
            record.values = {**record.values, **values}
            record.modified = self.state.stamp(self.at())
            self.state.version += 1

    def crm_create(self, module: str, **values: Any) -> CrmRecord:
        """Make a CRM record."""
        with self.api.lock:
            at = self.state.stamp(self.at())
            owner = values.pop("Owner", next(iter(self.state.crm_users)))
            record = CrmRecord(self.state.new_crm_id(), module, owner, values, at, at)
            self._crm(module)[record.id] = record
            self.state.version += 1
            return record

    def crm_delete(self, module: str, record_id: str, permanent: bool = False) -> None:
        """Delete a CRM record; the deleted feed shows it."""
        with self.api.lock:
            record = self._crm(module)[record_id]
            record.deleted = self.state.stamp(self.at())
            record.deleted_kind = "permanent" if permanent else "recycle"
            self.state.version += 1

    def crm_restore(self, module: str, record_id: str) -> None:
        """Bring a CRM record back."""
        with self.api.lock:
            self._crm(module)[record_id].deleted = None
            self.state.version += 1

    # -- faults

    def fail_next(
        self,
        pattern: str,
        status: int = 500,
        body: bytes | str | None = None,
        *,
        times: int = 1,
        kind: str = "status",
        delay: float = 0.3,
    ) -> None:
        """Let the next calls fail whose "METHOD /path" matches the regular expression."""
        raw = body.encode() if isinstance(body, str) else body
        self.faults.plan(Fault(kind, pattern, status, raw, times, delay))

    def _on(self, ticket_id: str, effect: Callable[[State, Ticket, Actor, int], None]) -> None:
        with self.api.lock:
            ticket = self.state.tickets[ticket_id]
            effect(self.state, ticket, actor_of(self.state, "agent", ticket), self.at())

    def _edit_person(self, item: Any, attributes: dict[str, Any]) -> None:
        with self.api.lock, self.state.change(item, self.at()):
            if isinstance(attributes.get("trashed"), bool):
                attributes["trashed"] = (
                    self.state.stamp(self.at()) if attributes["trashed"] else None
                )
            for name, value in attributes.items():
                setattr(item, name, value)

    def _crm(self, module: str) -> dict[str, CrmRecord]:
        store: dict[str, CrmRecord] = getattr(self.state, _CRM[module])
        return store
