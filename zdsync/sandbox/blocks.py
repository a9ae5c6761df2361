"""What keeps a ticket from being written: a blueprint, a lock, the right to write it.

Owns the refusals whose form no fact sheet knows (DT 3 Blueprints, DT 5 point 6). Promises that a
refused write changed nothing. Must not change state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .records import Ticket
from .state import State
from .variant import Variant
from .wire import Refused, field_error, invalid_data, unprocessable

KINDS = ("blueprint", "locked", "merged")
_WORDS = {
    "blueprint": "The ticket is under a blueprint; only a transition can change this",
    "locked": "The ticket is locked",
    "merged": "The ticket has been merged with another ticket",
    "archived": "The ticket is archived",
    "trashed": "The ticket is in the recycle bin",
    "closed": "A closed ticket cannot be edited",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Why a ticket may not be written; `fields`: the keys that a blueprint restricts, none: all."""

    kind: str
    fields: frozenset[str] = frozenset()


def check_blocks(state: State, ticket: Ticket, keys: Iterable[str]) -> None:
    """Refuse the write of these keys (of a PATCH, or the name of another write)."""
    block = state.blocks.get(ticket.id)
    if block is None:
        return
    kept = [key for key in keys if not block.fields or key in block.fields]
    if block.kind == "blueprint" and not kept:
        return
    if block.kind == "blueprint" and state.variant.blueprint_names:
        raise invalid_data([field_error(f"/{key}", "invalid", _WORDS["blueprint"]) for key in kept])
    raise blocked(state.variant, block.kind)


def check_closed(state: State, ticket: Ticket, keys: Iterable[str]) -> None:
    """Refuse edits of a closed ticket that do not set its status, where this portal does."""
    if state.variant.closed_refuses and ticket.status_type == "Closed" and "status" not in keys:
        raise blocked(state.variant, "closed")


def blocked(variant: Variant, kind: str) -> Refused:
    """Make the refusal of a ticket that takes no write, with or without a reason."""
    status = variant.blocked_answers
    words = _WORDS[kind] if variant.refusal_words else "The request could not be processed"
    return unprocessable(words) if status == 422 else Refused(status, "FORBIDDEN", words)


def check_profile(variant: Variant, method: str, template: str) -> None:
    """Refuse what the profile of the token's user may not do (DT 1 table: 403 FORBIDDEN)."""
    name = method if template == "tickets/{ticketId}" else template.rpartition("/")[2]
    if method != "GET" and name in variant.forbidden.split(","):
        raise Refused(403, "FORBIDDEN", "You do not have permission to perform this operation")
