"""Learns of deletions: Desk's recycle bin, the CRM's deleted feed. Hourly, a call a stream.

Promises: a tombstone keeps the values; more than a tenth of a stream is not buried at once;
a bin that may not be read is a line in the log. Who is found in the bin by a mirror that read
the record after its deletion is asked once more in full: search may lag, or show the trash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from zdsync.clock import Clock
from zdsync.connectors import Crm, Deleted, Desk
from zdsync.errors import Refused, TokenRefused
from zdsync.mirror import Held, Mirror
from zdsync.model import RecordBatch
from zdsync.pull.compare import refuse_to_bury
from zdsync.pull.crm_survey import hasten
from zdsync.streams import StreamSpec

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
DESK = ("desk.tickets", "desk.contacts", "desk.accounts")
CRM = ("crm.contacts", "crm.accounts", "crm.leads")
_MARGIN = {"desk": timedelta(hours=1), "crm": timedelta(days=1)}  # lists may lag too
_PAGES = 20
_AGAIN = 100  # CRM records in the bin that are asked for again: one call
BURIED = ("trashed", "gone")


@dataclass(frozen=True, slots=True)
class Bin:
    """What a reading of a bin came to. `whole`: it was read to its end."""

    entries: Mapping[str, datetime | None] = field(default_factory=dict)
    whole: bool = False
    buried: int = 0
    back: int = 0
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Deletes:
    """Reads bins and buries. `again` reads CRM records."""

    mirror: Mirror
    desk: Desk
    crm: Crm | None
    clock: Clock
    again: Callable[[StreamSpec, Sequence[str]], RecordBatch]
    accept: bool = False

    def when_due(self, spec: StreamSpec) -> None:
        """Read a stream's bin if that was not done for an hour. Raises Vanishing, ZohoFailed."""
        if spec.name not in DESK + CRM or not self.mirror.cursor(spec.name).complete:
            return
        at = self._state(spec).get("at")
        if at is None or self.clock.now() - at >= EVERY:
            self.read(spec)

    def read(self, spec: StreamSpec, pages: int = _PAGES, *, whole: bool = False) -> Bin:
        """Read a bin down to what was seen, or (`whole`) to its end; bury what lies in it."""
        now, state = self.clock.now(), self._state(spec)
        seen = state.get("seen")
        since = None if whole or seen is None else seen - _MARGIN[spec.system]
        try:
            found, ended = self._entries(spec, since, pages)
        except (Refused, TokenRefused) as refused:
            log.warning("stream=%s bin=unreadable (%s)", spec.name, refused.what)
            self._keep_state(spec, now, seen)
            return Bin(refused=True)
        buried = self._bury(spec, found)
        back = self._restored(spec) if spec.system == "crm" else 0
        newest = max((one.at for one in found.values() if one.at), default=seen)
        self._keep_state(spec, now, newest)
        if buried or back:
            log.info("stream=%s buried=%d came_back=%d", spec.name, buried, back)
        ended = ended and since is None
        return Bin({one.id: one.at for one in found.values()}, ended, buried, back)

    def _entries(
        self, spec: StreamSpec, since: datetime | None, most: int
    ) -> tuple[dict[str, Deleted], bool]:
        found: dict[str, Deleted] = {}
        if spec.system == "crm":
            cut = False
            for feed in self.crm.deleted(spec, since) if self.crm else ():
                found.update({one.id: one for one in feed.records})
                cut = cut or feed.cut
            if cut:
                hasten(self.mirror, spec)  # what the feed hides, a comparison of ids finds
            return found, not cut
        with closing(self.desk.proofs.bin(spec)) as pages:
            for number, page in enumerate(pages, 1):
                found.update({one.id: one for one in page})
                if since and any(one.at and one.at < since for one in page):
                    return found, False
                if number >= most:
                    log.warning("stream=%s bin=longer than %d pages", spec.name, most)
                    return found, False
        return found, True

    def _bury(self, spec: StreamSpec, found: Mapping[str, Deleted]) -> int:
        held = self.held(spec).of(found)
        alive = [one for one, row in held.items() if row.presence not in BURIED]
        if not self.accept:
            refuse_to_bury(spec.name, len(alive), self.rows_alive(spec))
        later = [one for one in alive if _read_after(held[one].pulled_at, found[one].at)]
        restored = self._ask_again(spec, later) if spec.system == "desk" else set()
        now = self.clock.now()
        since = {one.id: one.at for one in found.values() if one.at}
        for presence, ids in (
            ("gone", [one for one in held if found[one].permanent]),
            ("trashed", [one for one in held if not found[one].permanent]),
        ):
            left = [one for one in ids if one not in restored and held[one].presence != presence]
            self.mirror.bury(spec.name, left, now, presence, since=since)
        return len(alive) - len(restored)

    def _ask_again(self, spec: StreamSpec, ids: Sequence[str]) -> set[str]:
        """Read in full those that were read after their deletion; returns the restored ones.

        The flags of that answer outlast the rows of a search that shows the trash.
        """
        restored = set()
        for one in ids:
            batch = self.desk.proofs.details(spec, one)
            if batch.rows:
                self.mirror.upsert(batch)
                if batch.rows[0].get("is_trashed") is False:
                    restored.add(one)
        return restored

    def _restored(self, spec: StreamSpec) -> int:
        """Ask for CRM records that lie in the bin: a restore need not move the modified time."""
        ids = self.held(spec).lately_trashed(_AGAIN)
        if not ids:
            return 0
        batch = self.again(spec, ids)
        self.mirror.upsert(batch)
        return len(batch.rows)

    def held(self, spec: StreamSpec) -> Held:
        """The mirror's side of a stream."""
        return Held(self.mirror.rows, spec.name)

    def rows_alive(self, spec: StreamSpec) -> int:
        """Rows of a stream that are neither trashed nor gone."""
        found = self.held(spec).presences()
        return sum(many for presence, many in found.items() if presence not in BURIED)

    def _state(self, spec: StreamSpec) -> dict[str, datetime]:
        found = self.mirror.noted(f"deletes.{spec.name}")
        told = orjson.loads(found) if found else {}
        return {key: datetime.fromisoformat(text) for key, text in told.items() if text}

    def _keep_state(self, spec: StreamSpec, at: datetime, seen: datetime | None) -> None:
        self.mirror.note(f"deletes.{spec.name}", orjson.dumps({"at": at, "seen": seen}).decode())


def _read_after(pulled_at: datetime, deleted_at: datetime | None) -> bool:
    return deleted_at is None or pulled_at >= deleted_at
