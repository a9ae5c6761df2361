"""The price of a pull in calls, credits and time, named before anything is read.

Counts come from searches of one row and from the CRM's own counts. Promises that a count which
is not told is not invented, that one which is capped says `at least`, and that the estimate's
own cost is in it. Writes nothing but the calls that it made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from zdsync.clock import Clock
from zdsync.connectors import Crm, Desk
from zdsync.connectors.decode import moment_of
from zdsync.model import Call, Span
from zdsync.pull.crm_fields import asked_of
from zdsync.pull.crm_walk import STREAMS as CRM_STREAMS
from zdsync.pull.lookback import AHEAD, DEEP_LOOKBACK, FIRST, is_deep
from zdsync.pull.puller import FIELD_MODULES, Puller
from zdsync.sql import Sql, ident
from zdsync.streams import BY_NAME, StreamSpec
from zdsync.transport import range_credits

Known = Literal["exact", "at least", "as the mirror has", "not told"]

ASSUMED = 0.3  # seconds an answer takes, where nothing was measured
_PAGE, _LIST, _CRM_PAGE = 100, 200, 200  # rows a page
_SURE = 50  # a shorter page is a list's last
_OVER = 1.03  # pages start a second before the last row of the one before
_COUNTS = 9  # searches that one stream's count may cost
_MEASURED = 20  # calls that make a measure
_SHARE = 400  # rows for which another call at once is worth it
_LINKS = {"desk.contacts": "zoho_crm_contact_id", "desk.accounts": "zoho_crm_account_id"}


@dataclass(frozen=True, slots=True)
class Price:
    """What one stream will cost. `rows` None: not told, so that one page is reckoned with."""

    stream: str
    rows: int | None
    known: Known
    calls: int
    credits: float
    seconds: float = 0.0
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a pull. `answer`: seconds an answer takes; `room`: Desk credits left to us."""

    prices: tuple[Price, ...]
    full: bool
    answer: float
    measured: bool
    at_once: int
    room: float
    cost_calls: int
    cost_credits: float

    @property
    def at_least(self) -> bool:
        """Whether some count was capped or not told, so that it may come to more."""
        return any(one.known in ("at least", "not told") for one in self.prices)

    def credits(self, system: str) -> float:
        """Credits of one system's pool."""
        return sum(one.credits for one in self.prices if one.stream.startswith(system))


