"""Followers of a ticket: who they are, adding and removing.

Owns their operations (DT 3).
"""

from __future__ import annotations

from ..call import Call, Route
from ..records import Json
from ..validate import Field
from ..wire import Response, empty, not_found, ok
from .lookup import find, writable

_T = "tickets/{ticketId}/"
_UPDATE = ("Desk.tickets.UPDATE",)


def followers(c: Call) -> Response:
    """GET followers."""
    rows: list[Json] = []
    for agent_id in c.state.children.followers.get(find(c).id, ()):
        rows.append((c.shaper.assignee(agent_id) or {}) | {"following": "tickets"})
    return ok({"data": rows})


def follow(c: Call) -> Response:
    """POST addFollowers or removeFollowers: 204."""
    ticket = writable(c, find(c))
    have = dict.fromkeys(c.state.children.followers.get(ticket.id, ()))
    for agent_id in map(str, c.body["followerIds"]):
        if agent_id not in c.state.agents:
            raise not_found()
        have.pop(agent_id, None)
        if c.origin.endswith("addFollowers"):
            have[agent_id] = None
    c.state.children.followers[ticket.id] = list(have)
    return empty()


_FOLLOW = {"followerIds": Field("ids", 1000, required=True)}
ROUTES = [
    Route("GET", _T + "followers", ("Desk.tickets.READ",), followers),
    Route("POST", _T + "addFollowers", _UPDATE, follow, {}, _FOLLOW),
    Route("POST", _T + "removeFollowers", _UPDATE, follow, {}, _FOLLOW),
]
