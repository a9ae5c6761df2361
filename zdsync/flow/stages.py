"""The stages of one run in their order: what is cut off and read, planned, guarded, agreed to.

Knows no command and no screen. Its parts evaluate (evaluating.py), bring back what a crash cut off
(cut_off.py) and write (writing.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from zdsync.changes import Plan
from zdsync.changes.explain import explain, find_ticket
from zdsync.changes.explanation import Explanation
from zdsync.changes.holds import FLIPPED, read_holds
from zdsync.changes.keeping import unheld
from zdsync.changes.sight import sighted
from zdsync.changes.unfit import resting, unreadable
from zdsync.clock import Clock
from zdsync.errors import PlanRefused
from zdsync.flow.cut_off import CutOff
from zdsync.flow.evaluating import Evaluator
from zdsync.flow.writing import Writing
from zdsync.mirror import Mirror
from zdsync.model import Portal
from zdsync.rules import RuleFile, compile_rule
from zdsync.rules.now import Now
from zdsync.telling import Operator, Skips
from zdsync.watch import Watch

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Flow:
    """One run over the open mirror; `operator` hears of what needs a person."""

    mirror: Mirror
    portal: Portal
    clock: Clock
    evaluator: Evaluator
    cut_off: CutOff
    writing: Writing
    operator: Operator
    skips: Skips = field(default_factory=Skips)

    def plan(self, rules: RuleFile, *, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Plan what the rules ask for; reads the tags of the tickets that need it first."""
        evaluation = self.evaluator.evaluate(rules, rule, ticket)
        tails = self.cut_off.read(evaluation)
        found = self.cut_off.plan(evaluation, tails, rule=rule, ticket=ticket)
        plan = replace(found, whole=ticket is None)
        self.skips.say(resting(rules, rule), rules)
        return self.evaluator.priced(sighted(self.watch(rules).shown(plan, rule), self.mirror))

    def explain(self, rules: RuleFile, ticket: str) -> Explanation:
        """Explain one ticket by number or id; reads what is missing as a plan of it would."""
        ticket_id = find_ticket(self.mirror, ticket)
        evaluation = self.evaluator.evaluate(rules, ticket=ticket_id)
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
        price = self.evaluator.priced(plan).cost.read_credits
        return replace(found, read_credits=price, ignored=(*found.ignored, *said))

    def plan_unattended(self, rules: RuleFile) -> Plan:
        """Plan what may be written with nobody watching; the operator hears what is paused."""
        watch = self.watch(rules)
        paused = watch.begin()
        evaluation = self.evaluator.evaluate(rules, paused=paused)
        tails = self.cut_off.read(evaluation)  # read once, however often the plan is made again
        plan = watch.unattended(
            lambda stopped: self.cut_off.plan(evaluation, tails, stopped), paused
        )
        log.info("plan=%s writes=%d shown=%d", plan.plan_id, len(plan.writes), len(plan.changes))
        log.info("plan=%s held=%d", plan.plan_id, len(plan.held))
        if plan.waiting:
            log.info("plan=%s waiting=%d", plan.plan_id, len(plan.waiting))
        self.skips.say(plan.skipped, rules)
        for one in watch.standing().values():  # told once; a crash may have come before
            self.operator.tell(f"pause {one.rule} {one.at.isoformat()}", one.news)
        self._tell_loops(plan)
        self.operator.send()
        return self.evaluator.priced(sighted(plan, self.mirror))

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
        evaluation, watch = self.evaluator.evaluate(rules), self.watch(rules)
        watch.refuse_unpaused(rule, evaluation.plan)
        return watch.accept(evaluation.plan(), "resumed", rule)
