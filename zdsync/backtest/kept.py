"""The last backtest of each rule as the mirror keeps it, and which rules it keeps from writing.

A rule whose digest changed was never tested. Counts only: no ticket, no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from zdsync.backtest.run import Backtest, Tried
from zdsync.changes.store import Queries
from zdsync.rules import Rule
from zdsync.rules.instants import naive
from zdsync.sql import Sql

Query = Callable[[Sql], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last backtest of one rule came to; `made_at` is naive UTC."""

    made_at: datetime
    agreed: int
    of: int

    @property
    def share(self) -> float:
        return self.agreed / self.of if self.of else 0.0


def keep(mirror: Queries, found: Backtest, made_at: datetime) -> None:
    """Keep what each rule came to; rules that were not tried keep what they had."""
    lines = [_line(one, found, made_at) for one in found.tried if not one.reason]
    mirror.run(Sql(_KEEP, (orjson.dumps(lines).decode(),)))


def last(query: Query) -> dict[tuple[str, str], Kept]:
    """Rule id and digest → its last backtest."""
    return {(rule, digest): Kept(*cells) for rule, digest, *cells in query(Sql(_LAST))}


def distrusted(rules: Iterable[Rule], kept: Mapping[tuple[str, str], Kept]) -> dict[str, str]:
    """Rules in mode apply that people have not agreed with as asked → why they only show."""
    found = {}
    for rule in rules:
        if rule.mode == "apply" and rule.asked is not None:
            reason = _reason(rule, kept.get((rule.id, rule.digest)))
            if reason:
                found[rule.id] = f"stays in mode plan: {reason}"
    return found


def _reason(rule: Rule, kept: Kept | None) -> str:
    assert rule.asked is not None
    asks = f"needs_agreement asks for {rule.asked.share:.0%} of {rule.asked.decisions} decisions"
    if kept is None:
        return f"{asks}, and the rule as it stands has no backtest; run zdsync backtest"
    when = f"the backtest of {kept.made_at:%Y-%m-%d} found"
    if kept.of < rule.asked.decisions:
        return f"{asks}, {when} {kept.of} to compare; run zdsync backtest over more tickets"
    if kept.share < rule.asked.share:
        return f"{asks}, {when} {kept.agreed} of {kept.of} agreed ({kept.share:.1%})"
    return ""


def _line(one: Tried, found: Backtest, made_at: datetime) -> dict[str, Any]:
    low, high = one.agreement.interval or (None, None)
    return {
        "rule_id": one.rule,
        "rule_digest": one.digest,
        "made_at": str(naive(made_at)),
        "since": str(naive(found.since)),
        "until": str(naive(found.until)),
        "sample": len(found.sample.tickets) if found.sample else None,
        "judged": one.judged,
        "unknown": one.unknown,
        "agreed": one.agreement.count("agreed"),
        "differed": one.agreement.count("differed"),
        "nothing": one.agreement.count("nothing"),
        "low": low,
        "high": high,
    }


_KEEP = """
insert into zdsync.backtests by name
select unnest(from_json(?, '[{
    "rule_id": "VARCHAR", "rule_digest": "VARCHAR", "made_at": "TIMESTAMP", "since": "TIMESTAMP",
    "until": "TIMESTAMP", "sample": "BIGINT", "judged": "BIGINT", "unknown": "BIGINT",
    "agreed": "BIGINT", "differed": "BIGINT", "nothing": "BIGINT", "low": "DOUBLE",
    "high": "DOUBLE"
}]'), recursive := true)
"""
_LAST = """
select rule_id, rule_digest, made_at, agreed, agreed + differed + nothing from zdsync.backtests
qualify row_number() over (
    partition by rule_id, rule_digest order by made_at desc, rowid desc
) = 1
"""
