"""From rules to a plan: each rule's SQL once, then the decision, then evidence for the changes.

Promises that ids and the values of actions are all that is fetched of a match, and evidence only
of changes: 20,000 open tickets and 10 rules must plan in under 3 s. Promise 11: a rule whose
streams are not fresh is skipped with the reason.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from zdsync.changes import plan as plans
from zdsync.changes.decide import decide
from zdsync.changes.drafts import Decision
from zdsync.changes.evidence import make_changes
from zdsync.changes.giving import fills
from zdsync.changes.ground import make_ground, narrowed, scope
from zdsync.changes.holds import NOTHING_HELD, HoldReader, Holds
from zdsync.changes.matches import Ground, Matches, slots
from zdsync.changes.memory import remember
from zdsync.changes.needs import unjudged
from zdsync.changes.plan import NO_NEEDS, Held, Needs, Plan, Shadowed, Skipped, Unresolved
from zdsync.changes.price import price
from zdsync.changes.resolve import Resolver
from zdsync.changes.rows import make_rows, relation
from zdsync.changes.settled import Settled
from zdsync.changes.speak import Speaker
from zdsync.changes.store import Queries, query
from zdsync.changes.values import tickets_of
from zdsync.changes.wants import wants
from zdsync.model import Portal, Voice
from zdsync.rules.compiled import CompiledRule
from zdsync.sql import Sql, join

T = TypeVar("T", Held, Shadowed, Unresolved)
_TEAMS = """
SELECT id, coalesce(derived_agents, agents) FROM desk.teams WHERE presence = 'live'
"""
_LOAD = """
SELECT assignee_id, count(*) FROM zdsync.open_tickets WHERE assignee_id IS NOT NULL
GROUP BY assignee_id
"""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules matched at one instant; plans of it cost no further matching."""

    mirror: Queries
    ground: Ground
    resolver: Resolver
    as_of: datetime
    rules_digest: str
    skipped: tuple[Skipped, ...]
    needs: Needs = NO_NEEDS  # what a condition could not judge without
    speaker: Speaker | None = None
    holds: HoldReader | None = None
    _plans: dict[frozenset[str], Plan] = field(init=False, default_factory=dict, compare=False)

    def plan(self, paused: frozenset[str] = frozenset()) -> Plan:
        """Decide; rules in `paused` keep what is theirs but change nothing."""
        if paused not in self._plans:
            with _uncollected():
                self._plans[paused] = self._plan(paused)
        return self._plans[paused]

    def _plan(self, paused: frozenset[str]) -> Plan:
        decision = self._decided(paused)
        if self.speaker is not None:
            self.speaker.add_to(decision, paused)
        changes = make_changes(self.mirror, decision.drafts, self.ground.relation)
        return Plan(  # the drafts are used up
            plan_id=plans.plan_id(changes, self.rules_digest),
            as_of=self.as_of,
            rules_digest=self.rules_digest,
            changes=changes,
            shadowed=self._in_order(decision.shadowed),
            unresolved=self._in_order(decision.unresolved),
            held=self._in_order(decision.held),
            skipped=(*self.skipped, *decision.skipped),
            cost=price(changes),
            needs=replace(
                self.needs, tags=tuple(sorted({*self.needs.tags, *decision.unread_tags}))
            ),
        )

    def held(self, plan: Plan) -> Holds:
        """What is held of the tickets of a plan, where holds are minded at all."""
        return self.holds.of(one.ticket_id for one in plan.changes) if self.holds else NOTHING_HELD

    @property
    def acting(self) -> Mapping[str, CompiledRule]:
        """The rules in mode apply that may act now, by id."""
        every = (one.rule for one in self.ground.matches)
        return {rule.id: rule for rule in every if rule.mode == "apply"}

    def trace(self) -> Decision:
        """Decide again, with what need not be changed: for explaining one ticket."""
        return self._decided(frozenset(), traced=True)

    def _decided(self, paused: frozenset[str], *, traced: bool = False) -> Decision:
        """Decide; where that changes tickets of which something is held, once more with the holds.

        A hold only ever keeps a change away: tickets that nobody would change need not be asked.
        """
        decision = decide(self.ground, self.resolver, paused, traced=traced)
        if self.holds is None or not decision.drafts:
            return decision
        holds = self.holds.of(draft.ticket.id for draft in decision.drafts)
        if not holds.texts:
            return decision
        return decide(self.ground, self.resolver, paused, holds=holds, traced=traced)

    def _in_order(self, some: Iterable[T]) -> tuple[T, ...]:
        """By rule, then by ticket number: rows come from the mirror in any order."""
        index = {one.rule.id: one.rule.index for one in self.ground.matches}
        number = {key: ticket.number for key, ticket in self.ground.tickets.items()}

        def place(one: T) -> tuple[int, int, str]:
            shown = number[one.ticket_id]
            return index[one.rule], len(shown), shown

        return tuple(sorted(some, key=place))


