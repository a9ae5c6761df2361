"""Zoho CRM v8, for reading: its calls in our words.

Owns paths, parameters, page tokens and field slices of the CRM. Promises that an expired page
token restarts a list rather than leaving a gap (crm.md 17). No SQL, no rules.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from zdsync.clock import Clock
from zdsync.connectors.decode import api_names, decode
from zdsync.connectors.lists import Record, records_of
from zdsync.connectors.proofs import Deleted, deleted_of
from zdsync.errors import Refused, TokenRefused, ZohoFailed
from zdsync.model import RecordBatch, Row, Shape
from zdsync.streams import StreamSpec
from zdsync.transport.session import Answer, Api, Params

log = logging.getLogger(__name__)

_PAGE = 200  # crm.md 3: default and maximum
_FIELDS = 50  # at most this many names …
_CHARACTERS = 1024  # … and characters in `fields`
_IDS = 100
_RESTARTS = 2
_LOST_TOKEN = frozenset({"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "INVALID_DATA"})
_VERSION = "Modified_Time"  # in every slice, to see that they are of one version


@dataclass(frozen=True, slots=True)
class _Page:
    records: list[Record]
    token: str | None
    more: bool


class _TokenLost(Exception):
    """The page token is refused: the list must be read from its start."""


class Crm:
    """The CRM of one organisation. `modules` renames: {"Contacts": "Patients"}."""

    def __init__(self, api: Api, clock: Clock, modules: Mapping[str, str] | None = None) -> None:
        self._api = api
        self._clock = clock
        self._modules = dict(modules or {})

    def users(self, spec: StreamSpec) -> Iterator[RecordBatch]:
        """Yield all users, active or not."""
        number = 1
        while True:
            params: Params = {"type": "AllUsers", "page": number, "per_page": _PAGE}
            answer = self._api.get("/users", params, stream=spec.name)
            records = records_of(answer, "users")
            if records:
                yield self._batch(spec, decode(spec, Shape.LIST, records))
            if not records or not _info(answer).get("more_records"):
                return
            number += 1

    def fields(self, spec: StreamSpec, module: str) -> RecordBatch:
        """Return a module's fields; none where the token may not read them."""
        params = {"module": self._name(module)}
        try:
            answer = self._api.get("/settings/fields", params, stream=spec.name)
        except (Refused, TokenRefused) as refused:
            if not _forbids(refused):
                raise
            log.warning("stream=%s module=%s fields=unreadable", spec.name, module)
            return self._batch(spec, ())
        # An id of ours: crm.md 11 lists none, and one of Zoho's need not be the module's alone.
        records = [
            {
                **record,
                "module": module,
                "field_id": record.get("id"),
                "id": f"{module}.{record.get('api_name')}",
            }
            for record in records_of(answer, "fields")
        ]
        return self._batch(spec, decode(spec, Shape.LIST, records))

    def records(
        self,
        spec: StreamSpec,
        field_names: Sequence[str],
        custom: frozenset[str],
        since: datetime | None,
    ) -> Iterator[RecordBatch]:
        """Yield records modified since an instant, or all; rows may come twice after a restart.

        `field_names` are API names (all of the module's; empty: those that we model).
        """
        slices = _slices(spec, field_names)
        headers = {} if since is None else {"If-Modified-Since": _since(since)}
        for attempt in range(_RESTARTS + 1):
            try:
                for records in self._lockstep(spec, slices, headers):
                    yield self._batch(spec, decode(spec, Shape.LIST, records, custom))
                return
            except _TokenLost:
                log.warning("stream=%s page_token=lost restart=%d", spec.name, attempt + 1)
        raise ZohoFailed(f"{spec.name}: the page token was refused again and again")

    def by_ids(
        self,
        spec: StreamSpec,
        ids: Sequence[str],
        field_names: Sequence[str],
        custom: frozenset[str],
    ) -> RecordBatch:
        """Return the records with these ids, as far as they exist."""
        found = self._join_by_ids(spec, _slices(spec, field_names), ids)
        return self._batch(spec, decode(spec, Shape.LIST, found, custom))

    def count(self, spec: StreamSpec) -> int | None:
        """How many records a module has, minutes late (crm.md 9); None where it is not told."""
        path, endpoint = f"/{self._name(spec.module)}/actions/count", f"/{spec.module}/count"
        try:
            answer = self._api.get(path, stream=spec.name, endpoint=endpoint)
        except (Refused, TokenRefused):
            return None
        told = str(answer.body.get("count")) if isinstance(answer.body, dict) else ""
        return int(told) if told.isdigit() else None

    def calls_a_page(self, spec: StreamSpec, field_names: Sequence[str]) -> int:
        """How many calls one page of records takes: more fields than one call may ask for."""
        return len(_slices(spec, field_names))

    def deleted(self, spec: StreamSpec, since: datetime | None) -> Iterator[list[Deleted]]:
        """Yield records deleted since an instant, or all that Zoho remembers (crm.md 7)."""
        headers = {} if since is None else {"If-Modified-Since": _since(since)}
        path, endpoint = f"/{self._name(spec.module)}/deleted", f"/{spec.module}/deleted"
        number = 1
        while True:
            params: Params = {"type": "all", "page": number, "per_page": _PAGE}
            answer = self._api.get(
                path, params, stream=spec.name, endpoint=endpoint, headers=headers
            )
            found = [deleted_of(record) for record in records_of(answer)]
            # Whether the header filters by deleted_time is not known.
            fresh = [one for one in found if since is None or one.at is None or one.at >= since]
            if fresh:
                yield fresh
            if not found or not _info(answer).get("more_records"):
                return
            number += 1

    def _lockstep(
        self, spec: StreamSpec, slices: Sequence[str], headers: Mapping[str, str]
    ) -> Iterator[list[Record]]:
        """Read the same pages once per slice of fields and join them by id."""
        tokens: list[str | None] = [None] * len(slices)
        while True:
            pages = [
                self._page(spec, fields, token, headers)
                for fields, token in zip(slices, tokens, strict=True)
            ]
            joined, doubtful = _join([page.records for page in pages])
            if doubtful:
                joined += self._join_by_ids(spec, slices, doubtful)
            if joined:
                yield joined
            if not any(page.more for page in pages):
                return
            if any(page.more and page.token is None for page in pages):
                raise ZohoFailed(f"{spec.name}: more records are told, but no page token")
            tokens = [page.token for page in pages]

    def _page(
        self, spec: StreamSpec, fields: str, token: str | None, headers: Mapping[str, str]
    ) -> _Page:
        params: dict[str, str | int] = {"fields": fields, "per_page": _PAGE}
        if token is not None:
            params["page_token"] = token
        path = f"/{self._name(spec.module)}"
        endpoint = f"/{spec.module}"
        try:
            answer = self._api.get(
                path, params, stream=spec.name, endpoint=endpoint, headers=headers
            )
        except Refused as refused:
            if token is not None and refused.status == 400 and refused.code in _LOST_TOKEN:
                raise _TokenLost from None
            raise
        info = _info(answer)
        following = info.get("next_page_token")
        more = bool(info.get("more_records"))
        return _Page(records_of(answer), str(following) if following else None, more)

    def _join_by_ids(
        self, spec: StreamSpec, slices: Sequence[str], ids: Sequence[str]
    ) -> list[Record]:
        found: list[Record] = []
        for start in range(0, len(ids), _IDS):
            wanted = ",".join(ids[start : start + _IDS])
            parts = [
                records_of(
                    self._api.get(
                        f"/{self._name(spec.module)}",
                        {"fields": fields, "ids": wanted, "per_page": _PAGE},
                        stream=spec.name,
                        endpoint=f"/{spec.module}",
                    )
                )
                for fields in slices
            ]
            found += _join(parts)[0]
        return found

    def _name(self, module: str) -> str:
        return self._modules.get(module, module)

    def _batch(self, spec: StreamSpec, rows: tuple[Row, ...]) -> RecordBatch:
        return RecordBatch(spec.name, Shape.LIST, rows, self._clock.now())


