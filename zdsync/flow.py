"""The stages in order over one open mirror: read tags that rules need, plan, guard, apply.

Knows no command and no screen. Promise 11 starts here: it says which streams are fit to act on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from zdsync.backtest import distrusted, last
from zdsync.changes import (
    WORTH,
    WORTH_A_LIST,
    Applied,
    Evaluation,
    Journal,
    Messenger,
    Plan,
    Skipped,
    apply_plan,
    evaluate,
    recover,
    unsaid,
)
from zdsync.changes.explain import explain, find_ticket
from zdsync.changes.explanation import Explanation
from zdsync.changes.holds import FLIPPED, read_holds
from zdsync.changes.keeping import unheld
from zdsync.changes.pauses import note_done
from zdsync.changes.sight import sighted
from zdsync.changes.tails import Tail, cut_off, with_tails
from zdsync.changes.unfit import resting, unfit, unreadable
from zdsync.changes.wire import is_speech
from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import PlanRefused, TokenRefused, ZohoFailed
from zdsync.mirror import Mirror
from zdsync.model import Change, Cursor, Portal, Voice
from zdsync.pull import Attached
from zdsync.rules import CompiledRule, RuleFile, compile_rule
from zdsync.rules.now import Now
from zdsync.sql import Sql, load
from zdsync.streams import STREAMS, StreamSpec
from zdsync.telling import Operator, Skips
from zdsync.watch import Watch

log = logging.getLogger(__name__)

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
    skips: Skips = field(default_factory=Skips)
    recall: Callable[[str], Plan | None] = lambda plan_id: None  # a plan that was being applied
    follow: Callable[[], None] = lambda: None  # loads the journal's new lines into the mirror

    def plan(self, rules: RuleFile, *, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Plan what the rules ask for; reads the tags of the tickets that need it first."""
        evaluation = self._evaluate(rules, rule, ticket)
        tails = self._cut_off(evaluation)
        found = self._tailed(evaluation, tails, rule=rule, ticket=ticket)
        plan = replace(found, whole=ticket is None)
        self.skips.say(resting(rules, rule), rules)
        return self._priced(sighted(self.watch(rules).shown(plan, rule), self.mirror))

    def explain(self, rules: RuleFile, ticket: str) -> Explanation:
        """Explain one ticket by number or id; reads what is missing as a plan of it would."""
        ticket_id = find_ticket(self.mirror, ticket)
        evaluation = self._evaluate(rules, None, ticket_id)
        watch = self.watch(rules)
        plan = replace(evaluation.plan(), breaches=watch.breaches(evaluation.plan()))
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
            paused={one.rule: one.told for one in watch.standing().values()},
        )
        said = (f"{one.rule} is skipped: {one.reason}" for one in blind)
        price = self._priced(plan).cost.read_credits
        return replace(found, read_credits=price, ignored=(*found.ignored, *said))

    def look_back(self, desk: Callable[[], Desk]) -> None:
        """Settle what a crash left open, and look for what may have been said, before planning."""
        now = self.clock.now().astimezone(UTC).replace(tzinfo=None)
        asked = Sql(load("zdsync.changes.queries", "open.sql"), (now - WORTH, now - WORTH_A_LIST))
        if self.mirror.rows(asked) and recover(desk(), self.journal, self.clock):
            self.follow()

    def plan_unattended(self, rules: RuleFile) -> Plan:
        """Plan what may be written with nobody watching; the operator hears what is paused."""
        watch = self.watch(rules)
        paused = watch.begin()
        evaluation = self._evaluate(rules, None, None, paused)
        tails = self._cut_off(evaluation)  # read once, however often the plan is made again
        plan = watch.unattended(lambda stopped: self._tailed(evaluation, tails, stopped), paused)
        log.info("plan=%s writes=%d shown=%d", plan.plan_id, len(plan.writes), len(plan.changes))
        log.info("plan=%s held=%d", plan.plan_id, len(plan.held))
        if plan.waiting:
            log.info("plan=%s waiting=%d", plan.plan_id, len(plan.waiting))
        self.skips.say(plan.skipped, rules)
        for one in watch.standing().values():  # told once; a crash may have come before
            self.operator.tell(f"pause {one.rule} {one.at.isoformat()}", one.news)
        self._tell_loops(plan)
        self.operator.send()
        return self._priced(sighted(plan, self.mirror))

    def _tell_loops(self, plan: Plan) -> None:
        """Tell, each once, of the fields that changed again and again and are in quarantine now."""
        for one in plan.held:
            if one.kind == FLIPPED:
                where = f"ticket {one.ticket_number or one.ticket_id}, {one.field}"
                news = f"quarantine: {where} ({one.rule}): {one.reason}"
                self.operator.tell(f"quarantine {one.ticket_id} {one.field} {one.reason}", news)

    def unheld(self, plan: Plan, rules: RuleFile) -> Plan:
        """Leave out of a kept plan what somebody decided since it was made."""
        holds = read_holds(self.mirror, {one.ticket_id for one in plan.writes})
        return unheld(plan, holds, {one.id for one in rules.rules if one.reassert})

    def watch(self, rules: RuleFile) -> Watch:
        """The guards of this run."""
        return Watch(self.mirror, self.portal, rules, self.clock.now())

    @property
    def operator(self) -> Operator:
        """Who hears of what needs a person."""
        targets = self.voice.targets if self.voice else ()
        return Operator(self.mirror, self.messenger, targets, self.clock)

    def _cut_off(self, evaluation: Evaluation) -> Sequence[Tail]:
        """Read what an earlier run began and could not end."""
        entries = self.journal.entries(RECENT)
        return cut_off(entries, evaluation.rules_digest, evaluation.as_of)

    def _tailed(
        self,
        evaluation: Evaluation,
        tails: Sequence[Tail],
        paused: frozenset[str] = frozenset(),
        *,
        rule: str | None = None,
        ticket: str | None = None,
    ) -> Plan:
        """Plan, and add what was cut off, as far as it is asked for and its rule acts now."""
        acting = evaluation.acting
        again = {one.id for one in acting.values() if one.reassert}

        def wanted(change: Change) -> bool:
            asked = rule in (None, change.rule) and ticket in (
                None,
                change.ticket_id,
                change.ticket_number,
            )
            silent = bool(self.speechless) and is_speech(change.field)
            return asked and change.rule in acting and change.rule not in paused and not silent

        def free(plan: Plan) -> Plan:
            return unheld(plan, evaluation.held(plan), again)

        return with_tails(evaluation.plan(paused), tails, self.recall, wanted, free)

    def accept(self, plan: Plan, rules: RuleFile, *, destructive: bool) -> None:
        """Take a person's plan for agreed to; PlanRefused beyond the limits for what is harsh."""
        self.refuse_beyond_limits(plan, rules, destructive=destructive)
        self.watch(rules).accept(plan)

    def refuse_beyond_limits(self, plan: Plan, rules: RuleFile, *, destructive: bool) -> None:
        """Raise PlanRefused where a person's plan passes the limits for destructive actions."""
        said = "" if destructive else self.watch(rules).forbids(plan)
        if said:
            raise PlanRefused(
                f"the plan closes, moves, marks as spam or replies beyond the limits: {said}",
                "nothing was written; look at zdsync plan, then use --destructive to write all of "
                "it now, or zdsync resume RULE to let the service write it within the limits",
            )

    def resume(self, rules: RuleFile, rule: str) -> int:
        """Let a paused rule go on; what it wants now is agreed to. Returns of how many tickets."""
        evaluation, watch = self._evaluate(rules, None, None), self.watch(rules)
        watch.refuse_unpaused(rule, evaluation.plan)
        return watch.accept(evaluation.plan(), "resumed", rule)

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
        self.follow()
        note_done(self.mirror, self.clock.now())
        log.info(
            "run=%s plan=%s %s left=%d halted=%s",
            self.run_id,
            plan.plan_id,
            " ".join(f"{name}={count}" for name, count in sorted(applied.outcomes.items())),
            applied.left,
            applied.halted,
        )
        return applied

    def _evaluate(
        self,
        rules: RuleFile,
        rule: str | None,
        ticket: str | None,
        paused: frozenset[str] = frozenset(),
    ) -> Evaluation:
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
                kept=True,
                whole=rule is None,
                held=True,
            )
            return replace(found, skipped=(*left, *found.skipped))

        return self._with_needs(once, paused)

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

    def _with_needs(
        self, once: Callable[[], Evaluation], paused: frozenset[str] = frozenset()
    ) -> Evaluation:
        """Evaluate until nothing is needed, or nothing more can be had."""
        found = once()
        for _ in range(ROUNDS):
            needs = found.plan(paused).needs
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
