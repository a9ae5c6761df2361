"""What explaining a ticket yields: each rule, each part of its condition, its wishes' fates.

Data, and the JSON document of interface.md. Texts in it are short and harmless already: no control
character, no bidi override, no whole description. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from zdsync.changes.holds import Hold
from zdsync.changes.plan import Breach
from zdsync.model import Change, Scalar
from zdsync.rules.compiled import RuleMode
from zdsync.rules.explained import PartKind
from zdsync.text import printable

Value = Scalar | tuple[str, ...]
# `written`: `zdsync apply` or the service does it; `shown`: a rule in mode plan; `left`: the
# service leaves it to a person; `idle`: the action asks for nothing here.
FateKind = Literal[
    "written", "shown", "left", "right", "agreed", "shadowed", "unresolved", "held", "idle"
]


@dataclass(frozen=True, slots=True)
class Judged:
    """One part of a condition and what came of it; `holds` is None where it is not known yet.

    `value`: what it saw. `asked`: what that was compared with. `found`: the words that were found.
    `unread`: what must be read first. `sum`: points of a score; `most`: with all that is unknown.
    """

    kind: PartKind
    text: str
    holds: bool | None
    parts: tuple[Judged, ...] = ()
    value: Value = None
    asked: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    points: float | None = None
    at_least: float | None = None
    sum: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one thing that a matching rule wants; `text`: what it would say."""

    kind: FateKind
    field: str
    before: Scalar = None
    after: Scalar = None
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule and one ticket.

    `matched`: whether the condition holds, None where that is not known yet. `why_not`: why it
    does nothing here, though it may match; () where it acts. `takes`: values that its actions read.
    """

    rule: str
    why: str
    mode: RuleMode
    matched: bool | None
    tree: Judged
    why_not: tuple[str, ...] = ()
    fates: tuple[Fate, ...] = ()
    changes: tuple[Change, ...] = ()
    takes: tuple[tuple[str, Scalar], ...] = ()

    @property
    def conditions(self) -> tuple[Judged, ...]:
        """The lines of `when`: what is joined by `all` at the top, each by itself."""
        plain = self.tree.kind == "all" and self.tree.points is None
        return self.tree.parts if plain else (self.tree,)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ticket is."""

    id: str
    number: str
    presence: str
    emptied: bool
    subject: str
    department: str
    status: str
    closed: bool
    assignee: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One ticket and every rule at one instant; `ignored`: why no rule, or few, look at it."""

    ticket: Facts
    as_of: datetime
    rules: tuple[Explained, ...]
    ignored: tuple[str, ...] = ()
    breaches: tuple[Breach, ...] = ()
    holds: tuple[Hold, ...] = ()
    paused: bool = False
    read_credits: float = 0.0


def explanation_document(found: Explanation) -> dict[str, Any]:
    """The explanation as one JSON-ready document; its keys are promised (interface.md)."""
    return {
        "ticket_id": found.ticket.id,
        "ticket_number": found.ticket.number,
        "as_of": found.as_of.isoformat(),
        "presence": found.ticket.presence,
        "closed": found.ticket.closed,
        "ignored": list(found.ignored),
        "paused": found.paused,
        "rules": [_rule(one) for one in found.rules],
        "read_credits": found.read_credits,
        "held": [asdict(one) for one in found.holds],
    }


def _rule(one: Explained) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "why": printable(one.why),
        "mode": one.mode,
        "matched": one.matched,
        "why_not": list(one.why_not),
        "conditions": [_part(part) for part in one.conditions],
        "changes": [_change(change) for change in one.changes],
        "wishes": [
            {
                "field": fate.field,
                "before": _harmless(fate.before),
                "after": _harmless(fate.after),
                "fate": fate.kind,
                "reason": printable(fate.reason),
            }
            for fate in one.fates
        ],
        "takes": dict(one.takes),
    }


def _part(part: Judged) -> dict[str, Any]:
    """One part; keys that say nothing about it are left out."""
    told: dict[str, Any] = {
        "text": part.text,
        "value": list(part.value) if isinstance(part.value, tuple) else part.value,
        "holds": part.holds,
        "kind": part.kind,
    }
    more: Mapping[str, Any] = {
        "asked": list(part.asked),
        "found": list(part.found),
        "unread": list(part.unread),
        "points": part.points,
        "at_least": part.at_least,
        "sum": part.sum,
        "conditions": [_part(inner) for inner in part.parts],
    }
    return told | {name: given for name, given in more.items() if given not in (None, [])}


def _change(change: Change) -> dict[str, Any]:
    return {
        "change_id": change.change_id,
        "field": change.field,
        "before": _harmless(change.before),
        "after": _harmless(change.after),
        "mode": change.mode,
    }


def _harmless(value: Scalar) -> Scalar:
    return printable(value) if isinstance(value, str) else value
