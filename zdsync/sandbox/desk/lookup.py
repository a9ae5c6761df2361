"""How Desk finds the record that a path, a parameter or a body names.

Owns the refusals of missing ids. Must not change state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from ..blocks import blocked, check_blocks
from ..call import Call
from ..records import Json, Ticket
from ..validate import Field
from ..wire import invalid, not_found, unprocessable

T = TypeVar("T")
TICKET_IDS = {"ids": Field("ids", 100_000, required=True)}


def find(c: Call) -> Ticket:
    """Return the ticket of the path, or refuse as the variant says for missing ids."""
    ticket_id = c.args["ticketId"]
    ticket = c.state.tickets.get(ticket_id)
    if ticket is None and c.variant.merged_loser == "master":
        ticket = c.state.tickets.get(c.state.merged.get(ticket_id, ""))
    if ticket is not None:
        c.ticket_id = ticket.id
        return ticket
    if c.variant.missing_answers == 422:
        raise unprocessable("The ticket does not exist")
    raise not_found()


def writable(c: Call, ticket: Ticket) -> Ticket:
    """Refuse writes to tickets that take none, or not this one (DT 5 point 6)."""
    if ticket.trashed is not None:
        raise blocked(c.variant, "trashed")
    if ticket.archived:
        raise blocked(c.variant, "archived")
    keys = c.body if c.origin.rpartition("/")[2].isdigit() else [c.origin.rpartition("/")[2]]
    check_blocks(c.state, ticket, keys)
    return ticket


def listed_tickets(c: Call, key: str = "ids") -> list[Ticket]:
    """Return the tickets of a bulk call; atomic or silently partial by the variant."""
    wanted = list(dict.fromkeys(map(str, c.body[key])))
    if len(wanted) > c.variant.bulk_ids_max:
        raise invalid(f"/{key}", "invalid", f"takes {c.variant.bulk_ids_max} ids at most")
    c.credits = max(1, -(-len(wanted) // 2))  # DT 1: 1 credit per 2 records
    found = [c.state.tickets[i] for i in wanted if i in c.state.tickets]
    if c.variant.bulk_is_atomic and len(found) < len(wanted):
        raise invalid(f"/{key}", "invalid", "One of the tickets does not exist")
    if len(found) == 1:
        c.ticket_id = found[0].id
    return found


def one(c: Call, store: Mapping[str, T], name: str) -> T:
    """Return the record of the path, or refuse with 404."""
    found = store.get(c.args[name])
    if found is None:
        raise not_found()
    return found


def some(c: Call, store: Mapping[str, T], ids: Iterable[str], noun: str) -> list[T]:
    """Return the records of those ids; missing ones skipped or refused (DP 12 point 8)."""
    found = [store.get(i) for i in ids]
    if None in found and not c.variant.skip_missing_by_ids:
        raise unprocessable(f"One of the {noun} ids does not exist")
    return [record for record in found if record is not None]


def outcome(record_id: str, done: bool) -> Json:
    """Write what became of one id of a bulk call."""
    errors = None if done else {"errorCode": "UNPROCESSABLE_ENTITY", "httpCode": 422}
    return {"id": record_id, "success": done, "errors": errors}
