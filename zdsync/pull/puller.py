"""Reads every stream into the mirror and moves its cursor.

Promises: rows and cursor are committed together; a cursor never passes rows that are not
committed, nor the start of the run less the lookback. One thread writes the mirror; the
connectors' threads only fetch. A stream that fails leaves the others alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from zdsync.clock import Clock
from zdsync.connectors import Crm, Desk, forbids
from zdsync.errors import (
    CreditsSpent,
    MirrorFailed,
    TokenRefused,
    Vanishing,
    ZdsyncError,
    ZohoFailed,
)
from zdsync.mirror import Mirror
from zdsync.model import Call, Cursor, RecordBatch
from zdsync.pull import drift
from zdsync.pull.children import Children
from zdsync.pull.crm_fields import asked_of
from zdsync.pull.crm_survey import Survey
from zdsync.pull.crm_walk import CrmWalk
from zdsync.pull.deletes import Deletes
from zdsync.pull.links import LINKED, LinkRefresh
from zdsync.pull.progress import Progress, StreamOutcome
from zdsync.pull.time_walk import TimeWalk
from zdsync.streams import BY_NAME, STREAMS, StreamSpec

log = logging.getLogger(__name__)

_Fetched = tuple[datetime, list[RecordBatch]]  # since when, and all of a small stream
FIELD_MODULES = ("tickets", "contacts", "accounts")


@dataclass(slots=True)
class Puller:
    """One run of reading. `drain` hands over the calls made since the last checkpoint."""

    mirror: Mirror
    desk: Desk
    crm: Crm | None
    clock: Clock
    progress: Progress
    workers: Callable[[], int]
    drain: Callable[[], Sequence[Call]]
    run_id: str
    accept_deletes: bool = False
    surveyed: bool = False  # a CRM list was surveyed in this run
    readers: drift.Readers = drift.nobody
    _ahead: dict[str, Future[_Fetched]] = field(default_factory=dict)

    def pull(
        self, names: Sequence[str] = (), *, full: bool = False, due_only: bool = False
    ) -> list[StreamOutcome]:
        """Read the named streams (all by default); with `due_only`, those whose pause is over."""
        chosen = [spec for spec in self.available() if not names or spec.name in names]
        if due_only:
            chosen = [spec for spec in chosen if self._due(spec)]
        with ThreadPoolExecutor(self.workers()) as pool:
            # A page or two each: waiting for one after the other is what a small portal waits for.
            small = [
                one for one in chosen if one.system == "desk" and one.walk in ("pages", "fields")
            ]
            self._ahead = {spec.name: pool.submit(self._fetch, spec) for spec in small}
            return self._pull_all(chosen, full)

    def _pull_all(self, chosen: Sequence[StreamSpec], full: bool) -> list[StreamOutcome]:
        outcomes: list[StreamOutcome] = []
        ended: dict[str, ZdsyncError] = {}  # systems that give nothing more in this run
        for spec in chosen:
            if spec.system in ended:
                outcomes.append(StreamOutcome(spec.name, 0, 0, ended[spec.system]))
                continue
            outcome = self._pull_one(spec, full)
            outcomes.append(outcome)
            if isinstance(outcome.error, TokenRefused) and spec.system == "desk":
                raise outcome.error
            if isinstance(outcome.error, TokenRefused) and forbids(outcome.error):
                continue  # a scope that is missing may be one module's
            if isinstance(outcome.error, TokenRefused | CreditsSpent):
                ended[spec.system] = outcome.error  # the other system has rights of its own
        return outcomes

    def available(self) -> list[StreamSpec]:
        return [spec for spec in STREAMS if spec.system == "desk" or self.crm is not None]

    def _due(self, spec: StreamSpec) -> bool:
        last = self.mirror.cursor(spec.name).last_pull_at
        return last is None or self.clock.now() - last >= timedelta(seconds=spec.every)

    def _pull_one(self, spec: StreamSpec, full: bool) -> StreamOutcome:
        started, tally = self.clock.monotonic(), _Tally()
        self.progress.start(spec.name, None)
        error: ZdsyncError | None = None
        try:
            self._walk(spec, full, tally)
            self.deletes().when_due(spec)
        except (ZohoFailed, TokenRefused, Vanishing, MirrorFailed) as failure:
            error = failure
        finally:
            self.mirror.record_calls(self.run_id, self.drain())
        self.progress.done(spec.name, tally.read)
        log.info(
            "stream=%s rows=%d changed=%d seconds=%.1f outcome=%s",
            spec.name,
            tally.read,
            tally.changed,
            self.clock.monotonic() - started,
            type(error).__name__ if error else "done",
        )
        return StreamOutcome(spec.name, tally.read, tally.changed, error, tally.note)

    def _walk(self, spec: StreamSpec, full: bool, tally: _Tally) -> None:
        if spec.system == "crm":
            self._read_crm(spec, full, tally)
        elif spec.walk == "time":
            self._through_time(spec, full, tally)
        elif spec.walk == "fields":
            self._replace_fields(spec, tally)
        else:
            self._replace(spec, self._fetched(spec), tally)

    # -- whole streams: a few pages, read in full ------------------------------------------

    def _fetch(self, spec: StreamSpec) -> _Fetched:
        now = self.clock.now()
        if spec.walk == "fields":
            return now, [self.desk.fields(module) for module in FIELD_MODULES]
        return now, list(self.desk.pages(spec))

    def _fetched(self, spec: StreamSpec) -> _Fetched:
        ahead = self._ahead.pop(spec.name, None)
        return ahead.result() if ahead else self._fetch(spec)

    def _replace(
        self, spec: StreamSpec, fetched: _Fetched, tally: _Tally, keep: Iterable[str] = ()
    ) -> None:
        now, held = fetched
        cursor = replace(self.mirror.cursor(spec.name), complete=True, last_pull_at=now, value=now)
        ids = {row["id"] for batch in held for row in batch.rows} | set(keep)
        with self.mirror.transaction():
            self.mirror.replace_missing(spec.name, ids, now, accept=self.accept_deletes)
            self._commit(spec, held, cursor, tally)

    def _replace_fields(self, spec: StreamSpec, tally: _Tally) -> None:
        """Read the fields' metadata anew, and note what drifted since the last time."""
        fetched = self._fetched(spec)
        whole = self.mirror.cursor(spec.name).complete
        with self.mirror.transaction():
            before = drift.known(self.mirror, spec.name)
            self._replace(spec, fetched, tally, drift.unlisted(before, fetched[1]))
            if whole:
                drift.note(self.mirror, spec.name, before, self.clock.now(), self.readers)

    # -- the CRM ----------------------------------------------------------------------------

    def crm_walk(self, tally: _Tally | None = None) -> CrmWalk | None:
        """What reads the CRM in this run; None where it is off."""
        if self.crm is None:
            return None
        told = tally or _Tally()

        def commit(spec: StreamSpec, some: Sequence[RecordBatch], cursor: Cursor | None) -> int:
            before = told.changed
            self._commit(spec, some, cursor, told)
            return told.changed - before

        def one(batch: RecordBatch) -> int:
            return commit(BY_NAME[batch.stream], [batch], None)

        survey = Survey(self.mirror, self.crm, self.clock, one, accept=self.accept_deletes)
        return CrmWalk(
            self.mirror, self.crm, self.clock, commit, survey, self.surveyed, readers=self.readers
        )

    def _read_crm(self, spec: StreamSpec, full: bool, tally: _Tally) -> None:
        walk = self.crm_walk(tally)
        assert walk is not None  # _available leaves CRM streams out otherwise
        match spec.walk:
            case "fields":
                walk.fields(spec)
            case "users":
                walk.users(spec)
            case _:
                walk.records(spec, full)
        self.surveyed, tally.note = walk.surveyed, walk.note

    # -- tickets, contacts, accounts: walked by time ----------------------------------------

    def _through_time(self, spec: StreamSpec, full: bool, tally: _Tally) -> None:
        def commit(batches: Sequence[RecordBatch], cursor: Cursor | None, total: int) -> None:
            tally.total = max(tally.total, total)
            self._commit(spec, batches, cursor, tally)

        TimeWalk(spec, self.mirror, self.desk, self.clock, self.workers, commit).read(full)
        self._read_links(spec, tally)

    def _read_links(self, spec: StreamSpec, tally: _Tally) -> None:
        """Read the CRM links that search rows lack."""
        if self.crm is None:
            return
        children = self._children()
        for batch in children.links(spec):
            self._commit(spec, [batch], None, tally)
        if spec.name in LINKED:
            refresh = LinkRefresh(self.mirror, self.desk, self.clock, children.details)
            for batch in refresh.batches(spec):
                self._commit(spec, [batch], None, tally)
        walk = self.crm_walk()
        if walk is not None:
            walk.pointed_at(spec)

    def _children(self) -> Children:
        return Children(self.mirror, self.desk, self.clock, self.workers)

    def deletes(self) -> Deletes:
        """The reader of the bins."""

        def again(spec: StreamSpec, ids: Sequence[str]) -> RecordBatch:
            assert self.crm is not None
            asked = asked_of(self.mirror, spec)
            return self.crm.by_ids(spec, ids, asked.names, asked.custom)

        where = (self.mirror, self.desk, self.crm, self.clock)
        return Deletes(*where, again=again, accept=self.accept_deletes)

    # -- one way into the mirror -------------------------------------------------------------

    def _commit(
        self,
        spec: StreamSpec,
        batches: Sequence[RecordBatch],
        cursor: Cursor | None,
        tally: _Tally,
    ) -> None:
        tally.changed += self.mirror.checkpoint(batches, cursor)
        self.mirror.record_calls(self.run_id, self.drain())  # a kill must not lose what was spent
        rows = sum(len(batch.rows) for batch in batches)
        tally.read += rows
        self.progress.advance(spec.name, rows, tally.total or None)


@dataclass(slots=True)
class _Tally:
    read: int = 0
    changed: int = 0
    total: int = 0
    note: str = ""