def _slices(spec: StreamSpec, field_names: Sequence[str]) -> list[str]:
    """Divide field names into lists that one call takes; each holds the version."""
    wanted = [n for n in (field_names or api_names(spec.fields)) if n not in ("id", _VERSION)]
    slices: list[list[str]] = [[_VERSION]]
    for name in dict.fromkeys(wanted):
        longer = len(",".join([*slices[-1], name]))
        if len(slices[-1]) >= _FIELDS or longer > _CHARACTERS:
            slices.append([_VERSION])
        slices[-1].append(name)
    return [",".join(names) for names in slices]


def _join(parts: Sequence[Sequence[Record]]) -> tuple[list[Record], list[str]]:
    """Join slices by id; returns whole records, and ids whose slices do not fit together."""
    if len(parts) == 1:
        return list(parts[0]), []
    by_id: dict[str, list[Record]] = {}
    for part in parts:
        for record in part:
            by_id.setdefault(str(record.get("id")), []).append(record)
    whole: list[Record] = []
    doubtful: list[str] = []
    for key, pieces in by_id.items():
        versions = {str(piece.get(_VERSION)) for piece in pieces}
        if len(pieces) == len(parts) and len(versions) == 1:
            joined: dict[str, Any] = {}
            for piece in pieces:
                joined.update(piece)
            whole.append(joined)
        else:
            doubtful.append(key)
    return whole, doubtful


def _since(moment: datetime) -> str:
    """ISO 8601 with offset, a second earlier: the boundary may be exclusive (crm.md 6)."""
    return (moment.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)).isoformat()


def _info(answer: Answer) -> Mapping[str, Any]:
    info = answer.body.get("info") if isinstance(answer.body, dict) else None
    return info if isinstance(info, dict) else {}


def _forbids(refused: Refused | TokenRefused) -> bool:
    """Whether only this right is missing (401 or 403 by code, crm.md 14)."""
    return "SCOPE" in refused.what if isinstance(refused, TokenRefused) else refused.status == 403
