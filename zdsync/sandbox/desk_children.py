"""Desk children of tickets: comments, threads, conversations, history, metrics.

Owns their shapes and operations (DT 2 History, DT 3 Comments, DP 9). Promises that only
comments and followers change state here.
"""

from __future__ import annotations

import re

from . import effects
from .desk_read import find
from .desk_write import writable
from .paging import cut, page
from .records import Comment, Event, Json, Thread
from .times import HOUR, MINUTE
from .validate import Field, enum, enums, integer, one_id, sort, text
from .wire import Call, Response, Route, empty, not_found, ok

_READ = ("Desk.tickets.READ",)
_UPDATE = ("Desk.tickets.UPDATE",)


def _actor(c: Call, agent_id: str | None) -> Json:
    agent = c.state.agents.get(agent_id or "")
    return {
        "id": c.shaper.id(agent_id),
        "type": "AGENT",
        "photoURL": None,
        "name": agent.name if agent else None,
        "firstName": agent.first if agent else None,
        "lastName": agent.last if agent else None,
        "email": agent.email if agent else None,
        "roleName": agent.role if agent else None,
    }


def _comment(c: Call, note: Comment) -> Json:
    """Write a comment: commentedTime, no createdTime (DT 3)."""
    return {
        "id": c.shaper.id(note.id),
        "content": note.content,
        "contentType": note.content_type,
        "encodedContent": None,
        "isPublic": note.public,
        "commenterId": c.shaper.id(note.author_id),
        "commenter": _actor(c, note.author_id),
        "commentedTime": c.shaper.time(note.created),
        "attachments": [],
        "modifiedTime": c.shaper.time(note.modified),
        "impersonatedUser": None,
    }


def comments(c: Call) -> Response:
    """GET comments; the default order is newest first."""
    notes = sorted(
        c.state.children.comments(find(c)),
        key=lambda n: (n.created, n.id),
        reverse=c.q.get("sortBy", "-commentedTime").startswith("-"),
    )
    part = cut(c, notes, page(c, 50, 0))
    return ok({"data": [_comment(c, n) for n in part]}) if part else empty()


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
    return ok(_comment(c, note))


def edit_comment(c: Call) -> Response:
    """PATCH a comment."""
    ticket = writable(c, find(c))
    for note in c.state.children.comments(ticket):
        if note.id == c.args["commentId"]:
            note.content = c.body["content"]
            note.content_type = c.body.get("contentType", note.content_type)
            note.public = c.body.get("isPublic", note.public)
            note.modified = c.state.stamp(c.at)
            return ok(_comment(c, note))
    raise not_found()


def _author(c: Call, thread: Thread) -> Json:
    if thread.author_type == "AGENT":
        row = _actor(c, thread.author_id)
        return {
            k: row[k] for k in ("id", "name", "firstName", "lastName", "email", "photoURL", "type")
        }
    contact = c.state.contacts.get(thread.author_id or "")
    return {
        "id": c.shaper.id(thread.author_id),
        "name": contact.name if contact else None,
        "firstName": contact.first if contact else None,
        "type": "END_USER",
        "lastName": contact.last if contact else None,
        "photoURL": None,
        "email": contact.email if contact else None,
    }


def _thread_row(c: Call, thread: Thread) -> Json:
    """Write a row of the thread list: a summary, no body (DP 9)."""
    return {
        "id": c.shaper.id(thread.id),
        "channel": thread.channel,
        "direction": thread.direction,
        "status": thread.status,
        "createdTime": c.shaper.time(thread.created),
        "summary": _plain(thread.content)[:100],
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
        "isForward": False,
        "isContentTruncated": False,
        "fullContentURL": None,
        "responderId": (c.shaper.id(thread.author_id) if thread.author_type == "AGENT" else None),
        "source": {
            "appName": None,
            "extId": None,
            "permalink": None,
            "type": "SYSTEM",
            "appPhotoURL": None,
        },
        "readReceipts": [],
        "actions": [],
    }


def thread_body(c: Call, thread: Thread, plain: bool = False) -> Json:
    """Write a thread with its body."""
    row = _thread_row(c, thread)
    row.update(content=thread.content, attachments=[])
    if plain:
        row["plainText"] = _plain(thread.content)
    return row


def _plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def threads(c: Call) -> Response:
    """GET threads, newest first by default (DP 2)."""
    down = c.q.get("sortBy", "-sendDateTime").startswith("-")
    every = sorted(c.state.children.threads(find(c)), key=lambda t: (t.created, t.id), reverse=down)
    part = cut(c, every, page(c, 100, 0, 200))
    return ok({"data": [_thread_row(c, t) for t in part]}) if part else empty()


def thread(c: Call) -> Response:
    """GET one thread with its body."""
    for found in c.state.children.threads(find(c)):
        if found.id == c.args["threadId"]:
            return ok(thread_body(c, found, c.q.get("include") == "plainText"))
    raise not_found()


def conversations(c: Call) -> Response:
    """GET threads and comments interleaved, newest first (DP 9)."""
    ticket = find(c)
    rows = [
        (t.created, _thread_row(c, t) | {"type": "thread"})
        for t in c.state.children.threads(ticket)
    ]
    for note in c.state.children.comments(ticket):
        row = _comment(c, note) | {"type": "comment"}
        del row["encodedContent"], row["impersonatedUser"]
        rows.append((note.created, row))
    rows.sort(key=lambda pair: (pair[0], str(pair[1]["id"])), reverse=True)
    part = cut(c, rows, page(c, 100, 0))
    return ok({"data": [row for _, row in part]}) if part else empty()


