"""Zoho CRM v8, for reading: its calls in our words.

Owns paths and parameters of the CRM; crm_lists.py walks long lists, crm_slices.py divides
fields. Promises that what the token may not see is told apart from what is empty. No SQL, no
rules.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zdsync.clock import Clock
from zdsync.connectors.crm_lists import CrmList, info_of, since_text
from zdsync.connectors.crm_slices import slices_of
from zdsync.connectors.decode import decode
from zdsync.connectors.lists import Record, records_of
from zdsync.connectors.proofs import Deleted, deleted_of
from zdsync.errors import Refused, TokenRefused
from zdsync.model import RecordBatch, Row, Shape
from zdsync.streams import StreamSpec
from zdsync.transport.session import Answer, Api, Params

log = logging.getLogger(__name__)

NO_MODULE = "INVALID_MODULE"
_PAGE = 200  # crm.md 7 and 11: default and maximum
# crm.md 3: lists leave converted leads out unless asked; Desk contacts go on pointing at them.
_ASKED: Mapping[str, Mapping[str, str]] = {"Leads": {"converted": "both"}}


@dataclass(frozen=True, slots=True)
class Feed:
    """Some records that were deleted; `cut`: Zoho does not show those that follow."""

    records: tuple[Deleted, ...] = ()
    cut: bool = False


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
            if not records or not info_of(answer).get("more_records"):
                return
            number += 1

    def fields(self, spec: StreamSpec, module: str) -> RecordBatch | None:
        """Return a module's fields; None where the token may not read them, or no such module."""
        params = {"module": self._name(module)}
        try:
            answer = self._api.get("/settings/fields", params, stream=spec.name)
        except (Refused, TokenRefused) as refused:
            if not forbids(refused) and not has_no_module(refused):
                raise
            log.warning("stream=%s module=%s fields=unreadable", spec.name, module)
            return None
        # An id of ours: crm.md 11 lists none, and one of Zoho's need not be the module's alone.
        records = [
            {**record, "module": module, "id": f"{module}.{record.get('api_name')}"}
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
        """Yield records modified since an instant, or all; rows may come twice.

        `field_names` are API names (all of the module's; empty: those that we model).
        """
        for records in self._list(spec, field_names, since).pages():
            yield self._batch(spec, decode(spec, Shape.LIST, records, custom))

    def by_ids(
        self,
        spec: StreamSpec,
        ids: Sequence[str],
        field_names: Sequence[str],
        custom: frozenset[str],
    ) -> RecordBatch:
        """Return the records with these ids, as far as they exist; 100 ids a call and slice."""
        found: list[Record] = []
        for records in self._list(spec, field_names, None).by_ids(ids):
            found += records
        return self._batch(spec, decode(spec, Shape.LIST, found, custom))

    def absent(self, spec: StreamSpec, id: str) -> bool:
        """Whether a read of this one record says that it is not there (crm.md 5)."""
        answer = self._api.get(
            f"/{self._name(spec.module)}/{id}",
            stream=spec.name,
            endpoint=f"/{spec.module}/{{id}}",
            absent_ok=True,
        )
        return not records_of(answer)

    def deleted(self, spec: StreamSpec, since: datetime | None) -> Iterator[Feed]:
        """Yield records deleted since an instant, or all that Zoho remembers (crm.md 7).

        Where the feed of all kinds ends early (whether the limit of 2,000 holds here is not
        known), each kind has a feed of its own.
        """
        cut = False
        for feed in self._deleted(spec, "all", since):
            cut = cut or feed.cut
            if feed.records:
                yield feed
        if cut:
            for kind in ("recycle", "permanent"):
                yield from self._deleted(spec, kind, since)

    def _deleted(self, spec: StreamSpec, kind: str, since: datetime | None) -> Iterator[Feed]:
        headers = {} if since is None else {"If-Modified-Since": since_text(since)}
        number = 1
        while True:
            params: Params = {"type": kind, "page": number, "per_page": _PAGE}
            try:
                answer = self._feed(spec, params, headers)
            except Refused as refused:
                if number == 1 or refused.status != 400:
                    raise
                log.warning("stream=%s deleted=cut type=%s page=%d", spec.name, kind, number)
                yield Feed(cut=True)
                return
            found = [deleted_of(record) for record in records_of(answer)]
            # Whether the header filters by deleted_time is not known.
            fresh = [one for one in found if since is None or one.at is None or one.at >= since]
            if fresh:
                yield Feed(tuple(fresh))
            if not found or not info_of(answer).get("more_records"):
                return
            number += 1

    def _feed(self, spec: StreamSpec, params: Params, headers: Mapping[str, str]) -> Answer:
        return self._api.get(
            f"/{self._name(spec.module)}/deleted",
            params,
            stream=spec.name,
            endpoint=f"/{spec.module}/deleted",
            headers=headers,
        )

    def _list(
        self, spec: StreamSpec, field_names: Sequence[str], since: datetime | None
    ) -> CrmList:
        return CrmList(
            self._api,
            spec.name,
            f"/{self._name(spec.module)}",
            f"/{spec.module}",
            slices_of(spec, field_names),
            since,
            _ASKED.get(spec.module, {}),
        )

    def _name(self, module: str) -> str:
        return self._modules.get(module, module)

    def _batch(self, spec: StreamSpec, rows: tuple[Row, ...]) -> RecordBatch:
        return RecordBatch(spec.name, Shape.LIST, rows, self._clock.now())


def has_no_module(refused: Refused | TokenRefused) -> bool:
    """Whether the CRM says that it has no such module."""
    return isinstance(refused, Refused) and refused.code == NO_MODULE


def forbids(refused: Refused | TokenRefused) -> bool:
    """Whether only this right is missing (401 or 403 by code, crm.md 14)."""
    if isinstance(refused, TokenRefused):
        return "SCOPE" in refused.what
    return refused.status == 403 or refused.code == "AUTHORIZATION_FAILED"
