"""COQL, for what no list of the CRM reaches: the ids above an id (crm.md 8).

A read that is sent as POST: repeated where its answer was lost, for it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from zdsync.connectors.crm_slices import VERSION
from zdsync.connectors.lists import Record, records_of
from zdsync.errors import OutcomeUnknown, Refused, TokenRefused
from zdsync.transport.session import Answer, Api

_ROWS = 2000  # a call; it costs 3 credits
_TRIES = 4
_FORMS = ("id > {}", "id > '{}'")  # crm.md 8 shows no literal of an id


class CoqlRefused(Exception):
    """The token may not use COQL, or this CRM does not understand it."""


def ids_above(
    api: Api, stream: str, module: str, after: int, since: str | None
) -> Iterator[list[Record]]:
    """Yield id and modified time of the records above an id, in their order.

    `since`: only those modified since, ISO 8601 with offset. Raises CoqlRefused, ZohoFailed.
    """
    form = 0
    while True:
        where = _FORMS[form].format(after)
        where += f" and {VERSION} >= '{since}'" if since else ""
        columns = f"id, {VERSION}"
        # Zoho's language binds no values: a name from the settings, a number, an instant of ours.
        query = f"select {columns} from {module} where {where} order by id asc limit {_ROWS}"  # noqa: S608 - as said
        try:
            answer = _ask(api, stream, query)
        except TokenRefused as refused:
            raise CoqlRefused(refused.what) from None
        except Refused as refused:
            form += 1
            if refused.status == 400 and form < len(_FORMS):
                continue
            raise CoqlRefused(refused.what) from None
        records = records_of(answer)
        if records:
            yield records
        above = max((int(record.get("id") or 0) for record in records), default=after)
        told = answer.body.get("info") if isinstance(answer.body, dict) else None
        more = told.get("more_records") if isinstance(told, dict) else len(records) >= _ROWS
        if above <= after or not more:
            return
        after = above


def _ask(api: Api, stream: str, query: str) -> Answer:
    for attempt in range(_TRIES):
        try:
            return api.send("POST", "/coql", body={"select_query": query}, stream=stream)
        except OutcomeUnknown:
            if attempt + 1 == _TRIES:
                raise
    raise AssertionError("unreachable")
