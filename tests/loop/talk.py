"""What the conversations of a sandbox's tickets truly come to, and rules that read all of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.loop.portal import Portal
from zdsync.changes import Plan
from zdsync.sandbox.records import Ticket

EVERYTHING = """
version: 1
settings: {call_markers: ["call", "telefon*"]}
rules:
  - id: tell
    mode: plan
    when:
      last_direction: [in, out]
      attempts: {gte: 0}
      replies.outbound_since_customer: {gte: 0}
      all:
        - any: [{support_address: {known: true}}, {support_address: {known: false}}]
        - any: [{replies.last_outbound: {known: true}}, {replies.last_outbound: {known: false}}]
        - any: [{replies.last_inbound: {known: true}}, {replies.last_inbound: {known: false}}]
        - any: [{replies.first_response: {known: true}}, {replies.first_response: {known: false}}]
    then: [{set: {category: told}}]
"""
_CHATS = {"CHAT", "ONLINE_CHAT"}
NAMES = (
    *("support_address", "last_direction", "attempts", "replies.outbound_since_customer"),
    *("replies.last_outbound", "replies.last_inbound", "replies.first_response"),
)


def open_tickets(place: Portal) -> list[Ticket]:
    return [
        one
        for one in place.box.state.tickets.values()
        if one.status_type != "Closed" and not (one.spam or one.trashed or one.archived)
    ]


def truth(place: Portal, ticket: Ticket) -> dict[str, Any]:
    """Count by hand what the rules must see of one ticket."""
    children = place.box.state.children
    messages = [
        one
        for one in children.threads(ticket)
        if one.status not in ("DRAFT", "FAILED") and not one.forward and not one.private
    ]
    notes = children.comments(ticket)
    customer = place.box.state.contacts
    heard = [one.created for one in messages if one.direction == "in"]
    heard += [one.created for one in notes if one.author_id in customer]
    last = max(heard, default=None)
    replies = [one for one in messages if one.direction == "out" and not one.description]
    since = [one for one in replies if last is None or one.created > last]
    calls = [
        one
        for one in notes
        if one.author_id not in customer
        and (last is None or one.created > last)
        and _plain(one.content).startswith(("call ", "call:", "telefon"))
    ]
    newest = max(messages, key=lambda one: (one.created, int(one.id)))
    return {
        "support_address": next(
            (one.to for one in messages if one.direction == "in" and one.to), None
        ),
        "last_direction": newest.direction,
        "attempts": sum(one.channel not in _CHATS for one in since) + len(calls),
        "replies.outbound_since_customer": len(since),
        "replies.last_outbound": _text(max((one.created for one in replies), default=None)),
        "replies.last_inbound": _text(last),
        "replies.first_response": _text(min((one.created for one in replies), default=None)),
    }


def _text(at: int | None) -> str | None:
    if at is None:
        return None
    told = datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None).isoformat(sep=" ")
    return told.rstrip("0") if "." in told else told  # as DuckDB writes it


def told(plan: Plan) -> dict[str, dict[str, Any]]:
    """What a plan of EVERYTHING saw, by ticket."""
    return {
        change.ticket_id: {
            name: int(value) if isinstance(value, str) and value.isdigit() else value
            for name, value in change.evidence.items()
            if name in NAMES
        }
        for change in plan.changes
    }


def reading_calls(place: Portal, since: int = 0) -> list[Any]:
    """Calls for what hangs on tickets, and for rows by id."""
    words = ("/conversations", "/threads", "/comments", "/tags")
    return [
        call for call in place.box.calls[since:] if any(word in call.endpoint for word in words)
    ]


def _plain(text: str) -> str:
    return re.sub(r"<[^>]*>", "", text).strip().lower()
