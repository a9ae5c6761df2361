"""Whose hand was on a field after zdsync wrote it: later writes of zdsync, and everybody else's.

What others did is told by zdsync.ticket_changes, as far as the mirror saw it; what zdsync did, by
the journal. Names an agent, never a value or a customer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from zdsync.changes.journal import Entry
from zdsync.changes.store import Queries
from zdsync.changes.undo_target import UNDO, Place
from zdsync.changes.wire import planned, same
from zdsync.model import Portal
from zdsync.rules.instants import naive
from zdsync.sql import Sql, load
from zdsync.text import printable

_COLUMNS = {"assignee": "assignee_id", "team": "team_id", "department": "department_id"}
_FIELDS = {column: field for field, column in _COLUMNS.items()}
_WHO = {"customer": "the customer", "automation": "an automation of Zoho", "agent": "an agent"}

# What became of a write: it stands, zdsync undid it, or a later run of zdsync wrote over it.
Fate = Literal["stands", "undone", "overwritten"]


@dataclass(frozen=True, slots=True)
class Hand:
    """One change of a field by somebody else, in the words of the API."""

    before: str | None
    after: str | None
    at: datetime
    actor: str
    agent_id: str | None = None


Hands = Mapping[Place, Sequence[Hand]]


def read_hands(mirror: Queries, entries: Iterable[Entry]) -> Hands:
    """Read what others did in the tickets of some writes since the first of them."""
    some = list(entries)
    found: dict[Place, list[Hand]] = defaultdict(list)
    if not some:
        return found
    tickets = orjson.dumps(sorted({one.ticket_id for one in some})).decode()
    since = naive(min(one.intended_at for one in some).replace(microsecond=0))
    query = Sql(load("zdsync.changes.queries", "hands.sql"), (tickets, str(since)))
    for ticket, column, before, after, at, actor, agent in mirror.rows(query):
        field = _FIELDS.get(column, column)
        field = field.casefold() if field.startswith("tag:") else field
        hand = Hand(before, after, at.replace(tzinfo=UTC), actor or "unknown", agent)
        found[ticket, field].append(hand)
    return found


def fate(entry: Entry, later: Sequence[Entry]) -> tuple[Fate, Entry]:
    """Tell what later writes of zdsync made of one, and the write that is on top now.

    An undo takes back what it undoes, and an undo of that is the write again: what remains counts.
    """
    stack = standing((entry, *later))
    if not stack:
        return "undone", later[-1]
    top = stack[-1]
    again = len(stack) == 1 and same(_after(top), _after(entry))
    return ("stands" if again else "overwritten"), top


def standing(writes: Iterable[Entry]) -> list[Entry]:
    """The writes of one field that no undo took back."""
    stack: list[Entry] = []
    for one in writes:
        if one.rule_id == UNDO and stack and same(_after(one), _before(stack[-1])):
            stack.pop()
        else:
            stack.append(one)
    return stack


def others(entry: Entry, later: Sequence[Entry], hands: Sequence[Hand]) -> list[Hand]:
    """The hands since a write, oldest first, without what shows zdsync's own later ones."""
    begun = entry.intended_at.replace(microsecond=0)  # History has whole seconds
    since = [hand for hand in hands if hand.at >= begun and not _own(hand, (entry, *later))]
    return sorted(since, key=lambda hand: hand.at)


def took_away(entry: Entry, hands: Iterable[Hand]) -> bool:
    """Whether somebody changed what a write had set, even if the same stands there again."""
    return any(same(hand.before, _after(entry)) for hand in hands)


def told(hand: Hand | None, portal: Portal) -> str:
    """Who it was, for a line of the report."""
    if hand is None:
        return "by somebody, unseen by the mirror"
    agents = {agent.id: agent.email or agent.name for agent in portal.agents}
    who = agents.get(hand.agent_id or "") or _WHO.get(hand.actor, "somebody")
    return f"by {printable(who, 60)}, {hand.at:%Y-%m-%d %H:%M}"


def _own(hand: Hand, ours: Iterable[Entry]) -> bool:
    """Whether a row shows a write of zdsync whose answer never came: nobody else is named."""
    return hand.actor == "unknown" and any(
        same(hand.before, _before(one))
        and same(hand.after, _after(one))
        and hand.at >= one.intended_at.replace(microsecond=0)
        for one in ours
    )


def _after(entry: Entry) -> str | int | float | bool | None:
    return planned(entry, after=True)


def _before(entry: Entry) -> str | int | float | bool | None:
    return planned(entry, after=False)
