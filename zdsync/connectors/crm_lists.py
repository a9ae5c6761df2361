"""The list of one CRM module, however long it is.

Promises that no record is left out: a page token that is refused restarts the list, and a list
that ends at the cap on tokens (100,000 records, crm.md 4) goes on beyond it. Records may come
twice. Credits for 200 rows of n slices of fields: by token n; beyond the cap by COQL, which
gives ids only, 0.3 + 2n; without COQL by windows of modified time n, from the beginning again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from zdsync.connectors.crm_coql import CoqlRefused, ids_above
from zdsync.connectors.crm_slices import VERSION, join
from zdsync.connectors.decode import instant, moment_of
from zdsync.connectors.lists import Record, records_of
from zdsync.errors import Refused, ZohoFailed
from zdsync.transport.session import Answer, Api

log = logging.getLogger(__name__)

PAGE = 200  # crm.md 3: default and maximum
IDS = 100  # a read by `ids`; no limit is told for it
FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # before any Zoho portal
_RESTARTS = 2
_LOST_TOKEN = frozenset({"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "INVALID_DATA"})
_CAPPED = frozenset({"PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED"})


class _TokenLost(Exception):
    """The page token is refused: the list must be read from its start."""


class _Capped(Exception):
    """The list goes on, but no token reaches further."""


@dataclass(frozen=True, slots=True)
class _Page:
    records: list[Record] = field(default_factory=list)
    token: str | None = None
    more: bool = False


@dataclass(slots=True)
class _Reach:
    """How far a walk came: the greatest id and modified time, and whether it kept the order."""

    by: Literal["id", "Modified_Time"]
    id: int = 0
    modified: datetime = FIRST
    ordered: bool = True

    def note(self, records: Sequence[Record]) -> None:
        for record in records:
            one, at = int(record.get("id") or 0), _moment(record.get(VERSION))
            before = one < self.id if self.by == "id" else at < self.modified
            self.ordered = self.ordered and not before
            self.id, self.modified = max(self.id, one), max(self.modified, at)


@dataclass(frozen=True, slots=True)
class CrmList:
    """One module's records modified since an instant, or all, in slices of fields."""

    api: Api
    stream: str
    path: str
    endpoint: str
    slices: Sequence[str]
    since: datetime | None = None
    asked: Mapping[str, str] = field(default_factory=dict)  # parameters of every call

    def pages(self) -> Iterator[list[Record]]:
        """Yield the records. Raises ZohoFailed where some cannot be reached."""
        reach = _Reach("id")
        for attempt in range(_RESTARTS + 1):
            reach = _Reach("id")
            try:
                yield from self._by_token(reach, self.since)
                return
            except _TokenLost:
                self._say_lost(attempt)
            except _Capped:
                yield from self._beyond(reach.id if reach.ordered else 0)
                return
        raise self._hopeless()

    def by_ids(self, ids: Sequence[str]) -> Iterator[list[Record]]:
        """Yield the records with these ids, as far as they exist."""
        for start in range(0, len(ids), IDS):
            wanted: dict[str, str | int] = {**self.asked, "per_page": PAGE}
            wanted["ids"] = ",".join(ids[start : start + IDS])
            parts = [records_of(self._get({**wanted, "fields": one}, {})) for one in self.slices]
            found = join(parts)[0]
            if found:
                yield found

    # -- by token ------------------------------------------------------------------------------

    def _by_token(self, reach: _Reach, since: datetime | None) -> Iterator[list[Record]]:
        """Read the same pages once per slice of fields, in lockstep, and join them by id."""
        order = {"sort_by": reach.by, "sort_order": "asc"}
        headers = {} if since is None else {"If-Modified-Since": since_text(since)}
        pages = [_Page(more=True) for _ in self.slices]
        started = False
        while any(page.more for page in pages):
            for number, fields in enumerate(self.slices):
                if pages[number].more:
                    params: dict[str, str | int] = {**self.asked, **order, "per_page": PAGE}
                    params["fields"] = fields
                    pages[number] = self._page(params, headers, pages[number].token, started)
                    if not started and not number and not pages[0].records:
                        return  # nothing there: the other slices need not be asked
                else:
                    pages[number] = _Page()
            started = True
            yield from self._joined(pages, reach)

    def _joined(self, pages: Sequence[_Page], reach: _Reach) -> Iterator[list[Record]]:
        joined, doubtful = join([page.records for page in pages])
        for some in self.by_ids(doubtful):
            joined += some
        reach.note(pages[0].records)
        if joined:
            yield joined
        if any(page.more and page.token is None for page in pages):
            raise _Capped

    def _page(
        self,
        params: Mapping[str, str | int],
        headers: Mapping[str, str],
        token: str | None,
        started: bool,
    ) -> _Page:
        asked = {**params, "page_token": token} if started and token else params
        try:
            answer = self._get(asked, headers)
        except Refused as refused:
            if not started or refused.status != 400:
                raise
            if refused.code in _CAPPED:
                raise _Capped from None
            if refused.code in _LOST_TOKEN:
                raise _TokenLost from None
            raise
        info = info_of(answer)
        following = info.get("next_page_token")
        more = bool(info.get("more_records"))
        return _Page(records_of(answer), str(following) if following else None, more)

    def _get(self, params: Mapping[str, str | int], headers: Mapping[str, str]) -> Answer:
        return self.api.get(
            self.path, params, stream=self.stream, endpoint=self.endpoint, headers=headers
        )

    # -- beyond the cap ------------------------------------------------------------------------

    def _beyond(self, after: int) -> Iterator[list[Record]]:
        log.info("stream=%s list=capped after_id=%d", self.stream, after)
        try:
            yield from self._by_query(after)
        except CoqlRefused as refused:
            log.warning("stream=%s coql=refused (%s)", self.stream, refused)
            yield from self._by_windows(str(refused))

    def _by_query(self, after: int) -> Iterator[list[Record]]:
        """Go on by key: ids by COQL, the records by their ids."""
        bare = list(self.slices) == [VERSION]
        since = None if self.since is None else since_text(self.since)
        module = self.path.removeprefix("/")
        for records in ids_above(self.api, self.stream, module, after, since):
            if bare:
                yield records
            else:
                yield from self.by_ids([str(record["id"]) for record in records])

    def _by_windows(self, refused: str) -> Iterator[list[Record]]:
        """Go on by modified time: each window begins where the one before was cut."""
        since, attempt = self.since or FIRST, 0
        while True:
            reach = _Reach("Modified_Time")
            try:
                yield from self._by_token(reach, since)
                return
            except _TokenLost:
                self._say_lost(attempt)
                attempt += 1
                if attempt > _RESTARTS:
                    raise self._hopeless() from None
            except _Capped:
                if not reach.ordered or reach.modified <= since:
                    raise ZohoFailed(
                        f"{self.stream}: the CRM lists no more records at once, "
                        f"and COQL is refused ({refused})",
                        "Grant the scope ZohoCRM.coql.READ: make a new token with `zdsync auth`.",
                    ) from None
            since = max(since, reach.modified if reach.ordered else since)

    def _say_lost(self, attempt: int) -> None:
        log.warning("stream=%s page_token=lost restart=%d", self.stream, attempt + 1)

    def _hopeless(self) -> ZohoFailed:
        return ZohoFailed(f"{self.stream}: the page token was refused again and again")


def since_text(since: datetime) -> str:
    """ISO 8601 with offset, a second earlier: the boundary may be exclusive (crm.md 6)."""
    return (since.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)).isoformat()


def info_of(answer: Answer) -> Mapping[str, Any]:
    """The `info` of a list."""
    info = answer.body.get("info") if isinstance(answer.body, dict) else None
    return info if isinstance(info, dict) else {}


def _moment(told: Any) -> datetime:
    try:
        return moment_of(instant(told))
    except ValueError:
        return FIRST
