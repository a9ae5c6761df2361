"""The stages in order over one open mirror: read tags that rules need, plan, guard, apply.

Knows no command and no screen. Promise 11 starts here: it says which streams are fit to act on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from zdsync.backtest import distrusted, last
from zdsync.changes import (
    WORTH,
    Applied,
    Evaluation,
    Journal,
    Messenger,
    Plan,
    Skipped,
    Spent,
    apply_plan,
    attended,
    breaches,
    evaluate,
    recover,
    spent,
    unattended,
    unsaid,
)
from zdsync.changes.explain import explain, find_ticket
from zdsync.changes.explanation import Explanation
from zdsync.changes.holds import FLIPPED, read_holds
from zdsync.changes.keeping import unheld
from zdsync.changes.sight import sighted
from zdsync.changes.unfit import resting, unfit, unreadable
from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import PlanRefused, TokenRefused, ZohoFailed
from zdsync.mirror import Mirror
from zdsync.model import Cursor, Portal, Voice
from zdsync.pull import Attached
from zdsync.rules import CompiledRule, RuleFile, compile_rule
from zdsync.rules.now import Now
from zdsync.sql import Sql, load
from zdsync.streams import STREAMS, StreamSpec

log = logging.getLogger(__name__)

_MANY_OPEN = 50_000  # tickets from which on what was found in texts is kept between plans

ROUNDS = 4  # of reading for one plan: rows, tags, conversations, and what those bring up
RECENT = 2  # files of the journal, a month each, that hold the last day for sure
PATIENCE = 3  # pauses after which a stream is too old to act on


@dataclass(slots=True)
class Flow:
    """One run over the mirror; `attach` makes the reader of what hangs on tickets when needed."""

    mirror: Mirror
    portal: Portal
    clock: Clock
    every: timedelta
    owner_map: Mapping[str, str]
    journal: Journal
    run_id: str
    attach: Callable[[], Attached]
    reader: Attached | None = None
    lacks: Callable[[CompiledRule], Sequence[str]] = lambda rule: ()  # columns never stored
    voice: Voice | None = None
    messenger: Messenger | None = None
    speechless: str = ""  # why rules may say nothing in this run

    def plan(self, rules: RuleFile, *, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Plan what the rules ask for; reads the tags of the tickets that need it first."""
        plan = self._evaluate(rules, rule, ticket).plan()
        _say_skipped(resting(rules, rule), rules)
        return self._priced(sighted(self._guarded(plan, rules), self.mirror))

    def explain(self, rules: RuleFile, ticket: str) -> Explanation:
        """Explain one ticket by number or id; reads what is missing as a plan of it would."""
        ticket_id = find_ticket(self.mirror, ticket)
        evaluation = self._evaluate(rules, None, ticket_id)
        plan = self._guarded(evaluation.plan(), rules)
        blind = [*resting(rules), *unreadable(rules, self.mirror.rows)]
        every = [
            (rule, compile_rule(rule, rules, self.portal, plan.as_of))
            for rule in rules.rules
            if all(rule.id != one.rule for one in blind)
        ]
        found = explain(
            self.mirror,
            every,
            evaluation,
            plan,
            now=Now(plan.as_of, rules.calendars),
            ticket_id=ticket_id,
            portal=self.portal,
        )
        said = (f"{one.rule} is skipped: {one.reason}" for one in blind)
        price = self._priced(plan).cost.read_credits
        return replace(found, read_credits=price, ignored=(*found.ignored, *said))

    def _guarded(self, plan: Plan, rules: RuleFile) -> Plan:
        """Name the limits of unattended ticks that a plan passes."""
        past, open_ = self._spent(plan.as_of), self._open_tickets()
        found = breaches(plan, rules.limits, past, self.portal, open_tickets=open_)
        return replace(plan, breaches=found)

    def _spent(self, now: datetime) -> Spent:
        return spent(self.journal.entries(RECENT), now, self.portal)

    def _open_tickets(self) -> int:
        return int(self.mirror.rows(Sql("SELECT count(*) FROM zdsync.open_tickets"))[0][0])

    def look_back(self, desk: Callable[[], Desk]) -> None:
        """Settle what a crash left open, and look for what may have been said, before planning."""
        lately = (self.clock.now() - WORTH).astimezone(UTC).replace(tzinfo=None)
        asked = Sql(load("zdsync.changes.queries", "open.sql"), (lately,))
        if self.mirror.rows(asked) and recover(desk(), self.journal, self.clock):
            self.mirror.load_journal(self.journal.lines())

    def plan_unattended(self, rules: RuleFile) -> Plan:
        """Plan what may be written with nobody watching."""
        now = self.clock.now()
        plan = unattended(
            self._evaluate(rules, None, None).plan,
            rules.limits,
            self._spent(now),
            self.portal,
            open_tickets=self._open_tickets(),
        )
        _say(plan)
        _say_skipped(plan.skipped, rules)
        return self._priced(sighted(plan, self.mirror))

    def unheld(self, plan: Plan, rules: RuleFile) -> Plan:
        """Leave out of a kept plan what somebody decided since it was made."""
        holds = read_holds(self.mirror, {one.ticket_id for one in plan.writes})
        return unheld(plan, holds, {one.id for one in rules.rules if one.reassert})

    def refuse_beyond_limits(self, plan: Plan, rules: RuleFile, *, destructive: bool) -> None:
        """Raise PlanRefused where a person's plan passes the limits for destructive actions."""
        past = self._spent(self.clock.now())
        found = attended(plan, rules.limits, past, self.portal, destructive=destructive)
        if found:
            said = "; ".join(f"{b.limit} allows {b.allowed:g}, found {b.found:g}" for b in found)
            raise PlanRefused(
                f"the plan closes, moves, marks as spam or replies beyond the limits: {said}",
                "nothing was written; look at zdsync plan, then use --destructive if it is right",
            )

    def apply(
        self,
        plan: Plan,
        desk: Desk,
        *,
        workers: int,
        paused: Callable[[], bool],
        progress: Callable[[int], None] = lambda done: None,
    ) -> Applied:
        """Write the plan; afterwards the mirror holds the journal's new lines."""
        applied = apply_plan(
            unsaid(plan, self.mirror, silent=bool(self.speechless)),
            desk=desk,
            mirror=self.mirror,
            journal=self.journal,
            clock=self.clock,
            run_id=self.run_id,
            workers=workers,
            paused=paused,
            progress=progress,
            messenger=self.messenger,
        )
        self.mirror.load_journal(self.journal.lines(RECENT))
        log.info(
            "run=%s plan=%s %s left=%d halted=%s",
            self.run_id,
            plan.plan_id,
            " ".join(f"{name}={count}" for name, count in sorted(applied.outcomes.items())),
            applied.left,
            applied.halted,
        )
        return applied

    def _evaluate(self, rules: RuleFile, rule: str | None, ticket: str | None) -> Evaluation:
        """Evaluate; read what rules need of tickets within the allowance, and evaluate again."""
        as_of = self.clock.now()
        unready = unready_streams(self.mirror.cursor, as_of, self.every, crm=self.portal.crm)
        every = self._compiled(rules, as_of, rule)
        left = unfit(rules, every, self.portal, self.lacks, self.mirror.rows, only=rule)
        blind = {skipped.rule for skipped in left}
        untested = distrusted(rules.rules, last(self.mirror.rows))
        compiled = [_shown(one, untested) for one in every if one.id not in blind]
        left += tuple(Skipped(one.id, untested[one.id]) for one in compiled if one.id in untested)

        def once() -> Evaluation:
            found = evaluate(
                self.mirror,
                compiled,
                self.portal,
                as_of=as_of,
                rules_digest=rules.digest,
                unready=unready,
                owner_map=self.owner_map,
                ticket=ticket,
                voice=self.voice,
                speechless=self.speechless,
                kept=self._many_open(),
                whole=rule is None,
                held=True,
            )
            return replace(found, skipped=(*left, *found.skipped))

        return self._with_needs(once)

    def _many_open(self) -> bool:
        """Whether to keep what was found in texts: with few tickets it costs more than it saves.

        20,000 open: the first plan 4.1 s instead of 2.8, the next ones 1.5 instead of 1.7.
        """
        found = self.mirror.rows(
            Sql(
                "select count(*) from desk.tickets "
                "where coalesce(status_type, '') <> 'Closed' and presence = 'live'"
            )
        )
        return int(found[0][0]) > _MANY_OPEN

    def untried(self, rules: RuleFile, as_of: datetime) -> dict[str, str]:
        """Rules that cannot be tried on the past → why: what they read is not there at all."""
        ever = timedelta(days=36_500)
        unread = unready_streams(self.mirror.cursor, as_of, ever, crm=self.portal.crm)
        every = self._compiled(rules, as_of, None)
        left = unfit(rules, every, self.portal, self.lacks, self.mirror.rows)
        found = {one.rule: one.reason for one in left}
        for one in every:
            reasons = [unread[name] for name in sorted(one.streams) if name in unread]
            if reasons:
                found[one.id] = "; ".join(dict.fromkeys(reasons))
        return found

    def _with_needs(self, once: Callable[[], Evaluation]) -> Evaluation:
        """Evaluate until nothing is needed, or nothing more can be had."""
        found = once()
        for _ in range(ROUNDS):
            needs = found.plan().needs
            if not needs:
                break
            reader = self.reader = self.reader or self.attach()
            spent = reader.purse.calls
            try:
                reader.read(needs.rows, needs.tags, needs.conversations, needs.closings)
            except (ZohoFailed, TokenRefused) as failure:  # plan what does not need them
                blind = Skipped("", f"what hangs on tickets could not be read: {failure.what}")
                found = once()
                return replace(found, skipped=(*found.skipped, blind))
            if reader.purse.calls == spent:
                break
            found = once()
        return found

    def _priced(self, plan: Plan) -> Plan:
        """Add to a plan's cost what this run has spent on what hangs on tickets."""
        if self.reader is None:
            return plan
        purse = self.reader.purse
        cost = replace(plan.cost, read_calls=purse.calls, read_credits=purse.credits)
        return replace(plan, cost=cost)

    def _compiled(
        self, rules: RuleFile, as_of: datetime, only: str | None
    ) -> Sequence[CompiledRule]:
        return [
            compile_rule(rule, rules, self.portal, as_of)
            for rule in rules.rules
            if rule.mode != "off" and only in (None, rule.id)
        ]


