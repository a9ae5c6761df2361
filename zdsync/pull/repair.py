"""Mends one stream where it differs: reads windows anew, asks for single records, buries.

Promises that only a detail read or the bin buries, that the guard comes before the burial, and
that a record which another id answers for (a merge) is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from zdsync.connectors import Desk
from zdsync.errors import Refused
from zdsync.mirror import Axis, Held, HeldRow, Mirror
from zdsync.model import RecordBatch, Shape, Span
from zdsync.pull.compare import refuse_to_bury
from zdsync.pull.deletes import BURIED, Bin, Deletes
from zdsync.pull.side_by_side import side_by_side
from zdsync.streams import StreamSpec

_SOME = 50  # single records between two looks at credits and guard


@dataclass(slots=True)
class Repair:
    """What is mended of one stream; `settle` keeps account and may end it."""

    spec: StreamSpec
    mirror: Mirror
    desk: Desk
    deletes: Deletes
    workers: Callable[[], int]
    settle: Callable[[], None]
    bin: Bin
    repaired: int = 0
    buried: int = 0
    back: int = 0
    unseen: int = 0
    refused: int = 0

    @property
    def _held(self) -> Held:
        return self.deletes.held(self.spec)

    def upsert(self, batch: RecordBatch) -> None:
        """Merge rows; those that were buried and live now came back.

        A detail carries columns that no walk reads: filling them mends nothing.
        """
        ids = [row["id"] for row in batch.rows]
        before = self._held.of(ids)
        changed = self.mirror.upsert(batch)
        after = self._held.of(ids)
        if batch.shape is Shape.DETAIL and changed:
            changed = sum(_mended(before.get(one), row) for one, row in after.items())
        self.repaired += changed
        self.back += sum(
            1
            for one, row in before.items()
            if row.presence in BURIED and after[one].presence not in BURIED
        )

    def read(self, axis: Axis, span: Span) -> set[str]:
        """Walk a span and merge what it gives; returns the ids that search showed.

        A record that lies in the bin, or was buried, is asked for by id: a search row does not
        tell whether it is in the trash.
        """
        seen: set[str] = set()
        with closing(self.desk.search(self.spec, axis, span, workers=self.workers())) as pages:
            for page in pages:
                ids = {row["id"] for row in page.rows}
                known = self._held.of(ids)
                doubtful = {one for one, row in known.items() if row.presence in BURIED}
                doubtful |= ids & self.bin.entries.keys()
                rows = tuple(row for row in page.rows if row["id"] not in doubtful)
                now = self.deletes.clock.now()
                self.upsert(RecordBatch(self.spec.name, Shape.SEARCH, rows, now))
                self.verify(sorted(doubtful - seen))
                seen |= ids
        return seen

    def verify(self, ids: Sequence[str], *, unseen: bool = False) -> None:
        """Ask for records by id: merge what there is, bury what is not. Raises Vanishing.

        `unseen`: search did not show them; those that live nonetheless are counted.
        """
        before = self._held.of(ids)
        gone: list[str] = []
        rows = self.deletes.rows_alive(self.spec)
        for start in range(0, len(ids), _SOME):
            gone += self._ask(ids[start : start + _SOME])
            if not self.deletes.accept:
                dying = [one for one in gone if before[one].presence not in BURIED]
                refuse_to_bury(self.spec.name, len(dying), rows)
            self.settle()
        now = self.deletes.clock.now()
        trashed = [one for one in gone if one in self.bin.entries]
        since = {one: at for one, at in self.bin.entries.items() if at}
        self.mirror.bury(self.spec.name, trashed, now, "trashed", since=since)
        self.mirror.bury(self.spec.name, [one for one in gone if one not in trashed], now)
        for one, row in self._held.of(ids).items():
            if row.presence in BURIED and before[one].presence not in BURIED:
                self.buried += 1
            elif unseen and row.presence == before[one].presence == "live":
                self.unseen += 1

    def _ask(self, ids: Sequence[str]) -> list[str]:
        """Read records in full, side by side; returns those that are gone."""

        def ask(one: str) -> RecordBatch | None:
            try:
                return self.desk.proofs.details(self.spec, one)
            except Refused:
                return None  # no right to it, perhaps: no proof of anything

        gone = []
        for one, batch in side_by_side(self.workers(), ask, ids).items():
            if batch is None:
                self.refused += 1
            elif batch.rows:
                self.upsert(batch)
            else:
                gone.append(one)
        return gone


def _mended(before: HeldRow | None, after: HeldRow) -> bool:
    if before is None or before.presence != after.presence:
        return True
    return before.modified is not None and before.modified != after.modified
