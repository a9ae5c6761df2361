"""What lasts between unattended ticks: which rules are paused, and what a person agreed to.

Owns `zdsync.pauses` and `zdsync.accepted`. Promises that a pause holds until a person agrees or the
rule's own text changes, and that an agreement is for the tickets that a rule wanted then, and for
the rule as it stood. Must not decide what is over a limit; `guard` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from zdsync.changes.drip import Backlog
from zdsync.changes.plan import Breach
from zdsync.changes.spent import DAY, Written
from zdsync.changes.store import Queries
from zdsync.rules.instants import naive
from zdsync.sql import Sql, load

Cause = Literal["limit", "refused"]
EndedBy = Literal["applied", "resumed", "changed", "removed"]
REFUSALS = 10  # refusals in a row after which a rule pauses itself,
RUNS = 2  # of at least so many runs,
_LATELY = timedelta(days=7)  # within so long
_MEMORY = timedelta(days=2)  # what is done is kept longer than the day that limits look back
_QUERIES = "zdsync.changes.queries"


@dataclass(frozen=True, slots=True)
class Pause:
    """One rule that unattended ticks leave out; `words` are Zoho's, of the last refusal."""

    rule: str
    digest: str
    cause: Cause
    limit: str
    allowed: float
    found: float
    at: datetime
    run_id: str = ""
    change_id: str = ""
    words: str = ""

    @property
    def reason(self) -> str:
        """Why, in one sentence without a word of Zoho's or of a customer's."""
        if self.cause == "limit":
            return f"{self.limit} allows {self.allowed:g}, found {self.found:g}"
        return f"Zoho refused {self.found:g} of its writes in a row"

    @property
    def brief(self) -> str:
        """Since when and why, for the log: without a word of Zoho's."""
        return f"paused since {self.at:%Y-%m-%d %H:%M} UTC: {self.reason}"

    @property
    def told(self) -> str:
        """Since when, why with Zoho's words, and how it ends: for people."""
        words = f", last: {self.words}" if self.words else ""
        how = f"zdsync apply, or zdsync resume {self.rule}, lets it go on"
        return f"{self.brief}{words}; {how}"

    @property
    def news(self) -> str:
        """What the operator is told."""
        return (
            f"the rule {self.rule} is paused: {self.reason}. Nothing of it is written until a "
            f"person agrees: zdsync plan shows it, zdsync apply writes it, zdsync resume "
            f"{self.rule} lets the service write it within the limits"
        )


def paused_by(breach: Breach, digest: str, at: datetime) -> Pause:
    """The pause that a breach asks for."""
    return Pause(breach.rule, digest, "limit", breach.limit, breach.allowed, breach.found, at)


def standing(mirror: Queries, digests: Mapping[str, str]) -> dict[str, Pause]:
    """Rule → its pause; `digests`: what each rule of the file says now."""
    found = (_pause(row) for row in _ask(mirror, "pauses"))
    return {one.rule: one for one in found if digests.get(one.rule) == one.digest}


def lapse(
    mirror: Queries, digests: Mapping[str, str], known: Collection[str], at: datetime
) -> None:
    """End the pauses of rules that were changed or left the file; `known`: resting ones too."""
    ended: list[tuple[str, str, EndedBy]] = []
    for one in (_pause(row) for row in _ask(mirror, "pauses")):
        if one.rule not in known:
            ended.append((one.rule, one.digest, "removed"))
        elif digests.get(one.rule, one.digest) != one.digest:
            ended.append((one.rule, one.digest, "changed"))
    if ended:
        mirror.run(Sql(_LAPSE, (naive(at), orjson.dumps(ended).decode())))


def refused(
    mirror: Queries, digests: Mapping[str, str], rules_digest: str, at: datetime
) -> list[Pause]:
    """Rules that Zoho refuses again and again, as the pauses that they ask for."""
    asked = _ask(mirror, "refused", naive(at - _LATELY), rules_digest, REFUSALS, RUNS)
    return [
        Pause(rule, digests[rule], "refused", "", REFUSALS - 1, found, at, run_id, change_id)
        for rule, found, run_id, change_id in asked
        if rule in digests
    ]