def _shown(rule: CompiledRule, untested: Mapping[str, str]) -> CompiledRule:
    """A rule that people have not agreed with as it asks is only shown (docs/backtest.md)."""
    return replace(rule, mode="plan") if rule.id in untested else rule


def _say(plan: Plan) -> None:
    """Log what an unattended plan comes to, and what it left undone."""
    writes, shown, held = len(plan.writes), len(plan.changes), len(plan.held)
    log.info("plan=%s writes=%d shown=%d held=%d", plan.plan_id, writes, shown, held)
    for breach in plan.breaches:
        log.warning(
            "limit=%s rule=%s allowed=%g found=%g",
            breach.limit,
            breach.rule,
            breach.allowed,
            breach.found,
        )
    for one in plan.held:
        if one.kind == FLIPPED:
            told = (one.ticket_id, one.field, one.rule, one.reason)
            log.warning("quarantined ticket=%s field=%s rule=%s reason=%s", *told)
    left = Counter(change.rule for change in plan.left_to_apply)
    for rule, count in left.items():
        log.warning(
            "left=%d rule=%s reason=closing, moving and marking spam wait for zdsync apply",
            count,
            rule,
        )


def _say_skipped(some: Sequence[Skipped], rules: RuleFile) -> None:
    """Log which rules did not act; one that may rest is no reason to worry."""
    quiet = {one.id for one in rules.resting if one.allowed}
    for skipped in some:
        level = logging.DEBUG if skipped.rule in quiet else logging.WARNING
        log.log(level, "skipped=%s reason=%s", skipped.rule, skipped.reason)


def unready_streams(
    cursor: Callable[[str], Cursor], now: datetime, every: timedelta, *, crm: bool
) -> dict[str, str]:
    """Return stream → why no rule may act on it: never fully read, or too long ago (promise 11)."""
    found = {}
    for spec in STREAMS:
        if spec.system == "crm" and not crm:
            continue
        reason = _unready(spec, cursor(spec.name), now, every)
        if reason:
            found[spec.name] = reason
    return found


def _unready(spec: StreamSpec, at: Cursor, now: datetime, every: timedelta) -> str | None:
    if not at.complete or at.last_pull_at is None:
        return f"{spec.name} was never fully read; run zdsync pull"
    age = now - at.last_pull_at
    if age > PATIENCE * max(every, timedelta(seconds=spec.every)):
        minutes = age.total_seconds() / 60
        return f"{spec.name} was last read {minutes:.0f} minutes ago; run zdsync pull"
    return None
