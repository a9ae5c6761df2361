"""Where one command works: the parts built from the settings, one recorded run over the mirror.

Has no logic of its own. Knows no command: `app` has those.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zdsync.clock import Clock, SystemClock
from zdsync.connect import Zoho, make_folders, open_portal
from zdsync.errors import ZdsyncError
from zdsync.mirror import SERVICE, WORK, Mirror, hold, private_files
from zdsync.pull import Allowance, Attached, Progress, Puller, Quiet
from zdsync.readings import MIRROR, published
from zdsync.settings import Settings
from zdsync.sql import Sql

if TYPE_CHECKING:
    # What one command needs is imported by its method: a pull must not wait for the rules.
    from zdsync.changes import Journal
    from zdsync.flow import Flow
    from zdsync.rulebook import Rulebook

TURN = 60.0  # seconds that a command waits for another to finish with the mirror


@dataclass(slots=True)
class Run:
    """One recorded run: the open mirror, its id, what it comes to (pulled, applied, …).

    `allowance`: what it may still spend on what hangs on tickets.
    """

    mirror: Mirror
    id: str
    allowance: Allowance
    counts: dict[str, int] = field(default_factory=dict)


class Workplace:
    """The parts of one command's world; nothing is opened before it is needed."""

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

    def puller(self, run: Run, *, accept_deletes: bool = False) -> Puller:
        exclude = frozenset(self.settings.exclude)
        return self.zoho.puller(
            run.mirror, run.id, self.progress, exclude=exclude, accept_deletes=accept_deletes
        )

    def attached(self, run: Run) -> Attached:
        """The run's reader of what hangs on tickets."""
        return self.zoho.attached(self.puller(run), run.allowance)

    def flow(self, run: Run) -> Flow:
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
            attach=lambda: self.attached(run),
            exclude=frozenset(self.settings.exclude),
        )

    @contextmanager
    def run(self, command: str) -> Iterator[Run]:
        """One recorded run over the private mirror; what it changed is published at its end."""
        with self.work(f"zdsync {command}") as mirror:
            run_id = f"{self.clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
            run = Run(mirror, run_id, Allowance(self.settings.child_credits))
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

    @property
    def plans(self) -> Path:
        """Plans that were shown, for `apply PLAN_ID`."""
        return self.settings.private_dir / "plans"
