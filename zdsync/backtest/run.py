"""One backtest: every rule over the tickets of a period, beside what people did.

Owns the order of the steps; each rule is tried alone. Reads the mirror only. The method, and what
it cannot know, is on docs/backtest.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from zdsync.backtest.ground import make_past
from zdsync.backtest.judged import judge
from zdsync.backtest.outcomes import Agreement, Seen, agreement, known_tags, see
from zdsync.backtest.wanted import gives_tags, want
from zdsync.changes.resolve import Resolver
from zdsync.changes.store import Queries
from zdsync.model import Portal
from zdsync.rules import Asked, CompiledRule, Rule, RuleFile, compile_rule
from zdsync.rules.instants import naive
from zdsync.rules.past import as_today, blind
from zdsync.sql import Sql


@dataclass(frozen=True, slots=True)
class Sample:
    """A stated random sample: how many tickets of how many, and what reading them cost."""

    asked: int
    tickets: tuple[str, ...]
    of: int
    seed: int
    calls: int = 0
    credits: float = 0.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule over the period.

    `judged` tickets have a verdict, `unknown` ones have none; `earlier` matched before; `already`
    stood as the rule wants; `unresolved`: it found nobody, or the tags then are not known. `apart`:
    fields that it sets and whose past is not kept; `today`: fields read as they stand today;
    `blind`: fields known only of tickets that have not moved since. `reason`: why it was not tried.
    """

    rule: str
    digest: str
    mode: str
    asked: Asked | None
    judged: int = 0
    unknown: int = 0
    earlier: int = 0
    already: int = 0
    unresolved: int = 0
    apart: tuple[str, ...] = ()
    today: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    agreement: Agreement = field(default_factory=Agreement)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of a period, from `since` to `until` (aware); `known` tickets have a past."""

    since: datetime
    until: datetime
    tickets: int
    known: int
    tried: tuple[Tried, ...]
    sample: Sample | None
    portal: Portal


def backtest(
    mirror: Queries,
    rules: RuleFile,
    portal: Portal,
    *,
    since: datetime,
    until: datetime,
    only: str | None = None,
    sample: Sample | None = None,
    unfit: Mapping[str, str] | None = None,
    owner_map: Mapping[str, str] | None = None,
) -> Backtest:
    """Try the rules (but those in mode off) over the half-open period.

    `until` is the instant that the mirror describes. `unfit`: rule → why it cannot be tried.
    """
    unfit = unfit or {}
    chosen = [one for one in rules.rules if one.mode != "off" and only in (None, one.id)]
    compiled = {one.id: _compiled(one, rules, portal, until) for one in chosen}
    fit = [one for one in compiled.values() if one.id not in unfit]
    make_past(mirror, fit, since, until, sample.tickets if sample else None)
    resolver = Resolver(portal, owner_map or {}, _members(mirror))
    tried = tuple(
        _missed(one, unfit[one.id])
        if one.id in unfit
        else _try(mirror, one, compiled[one.id], resolver, until)
        for one in chosen
    )
    tickets, known = mirror.rows(Sql(_TICKETS, (naive(until), naive(since))))[0]
    return Backtest(since, until, tickets, known, tried, sample, portal)


_TICKETS = """
select count(*), count(*) filter (id in (select ticket_id from past_states))
from desk.tickets
where presence in ('live', 'spam', 'archived') and created_time < ?::timestamp
    and created_time >= ?::timestamp
"""
_TEAMS = "SELECT id, coalesce(derived_agents, agents) FROM desk.teams WHERE presence = 'live'"


def _compiled(rule: Rule, file: RuleFile, portal: Portal, until: datetime) -> CompiledRule:
    # The ground then holds closed tickets, too; whether one was open is asked of each moment.
    return replace(compile_rule(rule, file, portal, until), scope="all")


def _members(mirror: Queries) -> dict[str, tuple[str, ...]]:
    return {team: tuple(agents or ()) for team, agents in mirror.rows(Sql(_TEAMS))}


def _missed(rule: Rule, reason: str) -> Tried:
    return Tried(rule.id, rule.digest, rule.mode, rule.asked, reason=reason)


def _try(
    mirror: Queries, rule: Rule, compiled: CompiledRule, resolver: Resolver, until: datetime
) -> Tried:
    judged = judge(mirror, rule, compiled)
    tags = known_tags(mirror) if gives_tags(compiled) else None
    wanted = want(judged, resolver, tags)
    seen = see(mirror, wanted.decisions, until)
    return Tried(
        rule.id,
        rule.digest,
        rule.mode,
        rule.asked,
        judged.judged,
        judged.unknown,
        judged.earlier,
        wanted.already,
        wanted.unresolved,
        wanted.apart,
        as_today(compiled.reads),
        blind(compiled.reads),
        tuple(seen),
        agreement(seen),
    )
