"""Composition root: builds the parts from the settings and wires them for one command.

Has no logic of its own; each command of the command line calls one method here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zdsync.clock import Clock
from zdsync.errors import MirrorBusy, PlanRefused
from zdsync.pull import (
    ALLOWANCE,
    CHECKED,
    Comparison,
    Estimate,
    Progress,
    StreamOutcome,
    due,
    refuse_unknown,
)
from zdsync.readings import MIRROR, no_mirror, reading
from zdsync.settings import Settings
from zdsync.streams import BY_NAME
from zdsync.transport import Rolling, day_of
from zdsync.workfile import make_folders
from zdsync.workplace import Run, Workplace

if TYPE_CHECKING:
    # What one command needs is imported by its method: a pull must not wait for the rules.
    from zdsync.backtest import Backtest
    from zdsync.changes import Applied, Plan
    from zdsync.changes.doubts import Settled, Verdict
    from zdsync.changes.explanation import Explanation
    from zdsync.changes.releasing import Released
    from zdsync.changes.undo import Undo
    from zdsync.checking import Checked
    from zdsync.flow import Flow
    from zdsync.forgetting import Agree, Forgotten
    from zdsync.hindsight import Asked
    from zdsync.reports.journal import Ask
    from zdsync.reports.status import Status
    from zdsync.undoing import Undone


class App:
    """One command's world. Cheap to make: nothing is opened before it is needed."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.place = Workplace(settings, clock=clock, progress=progress, stop=stop)

    def pull(
        self, names: Sequence[str] = (), *, full: bool = False, accept_deletes: bool = False
    ) -> list[StreamOutcome]:
        """Read streams (all by default) into the mirror and publish it."""
        refuse_unknown(names, list(BY_NAME))
        with self.place.run("pull") as run:
            puller = self.place.puller(run, accept_deletes=accept_deletes)
            outcomes = puller.pull(names, full=full)
            outcomes += self.place.attached(run).named(names)
            run.counts["pulled"] = sum(one.read for one in outcomes)
            return outcomes

    def estimate(self, names: Sequence[str] = (), *, full: bool = False) -> Estimate:
        """Name the price of a pull; nothing is read but counts."""
        refuse_unknown(names, list(BY_NAME))
        with self.place.run("estimate") as run:
            return self.place.zoho.estimator(self.place.puller(run)).estimate(names, full=full)

    def reconcile(
        self, names: Sequence[str] = (), *, accept_deletes: bool = False
    ) -> list[Comparison]:
        """Pull, then prove that mirror and remote agree, and mend where they do not."""
        possible = [one for one in CHECKED if self.place.settings.crm or not one.startswith("crm.")]
        refuse_unknown(names, possible)
        chosen = [one for one in possible if not names or one in names]
        with self.place.run("reconcile") as run:
            puller = self.place.puller(run, accept_deletes=accept_deletes)
            pulled = puller.pull(chosen)
            run.counts["pulled"] = sum(one.read for one in pulled)
            failed = [Comparison(one.stream, error=one.error) for one in pulled if one.error]
            left = [one for one in chosen if one not in {bad.stream for bad in failed}]
            return failed + self.place.zoho.reconciler(puller).reconcile(left)

    def check(self, file: Path | None) -> Checked:
        """Find every problem of the rules file."""
        from zdsync.inspection import inspect

        return inspect(self.place.settings, self.place.clock, file)

    def plan(self, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Show what the rules would change; keep the plan for `apply PLAN_ID`."""
        from zdsync.changes import shelf

        with self.place.run("plan") as run:
            flow = self.place.flow(run)
            rules = self.place.rulebook.load(flow.portal, rule)
            plan = flow.plan(rules, rule=rule, ticket=ticket)
            shelf.keep(plan, self.place.plans)
            return plan

    def explain(self, ticket: str, rule: str | None = None) -> Explanation:
        """Tell what every rule, or one, makes of a ticket, and why."""
        with self.place.run("explain") as run:
            flow = self.place.flow(run)
            rules = self.place.rulebook.load(flow.portal, rule)
            found = flow.explain(rules, ticket)
        only = tuple(one for one in found.rules if rule in (None, one.rule))
        return replace(found, rules=only, paused=self.place.brake.exists())

    def backtest(self, asked: Asked) -> Backtest:
        """Try the rules on the past; a sample's History is read from Zoho first."""
        from zdsync.hindsight import look_back

        with self._pulled("backtest") as run:
            return look_back(self.place, run, asked)

    def apply(
        self,
        plan_id: str | None,
        agree: Callable[[Plan], bool],
        *,
        destructive: bool = False,
        progress: Callable[[int], None] = lambda done: None,
    ) -> tuple[Plan, Applied | None]:
        """Write a plan, the named one or a new one; None where the person did not agree."""
        from zdsync.changes import shelf

        if self.place.brake.exists():
            raise PlanRefused("writing is paused", "zdsync resume lets it go on")
        with self.place.run("apply") as run:
            flow = self.place.flow(run)
            rules = self.place.rulebook.load(flow.portal)
            flow.writing.look_back(lambda: self.place.zoho.desk)
            if plan_id is None:
                plan = flow.plan(rules)
            else:
                now = self.place.clock.now()
                plan = shelf.fetch(plan_id, self.place.plans, rules_digest=rules.digest, now=now)
                plan = flow.unheld(plan, rules)
            if not plan.writes or not agree(plan):
                return plan, None
            flow.accept(plan, rules, destructive=destructive)
            return plan, self._write(run, flow, plan, progress)

    def _write(
        self,
        run: Run,
        flow: Flow,
        plan: Plan,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Applied:
        from zdsync.changes import shelf

        plans, shown = self.place.plans, shelf.keeps(plan.plan_id, self.place.plans)
        if not shown:
            shelf.keep(plan, plans)  # what is cut off is found there
        applied = flow.writing.apply(
            plan,
            self.place.zoho.desk,
            workers=self.place.zoho.workers(),
            paused=self.place.paused,
            progress=progress,
        )
        run.counts.update(applied.outcomes)
        if applied.clean and not shown:
            shelf.drop(plan.plan_id, plans)
        return applied

    def undo(
        self, word: str, agree: Callable[[Undo], bool], *, destructive: bool = False
    ) -> Undone:
        """Take back what a run or a change wrote, where the person agrees."""
        from zdsync.undoing import take_back

        if self.place.brake.exists():
            raise PlanRefused("writing is paused", "zdsync resume lets it go on")
        with self.place.run("undo") as run:
            return take_back(self.place, run, word, agree, destructive=destructive)

    def tick(self, *, once: bool = False) -> None:
        """One pass of the service: pull what is due, plan, apply what may go unattended.

        `once`: there is no last good rules file to fall back on, so a broken one is an error.
        """
        with self.place.run("run") as run:
            puller = self.place.puller(run)
            outcomes = puller.pull(due_only=True)
            run.counts["pulled"] = sum(one.read for one in outcomes)
            failures = [one.error for one in outcomes if one.error]
            # A CRM that refuses must not keep Desk from being compared.
            trouble = any(one.error for one in outcomes if one.stream.startswith("desk."))
            stream = None if trouble else due(run.mirror, self.place.clock.now())
            if stream:
                compared = self.place.zoho.reconciler(puller, ALLOWANCE).reconcile([stream])
                failures += [one.error for one in compared if one.error]
            flow = self.place.flow(run)
            book = self.place.rulebook
            rules = book.load(flow.portal) if once else book.load_or_last(flow.portal)
            if rules is not None and not self.place.paused():
                flow.writing.look_back(lambda: self.place.zoho.desk)
                plan = flow.plan_unattended(rules)
                applied = self._write(run, flow, plan) if plan.writes else None
                if applied and applied.stopped:
                    raise applied.stopped
            if not failures:
                self.place.past(run).read(run.allowance)  # what rules have left of it
            swept = self.place.attached(run).sweep_tags(self.place.settings.child_credits)
            for failed in [*failures, *([swept] if swept else [])]:
                raise failed

    def forget(self, contact: str, agree: Agree) -> Forgotten | None:
        """Empty a person's data in the mirror and publish; None where `agree` said no."""
        from zdsync.forgetting import forget

        with self._pulled("forget") as run:
            return forget(run.mirror, self.place.settings, contact, agree)

    def adopt(self) -> bool:
        """Let rules speak again after files of the journal were lost; False where none were."""
        with self.place.run("adopt") as run:
            return self.place.record.adopt(run.mirror)

    @contextmanager
    def journal(self) -> Iterator[tuple[Ask, str]]:
        """Yield what answers questions to the journal, up to now, and '' or why only up to when."""
        settings = self.place.settings
        ours = os.access(settings.private_dir / MIRROR, os.R_OK | os.W_OK)
        busy = "" if ours else "the private mirror is not there for us"
        with ExitStack() as stack:
            if ours:
                try:
                    mirror = stack.enter_context(self.place.work("zdsync journal", wait=0))
                except MirrorBusy as error:
                    busy = error.what
                else:
                    self.place.record.follow(mirror)
                    yield stack.enter_context(mirror.reader()).columns_and_rows, ""
                    return
            yield stack.enter_context(reading(settings)).columns_and_rows, busy

    def release(self, ticket: str, field: str = "") -> Released:
        """Let rules decide a held field of a ticket again, or all of its fields."""
        from zdsync.changes.releasing import release

        with self._pulled("release") as run:
            return release(run.mirror, ticket, field, self.place.clock.now())

    def settle(self, change: str, outcome: Verdict) -> Settled:
        """Take a person's word for what became of a write of which nobody knows."""
        from zdsync.changes.doubts import settle

        with self._pulled("settle") as run:
            now, journal = self.place.clock.now(), self.place.journal
            done = settle(run.mirror, journal, change, outcome, now)
            self.place.record.follow(run.mirror)
            return done

    @contextmanager
    def _pulled(self, command: str) -> Iterator[Run]:
        """Begin a recorded run, but not where there is no mirror: nothing was ever pulled."""
        if not (self.place.settings.private_dir / MIRROR).exists():
            raise no_mirror(self.place.settings)
        with self.place.run(command) as run:
            yield run

    def pause(self) -> None:
        """Stop writing before the next write."""
        make_folders(self.place.settings)
        self.place.brake.touch(mode=0o640)

    def resume(self, rule: str | None = None) -> int:
        """Take the brake off, or let a paused rule go on: returns how many tickets it wants."""
        if rule is None:
            self.place.brake.unlink(missing_ok=True)
            return 0
        with self.place.run("resume") as run:
            flow = self.place.flow(run)
            return flow.resume(self.place.rulebook.load(flow.portal, rule), rule)

    def status(self) -> Status:
        """Streams, credits, the last run, the brake."""
        from zdsync.reports.status import read_status

        now, paused = self.place.clock.now(), self.place.brake.exists()
        began = {"day_began": day_of(self.place.settings.dc).start(now)}
        began["crm_began"] = Rolling().start(now)
        if not (self.place.settings.private_dir / MIRROR).exists():
            raise no_mirror(self.place.settings)
        try:
            with self.place.work("zdsync status", wait=0) as mirror:
                return read_status(mirror.rows, now, paused=paused, **began)
        except MirrorBusy:  # somebody is at work: the published copy tells how it was before
            with reading(self.place.settings) as reader:
                return read_status(reader.rows, now, paused=paused, **began)
