"""The plan: what would be written, what would not and why, with a digest as its id.

Data and digests only. Promise 7: the same mirror, rules and settings give the same plan id.
Must not decide anything; `decide` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from zdsync.model import Change, Scalar


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A value that `rule` wanted and that `by`, higher up, had already decided otherwise."""

    ticket_id: str
    ticket_number: str
    field: str
    rule: str
    by: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A ticket for which a rule named somebody or something that is not there."""

    ticket_id: str
    rule: str
    reason: str
    ticket_number: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule (or a part of it) that did not act, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that the plan passes; `rule` is the one that pays for it, or ""."""

    limit: str
    rule: str
    allowed: float
    found: float


@dataclass(frozen=True, slots=True)
class Held:
    """A change that is not made because somebody else decided the field; `value` stands there.

    `wanted` is what `rule` would set. `kind`: given, reversed, undone or flipped (it is in
    quarantine), or waits: something that is not said because of what is held with it; `reason`
    says since when it is held and by whom.
    """

    ticket_id: str
    field: str
    rule: str
    value: Scalar
    ticket_number: str = ""
    wanted: Scalar = None
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What applying would cost at most, and what was spent on reading for this plan.

    `kinds`: calls of applying by kind. `if_all_applied`: calls, and credits, if rules in mode plan
    were in mode apply.
    """

    calls: int = 0
    credits: float = 0.0
    read_calls: int = 0
    read_credits: float = 0.0
    kinds: Mapping[str, int] = field(default_factory=dict)
    if_all_applied: int = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """Tickets of which more must be read before rules may act on them.

    `rows`: their row is too old to tell about the conversation; `conversations`: the row cannot
    tell, and the conversation was not read, or the ticket moved since; `closings`: only their
    History tells who closed them.
    """

    tags: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    conversations: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tickets)

    @property
    def tickets(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.tags, *self.rows, *self.conversations, *self.closings))


NO_NEEDS = Needs()


@dataclass(frozen=True, slots=True)
class Seen:
    """How a ticket stood when it was planned: one that moved since is stale.

    `modified`: its modified time as the mirror spells it, None where that is not known. `tags`:
    its tags, None where they were not read. `wrote`: when zdsync last wrote to it, as the journal
    knows; what moved until then may be our own doing.
    """

    modified: datetime | None = None
    tags: tuple[str, ...] | None = None
    wrote: datetime | None = None


UNSEEN = Seen()


@dataclass(frozen=True, slots=True)
class Plan:
    """The reviewed set of changes as of one instant; changes stand in the order of the rules.

    `needs`: what must be read before some rule may act; with it the plan may change.
    `waiting`: changes for which an unattended tick had no room. `seen`: by ticket, how those stood
    that applying would write. `whole`: no single ticket was asked for.
    """

    plan_id: str
    as_of: datetime
    rules_digest: str
    changes: tuple[Change, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    held: tuple[Held, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    breaches: tuple[Breach, ...] = ()
    cost: Cost = Cost()
    needs: Needs = NO_NEEDS
    waiting: tuple[Change, ...] = ()
    seen: Mapping[str, Seen] = field(default_factory=dict)
    whole: bool = True

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that applying would write: those of rules in mode apply."""
        return tuple(change for change in self.changes if change.mode == "apply")


def change_id(ticket_id: str, field: str, before: Scalar, after: Scalar, rule: str) -> str:
    """Digest of one intent; with the run's id it is unique in the journal."""
    return hashlib.sha256(orjson.dumps((ticket_id, field, before, after, rule))).hexdigest()[:20]


def plan_id(changes: Iterable[Change], rules_digest: str) -> str:
    """Digest of the sorted (ticket, field, before, after, rule) and of the rules (promise 7).

    Each change's id is the digest of its five values, so the ids stand for them.
    """
    ids = sorted(change.change_id for change in changes)
    return hashlib.sha256("\n".join([*ids, rules_digest]).encode()).hexdigest()[:12]
