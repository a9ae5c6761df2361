"""Where one command works: the parts built from the settings, one recorded run over the mirror.

Has no logic of its own. Knows no command: `app` has those.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from zdsync import workfile
from zdsync.clock import Clock, SystemClock
from zdsync.connect import Zoho, messenger, open_portal
from zdsync.errors import ZdsyncError
from zdsync.forgetting import keep_private
from zdsync.mirror import SERVICE, Mirror, Shield, hold
from zdsync.pull import Allowance, Attached, PastReader, Progress, Puller, Quiet, paced
from zdsync.readings import published
from zdsync.record import Record
from zdsync.settings import Settings
from zdsync.workfile import TURN, make_folders

if TYPE_CHECKING:
    # What one command needs is imported by its method: a pull must not wait for the rules.
    from zdsync.changes import Journal
    from zdsync.flow import Flow
    from zdsync.model import Portal
    from zdsync.rulebook import Rulebook
    from zdsync.rules import CompiledRule
    from zdsync.telling import Skips

log = logging.getLogger(__name__)

_TICKS = 12  # lately: what a tick costs is the middle of so many


@dataclass(slots=True)
class Run:
    """One recorded run: the open mirror, its id and command, what it comes to (pulled, applied, …).

    `allowance`: what it may still spend on what hangs on tickets.
    """

    mirror: Mirror
    id: str
    allowance: Allowance
    command: str
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
        self._mirror: Mirror | None = None
        self._costs: deque[float] = deque(maxlen=_TICKS)
        self._spent_before = 0.0
        self._shield: Shield | None = None

    # -- parts ------------------------------------------------------------------------------

    @cached_property
    def zoho(self) -> Zoho:
        """The way to the portal, opened when first needed."""
        make_folders(self.settings)
        return open_portal(self.settings, self.clock, self._mirror)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rules file."""
        from zdsync.rulebook import Rulebook

        return Rulebook(self.settings.rules, self.settings.voice)

    @cached_property
    def record(self) -> Record:
        """The journal beside a mirror."""
        return Record(self.settings, self.clock)

    @property
    def journal(self) -> Journal:
        """The truth about writes."""
        return self.record.journal

    @cached_property
    def skips(self) -> Skips:
        """What the log was told of rules that do not act."""
        from zdsync.telling import Skips

        return Skips()

    def work(self, command: str, wait: float = TURN) -> AbstractContextManager[Mirror]:
        """Hold the private mirror open for one command; others wait for their turn."""
        return workfile.work(self.settings, self.clock, command, wait)

    @contextmanager
    def instance(self) -> Iterator[None]:
        """Hold the place of the one service of this data directory.

        Meanwhile nobody can open the published file for writing.
        """
        private = self.settings.private_dir
        with hold(private, SERVICE, command="zdsync run", clock=self.clock), Shield() as shield:
            self._shield = shield
            try:
                yield
            finally:
                self._shield = None

    def paused(self) -> bool:
        """Whether the brake is on or the service is asked to end."""
        return self.stop.is_set() or self.brake.exists()

    @property
    def brake(self) -> Path:
        """The file whose presence stops all writing."""
        return self.settings.data_dir / "STOP"

    def puller(self, run: Run, *, accept_deletes: bool = False) -> Puller:
        return self.zoho.puller(
            run.mirror,
            run.id,
            self.progress,
            accept_deletes=accept_deletes,
            readers=self._read_by,
        )

    def attached(self, run: Run) -> Attached:
        """The run's reader of what hangs on tickets."""
        return self.zoho.attached(self.puller(run), run.allowance, self.past(run))

    def past(self, run: Run) -> PastReader:
        """What tells who changed the tickets that moved."""
        zoho, exclude = self.zoho, frozenset(self.settings.exclude)
        return PastReader(
            run.mirror, zoho.desk, self.clock, zoho.workers, zoho.drain, run.id, exclude
        )

    def _read_by(self, stream: str, module: str, field: str) -> list[str]:
        """The rules and reports that read a field; asked only when a field drifted."""
        names = self.settings.outcome_field, self.settings.sla_tier_field
        read_by = self.rulebook.readers(outcome_field=names[0], sla_tier_field=names[1])
        return read_by(stream, module, field)

    def flow(self, run: Run) -> Flow:
        """The stages of a run."""
        from zdsync.changes import shelf
        from zdsync.flow import CutOff, Evaluator, Flow, Writing
        from zdsync.telling import Operator

        mirror, journal, clock, voice = run.mirror, self.journal, self.clock, self.settings.voice
        portal, told = mirror.portal(), messenger(self.settings, clock)
        self._sign(run.command, portal)
        speechless = self.record.speechless(mirror)
        return Flow(
            mirror=mirror,
            portal=portal,
            clock=clock,
            evaluator=Evaluator(
                mirror,
                portal,
                clock,
                self.settings.every,
                self.settings.owner_map,
                attach=lambda: self.attached(run),
                lacks=self.lacks,
                voice=voice,
                speechless=speechless,
            ),
            cut_off=CutOff(journal, lambda plan_id: shelf.recall(plan_id, self.plans), speechless),
            writing=Writing(
                *(mirror, journal, clock, run.id, told, speechless),
                follow=lambda: self.record.follow(mirror),
            ),
            operator=Operator(mirror, told, voice.targets if voice else (), clock),
            skips=self.skips,
        )

    def _sign(self, command: str, portal: Portal) -> None:
        """Let the journal say who writes, by which rule as it stands; ask for addresses anew."""
        from zdsync.changes.signature import Signature
        from zdsync.changes.wire import field_name

        closing = [name for name, kind in portal.statuses.items() if kind == "Closed"]
        outcome = field_name(portal.outcome_field)
        self.journal.by = Signature(command, self.rulebook.digest_of, closing, outcome)
        if "zoho" in self.__dict__:
            self.zoho.desk.speech.forget_addresses()

    def lacks(self, rule: CompiledRule) -> list[str]:
        """The columns that a rule needs and ZDSYNC_EXCLUDE leaves out."""
        from zdsync.rulebook import lacks

        return lacks(self.settings)(rule)

    @contextmanager
    def run(self, command: str) -> Iterator[Run]:
        """One recorded run over the private mirror; what it changed is published at its end."""
        with self.work(f"zdsync {command}") as mirror:
            run_id = f"{self.clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
            run = Run(mirror, run_id, Allowance(self.settings.child_credits), command)
            self.record.load(mirror)
            mirror.start_run(run.id, command)
            self._resume(mirror)
            try:
                yield run
            except BaseException as error:
                try:
                    said = error.what if isinstance(error, ZdsyncError) else ""
                    self._end(run, command, "failed", said)
                except ZdsyncError as second:  # the first error tells why
                    log.warning("run=%s ended=badly reason=%s", run.id, second.what)
                raise
            self._end(run, command, "done")

    def _end(self, run: Run, command: str, outcome: str, error: str = "") -> None:
        """Keep what the run came to, and publish."""
        self._account(run.mirror, run.id)
        run.mirror.finish_run(run.id, outcome, run.counts, error)
        keep_private(run.mirror, self.settings, daily=command == "run")
        if self._publish_is_due(command):
            self._publish(run.mirror)

    def _resume(self, mirror: Mirror) -> None:
        """Go on with the account of credits from what others spent meanwhile."""
        self._mirror, self._spent_before = mirror, 0.0
        if "zoho" in self.__dict__:
            self.zoho.resume(mirror)
            self._spent_before = self.zoho.desk_credits.ever

    def _account(self, mirror: Mirror, run_id: str) -> None:
        """Keep what the run's calls cost, and how the credits stand."""
        self._mirror = None
        if "zoho" not in self.__dict__:
            return
        mirror.record_calls(run_id, self.zoho.drain())
        self.zoho.keep(mirror)
        self._costs.append(self.zoho.desk_credits.ever - self._spent_before)

    def pause(self) -> timedelta:
        """How long to wait until the next run: longer where the day's credits run short."""
        if "zoho" not in self.__dict__ or not self._costs:
            return self.settings.every
        return paced(self.zoho.desk_credits, self.settings.every, median(self._costs), self.clock)

    def _publish(self, mirror: Mirror) -> None:
        target = published(self.settings)
        if mirror.publish(target, exclude=self.settings.publish_exclude):
            self._published_at = self.clock.now()
        if self._shield is not None:
            self._shield.cover(target)

    def _publish_is_due(self, command: str) -> bool:
        last = self._published_at
        if command != "run":
            return command != "estimate"  # it reads nothing: there may be no mirror yet
        return last is None or self.clock.now() - last >= self.settings.publish_every

    @property
    def plans(self) -> Path:
        """Plans that were shown, for `apply PLAN_ID`."""
        return self.settings.private_dir / "plans"
