"""Desk replies by e-mail: the one write that a customer reads at once.

Owns sendReply (DP 9). Promises that a refused reply sent nothing and changed nothing.
"""

from __future__ import annotations

from typing import Any

from .. import effects
from ..call import Call, Route
from ..records import Thread, Ticket
from ..validate import BOOL, Field
from ..wire import Response, invalid, ok
from .departments import reply_address, replying
from .lookup import find, writable
from .threads import thread_body
from .values import changes_of, check_changes, check_closing


def send_reply(c: Call) -> Response:
    """POST sendReply by e-mail: 200 with the thread; may change the status too (DP 9)."""
    ticket = writable(c, find(c))
    _check_reply(c)
    changes: dict[str, Any] = changes_of({"cf": c.body["cf"]} if c.body.get("cf") else {})
    if c.body.get("ticketStatus"):
        changes["status"] = c.body["ticketStatus"]
    check_changes(c, ticket, changes)
    check_closing(c, ticket, changes)
    made = _reply_thread(c, ticket)
    effects.reply(c.state, ticket, made, c.actor, c.at)
    if changes:
        effects.update(c.state, ticket, changes, c.actor, c.at)
    return ok(thread_body(c, made))


def _check_reply(c: Call) -> None:
    if c.body["channel"] != "EMAIL":
        raise invalid("/channel", "invalid", "Only EMAIL is configured")
    known = {reply_address(d) for d in replying(c)}
    if c.body["fromEmailAddress"] not in known:
        raise invalid("/fromEmailAddress", "invalid", "The address is not configured")


def _reply_thread(c: Call, ticket: Ticket) -> Thread:
    kind = "text/html" if c.body.get("contentType") == "html" else "text/plain"
    private = bool(c.body.get("isPrivate") or c.q.get("isPrivate"))
    return Thread(
        c.state.new_id(),
        "out",
        "EMAIL",
        c.state.stamp(c.at),
        c.body["content"],
        c.actor.id,
        "AGENT",
        c.body.get("to") or ticket.email,
        c.body["fromEmailAddress"],
        kind,
        status=c.variant.reply_status,
        private=private,
        at_once=str(c.q.get("sendImmediately")).lower() == "true",
    )


_MAILS = {name: Field("text", 13000, null=True) for name in ("to", "cc", "bcc")}
ROUTES = [
    Route(
        "POST",
        "tickets/{ticketId}/sendReply",
        ("Desk.tickets.UPDATE",),
        send_reply,
        {"isPrivate": BOOL, "sendImmediately": BOOL},
        _MAILS
        | {
            "channel": Field("text", required=True),
            "content": Field("text", 16_000_000, required=True),
            "fromEmailAddress": Field("text", 300, required=True),
            "contentType": Field("text", choices=("html", "plainText")),
            "isPrivate": Field("bool", null=True),
            "isForward": Field("bool", null=True),
            "inReplyToThreadId": Field("id", null=True),
            "attachmentIds": Field("list", null=True),
            "uploads": Field("list", 20, null=True),
            "ticketStatus": Field("text", 120, null=True),
            "sendAsEmailMode": Field("text", null=True),
            "layoutId": Field("id", null=True),
            "cf": Field("map", null=True),
            "direction": Field("text", null=True),
            "hasAttach": Field("bool", null=True),
        },
    ),
]
