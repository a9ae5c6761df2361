"""Threads of a ticket, alone and interleaved with its comments.

Owns their shape and operations (DP 9). Must not change state.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import Call, Route
from ..records import Agent, Contact, Json, Thread, Ticket
from ..shapes.pieces import names, source, unmarked
from ..times import SECOND
from ..validate import enum, offsets, sort
from ..wire import Refused, Response, listed, not_found, ok
from .comments import comment_row
from .lookup import find
from .paging import cut, page

_READ = ("Desk.tickets.READ",)
_PATH = "tickets/{ticketId}/threads"


def _author(c: Call, thread: Thread) -> Json:
    people: Mapping[str, Agent | Contact]
    people = c.state.agents if thread.author_type == "AGENT" else c.state.contacts
    return {
        "id": c.shaper.id(thread.author_id),
        **names(people.get(thread.author_id or "")),
        "photoURL": None,
        "type": thread.author_type,
    }


def _thread_row(c: Call, thread: Thread) -> Json:
    """Write a row of the thread list: a summary, no body (DP 9)."""
    return {
        "id": c.shaper.id(thread.id),
        "channel": thread.channel,
        "direction": thread.direction,
        "status": thread.status,
        "createdTime": c.shaper.time(thread.created),
        "summary": unmarked(thread.content)[:100],
        "author": _author(c, thread),
        "isDescriptionThread": thread.description,
        "canReply": True,
        "hasAttach": False,
        "attachmentCount": "0",
        "visibility": "private" if thread.private else "public",
        "contentType": thread.content_type,
        "to": thread.to,
        "cc": "",
        "bcc": "",
        "replyTo": None,
        "fromEmailAddress": thread.sender,
        "isForward": thread.forward,
        "isContentTruncated": False,
        "fullContentURL": None,
        "responderId": (c.shaper.id(thread.author_id) if thread.author_type == "AGENT" else None),
        "source": source(),
        "readReceipts": [],
        "actions": [],
    }


def thread_body(c: Call, thread: Thread, plain: bool = False) -> Json:
    """Write a thread with its body."""
    row = _thread_row(c, thread)
    row.update(content=thread.content, attachments=[])
    if plain:
        row["plainText"] = unmarked(thread.content)
    return row


def _shown(c: Call, ticket: Ticket) -> list[Thread]:
    """The threads that the lists show already: a reply may wait before it leaves (DP 9)."""
    until = c.at - c.variant.reply_lag_seconds * SECOND
    every = c.state.children.threads(ticket)
    return [one for one in every if one.direction == "in" or one.at_once or one.created <= until]


def threads(c: Call) -> Response:
    """GET threads, newest first by default (DP 2)."""
    down = c.q.get("sortBy", "-sendDateTime").startswith("-")
    every = sorted(_shown(c, find(c)), key=lambda t: (t.created, t.id), reverse=down)
    part = cut(every, page(c, 100, c.variant.from_base, 200))
    return listed([_thread_row(c, t) for t in part])


def thread(c: Call) -> Response:
    """GET one thread with its body."""
    for found in c.state.children.threads(find(c)):
        if found.id == c.args["threadId"]:
            return ok(thread_body(c, found, c.q.get("include") == "plainText"))
    raise not_found()


def conversations(c: Call) -> Response:
    """GET threads and comments interleaved, newest first (DP 9)."""
    ticket = find(c)
    if c.variant.conversations != 200:
        raise Refused(c.variant.conversations, "URL_NOT_FOUND", "There is no such list")
    rows = [(t.created, _thread_row(c, t) | {"type": "thread"}) for t in _shown(c, ticket)]
    for note in c.state.children.comments(ticket):
        row = comment_row(c, note) | {"type": "comment"}
        del row["encodedContent"], row["impersonatedUser"]
        rows.append((note.created, row))
    rows.sort(key=lambda pair: (pair[0], str(pair[1]["id"])), reverse=True)
    part = cut(rows, page(c, 100, c.variant.from_base, c.variant.conversations_cap))
    return listed([row for _, row in part])


ROUTES = [
    Route(
        "GET",
        _PATH,
        _READ,
        threads,
        offsets() | {"sortBy": sort("sendDateTime")},
        kind="range",
    ),
    Route("GET", _PATH + "/{threadId}", _READ, thread, {"include": enum("plainText")}),
    Route(
        "GET",
        "tickets/{ticketId}/conversations",
        _READ,
        conversations,
        offsets(1, 200),
        kind="range",
    ),
]