@dataclass(slots=True)
class Estimator:
    """One estimate. `at_once`: calls that Desk takes side by side now."""

    puller: Puller
    desk: Desk
    crm: Crm | None
    clock: Clock
    at_once: int
    room: Callable[[], float]
    _calls: list[Call] = field(default_factory=list)

    def estimate(self, names: Sequence[str], *, full: bool) -> Estimate:
        """Name the price of a pull of these streams, all by default."""
        chosen = [one for one in self.puller.available() if not names or one.name in names]
        try:
            prices = [self._price(spec, full) for spec in chosen]
        finally:
            self._calls += self.puller.drain()
            self.puller.mirror.record_calls(self.puller.run_id, self._calls)
        answer, measured = self._answer_time()
        timed = [replace(one, seconds=one.calls * answer / one.at_once) for one in prices]
        return Estimate(
            prices=tuple(timed),
            full=full,
            answer=answer,
            measured=measured,
            at_once=self.at_once,
            room=self.room(),
            cost_calls=len(self._calls),
            cost_credits=sum(call.credits for call in self._calls),
        )

    def _price(self, spec: StreamSpec, full: bool) -> Price:
        match spec.walk:
            case "time":
                return self._walk(spec, full)
            case "crm":
                return self._records(spec, full)
            case "fields":
                modules = FIELD_MODULES if spec.system == "desk" else CRM_STREAMS
                rows = self._held(spec)
                return Price(spec.name, rows or None, _held_word(rows), len(modules), len(modules))
            case "users":
                rows = self._held(spec)
                pages = 1 + rows // _CRM_PAGE
                return Price(spec.name, rows or None, _held_word(rows), pages, pages)
        rows = self._held(spec)
        pages = 1 if rows < _SURE else rows // _LIST + 2
        return Price(spec.name, rows or None, _held_word(rows), pages, _list_credits(pages, _LIST))

    # -- tickets, contacts, accounts ----------------------------------------------------------

    def _walk(self, spec: StreamSpec, full: bool) -> Price:
        now, cursor = self.clock.now(), self.puller.mirror.cursor(spec.name)
        if full or not cursor.complete:
            pending = () if full else cursor.pending
            counts = [
                self._count(spec, "created", span)
                for span in pending or (Span(FIRST, now + AHEAD),)
            ]
        else:
            deep = is_deep(cursor, now)
            start = (cursor.value or FIRST) - (DEEP_LOOKBACK if deep else timedelta(0))
            counts = [self._count(spec, "modified", Span(start, now + AHEAD))]
        found = _Count.sum(counts)
        pages = max(1, round(found.rows * _OVER / _PAGE + 0.5))
        links, link_credits = self._links(spec, found)
        lists = 1  # the recycle bin, read when the stream is whole
        if spec.name == "desk.tickets" and (full or not cursor.complete):
            lists += self._departments()  # each one's archived tickets, read after a backfill
        return Price(
            stream=spec.name,
            rows=found.rows if found.known != "not told" else None,
            known=found.known,
            calls=pages + links + lists,
            credits=3 * pages + link_credits + 3 * lists,
            at_once=max(1, min(self.at_once, 1 + found.rows // _SHARE)),
        )

    def _count(self, spec: StreamSpec, axis: Literal["created", "modified"], span: Span) -> _Count:
        """Count a span; what is told is believed once its parts come to no more."""
        left = [_COUNTS]

        def ask(part: Span) -> _Count:
            left[0] -= 1
            page = self.desk.proofs.first(spec, axis, part)
            if page.count is None:
                return _Count(len(page.rows), "not told" if page.rows else "exact")
            first = page.rows[0] if page.rows else {}
            told = first.get(f"{axis}_time")
            low = moment_of(told) if isinstance(told, str) else None
            return _Count(page.count, "exact", low, bool(_LINKS.get(spec.name) in first))

        def sure(part: Span, whole: _Count) -> _Count:
            if whole.known != "exact" or whole.rows < _SURE or whole.first is None:
                return whole
            middle = whole.first + (part.high - whole.first) / 2
            if left[0] < 2:
                return replace(whole, known="at least")
            halves = Span(whole.first, middle), Span(middle, part.high)
            counts = [ask(half) for half in halves]
            # Ends may count on both sides: a row on the border is told twice.
            told = _Count.sum(counts)
            one_sided = not all(one.rows for one in counts)
            if told.rows <= whole.rows + 1 and not one_sided:
                return whole
            deeper = [sure(half, one) for half, one in zip(halves, counts, strict=True)]
            found = _Count.sum(deeper)
            return replace(found, first=whole.first, linked=whole.linked)

        return sure(span, ask(span))

    def _links(self, spec: StreamSpec, found: _Count) -> tuple[int, float]:
        """Calls and credits of the CRM links that search rows lack."""
        if self.crm is None or spec.name not in _LINKS or found.linked or not found.rows:
            return 0, 0.0
        held = self._held(spec)
        wanted = len(self.puller.mirror.unlinked(spec.name)) if held else found.rows
        if not wanted:
            return 0, 0.0
        pages = max(held, found.rows) // _PAGE + 1
        listed = _list_credits(pages, _PAGE)
        return (wanted, float(wanted)) if wanted <= listed else (pages, listed)

    def _departments(self) -> int:
        """How many departments there are; Desk is asked where the mirror knows none."""
        spec = BY_NAME["desk.departments"]
        held = self._held(spec)
        return held or sum(len(batch.rows) for batch in self.desk.pages(spec))

    # -- the CRM ------------------------------------------------------------------------------

    def _names(self, crm: Crm, spec: StreamSpec) -> Sequence[str]:
        """The fields that are asked for; the CRM tells them where the mirror knows none."""
        fields = BY_NAME["crm.fields"]
        told = None if self._held(fields) else crm.fields(fields, spec.module)
        if told is None:
            return asked_of(self.puller.mirror, spec).names
        return [str(row["api_name"]) for row in told.rows]

    def _records(self, spec: StreamSpec, full: bool) -> Price:
        assert self.crm is not None  # the puller leaves CRM streams out otherwise
        slices = self.crm.calls_a_page(spec, self._names(self.crm, spec))
        if not full and self.puller.mirror.cursor(spec.name).complete:
            return Price(spec.name, None, "not told", slices + 1, slices + 1)
        rows = self.crm.count(spec)
        known: Known = "exact"
        if rows is None:
            held = self._held(spec)
            rows, known = held or None, _held_word(held)
        pages = 1 + (rows or 0) // _CRM_PAGE
        proof = pages if pages > 1 else 0  # a long list is proven by its ids (crm_survey.py)
        calls = pages * slices + proof + 1
        return Price(spec.name, rows, known, calls, calls)

    # -- what the mirror knows ----------------------------------------------------------------

    def _held(self, spec: StreamSpec) -> int:
        query = f"select count(*) from {ident(spec.name)} where deleted_at is null"  # noqa: S608 - the name is the Catalog's
        return int(self.puller.mirror.rows(Sql(query))[0][0])

    def _answer_time(self) -> tuple[float, bool]:
        """Seconds an answer takes: as measured lately, else in this estimate, else assumed."""
        since = (self.clock.now() - timedelta(days=7)).replace(tzinfo=None)
        query = Sql(
            "select median(milliseconds), count(*) from zdsync.calls "
            "where called_at >= ? and method = 'GET' and status = 200",
            (since,),
        )
        middle, many = self.puller.mirror.rows(query)[0]
        if many >= _MEASURED:
            return float(middle) / 1000, True
        own = [call.milliseconds for call in self._calls if call.status == 200]
        return (median(own) / 1000, True) if len(own) >= 3 else (ASSUMED, False)


@dataclass(frozen=True, slots=True)
class _Count:
    """Rows of a span; `first`: the time of its earliest row; `linked`: search rows carry links."""

    rows: int
    known: Known
    first: datetime | None = None
    linked: bool = False

    @classmethod
    def sum(cls, parts: Sequence[_Count]) -> _Count:
        """Rows of several spans together."""
        words: tuple[Known, ...] = ("not told", "at least", "as the mirror has", "exact")
        known: Known = next(
            (word for word in words if any(one.known == word for one in parts)), "exact"
        )
        linked = any(one.linked for one in parts)
        return cls(sum(one.rows for one in parts), known, None, linked)


def _held_word(rows: int) -> Known:
    return "as the mirror has" if rows else "not told"


def _list_credits(pages: int, rows: int) -> float:
    """Credits of a plain list, whose pages cost more the deeper they lie."""
    return sum(range_credits(number * rows) for number in range(1, pages + 1))
