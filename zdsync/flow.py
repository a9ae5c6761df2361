"""The stages in order over one open mirror: read tags that rules need, plan, guard, apply.

Knows no command and no screen. Promise 11 starts here: it says which streams are fit to act on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

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
from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import PlanRefused, TokenRefused, ZohoFailed
from zdsync.mirror import Mirror
from zdsync.model import Cursor, Portal, Voice
from zdsync.pull import Attached
from zdsync.rules import CompiledRule, RuleFile, check_patterns, compile_rule, silent_truths
from zdsync.sql import Sql, load
from zdsync.streams import STREAMS, StreamSpec

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

    def plan(self, rules: RuleFile, *, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Plan what the rules ask for; reads the tags of the tickets that need it first."""
        plan = self._evaluate(rules, rule, ticket).plan()
        _say_skipped(_resting(rules, rule), rules)
        past = self._spent(plan.as_of)
        found = breaches(plan, rules.limits, past, self.portal, open_tickets=self._open_tickets())
        return self._priced(replace(plan, breaches=found))

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
        return self._priced(plan)

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
        unfit = (*_resting(rules, rule), *self._unfit(every), *self._hidden(rules))
        unfit += tuple(self._unreadable(rules))
        blind = {skipped.rule for skipped in unfit}
        compiled = [one for one in every if one.id not in blind]

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
            )
            return replace(found, skipped=(*unfit, *found.skipped))

        return self._with_needs(once)

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
                reader.read(needs.rows, needs.tags, needs.conversations)
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

    def _unfit(self, compiled: Sequence[CompiledRule]) -> list[Skipped]:
        """Rules that read what the settings leave out."""
        return [
            Skipped(one.id, f"ZDSYNC_EXCLUDE leaves out {', '.join(self.lacks(one))}")
            for one in compiled
            if self.lacks(one)
        ]

    def _unreadable(self, rules: RuleFile) -> list[Skipped]:
        """Rules with a pattern that only RE2 refuses: asked of DuckDB it would end the run."""
        return [
            Skipped(one.rule, f"{one.what} ({one.where})")
            for one in check_patterns(rules, self.mirror.rows)
        ]

    def _hidden(self, rules: RuleFile) -> list[Skipped]:
        """Rules of the last good file that privacy settings have blinded since."""
        found = {
            rule.id: Skipped(rule.id, f"privacy settings hide {name}: `{compare.text}`")
            for rule in rules.rules
            for compare, name in silent_truths(rule.when, self.portal)
        }
        return list(found.values())

    def _compiled(
        self, rules: RuleFile, as_of: datetime, only: str | None
    ) -> Sequence[CompiledRule]:
        return [
            compile_rule(rule, rules, self.portal, as_of)
            for rule in rules.rules
            if rule.mode != "off" and only in (None, rule.id)
        ]


def _say(plan: Plan) -> None:
    """Log what an unattended plan comes to, and what it left undone."""
    log.info("plan=%s writes=%d shown=%d", plan.plan_id, len(plan.writes), len(plan.changes))
    for breach in plan.breaches:
        log.warning(
            "limit=%s rule=%s allowed=%g found=%g",
            breach.limit,
            breach.rule,
            breach.allowed,
            breach.found,
        )
    left = Counter(change.rule for change in plan.left_to_apply)
    for rule, count in left.items():
        log.warning(
            "left=%d rule=%s reason=closing, moving and marking spam wait for zdsync apply",
            count,
            rule,
        )


def _resting(rules: RuleFile, only: str | None) -> list[Skipped]:
    """Rules that name what the portal has not: they decide nothing."""
    return [
        Skipped(one.id, one.reason)
        for one in rules.resting
        if one.mode != "off" and only in (None, one.id)
    ]


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
