"""Comments of a ticket: list, add, edit.

Owns their shape and operations (DT 3 Comments).
"""

from __future__ import annotations

from .. import effects
from ..call import Call, Route
from ..records import Comment, Json
from ..shapes.pieces import names, unmarked
from ..validate import Field, enums, offsets, sort
from ..wire import Response, listed, not_found, ok
from .lookup import find, writable
from .paging import cut, page

_PATH = "tickets/{ticketId}/comments"
_UPDATE = ("Desk.tickets.UPDATE",)


def _commenter(c: Call, agent_id: str | None) -> Json:
    customer = c.state.contacts.get(agent_id or "")
    if customer is not None:
        who = {"id": c.shaper.id(agent_id), "type": "END_USER", "photoURL": None}
        return {**who, **names(customer), "roleName": None}
    agent = c.state.agents.get(agent_id or "")
    return {
        "id": c.shaper.id(agent_id),
        "type": "AGENT",
        "photoURL": None,
        **names(agent),
        "roleName": agent.role if agent else None,
    }


def comment_row(c: Call, note: Comment) -> Json:
    """Write a comment: commentedTime, no createdTime (DT 3)."""
    return {
        "id": c.shaper.id(note.id),
        "content": unmarked(note.content) if c.variant.comment_markup == "plain" else note.content,
        "contentType": note.content_type,
        "encodedContent": None,
        "isPublic": note.public,
        "commenterId": c.shaper.id(note.author_id),
        "commenter": _commenter(c, note.author_id),
        "commentedTime": c.shaper.time(note.created),
        "attachments": [],
        "modifiedTime": c.shaper.time(note.modified),
        "impersonatedUser": None,
    }


def comments(c: Call) -> Response:
    """GET comments; their order without sortBy is the variant's."""
    default = "-commentedTime" if c.variant.comments_newest_first else "commentedTime"
    notes = sorted(
        c.state.children.comments(find(c)),
        key=lambda n: (n.created, n.id),
        reverse=c.q.get("sortBy", default).startswith("-"),
    )
    part = cut(notes, page(c, 50, c.variant.from_base))
    return listed([comment_row(c, n) for n in part])


def add_comment(c: Call) -> Response:
    """POST a comment: 200 with it."""
    ticket = writable(c, find(c))
    at = c.state.stamp(c.at)
    note = Comment(
        c.state.new_id(),
        c.body["content"],
        c.body.get("contentType", "html"),
        c.body.get("isPublic", False),
        c.actor.id,
        at,
    )
    effects.comment(c.state, ticket, note, c.actor, c.at)
    return ok(comment_row(c, note))


def edit_comment(c: Call) -> Response:
    """PATCH a comment."""
    ticket = writable(c, find(c))
    for note in c.state.children.comments(ticket):
        if note.id == c.args["commentId"]:
            note.content = c.body["content"]
            note.content_type = c.body.get("contentType", note.content_type)
            note.public = c.body.get("isPublic", note.public)
            note.modified = c.state.stamp(c.at)
            return ok(comment_row(c, note))
    raise not_found()


_NOTE = {
    "content": Field("text", 32000, required=True),
    "isPublic": Field("bool"),
    "contentType": Field("text", choices=("plainText", "html")),
    "attachmentIds": Field("list"),
}
ROUTES = [
    Route(
        "GET",
        _PATH,
        ("Desk.tickets.READ",),
        comments,
        {
            "include": enums("mentions", "plainText"),
            **offsets(1, 100),
            "sortBy": sort("commentedTime"),
        },
        kind="range",
    ),
    Route("POST", _PATH, _UPDATE, add_comment, {}, _NOTE),
    Route("PATCH", _PATH + "/{commentId}", _UPDATE, edit_comment, {}, _NOTE),
]
