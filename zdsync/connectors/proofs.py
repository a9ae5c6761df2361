"""What proves that a mirror is whole: Desk's counts, its recycle bin, records by id.

Owns the forms of those calls (desk-tickets.md 2 "Counts", "Finding deletions"). Promises that
a count which is not told is None, never 0. No SQL, no decisions.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zdsync.clock import Clock
from zdsync.connectors.decode import decode, instant, moment_of
from zdsync.connectors.forms import page_of, record_of, search_params
from zdsync.connectors.lists import Sizes, read_list
from zdsync.connectors.windows import Axis, Page, Query, range_text
from zdsync.model import RecordBatch, Shape, Span
from zdsync.streams import BY_NAME, StreamSpec
from zdsync.transport.session import Answer, Api

_CLASSES = ("OPEN", "ONHOLD", "CLOSED")


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Zoho's count of tickets by class of status, and of spam; `credits`: what it cost."""

    types: Mapping[str, int]
    spam: int | None
    credits: float

    @property
    def total(self) -> int:
        return sum(self.types.values())


@dataclass(frozen=True, slots=True)
class Deleted:
    """One record in a bin; `at` is None where Zoho told no time."""

    id: str
    at: datetime | None
    permanent: bool = False


class Proofs:
    """The calls of one portal that prove things. Thread-safe."""

    def __init__(self, api: Api, sizes: Sizes, clock: Clock) -> None:
        self._api = api
        self._sizes = sizes
        self._clock = clock

    def count(self, spec: StreamSpec, axis: Axis, span: Span) -> int | None:
        """How many records search shows in a span; None where it does not tell."""
        page = self.first(spec, axis, span)
        return page.count if page.count is not None or page.rows else 0

    def first(self, spec: StreamSpec, axis: Axis, span: Span) -> Page:
        """The earliest record of a span with the count of all."""
        params = search_params(Query(axis, span.low, span.high))
        return page_of(spec, self._search(spec, {**params, "limit": 1}))

    def field_counts(self, span: Span | None = None) -> FieldCounts | None:
        """Count tickets by class of status and spam, created in a span or ever."""
        params = {"field": "statusType,spam"}
        if span is not None:
            params["createdTimeRange"] = range_text(span.low, span.high)
        answer = self._api.get("/ticketsCountByFieldValues", params, stream="desk.tickets")
        record = record_of(answer)
        told = record.get("statusType")
        types = dict.fromkeys(_CLASSES, 0)
        for one in told if isinstance(told, list) else ():
            number = _number(one.get("count")) if isinstance(one, dict) else None
            if number is None:
                return None
            types[_word(one.get("value"))] = number
        if not isinstance(told, list) and answer.body is not None:
            return None
        return FieldCounts(types, _number(record.get("spam")), answer.credits)

    def by_ids(self, spec: StreamSpec, ids: Sequence[str]) -> RecordBatch:
        """Those of a few records that search shows."""
        answer = self._search(spec, {"id": ",".join(ids), "limit": len(ids)})
        page = page_of(spec, answer)
        return RecordBatch(spec.name, Shape.SEARCH, page.rows, self._clock.now())

    def details(self, spec: StreamSpec, id: str) -> RecordBatch:
        """One record in full; empty where it is gone, or where another one answers (a merge)."""
        path = f"/{spec.module}/{id}"
        answer = self._api.get(path, stream=spec.name, absent_ok=True)
        rows = decode(spec, Shape.DETAIL, [record_of(answer)] if answer.body else [])
        own = tuple(row for row in rows if row["id"] == id)
        return RecordBatch(spec.name, Shape.DETAIL, own, self._clock.now())

    def bin(self, spec: StreamSpec) -> Generator[list[Deleted], None, None]:
        """Yield the recycle bin's records of a stream, newest first; close it to stop early."""
        params = {"module": spec.module, "sortBy": "-deletedTime"}
        pages = read_list(self._api, self._sizes, "/recycleBin", stream=spec.name, params=params)
        for records in pages:
            yield [
                Deleted(str(one["id"]), _moment(one.get("deletedTime")))
                for one in records
                if one.get("id") and one.get("type", spec.module) == spec.module
            ]

    def archived(self, department_id: str) -> Generator[RecordBatch, None, None]:
        """Yield a department's archived tickets as lists, which Zoho cuts at 5,000 rows.

        Refused where the list goes on but Zoho shows no more (desk-tickets.md 2).
        """
        path, spec = "/tickets/archivedTickets", BY_NAME["desk.tickets"]
        params = {"departmentId": department_id}
        for records in read_list(self._api, self._sizes, path, stream=spec.name, params=params):
            rows = decode(spec, Shape.LIST, records)
            yield RecordBatch(spec.name, Shape.LIST, rows, self._clock.now())

    def _search(self, spec: StreamSpec, params: Mapping[str, str | int]) -> Answer:
        return self._api.get(f"/{spec.module}/search", params, stream=spec.name)


def deleted_of(record: Mapping[str, Any]) -> Deleted:
    """Read one row of the CRM's deleted feed."""
    permanent = record.get("type") == "permanent"
    return Deleted(str(record.get("id")), _moment(record.get("deleted_time")), permanent)


def _number(told: Any) -> int | None:
    return int(told) if str(told).isdigit() else None


def _word(told: Any) -> str:
    """A class of status in the words of the counts: "On Hold" is ONHOLD."""
    return str(told).replace(" ", "").replace("_", "").upper()


def _moment(told: Any) -> datetime | None:
    try:
        return moment_of(instant(told))
    except ValueError:
        return None