def evaluate(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    portal: Portal,
    *,
    as_of: datetime,
    rules_digest: str,
    unready: Mapping[str, str] | None = None,
    owner_map: Mapping[str, str] | None = None,
    ticket: str | None = None,
    voice: Voice | None = None,
    speechless: str = "",
    kept: bool = False,
    whole: bool = False,
    held: bool = False,
) -> Evaluation:
    """Run each rule's SQL once over the mirror.

    `unready`: stream → a sentence why it is not fit to act on (never fully read, too old).
    `owner_map`: CRM owner's e-mail → Desk agent's. `ticket`: id or number of the only ticket to
    look at. Rules in mode off are left out. `speechless`: why nothing may be said in this run.
    `kept`: ask by what was found in texts before, and keep what is found; the plan is the same.
    `held`: mind what people decided (zdsync.holds). `whole`: `rules` are all of the file, so what
    was kept for others goes.
    """
    ready, skipped = _ready(rules, unready or {})
    owners = owner_map or {}
    many = kept and whole and ticket is None
    settled = Settled.under(ready, rules_digest, portal, owners, as_of) if many else None
    with _uncollected():
        if kept:
            _keep(mirror, rules, ready, portal, settled, ticket=ticket, whole=whole)
        else:
            make_ground(mirror, ready, ticket)
        ground, resolver = look(mirror, ready, portal, owners, kept=kept, whole=ticket is not None)
    needs, blind = unjudged(mirror, ready, as_of, kept=kept)
    if settled is not None:
        settled.keep(mirror, {*ground.tickets, *needs.tickets})
    memory, holds = remember(mirror, ready), HoldReader(mirror) if held else None
    speaker = Speaker(mirror, ground, resolver, memory, as_of, voice or Voice(), speechless)
    return Evaluation(
        mirror, ground, resolver, as_of, rules_digest, skipped + blind, needs, speaker, holds
    )


def _keep(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    ready: Sequence[CompiledRule],
    portal: Portal,
    settled: Settled | None,
    *,
    ticket: str | None,
    whole: bool,
) -> None:
    """Make the rows to ask of, by what was found in texts before; what is found is kept."""
    keep = [one for one in rules if one.mode != "off"]
    if settled is not None:
        _settle(mirror, ready, portal, keep, settled)
    make_rows(mirror, ready, portal, narrowed(ticket), keep=keep, whole=whole, settled=settled)


def _settle(
    mirror: Queries,
    ready: Sequence[CompiledRule],
    portal: Portal,
    keep: Sequence[CompiledRule],
    settled: Settled,
) -> None:
    """Find the tickets that need nothing part by part, where all at once would take the memory."""
    for part in settled.parts(mirror, ready):
        make_rows(mirror, ready, portal, part, keep=keep, settled=settled)
        rows = (row for rule in ready for row in _matched(mirror, rule, portal, kept=True))
        needs, _ = unjudged(mirror, ready, settled.as_of, kept=True)
        settled.keep(mirror, needs.tickets.union(row[0] for row in rows if row[-1]))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector out: a plan is a million small objects without a cycle.

    Its passes over them took half of the time (150,000 changes: 5.5 s with, 2.5 s without).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def look(
    mirror: Queries,
    ready: Sequence[CompiledRule],
    portal: Portal,
    owner_map: Mapping[str, str],
    *,
    kept: bool = False,
    whole: bool = False,
) -> tuple[Ground, Resolver]:
    """Ask each rule's SQL of the ground that was made for these rules (of rows.py if `kept`).

    Tickets of which no rule may change anything are left out, but with `whole`.
    """
    rows = {rule.id: _matched(mirror, rule, portal, kept=kept) for rule in ready}
    stirred = {row[0] for some in rows.values() for row in some if row[-1] or whole}
    matches = [Matches(rule, [row for row in rows[rule.id] if row[0] in stirred]) for rule in ready]
    teams = any(fills(rule) for rule in ready)
    members = _members(mirror) if teams else {}
    ground = Ground(
        tickets=tickets_of(mirror, matches, portal, "rule_base" if kept else "rule_ground"),
        matches=matches,
        kept=kept,
        open_of=dict(mirror.rows(Sql(_LOAD))) if teams else {},
    )
    return ground, Resolver(portal, owner_map, members)


def _ready(
    rules: Iterable[CompiledRule], unready: Mapping[str, str]
) -> tuple[list[CompiledRule], tuple[Skipped, ...]]:
    ready: list[CompiledRule] = []
    skipped: list[Skipped] = []
    for rule in sorted(rules, key=lambda one: one.index):
        if rule.mode == "off":
            continue
        reasons = [unready[name] for name in sorted(rule.streams) if name in unready]
        if reasons:
            skipped.append(Skipped(rule.id, "; ".join(dict.fromkeys(reasons))))
        else:
            ready.append(rule)
    return ready, tuple(skipped)


def _matched(
    mirror: Queries, rule: CompiledRule, portal: Portal, *, kept: bool
) -> list[tuple[Any, ...]]:
    """The rows of Matches, each with one more cell: whether the rule may change the ticket."""
    wanted = [Sql("t.ticket_id")]
    wanted += [slot for action in rule.actions for slot in slots(action, kept=kept)]
    wanted.append(wants(rule, portal, kept=kept))
    source = f"FROM {relation(rule) if kept else 'rule_ground AS t'} WHERE ("
    holds = (kept and rule.quick) or rule.judged or rule.where
    return mirror.rows(query("SELECT", join(", ", wanted), source, holds, ")", scope(rule)))


def _members(mirror: Queries) -> dict[str, tuple[str, ...]]:
    return {team: tuple(agents or ()) for team, agents in mirror.rows(Sql(_TEAMS))}
