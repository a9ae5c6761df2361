"""Whether what a rule says of a ticket has to wait, because the rule could not do the rest there.

Pure. Promises that a customer reads nothing of a rule of which anything is held, stale or refused
on that ticket, and that nobody reads of a close that is not made: what agents read waits for that
only. Must not decide whether something is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.plan import Held, Shadowed
from zdsync.changes.wire import is_speech
from zdsync.model import Change

WAITS = "waits"  # the kind of Held of something said
UNBACKED = "the rest of its rule was not done"
_CLOSES = frozenset({"status", "spam"})

Place = tuple[str, str]  # rule and ticket


def silences(field: str, *, public: bool) -> bool:
    """Whether something said waits while this field is not as its rule wants it."""
    return not is_speech(field) and (public or field in _CLOSES)


def waits_with(field: str, reason: str) -> str:
    """Say why something is not said."""
    return f"waits with {field}: {reason}"


def unbacked(said: Iterable[Change], undone: Iterable[Change]) -> dict[str, Change]:
    """Find what has to wait: the id of something said → what its rule could not do there."""
    lost: dict[Place, list[Change]] = defaultdict(list)
    for one in undone:
        lost[one.rule, one.ticket_id].append(one)
    found: dict[str, Change] = {}
    for one in said:
        if lost and is_speech(one.field):
            public = one.field == "reply" or bool(one.wire.get("isPublic"))
            for other in lost.get((one.rule, one.ticket_id), ()):
                if silences(other.field, public=public):
                    found.setdefault(one.change_id, other)
    return found


@dataclass(frozen=True, slots=True)
class Silence:
    """What of a decision keeps its rules from speaking; the decision hears of what they keep."""

    decision: Decision
    held: Mapping[Place, Sequence[Held]]
    shadowed: Mapping[Place, Shadowed]

    @classmethod
    def over(cls, decision: Decision) -> Silence:
        """Look through a decision to which nothing that is said was added yet."""
        held: dict[Place, list[Held]] = defaultdict(list)
        for one in decision.held:
            held[one.rule, one.ticket_id].append(one)
        closes = (one for one in decision.shadowed if one.field in _CLOSES)
        return cls(decision, held, {(one.rule, one.ticket_id): one for one in closes})

    def keeps(self, draft: Draft) -> bool:
        """Whether a draft of something said has to wait; the decision then says why."""
        rule, ticket, what = draft.rule.id, draft.ticket, draft.field
        public = what == "reply" or (what == "comment" and draft.after_id == "public")
        for one in self.held.get((rule, ticket.id), ()):
            if silences(one.field, public=public):
                why = waits_with(one.field, one.reason)
                kept = Held(ticket.id, what, rule, None, ticket.number, draft.after, WAITS, why)
                self.decision.held.append(kept)
                return True
        by = self.shadowed.get((rule, ticket.id))
        if by is not None:
            told = Shadowed(ticket.id, ticket.number, what, rule, by.by, f"with {by.field}")
            self.decision.shadowed.append(told)
        return by is not None
