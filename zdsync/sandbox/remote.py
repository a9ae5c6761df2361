"""Somebody else at work: who edits a ticket behind the API's back, and what they set.

Owns the reading of `by` and of field names for Sandbox. Must not change state.
"""

from __future__ import annotations

from typing import Any

from .desk_write import changes_of
from .records import Actor, Ticket
from .state import State

_ATTRS = frozenset(Ticket.__slots__)


def actor_of(state: State, by: str, ticket: Ticket) -> Actor:
    """Return who edits: agent, customer, automation, or an agent by id."""
    match by:
        case "customer":
            contact = state.contacts[ticket.contact_id]
            return Actor(contact.id, contact.name, "Contact")
        case "automation":
            return Actor(None, "Workflow rule", "Workflow")
        case "agent":
            agent = next(
                a
                for a in state.agents.values()
                if ticket.department_id in a.departments and a.status == "ACTIVE"
            )
            return Actor(agent.id, agent.name, "Agent")
    agent = state.agents[by]
    return Actor(agent.id, agent.name, "Agent")


def attributes_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Accept attribute names beside API names."""
    plain = {k: v for k, v in fields.items() if k in _ATTRS}
    named = {k: v for k, v in fields.items() if k not in _ATTRS}
    changes = changes_of(named)
    if len(changes) < len(named):
        raise TypeError(f"unknown ticket field among {sorted(named)}")
    return changes | plain
