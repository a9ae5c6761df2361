"""What the mirror holds of one stream, counted and listed by windows of time.

Reconcile compares this with what Zoho counts. Reads only. `rows` runs one statement.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import orjson

from zdsync.mirror.cursors import aware
from zdsync.mirror.upsert import naive
from zdsync.model import Span
from zdsync.sql import Sql, ident

Rows = Callable[[Sql], list[tuple[Any, ...]]]
Axis = Literal["created", "modified"]

HIDDEN = ("spam", "archived", "trashed")
_GAP = timedelta(seconds=3)
_NEAR = 400  # seconds with rows to look through for a gap


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One row as the mirror holds it."""

    presence: str
    pulled_at: datetime
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One stream's rows in the mirror."""

    rows: Rows
    stream: str

    def presences(self, span: Span | None = None) -> dict[str, int]:
        """Rows by presence, created within a span or ever."""
        found = self._ask("presence, count(*)", *_within("created", span), "group by presence")
        return {str(presence): int(many) for presence, many in found}

    def count(self, axis: Axis, span: Span, presences: Collection[str]) -> int:
        """Rows of these presences whose time on the axis lies in the span."""
        return int(self._ask("count(*)", *_within(axis, span, presences))[0][0])

    def types(self, span: Span | None = None) -> dict[str, dict[str, int]]:
        """Tickets by presence and class of status, in the words of Zoho's counts (OPEN, …)."""
        word = "upper(replace(coalesce(status_type, ''), ' ', ''))"
        found = self._ask(f"presence, {word}, count(*)", *_within("created", span), "group by all")
        types: dict[str, dict[str, int]] = {}
        for presence, kind, many in found:
            types.setdefault(str(presence), {})[str(kind)] = int(many)
        return types

    def ids(self, span: Span, presences: Collection[str]) -> list[str]:
        """Ids of these presences that were created in the span, oldest first."""
        found = self._ask("id", *_within("created", span, presences), "order by created_time, id")
        return [str(row[0]) for row in found]

    def least_lately_read(self, presences: Collection[str], limit: int) -> list[str]:
        """Ids of these presences, the one that was read longest ago first."""
        found = self._ask(
            "id", *_within("created", None, presences), f"order by pulled_at, id limit {limit}"
        )
        return [str(row[0]) for row in found]

    def lately_trashed(self, limit: int) -> list[str]:
        """Ids in the bin, the latest first."""
        found = self._ask(
            "id", *_within("created", None, ("trashed",)), f"order by deleted_at desc limit {limit}"
        )
        return [str(row[0]) for row in found]

    def of(self, ids: Iterable[str]) -> dict[str, HeldRow]:
        """How the mirror holds these records, as far as it knows them."""
        wanted = orjson.dumps(list(ids)).decode()
        where = """where id in (select unnest(from_json(?, '["VARCHAR"]')))"""
        found = self._ask("id, presence, pulled_at, modified_time", where, (wanted,))
        return {
            str(one): HeldRow(str(presence), _sure(read), aware(modified))
            for one, presence, read, modified in found
        }

    def cuts(self, axis: Axis, span: Span, parts: int) -> list[Span]:
        """Divide a span into parts of about equally many rows."""
        shares = [n / parts for n in range(1, parts)]
        if not shares:
            return [span]
        found = self._ask(f"quantile_disc({axis}_time, {shares})", *_within(axis, span))
        edges = [self._gap(axis, _sure(edge), span) for edge in found[0][0] or ()]
        marks = sorted({span.low, span.high, *(edge for edge in edges if edge)})
        return [Span(low, high) for low, high in pairwise(marks)]

    def split(self, axis: Axis, span: Span) -> datetime | None:
        """Where to halve a span: between its rows, or in its middle; None if it is too short."""
        found = self._ask(f"quantile_disc({axis}_time, 0.5)", *_within(axis, span))
        median = aware(found[0][0])
        edge = self._gap(axis, median, span) if median else None
        if edge is None:
            edge = (span.low + (span.high - span.low) / 2).replace(microsecond=0)
        inside = span.low + _GAP / 3 < edge < span.high - _GAP / 3
        return edge if inside else None

    def _gap(self, axis: Axis, near: datetime, span: Span) -> datetime | None:
        """An instant after `near` with no row beside it: whether ends count is not known."""
        found = self._ask(
            f"distinct date_trunc('second', {axis}_time)",
            *_within(axis, Span(near.replace(microsecond=0), span.high)),
            f"order by 1 limit {_NEAR}",
        )
        times = [_sure(row[0]) for row in found]
        for time, following in zip(times, [*times[1:], span.high], strict=True):
            if following - time > _GAP:
                return time + _GAP * 2 / 3
        return None

    def _ask(
        self, what: str, where: str, params: tuple[Any, ...], rest: str = ""
    ) -> list[tuple[Any, ...]]:
        return self.rows(Sql(f"select {what} from {ident(self.stream)} {where} {rest}", params))


def _within(
    axis: Axis, span: Span | None, presences: Collection[str] | None = None
) -> tuple[str, tuple[Any, ...]]:
    pieces: list[str] = []
    params: list[Any] = []
    if span is not None:
        pieces.append(f"{axis}_time >= ?::timestamp and {axis}_time < ?::timestamp")
        params += [naive(span.low), naive(span.high)]
    if presences is not None:
        pieces.append("""presence in (select unnest(from_json(?, '["VARCHAR"]')))""")
        params.append(orjson.dumps(sorted(presences)).decode())
    return ("where " + " and ".join(pieces) if pieces else ""), tuple(params)


def _sure(instant: datetime) -> datetime:
    found = aware(instant)
    assert found is not None
    return found