def _event(c: Call, event: Event) -> Json:
    info = [
        {
            "propertyName": name,
            "propertyType": kind,
            "systemProperty": False,
            "propertyValue": {"previousValue": before, "updatedValue": after},
        }
        for name, kind, before, after in event.info
    ]
    return {
        "actor": {
            "id": c.shaper.id(event.actor.id),
            "name": event.actor.name,
            "type": event.actor.type,
        },
        "actorInfo": [],
        "eventInfo": info,
        "eventName": event.name,
        "eventTime": c.shaper.time(event.at - event.at % 1000),
        "source": None,
    }


def history(c: Call) -> Response:
    """GET History: whole seconds; the order is the variant's (DT 2 History)."""
    ticket = find(c)
    rows = [
        e
        for e in c.state.children.history(ticket)
        if c.q.get("agentId", e.actor.id) == e.actor.id and _event_fits(c, e)
    ]
    if c.variant.history_newest_first:
        rows.reverse()
    part = cut(c, rows, page(c, 50, 0))
    return ok({"data": [_event(c, e) for e in part]}) if part else empty()


def _event_fits(c: Call, event: Event) -> bool:
    if "fieldName" in c.q and not any(i[0] == c.q["fieldName"] for i in event.info):
        return False
    kind = c.q.get("eventFilter", "").removesuffix("History")
    return event.name.startswith(kind)


def metrics(c: Call) -> Response:
    """GET metrics: durations are text (DT 2)."""
    ticket = find(c)
    every = c.state.children.threads(ticket)
    out = [t for t in every if t.direction == "out"]
    first = _hours(out[0].created - ticket.created) if out else "00:00 hrs"
    done = _hours(ticket.closed - ticket.created) if ticket.closed else "00:00 hrs"
    return ok(
        {
            "firstResponseTime": first,
            "totalResponseTime": first,
            "resolutionTime": done,
            "responseCount": str(len(out)),
            "outgoingCount": str(len(out)),
            "reopenCount": "0",
            "threadCount": str(len(every)),
            "reassignCount": "0",
            "agentsHandled": [],
            "stagingData": [{"status": ticket.status, "handledTime": done}],
        }
    )


def _hours(ms: int) -> str:
    return f"{ms // HOUR:02}:{ms % HOUR // MINUTE:02} hrs"


def blueprint(c: Call) -> Response:
    """GET blueprint: no ticket of this portal is under one (DT 3)."""
    find(c)
    return empty()


def time_entries(c: Call) -> Response:
    """GET timeEntry: none."""
    find(c)
    return empty()


def followers(c: Call) -> Response:
    """GET followers."""
    rows = []
    for agent_id in c.state.children.followers.get(find(c).id, ()):
        a = c.state.agents[agent_id]
        rows.append(
            {
                "id": c.shaper.id(a.id),
                "firstName": a.first,
                "lastName": a.last,
                "email": a.email,
                "photoURL": None,
                "following": "tickets",
            }
        )
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


_T = "tickets/{ticketId}/"
_NOTE = {
    "content": Field("text", 32000, required=True),
    "isPublic": Field("bool"),
    "contentType": Field("text", choices=("plainText", "html")),
    "attachmentIds": Field("list"),
}
_FOLLOW = {"followerIds": Field("ids", 1000, required=True)}
ROUTES = [
    Route(
        "GET",
        _T + "comments",
        _READ,
        comments,
        {
            "include": enums("mentions", "plainText"),
            "limit": integer(1, 100),
            "from": integer(0),
            "sortBy": sort("commentedTime"),
        },
        kind="range",
    ),
    Route("POST", _T + "comments", _UPDATE, add_comment, {}, _NOTE),
    Route("PATCH", _T + "comments/{commentId}", _UPDATE, edit_comment, {}, _NOTE),
    Route(
        "GET",
        _T + "threads",
        _READ,
        threads,
        {"limit": integer(1), "from": integer(0), "sortBy": sort("sendDateTime")},
        kind="range",
    ),
    Route("GET", _T + "threads/{threadId}", _READ, thread, {"include": enum("plainText")}),
    Route(
        "GET",
        _T + "conversations",
        _READ,
        conversations,
        {"limit": integer(1, 200), "from": integer(0)},
        kind="range",
    ),
    Route(
        "GET",
        _T + "History",
        _READ,
        history,
        {
            "agentId": one_id(),
            "fieldName": text(0, 100),
            "limit": integer(1, 50),
            "from": integer(0),
            "eventFilter": enum(
                *(
                    f"{n}History"
                    for n in (
                        "Comment",
                        "TimeEntry",
                        "Task",
                        "Call",
                        "Event",
                        "Attachment",
                        "Approval",
                        "Supervise",
                        "Workflow",
                        "Macro",
                        "AssignmentRule",
                        "NotificationRule",
                        "SLA",
                        "Blueprint",
                        "SkillRelated",
                        "ZiaRelated",
                    )
                )
            ),
        },
        kind="range",
    ),
    Route("GET", _T + "metrics", _READ, metrics),
    Route(
        "GET",
        _T + "blueprint",
        _READ,
        blueprint,
        {"include": enums("transitionOwnerAgents", "transitionOwnerTeams", "transitionOwnerDept")},
    ),
    Route(
        "GET",
        _T + "timeEntry",
        _READ,
        time_entries,
        {"limit": integer(1, 100), "from": integer(0)},
        kind="range",
    ),
    Route("GET", _T + "followers", _READ, followers),
    Route("POST", _T + "addFollowers", _UPDATE, follow, {}, _FOLLOW),
    Route("POST", _T + "removeFollowers", _UPDATE, follow, {}, _FOLLOW),
]
