"""Somebody else's hand on tickets: who edits, what they set, what they do.

Promises the same side effects as a call has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import effects
from ..blocks import KINDS, Block
from ..desk.values import changes_of
from ..records import Actor, Comment, Thread, Ticket
from ..state import State
from ..times import SECOND
from .base import Remote

AUTOMATIONS = (  # kinds of actors in History that are no people (DT 2)
    *("DirectAssignment", "RoundRobinAssignment", "NotificationRule", "SLA", "Workflow"),
    *("Macro", "Supervise", "Blueprint", "ZIA", "System"),
)
_ATTRS = frozenset(Ticket.__slots__)


class RemoteTickets(Remote):
    """What agents, customers and automations do to tickets."""

    def edit(self, ticket_id: str, by: str = "agent", **fields: Any) -> Ticket:
        """Edit a ticket from elsewhere; fields by API name or attribute name."""
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            actor = _actor_of(self.state, by, ticket)
            effects.update(self.state, ticket, _attributes_of(fields), actor, self.at())
            return ticket

    def mass_update(self, ids: Sequence[str], by: str = "automation", **fields: Any) -> int:
        """Edit many tickets within the same second; return that instant."""
        at = self.at()
        at -= at % SECOND
        with self.lock:
            for ticket_id in ids:
                ticket = self.state.tickets[ticket_id]
                effects.update(
                    self.state,
                    ticket,
                    _attributes_of(fields),
                    _actor_of(self.state, by, ticket),
                    at,
                    notify=False,
                )
        return at

    def create(self, **fields: Any) -> Ticket:
        """Make a ticket as a customer would; contact and department default to the first."""
        with self.lock:
            state, at = self.state, self.state.stamp(self.at())
            values = _attributes_of(fields)
            contact = state.contacts[values.get("contact_id") or next(iter(state.contacts))]
            values.setdefault("department_id", next(iter(state.departments)))
            ticket = effects.blank(state, values["department_id"], contact.id, contact.id, at)
            effects.add(
                state, ticket, {"subject": "A new ticket", "description": "Hello"} | values, at
            )
            return ticket

    def trash(self, ticket_id: str) -> None:
        """Put a ticket into the recycle bin."""
        self._on(ticket_id, effects.trash)

    def restore(self, ticket_id: str) -> None:
        """Take a ticket out of the recycle bin."""
        self._on(ticket_id, effects.restore)

    def merge(self, master: str, others: Iterable[str]) -> None:
        """Merge others into master."""
        with self.lock:
            losers = [self.state.tickets[i] for i in others]
            winner = self.state.tickets[master]
            actor = _actor_of(self.state, "agent", winner)
            effects.merge(self.state, winner, losers, actor, self.at())

    def archive(self, ticket_id: str) -> None:
        """Archive a ticket; that does not move its modified time."""
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            with self.state.change(ticket, self.at(), bump=False):
                ticket.archived = True

    def block(self, ticket_id: str, kind: str, *fields: str) -> None:
        """Let a ticket refuse writes: `blueprint` (all keys of a PATCH, or these), `locked`."""
        if kind not in KINDS:
            raise ValueError(f"unknown block {kind!r}; known: {', '.join(KINDS)}")
        with self.lock:
            self.state.blocks[ticket_id] = Block(kind, frozenset(fields))

    def mark_spam(self, ticket_id: str, spam: bool = True) -> None:
        """Mark a ticket as spam by an agent's hand."""
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            actor = _actor_of(self.state, "agent", ticket)
            effects.mark_spam(self.state, ticket, spam, actor, self.at())

    def tag(
        self,
        ticket_id: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        by: str = "agent",
    ) -> None:
        """Add and remove tags."""
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            effects.tag(
                self.state,
                ticket,
                _actor_of(self.state, by, ticket),
                self.at(),
                add=add,
                remove=remove,
            )

    def reply(
        self, ticket_id: str, content: str = "Any news?", by: str = "customer", **attributes: Any
    ) -> None:
        """Add a thread: inward by the customer, outward by an agent; the rest by attribute."""
        with self.lock:
            state, ticket = self.state, self.state.tickets[ticket_id]
            actor = _actor_of(self.state, by, ticket)
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
            for name, value in attributes.items():
                setattr(thread, name, value)
            effects.reply(state, ticket, thread, actor, self.at())

    def comment(self, ticket_id: str, content: str, by: str = "agent") -> None:
        """Add a private comment."""
        with self.lock:
            state, ticket = self.state, self.state.tickets[ticket_id]
            actor = _actor_of(self.state, by, ticket)
            note = Comment(
                state.new_id(), content, "plainText", False, actor.id, state.stamp(self.at())
            )
            effects.comment(state, ticket, note, actor, self.at())

    def uncomment(self, ticket_id: str, comment_id: str) -> None:
        """Delete a comment by an agent's hand."""
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            actor = _actor_of(self.state, "agent", ticket)
            effects.uncomment(self.state, ticket, comment_id, actor, self.at())

    def _on(self, ticket_id: str, effect: Callable[[State, Ticket, Actor, int], None]) -> None:
        with self.lock:
            ticket = self.state.tickets[ticket_id]
            effect(self.state, ticket, _actor_of(self.state, "agent", ticket), self.at())


def _actor_of(state: State, by: str, ticket: Ticket) -> Actor:
    """Return who edits: agent, customer, automation (or a kind of it), or an agent by id."""
    match by:
        case "customer":
            contact = state.contacts[ticket.contact_id]
            return Actor(contact.id, contact.name, "Contact")
        case "automation":
            return Actor(None, "Workflow rule", "Workflow")
        case _ if by in AUTOMATIONS:
            return Actor(None, f"{by} of the portal", by)
        case "agent":
            agent = next(
                a
                for a in state.agents.values()
                if ticket.department_id in a.departments and a.status == "ACTIVE"
            )
            return Actor(agent.id, agent.name, "Agent")
    agent = state.agents[by]
    return Actor(agent.id, agent.name, "Agent")


def _attributes_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Accept attribute names beside API names."""
    plain = {k: v for k, v in fields.items() if k in _ATTRS}
    named = {k: v for k, v in fields.items() if k not in _ATTRS}
    changes = changes_of(named)
    if len(changes) < len(named):
        raise TypeError(f"unknown ticket field among {sorted(named)}")
    return changes | plain
