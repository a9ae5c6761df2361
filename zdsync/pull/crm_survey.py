"""Walks a CRM list with few fields, once a day or a week: what no modified time tells.

Finds records that were never read, are of an older version, or are listed no longer (lost from
sight is no deletion event, crm.md 7), and refreshes formulas and roll-ups (crm.md 6), for one
credit per 200 rows. Promises that a record is buried only after a read of it alone says that it
is absent, and never more than a tenth of a stream at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from zdsync.clock import Clock
from zdsync.connectors import Crm
from zdsync.connectors.decode import moment_of
from zdsync.errors import Refused
from zdsync.mirror import Held, Listed, ListedRow, Mirror
from zdsync.model import RecordBatch, Row, Shape
from zdsync.pull.compare import refuse_to_bury
from zdsync.pull.crm_fields import Asked, asked_of
from zdsync.streams import StreamSpec

log = logging.getLogger(__name__)

DAILY = timedelta(days=1)  # where fields move silently …
WEEKLY = timedelta(days=7)  # … and elsewhere; the deleted feed forgets after 60 (crm.md 7)
VERSION = "Modified_Time"
SINGLES = 200  # reads of one record that an unattended survey may spend
_NOTE = "survey."
_BURIED = ("trashed", "gone")
_PAGE = 200


@dataclass(slots=True)
class Surveyed:
    """What a survey came to. `unsure`: not listed, and nothing proves that they are gone."""

    listed: int = 0
    repaired: int = 0
    refreshed: int = 0
    buried: int = 0
    unsure: int = 0


@dataclass(slots=True)
class Survey:
    """Surveys of one run. `commit` merges a batch and returns how many rows changed."""

    mirror: Mirror
    crm: Crm
    clock: Clock
    commit: Callable[[RecordBatch], int]
    accept: bool = False
    settle: Callable[[], None] = lambda: None
    _found: Surveyed = field(default_factory=Surveyed)

    def known(self, spec: StreamSpec) -> bool:
        """Whether it is known which fields were read of every record."""
        return "names" in self._state(spec)

    def walked(self, spec: StreamSpec, asked: Asked) -> None:
        """Note that every record was just read with these fields; prove that none was left out.

        A deletion in mid-list may make a walk by offset skip a row, and whether page tokens
        freeze a list is not known (crm.md 4).
        """
        self._keep(spec, asked.names)
        if self._held(spec).presences().get("live", 0) > _PAGE:
            self.run(spec, quiet=(), singles=SINGLES)

    def forget_unseen(self, spec: StreamSpec) -> None:
        """Note which fields are out of sight: should they come back, all records are read."""
        state = self._state(spec)
        names = set(state.get("names", ()))
        seen = names & set(asked_of(self.mirror, spec).names)
        if seen != names:
            self._note(spec, {**state, "names": sorted(seen)})

    def due(self, spec: StreamSpec) -> bool:
        """Whether the last survey was too long ago, or fields came into sight since."""
        state, asked = self._state(spec), asked_of(self.mirror, spec)
        at = state.get("at")
        if at is None or set(asked.names) - set(state.get("names", ())):
            return True
        pause = DAILY if asked.moving else WEEKLY
        return self.clock.now() - datetime.fromisoformat(at) >= pause

    def run(
        self, spec: StreamSpec, *, quiet: Sequence[str] | None = None, singles: int | None = None
    ) -> Surveyed:
        """Survey a stream. `quiet`: fields to compare too, by default those that may have moved.

        Raises Vanishing, ZohoFailed, TokenRefused.
        """
        self._found = Surveyed()
        started, asked = self.clock.now(), asked_of(self.mirror, spec)
        if quiet is None:
            unread = set(asked.names) - set(self._state(spec).get("names", ()))
            quiet = sorted({*asked.moving, *unread})
        listed = Listed(self.mirror.rows, self.mirror.run, spec.name)
        listed.begin()
        for batch in self.crm.records(spec, [VERSION, *quiet], asked.custom, None):
            self._page(spec, asked, listed, batch)
            self.settle()
        self._keep(spec, asked.names)
        self._missing(spec, asked, listed.missing(started), singles)
        log.info("survey=%s %s", spec.name, self._found)
        return self._found

    # -- what the list shows -------------------------------------------------------------------

    def _page(self, spec: StreamSpec, asked: Asked, listed: Listed, batch: RecordBatch) -> None:
        held = listed.held([row["id"] for row in batch.rows])
        listed.note(row["id"] for row in batch.rows)
        self._found.listed += len(batch.rows)
        stale = [row["id"] for row in batch.rows if _stale(row, held.get(row["id"]))]
        self._found.repaired += self._again(spec, asked, stale)[0]
        known = set(stale)
        moved = [row for one in batch.rows if one["id"] not in known and (row := _moved(one, held))]
        if moved:
            fresh = RecordBatch(spec.name, Shape.LIST, tuple(moved), batch.read_at)
            self._found.refreshed += self.commit(fresh)

    def _again(self, spec: StreamSpec, asked: Asked, ids: Sequence[str]) -> tuple[int, set[str]]:
        """Read records in full by id; returns how many changed, and which there are."""
        if not ids:
            return 0, set()
        batch = self.crm.by_ids(spec, ids, asked.names, asked.custom)
        return self.commit(batch), {row["id"] for row in batch.rows}

    # -- what it does not show -----------------------------------------------------------------

    def _missing(
        self, spec: StreamSpec, asked: Asked, ids: Sequence[str], singles: int | None
    ) -> None:
        changed, there = self._again(spec, asked, ids)
        self._found.repaired += changed
        doubtful = [one for one in ids if one not in there]
        if not doubtful:
            return
        if not self.accept:
            alive = self._held(spec).presences().get("live", 0)
            refuse_to_bury(spec.name, len(doubtful), alive)
        gone = []
        for one in doubtful[:singles]:
            try:
                if self.crm.absent(spec, one):
                    gone.append(one)
            except Refused:
                pass  # no right to it, perhaps: no proof of anything
            self.settle()
        self._found.buried = self.mirror.bury(spec.name, gone, self.clock.now())
        self._found.unsure = len(doubtful) - len(gone)

    def _held(self, spec: StreamSpec) -> Held:
        return Held(self.mirror.rows, spec.name)

    # -- bookkeeping ---------------------------------------------------------------------------

    def _state(self, spec: StreamSpec) -> dict[str, Any]:
        return _state(self.mirror, spec)

    def _keep(self, spec: StreamSpec, names: Sequence[str]) -> None:
        self._note(spec, {"at": self.clock.now(), "names": sorted(names)})

    def _note(self, spec: StreamSpec, state: Mapping[str, Any]) -> None:
        self.mirror.note(_NOTE + spec.name, orjson.dumps(dict(state)).decode())


def hasten(mirror: Mirror, spec: StreamSpec) -> None:
    """Make a stream's next survey due: the deleted feed was cut."""
    told = {**_state(mirror, spec), "at": None}
    mirror.note(_NOTE + spec.name, orjson.dumps(told).decode())


def _state(mirror: Mirror, spec: StreamSpec) -> dict[str, Any]:
    """When the stream was last surveyed, and which fields were read of every record."""
    found = mirror.noted(_NOTE + spec.name)
    return orjson.loads(found) if found else {}


def _stale(row: Row, held: ListedRow | None) -> bool:
    """Whether the mirror lacks this record, holds an older version, or thinks it gone."""
    if held is None or held.presence in _BURIED:
        return True
    told = row.get("modified_time")
    return told is not None and (held.modified is None or held.modified < moment_of(told))


def _moved(row: Row, held: dict[str, ListedRow]) -> Row | None:
    """The row to merge where its quiet fields differ; `cf` is one column, so it goes whole."""
    known = held[row["id"]]
    told = row.get("modified_time")
    if not told or known.modified != moment_of(told):
        return None  # the mirror is newer: the list was read before
    quiet = dict(row.get("cf") or {})
    rest = {key: item for key, item in row.items() if key != "cf"}
    whole = {**known.cf, **quiet}
    if whole != known.cf:
        return {**rest, "cf": whole}
    return rest if set(rest) - {"id", "modified_time"} else None
