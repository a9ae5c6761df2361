"""What people did where a rule would have acted, and how often they agree with it.

The method is on docs/backtest.md; who did what is asked in queries/outcomes.sql.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

import orjson

from zdsync.backtest.ground import PACKAGE
from zdsync.backtest.interval import wilson
from zdsync.backtest.wanted import Decision
from zdsync.changes.store import Queries
from zdsync.rules.instants import naive
from zdsync.sql import Sql, load

# agreed, differed, nothing: people's decisions. automation, zdsync: a machine came first.
# who: somebody did, History does not say who. young: people still have time.
Outcome = Literal["differed", "nothing", "who", "young", "automation", "zdsync", "agreed"]
ORDER: tuple[Outcome, ...] = get_args(Outcome)  # the first of a ticket's fields is the ticket's
COUNTED = frozenset({"agreed", "differed", "nothing"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision beside what became of the field; `value` is the mirror's (an id, a word)."""

    decision: Decision
    outcome: Outcome
    value: str | None
    value_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one rule stands beside people; tickets are counted, not fields.

    `low` and `high`: Wilson's 95 % interval of the share; all None where nothing was counted.
    """

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> int:
        return self.outcomes.get(outcome, 0)

    @property
    def of(self) -> int:
        """Tickets in which people's decision is known."""
        return sum(self.count(one) for one in ORDER if one in COUNTED)

    @property
    def share(self) -> float | None:
        return self.count("agreed") / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.count("agreed"), self.of)


def see(mirror: Queries, decisions: Sequence[Decision], until: datetime) -> list[Seen]:
    """Put each decision beside what people did up to `until` (aware)."""
    if not decisions:
        return []
    lines = [
        {"n": n, "ticket_id": one.ticket_id, "field": one.column, "moment": str(one.at),
         "agree": one.agree}
        for n, one in enumerate(decisions)
    ]  # fmt: skip
    params = (orjson.dumps(lines).decode(), naive(until))
    rows = mirror.rows(Sql(load(PACKAGE, "outcomes.sql"), params))
    return [Seen(decisions[n], outcome, value, at) for n, outcome, value, at in rows]


def known_tags(mirror: Queries) -> dict[str, frozenset[str]]:
    """The tags (folded) that the tickets matched last had at their moments, where known."""
    rows = mirror.rows(Sql(load(PACKAGE, "tags.sql")))
    return {ticket: frozenset(tag.casefold() for tag in tags) for ticket, tags in rows}


def agreement(seen: Iterable[Seen]) -> Agreement:
    """Count tickets: one agrees where every compared field does."""
    found: dict[str, Outcome] = {}
    for one in seen:
        ticket = one.decision.ticket_id
        worst = min(found.get(ticket, "agreed"), one.outcome, key=ORDER.index)
        found[ticket] = worst
    return Agreement(dict(Counter(found.values())))
