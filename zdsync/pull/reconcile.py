"""Proves that mirror and remote agree, and mends where they do not.

Counts by windows of created time first; where they differ, halves; where few rows are left, a
walk that compares ids. Promises: nothing is buried that the bin or a detail read did not call
gone, nor more than a tenth of a stream at once; what could not be proven is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.errors import MirrorFailed, Refused, TokenRefused, Vanishing, ZohoFailed
from zdsync.mirror import HIDDEN, Held, Mirror, doubles
from zdsync.model import Call, Span
from zdsync.pull import compare
from zdsync.pull.archive import Archive
from zdsync.pull.compare import LEAF, Window
from zdsync.pull.comparison import NOTE, Comparison
from zdsync.pull.crm_survey import Survey
from zdsync.pull.deletes import BURIED, Bin, Deletes
from zdsync.pull.lookback import AHEAD, FIRST
from zdsync.pull.narrow import Narrowing
from zdsync.pull.repair import Repair
from zdsync.pull.sources import ByFields, BySearch
from zdsync.streams import BY_NAME, StreamSpec

log = logging.getLogger(__name__)

_PARTS = 4  # windows of the first comparison
_BIN_PAGES = 5
_PROBE = 10  # records of a hidden presence that are asked for
_FLAGS = {"spam": "is_spam", "archived": "is_archived"}


class AllowanceSpent(Exception):
    """The credits that this run may spend are gone."""


@dataclass(slots=True)
class Reconciler:
    """One run of comparing. `allowance`: credits that a stream may cost; None for no bound."""

    mirror: Mirror
    desk: Desk
    clock: Clock
    deletes: Deletes
    workers: Callable[[], int]
    drain: Callable[[], Sequence[Call]]
    run_id: str
    allowance: float | None = None
    survey: Survey | None = None  # of the CRM's lists
    _cap: int | None = None
    _done: Comparison = field(default_factory=lambda: Comparison(""))

    def reconcile(self, names: Sequence[str]) -> list[Comparison]:
        """Compare streams one after the other; one that fails leaves the others alone."""
        return [self._one(BY_NAME[name]) for name in names]

    def _one(self, spec: StreamSpec) -> Comparison:
        self._done, self._cap = Comparison(spec.name), None
        try:
            if spec.system == "crm":
                self._feed(spec)
            else:
                self._compare(spec)
        except AllowanceSpent:
            self._unproven(f"stopped after {self._done.credits:g} credits; the rest comes later")
        except (ZohoFailed, TokenRefused, Vanishing, MirrorFailed) as error:
            self._done.error = error
        finally:
            self._account()
        self.mirror.note(NOTE + spec.name, self.clock.now().isoformat())  # failed ones wait too
        log.info("reconcile=%s", self._done)
        return self._done

    def _feed(self, spec: StreamSpec) -> None:
        bin = self.deletes.read(spec)
        self._done.buried, self._done.back = bin.buried, bin.back
        self._done.held = self.deletes.rows_alive(spec)
        self._settle()
        if self.survey is None or not self.survey.known(spec):
            self._unproven("never fully read; run zdsync pull")
            return
        self.survey.settle = self._settle
        found = self.survey.run(spec)
        self._done.windows = 1  # the whole list, id by id
        self._done.remote, self._done.held = found.listed, self.deletes.rows_alive(spec)
        self._done.repaired += found.repaired + found.refreshed
        self._done.buried += found.buried
        if found.unsure:
            self._unproven(f"{found.unsure} that no list shows and no read calls gone: left as is")

    def _compare(self, spec: StreamSpec) -> None:
        if not self.mirror.cursor(spec.name).complete:
            self._unproven("never fully read; run zdsync pull")
            return
        if double := doubles.mend(self.mirror.rows, spec.name):
            self._done.repaired += double
            log.error("stream=%s ids_twice=%d: one row of each is kept", spec.name, double)
        held = self.deletes.held(spec)
        bin = self._bin(spec)
        repair = Repair(spec, self.mirror, self.desk, self.deletes, self.workers, self._settle, bin)
        try:
            self._emptied(repair, held)
            shown = self._shown(repair, held)
            self._created(repair, held, shown)
            self._modified(repair, held, shown)
            if spec.name == "desk.tickets":
                self._by_fields(repair, held)
            self._hidden(repair, held)
        finally:
            self._done.repaired += repair.repaired
            self._done.buried += repair.buried
            self._done.back += repair.back
            if repair.unseen:
                self._unproven(f"{repair.unseen} there by id but not in search: lag, or hidden")
            if repair.refused:
                self._unproven(f"{repair.refused} that may not be read by id: left as they are")

    # -- the bin ------------------------------------------------------------------------------

    def _bin(self, spec: StreamSpec) -> Bin:
        trashed = self.deletes.held(spec).presences().get("trashed", 0)
        found = self.deletes.read(spec, _BIN_PAGES, whole=trashed > 0)
        self._done.buried += found.buried
        self._settle()
        if found.refused:
            self._unproven("the recycle bin may not be read")
        return found

    def _emptied(self, repair: Repair, held: Held) -> None:
        """Who left the bin was restored or is gone for good."""
        if repair.bin.whole:
            left = [one for one in held.lately_trashed(LEAF) if one not in repair.bin.entries]
        else:
            left = held.least_lately_read(("trashed",), _PROBE)
        repair.verify(left)

    # -- what search shows --------------------------------------------------------------------

    def _shown(self, repair: Repair, held: Held) -> frozenset[str]:
        """Learn which presences search shows beside live ones (desk-tickets.md 5 point 8)."""
        shown = {"live"}
        known = held.presences()
        for presence in HIDDEN:
            if not known.get(presence):
                continue
            ids = held.least_lately_read((presence,), _PROBE)
            try:
                batch = self.desk.proofs.by_ids(repair.spec, ids)
            except Refused:
                self._unproven(f"whether search shows {presence} records")
                continue
            if not batch.rows:
                continue
            if presence in _FLAGS:
                repair.upsert(batch)
            else:
                repair.verify([row["id"] for row in batch.rows])
            after = held.of([row["id"] for row in batch.rows])
            if any(row.presence == presence for row in after.values()):
                shown.add(presence)
            self._settle()
        return frozenset(shown)

    # -- counts by windows --------------------------------------------------------------------

    def _created(self, repair: Repair, held: Held, shown: frozenset[str]) -> None:
        source = BySearch("created", repair.spec, held, self.desk, shown)
        narrow = Narrowing(source, self._settle)
        windows = self._first(narrow, held)
        self._done.windows += len(windows)
        self._done.held = sum(window.held for window in windows)
        self._done.remote = sum(window.remote or 0 for window in windows)
        uncounted = {window.span for window in windows if window.remote is None}
        if uncounted and self._done.held > LEAF:
            self._unproven("search tells no counts: read in full")
        self._guard(repair, narrow, windows)
        missing: list[str] = []
        for window in narrow.differing(windows):
            seen = repair.read("created", window.span)
            missing += [one for one in held.ids(window.span, shown) if one not in seen]
            self._done.remote += len(seen) if window.span in uncounted else 0
            narrow.was_read(window, len(seen))
            self._settle()
        repair.verify(missing, unseen=True)
        self._cap = narrow.cap
        if narrow.cap is not None:
            self._unproven(f"search counts no further than {narrow.cap:,}: read instead of counted")

    def _modified(self, repair: Repair, held: Held, shown: frozenset[str]) -> None:
        """Older versions show on the axis of modified time; read anew, they are mended."""
        if self._done.held <= LEAF:
            return  # already read row by row
        source = BySearch("modified", repair.spec, held, self.desk, shown)
        narrow = Narrowing(source, self._settle, self._cap)
        windows = self._first(narrow, held)
        self._done.windows += len(windows)
        for window in narrow.differing(windows):
            repair.read("modified", window.span)
            self._settle()

    def _first(self, narrow: Narrowing, held: Held) -> list[Window]:
        source, whole = narrow.source, Span(FIRST, self.clock.now() + AHEAD)
        rows = source.held(whole)
        if rows <= LEAF:  # reading all costs what a count costs, and proves more
            return [Window(whole, rows, None)]
        return [narrow.window(span) for span in held.cuts(source.axis, whole, _PARTS)]

    def _guard(self, repair: Repair, narrow: Narrowing, windows: Sequence[Window]) -> None:
        """Stop before anything is read where search hides too much (promise 4)."""
        missing = sum(window.missing for window in windows)
        if self.deletes.accept or not compare.too_many(missing, self._done.held):
            return
        if narrow.adds_up(max(windows, key=lambda window: window.missing)):
            compare.refuse_to_bury(repair.spec.name, missing, self._done.held)

    # -- counts by field, and what no count shows ----------------------------------------------

    def _by_fields(self, repair: Repair, held: Held) -> None:
        source = ByFields(held, self.desk, self.mirror)
        said = source.learn()
        self._settle()
        archive = Archive(repair, self.mirror)
        if archive.read(differs=source.differs) and source.differs:
            said = source.learn()
        self._done.unproven += archive.unproven
        if said:
            self._unproven(said)
        if source.agrees is not False:
            return
        narrow = Narrowing(source, self._settle)
        windows = self._first(narrow, held)
        self._done.windows += len(windows)
        before = repair.repaired
        for window in narrow.differing(windows):
            repair.read("created", window.span)
            self._settle()
        if repair.repaired == before:
            source.forget()
            self._unproven("ticketsCountByFieldValues differs, and search shows no reason")

    def _hidden(self, repair: Repair, held: Held) -> None:
        """Read a few hidden records again: nothing else tells that they were emptied."""
        classes = [one for one in HIDDEN if one not in BURIED]
        repair.verify(held.least_lately_read(classes, _PROBE))

    # -- accounts -----------------------------------------------------------------------------

    def _account(self) -> None:
        calls = self.drain()
        self.mirror.record_calls(self.run_id, calls)
        self._done.credits += sum(call.credits for call in calls)

    def _settle(self) -> None:
        """Keep what the calls cost; AllowanceSpent once that is more than allowed."""
        self._account()
        if self.allowance is not None and self._done.credits >= self.allowance:
            raise AllowanceSpent

    def _unproven(self, what: str) -> None:
        self._done.unproven.append(what)
