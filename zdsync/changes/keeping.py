"""What a hold does to a decision: a field stays, and the plan says so.

Pure. Promises that a rule which a hold keeps from a field still decides it against rules below
that reassert. Must not read the mirror.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.holds import FLIPPED, Hold, Holds
from zdsync.changes.matches import Ticket
from zdsync.changes.plan import Held
from zdsync.changes.wire import GIVEN, same
from zdsync.model import Scalar
from zdsync.rules.compiled import CompiledRule


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps held fields; `kept`: (field, ticket) → the first rule in mode apply, and its value."""

    holds: Holds
    decision: Decision
    kept: dict[tuple[str, str], tuple[str, Scalar]] = field(default_factory=dict)

    def hold(
        self, rule: CompiledRule, ticket: Ticket, name: str, *, moves: bool = False
    ) -> Hold | None:
        """Find what keeps a rule from a field; a move that is planned frees what it takes away."""
        found = self.holds.on(ticket.id, name, rule)
        frees = found is not None and moves and name in GIVEN and found.reason != FLIPPED
        return None if frees else found

    def keep(self, draft: Draft, hold: Hold) -> None:
        """Leave a field as it stands, and say so where the rule wants it otherwise."""
        rule, ticket = draft.rule, draft.ticket
        if rule.mode == "apply":
            self.kept.setdefault((draft.field, ticket.id), (rule.id, draft.after))
        if not draft.differs:
            self.decision.agree(draft)
            return
        self.decision.held.append(
            Held(
                *(ticket.id, draft.field, rule.id, draft.before, ticket.number, draft.after),
                *(hold.reason, hold.told),
            )
        )

    def above(self, draft: Draft) -> tuple[str, Scalar] | None:
        """The rule above that would decide otherwise, were the field not held against it."""
        found = self.kept.get((draft.field, draft.ticket.id))
        return found if found is not None and not same(found[1], draft.after) else None
