"""What applying a plan costs: its calls by kind, counted ticket by ticket.

Pure. Each call is one record or one action, so one credit, but a page of History is a range and
costs 3 (desk-tickets.md section 1, "Cost of one call"). At most: a ticket that moved since the plan
is left alone after its first read. Tags are read only where somebody else changed them meanwhile:
that is not counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from zdsync.changes.plan import Cost
from zdsync.changes.wire import is_speech, is_tag
from zdsync.model import Change

# Kinds of calls in the order in which they are shown, those of every ticket first; one of each.
KINDS = {
    "reads": "read",
    "updates": "update",
    "moves": "move",
    "tag writes": "tag write",
    "spam marks": "spam mark",
    "comments": "comment",
    "replies": "reply",
    "reads of addresses": "read of addresses",
    "History reads": "History read",
}
HISTORY = 3.0  # credits of one
_OWN = frozenset({"+", "-", "department", "spam"})  # fields with calls of their own


def price(changes: Iterable[Change]) -> Cost:
    """Count the calls of what would be written, and what every rule in mode apply would cost."""
    some = list(changes)
    writes = _count(one for one in some if one.mode == "apply")
    calls = writes.total()
    credits = calls + (HISTORY - 1) * writes["History reads"]
    every = calls if all(one.mode == "apply" for one in some) else _count(some).total()
    kinds = {kind: writes[kind] for kind in KINDS if writes[kind]}
    return Cost(calls, credits, kinds=kinds, if_all_applied=every)


def _count(changes: Iterable[Change]) -> Counter[str]:
    fields_of: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        tag = "+" if change.after else "-"
        name = f"{change.field} {change.rule}" if is_speech(change.field) else change.field
        fields_of[change.ticket_id].add(tag if is_tag(change.field) else name)
    calls: Counter[str] = Counter()
    alike = Counter(map(frozenset, fields_of.values()))  # few sets of fields, many tickets
    for fields, tickets in alike.items():
        for kind, count in _calls(fields).items():
            calls[kind] += count * tickets
    return calls


def _calls(fields: frozenset[str]) -> dict[str, int]:
    """The calls of one ticket, by kind; a tag to add is `+`, one to remove `-`.

    What is said names its rule behind its field; a notice is no call of the API.

    After a move the ticket is read again, and after a spam mark: neither call answers a row. After
    a move, a mark and a status (it may close) the History is read.
    """
    tags = len(fields & {"+", "-"})
    comments, replies, notices = (
        sum(one.startswith(verb) for one in fields) for verb in ("comment ", "reply ", "notify:")
    )
    moved, marked = "department" in fields, "spam" in fields
    return {
        "reads": 1 + moved + marked,
        "updates": int(len(fields - _OWN) > comments + replies + notices),
        "moves": int(moved),
        "tag writes": tags,
        "spam marks": int(marked),
        "comments": comments,
        "replies": replies,
        "reads of addresses": replies,  # those that a reply may come from
        "History reads": int(bool(fields & {"department", "spam", "status"})),
    }
