"""Refreshes the CRM links of Desk's contacts and accounts, which move without a modified time.

A pass over all of them takes a day, or as long as the allowance makes it: 150 credits a day and
stream, spread over the pulls. A link that a list shows otherwise than the mirror is read in
full, for a row of a list never outranks one with a modified time. Knows no cursor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import orjson

from zdsync.clock import Clock
from zdsync.connectors import Desk, LinkPage
from zdsync.errors import Refused
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch
from zdsync.sql import Sql
from zdsync.streams import StreamSpec

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
CREDITS = 150.0  # a day and stream
_SHALLOW = 2000  # rows that a list reaches at its lowest price (desk-tickets.md 1)
_PRICE = 3.0
_IDS = 20
LINKED = {"desk.contacts": "zoho_crm_contact_id", "desk.accounts": "zoho_crm_account_id"}


@dataclass(frozen=True, slots=True)
class _State:
    """Where a pass stands: when it began, what follows (`offset` rows or `after` an id)."""

    began: datetime
    at: datetime
    left: float = 0.0
    offset: int = 0
    after: str = ""
    done: bool = True  # the first pass begins a day after the first sight of the links


@dataclass(frozen=True, slots=True)
class LinkRefresh:
    """One run's share of a pass. `details` reads records in full, a credit each."""

    mirror: Mirror
    desk: Desk
    clock: Clock
    details: Callable[[StreamSpec, Sequence[str]], Iterator[RecordBatch]]

    def batches(self, spec: StreamSpec) -> Iterator[RecordBatch]:
        """Yield the records whose link is another one than the mirror's."""
        now, state = self.clock.now(), self._state(spec)
        earned = CREDITS * ((now - state.at) / DAY)
        state = replace(state, at=now, left=min(CREDITS, state.left + max(0.0, earned)))
        if state.done and now - state.began >= DAY:
            state = _State(now, now, state.left, done=False)
        while not state.done and state.left >= _PRICE:
            page, state = self._next(spec, state)
            differing = self._differing(spec, page.batch) if page else []
            if differing:
                yield from self.details(spec, differing)
                state = replace(state, left=state.left - len(differing))
        self.mirror.note(_name(spec), orjson.dumps(asdict(state)).decode())

    def _next(self, spec: StreamSpec, state: _State) -> tuple[LinkPage | None, _State]:
        rows = self._ids(spec, state.after, _SHALLOW + 1)
        by_ids = state.after or (len(rows) > _SHALLOW and not state.offset)
        if spec.name == "desk.contacts" and by_ids:
            return self._by_ids(spec, state, rows[:_IDS])
        try:
            page = self.desk.links_at.page(spec, state.offset)
        except Refused as refused:  # lists may have a depth; what lies below waits
            log.warning("stream=%s links=cut after %d (%s)", spec.name, state.offset, refused.what)
            return None, replace(state, done=True)
        offset = state.offset + len(page.batch.rows)
        left = state.left - page.credits
        return page, replace(state, offset=offset, left=left, done=page.last)

    def _by_ids(
        self, spec: StreamSpec, state: _State, ids: Sequence[str]
    ) -> tuple[LinkPage | None, _State]:
        """Read some contacts by id, for the same price however many there are."""
        if not ids:
            return None, replace(state, done=True)
        following = replace(state, after=ids[-1])
        try:
            page = self.desk.links_at.of(spec, ids)
        except Refused:  # one of them is gone, perhaps (desk-people.md 12 point 8)
            return None, replace(following, left=state.left - 1)
        return page, replace(following, left=state.left - max(1.0, page.credits))

    def _ids(self, spec: StreamSpec, after: str, limit: int) -> list[str]:
        query = (
            f"SELECT id FROM {spec.name} WHERE presence = 'live' AND id > ? "  # noqa: S608 - Catalog
            f"ORDER BY id LIMIT {limit}"
        )
        return [str(id) for (id,) in self.mirror.rows(Sql(query, (after,)))]

    def _differing(self, spec: StreamSpec, batch: RecordBatch) -> list[str]:
        column = LINKED[spec.name]
        told = {row["id"]: row[column] for row in batch.rows if column in row}
        query = (
            f"SELECT id, {column} FROM {spec.name} JOIN "  # noqa: S608 - Catalog
            """(SELECT unnest(from_json(?, '["VARCHAR"]')) AS id) USING (id) """
            "WHERE presence = 'live'"
        )
        held = self.mirror.rows(Sql(query, (orjson.dumps(list(told)).decode(),)))
        return [str(id) for id, link in held if link != told[id]]

    def _state(self, spec: StreamSpec) -> _State:
        found = self.mirror.noted(_name(spec))
        if found is None:
            now = self.clock.now()
            return _State(now, now)
        told = orjson.loads(found)
        times = {key: datetime.fromisoformat(told[key]) for key in ("began", "at")}
        return _State(**{**told, **times})


def _name(spec: StreamSpec) -> str:
    return f"links.{spec.name}"
