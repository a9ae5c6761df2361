"""What a decision yields: drafts of changes, and what did not become one. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from zdsync.changes.matches import Ticket
from zdsync.changes.plan import Held, Shadowed, Skipped, Unresolved
from zdsync.changes.wire import same
from zdsync.model import Scalar
from zdsync.rules.compiled import CompiledRule


class Draft(NamedTuple):
    """A change without its evidence; the ids stand for people and places.

    `text`: what a comment, reply or notice says; then `after` is its digest and `after_id` tells
    where it goes.
    """

    rule: CompiledRule
    ticket: Ticket
    field: str
    before: Scalar
    after: Scalar
    before_id: str | None = None
    after_id: str | None = None
    notify: bool = True
    text: str = ""

    @property
    def differs(self) -> bool:
        """Whether the field does not stand as it should."""
        return self.before_id != self.after_id or not same(self.before, self.after)


class Agreed(NamedTuple):
    """What a rule wants and need not change: it is so, or the rule `by` above it does the same."""

    draft: Draft
    by: str


@dataclass(slots=True)
class Decision:
    """What the rules come to; `agreed` is None where nobody asks for it (it may be long)."""

    drafts: list[Draft] = field(default_factory=list)
    shadowed: list[Shadowed] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unread_tags: dict[str, None] = field(default_factory=dict)  # in the order met
    agreed: list[Agreed] | None = None

    def agree(self, draft: Draft, by: str = "") -> None:
        """Note what needs no change."""
        if self.agreed is not None:
            self.agreed.append(Agreed(draft, by))
