"""Two ways to count the same records: what search shows, and Zoho's counts by field.

Each promises to hold the mirror's side and Zoho's side to the same classes of records.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from zdsync.connectors import Desk
from zdsync.errors import Refused, TokenRefused
from zdsync.mirror import Axis, Held, Mirror
from zdsync.model import Span
from zdsync.pull.compare import Reading, readings
from zdsync.sql import Sql
from zdsync.streams import StreamSpec

_DEAR = 10.0  # credits from which a count by field is not asked for again
_PRICE = "counts.credits"
_READING = "counts.reading"


class Source(Protocol):
    """Counts rows in a span on both sides."""

    @property
    def axis(self) -> Axis: ...

    def held(self, span: Span) -> int: ...

    def remote(self, span: Span) -> int | None: ...

    def split(self, span: Span) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class BySearch:
    """The count that a search tells; `shown` are the presences that search shows."""

    axis: Axis
    spec: StreamSpec
    mirror: Held
    desk: Desk
    shown: Collection[str]

    def held(self, span: Span) -> int:
        return self.mirror.count(self.axis, span, self.shown)

    def remote(self, span: Span) -> int | None:
        return self.desk.proofs.count(self.spec, self.axis, span)

    def split(self, span: Span) -> datetime | None:
        return self.mirror.split(self.axis, span)


class ByFields:
    """`ticketsCountByFieldValues`: what it costs and which classes it counts is learned."""

    axis: Axis = "created"

    def __init__(self, held: Held, desk: Desk, mirror: Mirror) -> None:
        self._held = held
        self._desk = desk
        self._mirror = mirror
        self._reading = Reading(True)
        self.agrees: bool | None = None
        self.differs = False  # told, and like nothing that the mirror holds

    def learn(self) -> str:
        """Compare all tickets by class of status and spam; returns what could not be proven."""
        price = self._mirror.noted(_PRICE)
        if price and float(price) >= _DEAR:
            return f"classes of status are not counted: that costs {price} credits"
        try:
            told = self._desk.proofs.field_counts()
        except (Refused, TokenRefused):
            return "classes of status may not be counted"
        if told is None:
            return "Zoho tells no counts by class of status"
        self._mirror.note(_PRICE, f"{told.credits:g}")
        types = self._held.types()
        noted = self._mirror.noted(_READING)
        if noted is not None:
            self._reading = Reading.of(noted)
            self.agrees = self._reading.agrees(told, types)
            self.differs = not self.agrees
            return ""
        found = readings(told, types)
        self.differs = not found
        if len(found) == 1 and (told.spam or not found[0].spam):
            self._mirror.note(_READING, str(found[0]))
        return "" if found else "which tickets Zoho counts by class of status is not known"

    def forget(self) -> None:
        """Learn anew next time which classes are counted."""
        self._mirror.run(Sql("delete from zdsync.options where name = ?", (_READING,)))

    def held(self, span: Span) -> int:
        return self._reading.held(self._held.types(span))

    def remote(self, span: Span) -> int | None:
        told = self._desk.proofs.field_counts(span)
        return self._reading.remote(told) if told else None

    def split(self, span: Span) -> datetime | None:
        return self._held.split("created", span)
