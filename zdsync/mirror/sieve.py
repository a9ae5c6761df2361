"""The one gate of rows into the mirror: what must not be stored does not pass.

Columns that a setting excludes are dropped; what tells about a forgotten person, and the texts of
tickets closed beyond retention, arrive as empty (a key that stays keeps the merge law: the newest
row decides, in whatever order rows come). Pure but for the ids that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zdsync import personal
from zdsync.mirror.tables import Table
from zdsync.model import RecordBatch, Row, Shape
from zdsync.personal import CONTACTS, CRM_PEOPLE, TICKETS, Named

_LINK = "zoho_crm_contact_id"


@dataclass(slots=True)
class Passed:
    """What a batch came to: the rows, and what the mirror must note of tickets afterwards.

    `emptied`: tickets whose texts were left out. `whole`: tickets read with their texts, id and
    modified time. `doubtful`: tickets of which the row does not tell whether they are old.
    `fresh`: tombstones of records that belong to a forgotten person and were not known.
    """

    batch: RecordBatch
    emptied: set[str] = field(default_factory=set)
    whole: dict[str, str] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    fresh: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Sieve:
    """What must not be stored: excluded columns, forgotten ids by stream, the cutoff of texts."""

    excluded: Sequence[Named] = ()
    forgotten: dict[str, set[str]] = field(default_factory=dict)
    cutoff: str = ""  # as rows write instants; empty: texts are kept for ever
    kept_key: str = ""

    @property
    def idle(self) -> bool:
        """Whether everything passes."""
        return not (self.excluded or self.forgotten or self.cutoff)

    def strain(
        self, table: Table, batch: RecordBatch, old: Callable[[set[str]], set[str]]
    ) -> Passed:
        """Let a batch through; `old` tells which of some tickets were closed before the cutoff."""
        passed = Passed(self._without_excluded(batch))
        if table.name in personal.FORGETTABLE or "ticket_id" in table.kinds:
            passed.fresh |= self._belonging(table.name, passed.batch.rows)
            blank = self._forgotten_rows(table.name, passed)
            rows = [
                self._blank(table, row) if row["id"] in blank else row for row in passed.batch.rows
            ]
            retired = self._old_rows(table.name, rows, passed, old)
            rows = [self._retired(table, row) if row["id"] in retired else row for row in rows]
            passed.batch = replace(passed.batch, rows=tuple(rows))
            if table.name == TICKETS:
                self._account(passed, blank | retired)
        return passed

    def _without_excluded(self, batch: RecordBatch) -> RecordBatch:
        mine = [one for one in self.excluded if one.table == batch.stream]
        if not mine:
            return batch
        rows = tuple(_without(row, mine) for row in batch.rows)
        return replace(batch, rows=rows)

    def _belonging(self, stream: str, rows: Sequence[Row]) -> set[tuple[str, str]]:
        """Records that a forgotten person's row reveals: new tickets, links to the CRM."""
        people = self.forgotten.get(CONTACTS, set())
        found: set[tuple[str, str]] = set()
        if stream == TICKETS:
            found = {(TICKETS, row["id"]) for row in rows if row.get("contact_id") in people}
        elif stream == CONTACTS:
            links = {row[_LINK] for row in rows if row["id"] in people and row.get(_LINK)}
            found = {(crm, link) for link in links for crm in CRM_PEOPLE}
        found = {(name, one) for name, one in found if one not in self.forgotten.get(name, set())}
        for name, one in found:
            self.forgotten.setdefault(name, set()).add(one)
        return found

    def _forgotten_rows(self, stream: str, passed: Passed) -> set[str]:
        if stream in personal.FORGETTABLE:
            return self.forgotten.get(stream, set()) & {row["id"] for row in passed.batch.rows}
        tickets = self.forgotten.get(TICKETS, set())
        return {row["id"] for row in passed.batch.rows if row.get("ticket_id") in tickets}

    def _old_rows(
        self,
        stream: str,
        rows: Sequence[Row],
        passed: Passed,
        old: Callable[[set[str]], set[str]],
    ) -> set[str]:
        if not self.cutoff or stream in personal.PEOPLE:
            return set()
        if stream == TICKETS:
            told = {row["id"]: self._closed_before(row) for row in rows}
            passed.doubtful = {one for one, said in told.items() if said is None}
            return {one for one, said in told.items() if said}
        tickets = old({row["ticket_id"] for row in rows if row.get("ticket_id")})
        return {row["id"] for row in rows if row.get("ticket_id") in tickets}

    def _closed_before(self, row: Row) -> bool | None:
        """Whether a row shows a ticket closed before the cutoff; None where it does not tell."""
        at = row.get("closed_time") or row.get("modified_time")
        if not row.get("status_type") or not at:
            return None
        return bool(row["status_type"] == "Closed" and at < self.cutoff)

    def _blank(self, table: Table, row: Row) -> Row:
        """A row without anything personal."""
        empty = set(personal.personal(table.name, table.kinds))
        return {k: None if k in empty else v for k, v in row.items() if k != "extra"}

    def _retired(self, table: Table, row: Row) -> Row:
        """A row without texts; numbers of `cf` stay, and the key that reports count by."""
        if table.name != TICKETS:
            return self._blank(table, row)
        kept = {k: None if k in personal.RETIRED else v for k, v in row.items() if k != "extra"}
        custom = kept.get("cf")
        if isinstance(custom, dict):
            kept["cf"] = {
                key: value
                for key, value in custom.items()
                if key == self.kept_key or value is None or isinstance(value, bool | int | float)
            }
        return kept

    def _account(self, passed: Passed, emptied: set[str]) -> None:
        passed.emptied = emptied
        if passed.batch.shape >= Shape.SEARCH:
            passed.whole = {
                row["id"]: row["modified_time"]
                for row in passed.batch.rows
                if row["id"] not in emptied and row.get("modified_time")
            }


def _without(row: Row, excluded: Sequence[Named]) -> Row:
    """A row without the excluded columns, nor the values of theirs that lie in `extra`."""
    columns = {one.column for one in excluded if not one.key}
    kept: Row = {key: value for key, value in row.items() if key not in columns}
    keys = {one.key for one in excluded if one.key}
    if keys and isinstance(kept.get("cf"), Mapping):
        kept["cf"] = _less(kept["cf"], keys)
    if isinstance(kept.get("extra"), Mapping):
        kept["extra"] = _less(kept["extra"], {one.api_key for one in excluded})
        if not kept["extra"]:
            del kept["extra"]
    return kept


def _less(values: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
