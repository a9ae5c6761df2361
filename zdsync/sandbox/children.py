"""Children of tickets: threads, comments, history, followers.

Owns them lazily: what a ticket of the seeded world "had before" is invented on first
sight from the ticket alone, so 200,000 tickets cost nothing. Promises the same children
for the same ticket. Must not change tickets.
"""

from __future__ import annotations

from typing import Protocol

from .index import BASE
from .records import Actor, Agent, Comment, Contact, Event, Thread, Ticket
from .times import HOUR, MINUTE

_CHILD = 189_700_000_000_000_000
_REPLIES = (
    "Thank you for writing to us. We are looking into it and come back to you.",
    "Could you tell us which version you are using, please?",
    "We have changed the setting; please try again.",
)
_ANSWERS = (
    "Any news on this?",
    "It still happens, see the attached screenshot.",
    "Thanks, I will try.",
)


class Portal(Protocol):
    """What the inventing of children draws from."""

    org_id: str
    api_agent: str
    agents: dict[str, Agent]
    contacts: dict[str, Contact]


class Children:
    """Threads, comments, history and followers by ticket id."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._threads: dict[str, list[Thread]] = {}
        self._comments: dict[str, list[Comment]] = {}
        self._history: dict[str, list[Event]] = {}
        self.followers: dict[str, list[str]] = {}

    def threads(self, ticket: Ticket) -> list[Thread]:
        """Return the threads, oldest first."""
        if ticket.id not in self._threads:
            self._threads[ticket.id] = self._old_threads(ticket)
        return self._threads[ticket.id]

    def last_thread(self, ticket: Ticket) -> Thread | None:
        """Return the last thread if the threads were invented already."""
        known = self._threads.get(ticket.id)
        return max(known, key=lambda one: (one.created, one.id)) if known else None

    def comments(self, ticket: Ticket) -> list[Comment]:
        """Return the comments, oldest first."""
        if ticket.id not in self._comments:
            self._comments[ticket.id] = [
                Comment(
                    _child(ticket, 500 + n),
                    "Internal note: checked with the team.",
                    "plainText",
                    False,
                    ticket.assignee_id or self._portal.api_agent,
                    ticket.created + (n + 1) * HOUR,
                )
                for n in range(ticket.comments)
            ]
        return self._comments[ticket.id]

    def history(self, ticket: Ticket) -> list[Event]:
        """Return the history, oldest first."""
        if ticket.id not in self._history:
            self._history[ticket.id] = self._old_history(ticket)
        return self._history[ticket.id]

    def drop(self, ticket_id: str) -> None:
        """Forget all children of a purged ticket."""
        for store in (self._threads, self._comments, self._history, self.followers):
            store.pop(ticket_id, None)

    def _old_threads(self, ticket: Ticket) -> list[Thread]:
        count = max(1, ticket.threads)
        last = ticket.customer_response or ticket.modified
        step = max(MINUTE, (last - ticket.created) // count)
        flips = 0 if ticket.last_direction == "in" else 1
        made = []
        for n in range(count):
            inward = n == 0 or (count - 1 - n + flips) % 2 == 0
            made.append(self._thread(ticket, n, inward, ticket.created + n * step))
        return made

    def _thread(self, ticket: Ticket, n: int, inward: bool, at: int) -> Thread:
        desk = f"support@{self._portal.org_id}.desk.example"
        if inward:
            text = (ticket.description or "") if n == 0 else _ANSWERS[n % len(_ANSWERS)]
            return Thread(
                _child(ticket, n),
                "in",
                _channel(ticket),
                at,
                text,
                ticket.contact_id,
                "END_USER",
                desk,
                ticket.email,
                description=n == 0,
            )
        return Thread(
            _child(ticket, n),
            "out",
            _channel(ticket),
            at,
            _REPLIES[n % len(_REPLIES)],
            ticket.assignee_id or self._portal.api_agent,
            "AGENT",
            ticket.email,
            desk,
        )

    def _old_history(self, ticket: Ticket) -> list[Event]:
        contact = self._portal.contacts.get(ticket.contact_id)
        writer = Actor(ticket.contact_id, contact.name if contact else "Unknown", "Contact")
        events = [Event("TicketCreated", ticket.created, writer)]
        agent = self._portal.agents.get(ticket.assignee_id or "")
        if agent and ticket.closed:
            info: list[tuple[str, str, object, object]] = [
                ("Status", "ValueTransition", "Open", ticket.status)
            ]
            events.append(
                Event("TicketUpdated", ticket.closed, Actor(agent.id, agent.name, "Agent"), info)
            )
        return events


def _child(ticket: Ticket, n: int) -> str:
    return str(_CHILD + (int(ticket.id) - BASE) * 1000 + n)


def _channel(ticket: Ticket) -> str:
    return ticket.channel.upper()