def begin(mirror: Queries, pauses: Iterable[Pause]) -> None:
    """Keep pauses; they hold from now on."""
    rows = [
        {
            "rule_id": one.rule,
            "rule_digest": one.digest,
            "cause": one.cause,
            "limit_name": one.limit,
            "allowed": one.allowed,
            "found": one.found,
            "reason": one.reason,
            "run_id": one.run_id,
            "change_id": one.change_id,
            "paused_at": str(naive(one.at)),
        }
        for one in pauses
    ]
    if rows:
        mirror.run(Sql(_BEGIN, (orjson.dumps(rows).decode(),)))


def end(mirror: Queries, rules: Iterable[str], by: EndedBy, at: datetime) -> None:
    """End the pauses of rules."""
    mirror.run(Sql(_END, (naive(at), by, orjson.dumps(list(rules)).decode())))


def accept(
    mirror: Queries,
    tickets: Iterable[tuple[str, str]],
    digests: Mapping[str, str],
    at: datetime,
) -> None:
    """Remember that rules may write these tickets beyond the limits: pairs of rule and ticket."""
    rows = [[rule, digests[rule], ticket] for rule, ticket in tickets if rule in digests]
    if rows:
        mirror.run(Sql(_ACCEPT, (naive(at), orjson.dumps(rows).decode())))


def backlog(mirror: Queries, digests: Mapping[str, str]) -> Backlog:
    """Tickets that wait though a person agreed to them, oldest first."""
    found = _ask(mirror, "accepted")
    agreed = [(rule, ticket) for rule, digest, ticket in found if digests.get(rule) == digest]
    return {pair: place for place, pair in enumerate(agreed)}


def note_done(mirror: Queries, at: datetime) -> None:
    """Note which accepted tickets were written since; forget what was done days ago."""
    mirror.run(Sql(load(_QUERIES, "accepted_done.sql")))
    mirror.run(Sql("delete from zdsync.accepted where done_at < ?", (naive(at - _MEMORY),)))


def finish(mirror: Queries, rules: Iterable[str], at: datetime) -> None:
    """End what is left of the backlogs of rules that want nothing more of them."""
    mirror.run(Sql(_FINISH, (naive(at), orjson.dumps(list(rules)).decode())))


def written(mirror: Queries, now: datetime) -> list[Written]:
    """What was written within the last 24 hours."""
    return [Written(*row) for row in _ask(mirror, "written", naive(now - DAY))]


def _ask(mirror: Queries, name: str, *params: object) -> list[tuple[Any, ...]]:
    return mirror.rows(Sql(load(_QUERIES, name + ".sql"), params))


def _pause(row: tuple[Any, ...]) -> Pause:
    rule, digest, cause, limit, allowed, found, run_id, change_id, at, words = row
    moment = at.replace(tzinfo=UTC)
    return Pause(rule, digest, cause, limit, allowed, found, moment, run_id, change_id, words)


_BEGIN = """
insert into zdsync.pauses by name
select unnest(from_json(?, '[{
    "rule_id": "VARCHAR", "rule_digest": "VARCHAR", "cause": "VARCHAR", "limit_name": "VARCHAR",
    "allowed": "DOUBLE", "found": "DOUBLE", "reason": "VARCHAR", "run_id": "VARCHAR",
    "change_id": "VARCHAR", "paused_at": "TIMESTAMP"
}]'), recursive := true)
"""
_END = """
update zdsync.pauses set ended_at = $1, ended_by = $2
where ended_at is null and rule_id in (select unnest(from_json($3, '["VARCHAR"]')))
"""
_LAPSE = """
update zdsync.pauses set ended_at = $1, ended_by = l.r[3]
from (select unnest(from_json($2, '[["VARCHAR"]]')) as r) l
where ended_at is null and rule_id = l.r[1] and rule_digest = l.r[2]
"""
_ACCEPT = """
insert into zdsync.accepted (rule_id, rule_digest, ticket_id, accepted_at)
select r[1], r[2], r[3], $1
from (select unnest(from_json($2, '[["VARCHAR"]]')) as r)
where not exists (
    from zdsync.accepted a
    where a.rule_id = r[1] and a.rule_digest = r[2] and a.ticket_id = r[3] and a.done_at is null
)
"""
_FINISH = """
update zdsync.accepted set done_at = $1
where done_at is null and rule_id in (select unnest(from_json($2, '["VARCHAR"]')))
"""
