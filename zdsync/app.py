"""Composition root: builds the parts from the settings and wires them for one command.

Has no logic of its own; each command of the command line calls one method here.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from zdsync import rulebook
from zdsync.changes import Applied, Journal, Plan, shelf
from zdsync.clock import Clock, SystemClock
from zdsync.connectors import Crm, Desk
from zdsync.errors import Misconfigured, PlanRefused, ZdsyncError
from zdsync.flow import Flow
from zdsync.mirror import Mirror, publish
from zdsync.mirror.lock import SERVICE, WORK, hold
from zdsync.model import Call, Portal
from zdsync.pull import Progress, Puller, Quiet, StreamOutcome, unknown_streams
from zdsync.rules import RuleFile
from zdsync.settings import Settings
from zdsync.sql import Sql
from zdsync.streams import BY_NAME
from zdsync.transport import Connection, connect

MIRROR = "mirror.duckdb"
TURN = 60.0  # seconds that a command waits for another to finish with the mirror


@dataclass(frozen=True, slots=True)
class Zoho:
    """The way to one portal."""

    connection: Connection
    desk: Desk
    crm: Crm | None

    def drain(self) -> list[Call]:
        """Hand over the calls made since the last time."""
        apis = [self.connection.desk, *([self.connection.crm] if self.connection.crm else [])]
        return [call for api in apis for call in api.budget.drain()]

    def workers(self) -> int:
        """How many calls Desk takes at once just now."""
        return self.connection.desk.budget.allowed_now


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
        self.rulebook = rulebook.Rulebook(settings.rules)
        self._published_at: datetime | None = None

    # -- parts ------------------------------------------------------------------------------

    @cached_property
    def zoho(self) -> Zoho:
        """Connect; the portal's edition sets the limits unless the settings do."""
        settings = self.settings
        missing = settings.missing_credentials()
        if missing:
            hint = "zdsync demo needs no portal; the README says how to connect yours"
            raise Misconfigured("the connection to Zoho is not set up", missing, hint)
        self._make_folders()
        connection = connect(
            dc=settings.dc,
            accounts_url=settings.accounts_url,
            desk_url=settings.desk_url,
            crm_url=settings.crm_url,
            org_id=settings.secret("org_id"),
            client_id=settings.secret("client_id"),
            client_secret=settings.secret("client_secret"),
            refresh_token=settings.secret("refresh_token"),
            token_cache=settings.private_dir / "token.json",
            edition=settings.edition,
            crm_edition=settings.edition,
            reserve=settings.credit_reserve,
            crm=settings.crm,
            clock=self.clock,
        )
        modules = {"Contacts": settings.crm_contacts, "Accounts": settings.crm_accounts}
        crm = Crm(connection.crm, self.clock, modules) if connection.crm else None
        desk = Desk(connection.desk, self.clock)
        if settings.edition is None:
            desk.organization(settings.secret("org_id"))
        return Zoho(connection, desk, crm)

    @cached_property
    def journal(self) -> Journal:
        """The truth about writes."""
        return Journal(self.settings.private_dir / "journal", self.clock)

    @contextmanager
    def work(self, command: str, wait: float = TURN) -> Iterator[Mirror]:
        """Hold the private mirror open for one command; others wait for their turn."""
        self._make_folders()
        private, settings = self.settings.private_dir, self.settings
        options = {
            "sla_tier_field": settings.sla_tier_field,
            "outcome_field": settings.outcome_field,
            "crm": "on" if settings.crm else "off",
        }
        with (
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

    def _make_folders(self) -> None:
        try:
            self.settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            self.settings.private_dir.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            what = f"the data directory {self.settings.data_dir} cannot be made: {error.strerror}"
            raise Misconfigured(what, hint="set ZDSYNC_DATA_DIR to one that may be written") from None

    def _run_id(self) -> str:
        return f"{self.clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    def _puller(self, mirror: Mirror, run_id: str) -> Puller:
        return Puller(
            mirror=mirror,
            desk=self.zoho.desk,
            crm=self.zoho.crm,
            clock=self.clock,
            progress=self.progress,
            workers=self.zoho.workers,
            drain=self.zoho.drain,
            run_id=run_id,
            exclude=frozenset(self.settings.exclude),
        )

    def _flow(self, mirror: Mirror, run_id: str, puller: Puller | None) -> Flow:
        return Flow(
            mirror=mirror,
            portal=mirror.portal(),
            clock=self.clock,
            every=self.settings.every,
            owner_map=self.settings.owner_map,
            journal=self.journal,
            run_id=run_id,
            puller=puller,
        )

    @contextmanager
    def _run(self, command: str) -> Iterator[tuple[Mirror, str]]:
        """One recorded run over the private mirror; what it changed is published at its end."""
        with self.work(f"zdsync {command}") as mirror:
            run_id = self._run_id()
            mirror.start_run(run_id, command)
            counts: dict[str, int] = {}
            outcome, said = "failed", ""
            try:
                yield mirror, run_id
                outcome = "done"
            except ZdsyncError as error:
                said = error.what
                raise
            finally:
                if "zoho" in self.__dict__:
                    mirror.record_calls(run_id, self.zoho.drain())
                mirror.finish_run(run_id, outcome, counts, said)
            self._publish(mirror)

    def _publish(self, mirror: Mirror) -> None:
        mirror.publish(self.published, exclude=self.settings.publish_exclude)
        self._published_at = self.clock.now()

    @property
    def published(self) -> Path:
        """The copy that analysts and reports read."""
        return self.settings.data_dir / MIRROR

    # -- commands -----------------------------------------------------------------------------

    def pull(self, names: Sequence[str] = (), *, full: bool = False) -> list[StreamOutcome]:
        """Read streams (all by default) into the mirror and publish it."""
        problems = [
            Problem("STREAM", "is no stream", _near(name, list(BY_NAME)), name)
            for name in unknown_streams(names)
        ]
        if problems:
            raise Misconfigured("unknown stream", problems)
        with self._run("pull") as (mirror, run_id):
            return self._puller(mirror, run_id).pull(names, full=full)

    def check(self, file: Path | None) -> tuple[RuleFile, bool]:
        """Find every problem of the rules file; also says whether the portal's names were known."""
        book = Rulebook(file) if file else self.rulebook
        if not (self.settings.private_dir / MIRROR).exists():
            with scratch() as query:
                return book.check(None, query), False
        with self.work("zdsync check") as mirror:
            portal = mirror.portal()
            return book.check(portal if portal.known else None, mirror.rows), portal.known

    def plan(self, rule: str | None = None, ticket: str | None = None) -> Plan:
        """Show what the rules would change; keep the plan for `apply PLAN_ID`."""
        with self._run("plan") as (mirror, run_id):
            flow = self._flow(mirror, run_id, self._puller(mirror, run_id))
            rules = self.rulebook.load(flow.portal)
            if rule is not None and rule not in {one.id for one in rules.rules}:
                near = _near(rule, [one.id for one in rules.rules])
                raise Misconfigured("unknown rule", [Problem("--rule", "is no rule", near, rule)])
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
        if self.brake.exists():
            raise PlanRefused("writing is paused", "zdsync resume lets it go on")
        with self._run("apply") as (mirror, run_id):
            flow = self._flow(mirror, run_id, self._puller(mirror, run_id))
            rules = self.rulebook.load(flow.portal)
            if plan_id is None:
                plan = flow.plan(rules)
            else:
                now = self.clock.now()
                plan = shelf.fetch(plan_id, self._plans, rules_digest=rules.digest, now=now)
            if not plan.writes or not agree(plan):
                return plan, None
            flow.refuse_beyond_limits(plan, rules, destructive=destructive)
            return plan, self._write(flow, plan, progress)

    def _write(
        self, flow: Flow, plan: Plan, progress: Callable[[int], None] = lambda done: None
    ) -> Applied:
        return flow.apply(
            plan,
            self.zoho.desk,
            workers=self.zoho.workers(),
            paused=self.paused,
            progress=progress,
        )

    def tick(self) -> None:
        """One pass of the service: pull what is due, plan, apply what may go unattended, publish."""
        with self._run("run") as (mirror, run_id):
            puller = self._puller(mirror, run_id)
            failed = [one for one in puller.pull(due_only=True) if one.error]
            flow = self._flow(mirror, run_id, puller)
            rules = self.rulebook.load_or_last(flow.portal)
            if rules is not None and not self.paused():
                plan = flow.plan_unattended(rules)
                log_plan(plan)
                applied = self._write(flow, plan) if plan.writes else None
                if applied and applied.stopped:
                    raise applied.stopped
            if failed and failed[0].error:
                raise failed[0].error

    def pause(self) -> None:
        """Stop writing before the next write."""
        self._make_folders()
        self.brake.touch(mode=0o640)

    def resume(self) -> None:
        """Take the brake off."""
        self.brake.unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the published mirror."""
        if not self.published.exists():
            raise MirrorFailed(f"there is no mirror at {self.published}", "run zdsync pull first")
        with Reader.open(self.published, memory=self.settings.memory) as reader:
            yield reader

    def report(self, name: str, as_of: str | None, since: str | None) -> Report:
        """Build a report from the published mirror."""
        period = standing(name).period
        until, start = read_period(as_of, since, now=self.clock.now(), default=period)
        with self.reading() as reader:
            return build(name, reader.columns_and_rows, until, start)

    def ask(self, query: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Ask the published mirror one question."""
        with self.reading() as reader:
            return reader.columns_and_rows(query)

    def status(self) -> Status:
        """Streams, credits, the last run, the brake."""
        with self.reading() as reader:
            return read_status(reader.rows, self.clock.now(), paused=self.brake.exists())

    def doctor(self) -> list[Finding]:
        """Check everything that a connection to a portal needs."""
        return examine(self)


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
