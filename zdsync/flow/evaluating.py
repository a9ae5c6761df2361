"""What the rules ask for, over what is read: evaluates, reads what hangs on tickets, and again.

Promises that no rule acts on a stream that is not fit, nor on what was never stored, and that the
reading stays within the run's allowance; what it cost is told. Must not add or leave out changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zdsync.backtest import distrusted, last
from zdsync.changes import Evaluation, Plan, Skipped, evaluate
from zdsync.changes.unfit import unfit
from zdsync.clock import Clock
from zdsync.errors import TokenRefused, ZohoFailed
from zdsync.flow.readiness import unready_streams
from zdsync.mirror import Mirror
from zdsync.model import Portal, Voice
from zdsync.pull import Attached
from zdsync.rules import CompiledRule, RuleFile, compile_rule

ROUNDS = 4  # of reading for one plan: rows, tags, conversations, and what those bring up


@dataclass(slots=True)
class Evaluator:
    """The rules over one open mirror; `attach` makes the reader of what hangs on tickets."""

    mirror: Mirror
    portal: Portal
    clock: Clock
    every: timedelta
    owner_map: Mapping[str, str]
    attach: Callable[[], Attached]
    lacks: Callable[[CompiledRule], Sequence[str]] = lambda rule: ()  # columns never stored
    voice: Voice | None = None
    speechless: str = ""  # why rules may say nothing in this run
    reader: Attached | None = None

    def evaluate(
        self,
        rules: RuleFile,
        rule: str | None = None,
        ticket: str | None = None,
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

    def priced(self, plan: Plan) -> Plan:
        """Add to a plan's cost what this run has spent on what hangs on tickets."""
        if self.reader is None:
            return plan
        purse = self.reader.purse
        cost = replace(plan.cost, read_calls=purse.calls, read_credits=purse.credits)
        return replace(plan, cost=cost)

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
