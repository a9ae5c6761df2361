"""Guards over time: what unattended ticks may write, what they leave to a person, and why.

Brings the pure limits (changes/guard.py) together with what lasts between ticks
(changes/pauses.py). Promises that a breach pauses its rule until a person agrees, and that what a
person agreed to is written within the limits, oldest first. Must not evaluate a rule, write to
Zoho or tell anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from zdsync.changes import Guard, Plan, Skipped, pauses, spent
from zdsync.changes.pauses import EndedBy, Pause
from zdsync.changes.plan import Breach
from zdsync.errors import Misconfigured
from zdsync.mirror import Mirror
from zdsync.model import Portal
from zdsync.rules import RuleFile
from zdsync.sql import Sql
from zdsync.text import near

Replan = Callable[[frozenset[str]], Plan]


@dataclass(slots=True)
class Watch:
    """The guards of one run over one rules file."""

    mirror: Mirror
    portal: Portal
    rules: RuleFile
    now: datetime

    def standing(self) -> dict[str, Pause]:
        """Rule → its pause, of rules that are paused as they stand now."""
        return pauses.standing(self.mirror, self._digests)

    def begin(self) -> frozenset[str]:
        """Begin an unattended tick: note what came to its end, pause what Zoho refuses.

        Returns the rules that are paused.
        """
        resting = {one.id for one in self.rules.resting}
        pauses.lapse(self.mirror, self._digests, {*self._digests, *resting}, self.now)
        pauses.note_done(self.mirror, self.now)
        held = self.standing()
        found = pauses.refused(self.mirror, self._digests, self.rules.digest, self.now)
        some = [one for one in found if one.rule not in held]
        self._keep(some)
        return frozenset(held) | {one.rule for one in some}

    def unattended(self, replan: Replan, paused: frozenset[str]) -> Plan:
        """Reduce the plan of a tick to what may be written with nobody watching.

        A rule that goes beyond a limit is paused from now on, until a person agrees.
        """
        guard = self._guard()
        plan = guard.unattended(replan, paused)
        self._keep(
            [pauses.paused_by(one, self._digests[one.rule], self.now) for one in plan.breaches]
        )
        self._finish(guard, plan)
        held = tuple(Skipped(one.rule, one.brief) for one in self.standing().values())
        return replace(plan, skipped=(*plan.skipped, *held))

    def shown(self, plan: Plan, only: str | None = None) -> Plan:
        """A person's plan: what is paused or waits, and the limits that a tick would pass.

        `only`: the one rule that it is of.
        """
        guard = self._guard()
        wanted = {(one.rule, one.ticket_id) for one in plan.writes}
        waits = Counter(rule for rule, ticket in guard.backlog if (rule, ticket) in wanted)
        held = self.standing().values()
        said = [Skipped(one.rule, one.told) for one in held if only in (None, one.rule)]
        said += [Skipped(rule, _WAITS.format(count)) for rule, count in waits.items()]
        breaches = guard.breaches(plan)
        return replace(plan, skipped=(*plan.skipped, *said), breaches=breaches)

    def breaches(self, plan: Plan) -> tuple[Breach, ...]:
        """The limits of unattended ticks that a plan passes."""
        return self._guard().breaches(plan)

    def forbids(self, plan: Plan) -> str:
        """The limits for destructive actions that a person's plan passes; "" for none."""
        found = self._guard().attended(plan)
        return "; ".join(
            f"{one.limit} allows {one.allowed:g}, found {one.found:g}" for one in found
        )

    def accept(self, plan: Plan, by: EndedBy = "applied", only: str | None = None) -> int:
        """Remember that a person agreed to a plan, or to what it has of one rule.

        Ends the pauses that the person could have seen in it; what the plan wants beyond the
        limits and does not come to write is a backlog now. Returns of how many tickets.
        """
        held = self.standing()
        writes = [one for one in plan.writes if only in (None, one.rule)]
        rules = {only} if only else {one.rule for one in writes}
        seen = {one.rule for one in held.values() if one.rule in rules and one.at <= plan.as_of}
        pairs = dict.fromkeys((one.rule, one.ticket_id) for one in writes)
        if only or seen or plan.breaches:
            pauses.accept(self.mirror, pairs, self._digests, self.now)
        if plan.whole and seen:
            pauses.end(self.mirror, seen, by, self.now)
            self.mirror.touch()
        return len(pairs)

    def refuse_unpaused(self, rule: str, replan: Replan) -> None:
        """Raise Misconfigured where a rule is not paused, nor would be by the next tick."""
        held = self.standing()
        over = {one.rule for one in self._guard().unattended(replan, frozenset(held)).breaches}
        if rule not in held and rule not in over:
            hint = near(rule, list(held)) if held else "zdsync status lists what is paused"
            raise Misconfigured(f"the rule {rule} is not paused, nor over a limit", hint=hint)

    @property
    def _digests(self) -> Mapping[str, str]:
        return {rule.id: rule.digest for rule in self.rules.rules}

    def _keep(self, some: list[Pause]) -> None:
        if some:
            pauses.begin(self.mirror, some)
            self.mirror.touch()

    def _finish(self, guard: Guard, plan: Plan) -> None:
        """End the backlogs of which nothing is left to do, of rules that could tell."""
        wanted = {(one.rule, one.ticket_id) for one in (*plan.writes, *plan.waiting)}
        open_ = {rule for rule, ticket in guard.backlog if (rule, ticket) in wanted}
        blind = {one.rule for one in plan.skipped} | set(self.standing())
        if "" not in blind:
            left = {rule for rule, _ in guard.backlog} - open_ - blind
            if left:
                pauses.finish(self.mirror, left, self.now)

    def _guard(self) -> Guard:
        digests = self._digests
        written = pauses.written(self.mirror, self.now)
        # What a rule did that has left the file is done; there is nothing to pause.
        some = [one if one.rule in digests else replace(one, charged=False) for one in written]
        past = spent(some, self.portal.statuses)
        ((count,),) = self.mirror.rows(Sql("SELECT count(*) FROM zdsync.open_tickets"))
        backlog = pauses.backlog(self.mirror, digests)
        return Guard(self.rules.limits, past, self.portal, int(count), backlog)


_WAITS = (
    "{} tickets of it wait, as a person agreed: the service writes them within the limits, "
    "oldest first; zdsync apply writes them now"
)
