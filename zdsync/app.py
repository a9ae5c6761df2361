"""Composition root: builds the parts from the settings and wires them for one command.

Has no logic of its own; each command of the command line calls one method here.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zdsync.clock import Clock, SystemClock
from zdsync.connect import Zoho, make_folders, open_portal
from zdsync.errors import MirrorBusy, PlanRefused, ZdsyncError
from zdsync.mirror import SERVICE, WORK, Mirror, hold, private_files, scratch
from zdsync.pull import (
    ALLOWANCE,
    CHECKED,
    Comparison,
    Progress,
    Puller,
    Quiet,
    StreamOutcome,
    due,
    refuse_unknown,
)
from zdsync.readings import MIRROR, no_mirror, published, reading
from zdsync.settings import Settings
from zdsync.sql import Sql
from zdsync.streams import BY_NAME

if TYPE_CHECKING:
    # What one command needs is imported by its method: a pull must not wait for the rules.
    from zdsync.changes import Applied, Journal, Plan
    from zdsync.flow import Flow
    from zdsync.reports.status import Status
    from zdsync.rulebook import Rulebook
    from zdsync.rules import RuleFile

TURN = 60.0  # seconds that a command waits for another to finish with the mirror


@dataclass(slots=True)
class Run:
    """One recorded run: the open mirror, its id, what it comes to (pulled, applied, …)."""

    mirror: Mirror
    id: str
    counts: dict[str, int] = field(default_factory=dict)


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
        self.settings = settings
        self.stop = stop or threading.Event()
        self.clock: Clock = clock or SystemClock(self.stop)
        self.progress: Progress = progress or Quiet()
        self._published_at: datetime | None = None

    # -- parts ------------------------------------------------------------------------------

    @cached_property
    def zoho(self) -> Zoho:
        """The way to the portal, opened when first needed."""
        make_folders(self.settings)
        return open_portal(self.settings, self.clock)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rules file."""
        from zdsync.rulebook import Rulebook

        return Rulebook(self.settings.rules, self.clock)

    @cached_property
    def journal(self) -> Journal:
        """The truth about writes."""
        from zdsync.changes import Journal

        return Journal(self.settings.private_dir / "journal", self.clock)

    @contextmanager
    def work(self, command: str, wait: float = TURN) -> Iterator[Mirror]:
        """Hold the private mirror open for one command; others wait for their turn."""
        make_folders(self.settings)
        private, settings = self.settings.private_dir, self.settings
        options = {
            "sla_tier_field": settings.sla_tier_field,
            "outcome_field": settings.outcome_field,
            "crm": "on" if settings.crm else "off",
        }
        with (
            private_files(),
            hold(private, WORK, command=command, clock=self.clock, wait=wait),
            Mirror.open(
                private / MIRROR, memory=settings.memory, options=options, clock=self.clock
            ) as mirror,
        ):
            yield mirror

    def instance(self) -> AbstractContextManager[None]:
        """Hold the place of the one service of this data directory."""
        return hold(self.settings.private_dir, SERVICE, command="zdsync run", clock=self.clock)

    def paused(self) -> bool:
        """Whether the brake is on or the service is asked to end."""
        return self.stop.is_set() or self.brake.exists()

    @property
    def brake(self) -> Path:
        """The file whose presence stops all writing."""
        return self.settings.data_dir / "STOP"

    def _puller(self, run: Run, *, accept_deletes: bool = False) -> Puller:
        exclude = frozenset(self.settings.exclude)
        return self.zoho.puller(
            run.mirror, run.id, self.progress, exclude=exclude, accept_deletes=accept_deletes
        )

    def _flow(self, run: Run) -> Flow:
        from zdsync.flow import Flow

        if not run.mirror.rows(Sql("SELECT 1 FROM zdsync.journal LIMIT 1")):
            run.mirror.load_journal(self.journal.lines())  # a new mirror knows what was written
        return Flow(
            mirror=run.mirror,
            portal=run.mirror.portal(),
            clock=self.clock,
            every=self.settings.every,
            owner_map=self.settings.owner_map,
            journal=self.journal,
            run_id=run.id,
            read_tags=lambda ids: self._puller(run).read_tags(ids),
        )

    @contextmanager
    def _run(self, command: str) -> Iterator[Run]:
        """One recorded run over the private mirror; what it changed is published at its end."""
        with self.work(f"zdsync {command}") as mirror:
            run = Run(mirror, f"{self.clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
            mirror.start_run(run.id, command)
            outcome, said = "failed", ""
            try:
                yield run
                outcome = "done"
            except ZdsyncError as error:
                said = error.what
                raise
            finally:
                self._account(mirror, run.id)
                mirror.finish_run(run.id, outcome, run.counts, said)
                if command != "run" or self._publish_is_due():
                    self._publish(mirror)

    def _account(self, mirror: Mirror, run_id: str) -> None:
        """Keep what the run's calls cost, and what Zoho said is left."""
        if "zoho" not in self.__dict__:
            return
        mirror.record_calls(run_id, self.zoho.drain())
        if self.zoho.left_today is not None:
            mirror.note("credits_left", str(self.zoho.left_today))

    def _publish(self, mirror: Mirror) -> None:
        if mirror.publish(published(self.settings), exclude=self.settings.publish_exclude):
            self._published_at = self.clock.now()

    def _publish_is_due(self) -> bool:
        last = self._published_at
        return last is None or self.clock.now() - last >= self.settings.publish_every

    # -- commands -----------------------------------------------------------------------------

    def pull(self, names: Sequence[str] = (), *, full: bool = False) -> list[StreamOutcome]:
        """Read streams (all by default) into the mirror and publish it."""
        refuse_unknown(names, list(BY_NAME))
        with self._run("pull") as run:
            outcomes = self._puller(run).pull(names, full=full)
            run.counts["pulled"] = sum(one.read for one in outcomes)
            return outcomes

    def reconcile(
        self, names: Sequence[str] = (), *, accept_deletes: bool = False
    ) -> list[Comparison]:
        """Pull, then prove that mirror and remote agree, and mend where they do not."""
        possible = [one for one in CHECKED if self.settings.crm or not one.startswith("crm.")]
        refuse_unknown(names, possible)
        chosen = [one for one in possible if not names or one in names]
        with self._run("reconcile") as run:
            puller = self._puller(run, accept_deletes=accept_deletes)
            pulled = puller.pull(chosen)
            run.counts["pulled"] = sum(one.read for one in pulled)
            failed = [Comparison(one.stream, error=one.error) for one in pulled if one.error]
            left = [one for one in chosen if one not in {bad.stream for bad in failed}]
            return failed + self.zoho.reconciler(puller).reconcile(left)

    def check(self, file: Path | None) -> tuple[RuleFile, bool]:
        """Find every problem of the rules file; also says whether the portal's names were known."""
        from zdsync.rulebook import Rulebook

        book = Rulebook(file, self.clock) if file else self.rulebook
        if not (self.settings.private_dir / MIRROR).exists():
            with scratch() as empty:
                return book.check(None, empty.rows), False
        with self.work("zdsync check") as mirror:
            portal = mirror.portal()
            return book.check(portal if portal.known else None, mirror.rows), portal.known

    def plan(self, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Show what the rules would change; keep the plan for `apply PLAN_ID`."""
        from zdsync.changes import shelf

        with self._run("plan") as run:
            flow = self._flow(run)
            rules = self.rulebook.load(flow.portal, rule)
            plan = flow.plan(rules, rule=rule, ticket=ticket)
            shelf.keep(plan, self._plans)
            return plan

    @property
    def _plans(self) -> Path:
        return self.settings.private_dir / "plans"

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

        if self.brake.exists():
            raise PlanRefused("writing is paused", "zdsync resume lets it go on")
        with self._run("apply") as run:
            flow = self._flow(run)
            rules = self.rulebook.load(flow.portal)
            if plan_id is None:
                plan = flow.plan(rules)
            else:
                now = self.clock.now()
                plan = shelf.fetch(plan_id, self._plans, rules_digest=rules.digest, now=now)
            if not plan.writes or not agree(plan):
                return plan, None
            flow.refuse_beyond_limits(plan, rules, destructive=destructive)
            return plan, self._write(run, flow, plan, progress)

    def _write(
        self,
        run: Run,
        flow: Flow,
        plan: Plan,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Applied:
        applied = flow.apply(
            plan,
            self.zoho.desk,
            workers=self.zoho.workers(),
            paused=self.paused,
            progress=progress,
        )
        run.counts.update(applied.outcomes)
        return applied

    def tick(self, *, once: bool = False) -> None:
        """One pass of the service: pull what is due, plan, apply what may go unattended.

        `once`: there is no last good rules file to fall back on, so a broken one is an error.
        """
        with self._run("run") as run:
            puller = self._puller(run)
            outcomes = puller.pull(due_only=True)
            run.counts["pulled"] = sum(one.read for one in outcomes)
            failures = [one.error for one in outcomes if one.error]
            stream = due(run.mirror, self.clock.now()) if not failures else None
            if stream:
                compared = self.zoho.reconciler(puller, ALLOWANCE).reconcile([stream])
                failures += [one.error for one in compared if one.error]
            flow = self._flow(run)
            book = self.rulebook
            rules = book.load(flow.portal) if once else book.load_or_last(flow.portal)
            if rules is not None and not self.paused():
                plan = flow.plan_unattended(rules)
                applied = self._write(run, flow, plan) if plan.writes else None
                if applied and applied.stopped:
                    raise applied.stopped
            for failed in failures:
                raise failed

    def pause(self) -> None:
        """Stop writing before the next write."""
        make_folders(self.settings)
        self.brake.touch(mode=0o640)

    def resume(self) -> None:
        """Take the brake off."""
        self.brake.unlink(missing_ok=True)

    def status(self) -> Status:
        """Streams, credits, the last run, the brake."""
        from zdsync.reports.status import read_status

        now, paused = self.clock.now(), self.brake.exists()
        if not (self.settings.private_dir / MIRROR).exists():
            raise no_mirror(self.settings)
        try:
            with self.work("zdsync status", wait=0) as mirror:
                return read_status(mirror.rows, now, paused=paused)
        except MirrorBusy:  # somebody is at work: the published copy tells how it was before
            with reading(self.settings) as reader:
                return read_status(reader.rows, now, paused=paused)
