"""What a decision yields: drafts of changes, and what did not become one. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from zdsync.changes.matches import Ticket
from zdsync.changes.plan import Shadowed, Skipped, Unresolved
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


@dataclass(slots=True)
class Decision:
    """What the rules come to."""

    drafts: list[Draft] = field(default_factory=list)
    shadowed: list[Shadowed] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unread_tags: dict[str, None] = field(default_factory=dict)  # in the order met
