"""Pages of plain lists by offset, whatever the base of `from` and the page cap are.

Owns `Sizes` (what page size an endpoint accepts, learned from its refusals) and `read_list`.
Promises each record once and no gap by a wrong base. Must not know columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zdsync.connectors.windows import SURE_END
from zdsync.errors import Missing, Refused
from zdsync.transport.session import Answer, Api

Record = Mapping[str, Any]
_CAPS = (200, 100, 99, 50)  # desk-tickets.md 2: seen or documented


class Sizes:
    """Page sizes by endpoint: starts high, goes down when Zoho refuses."""

    def __init__(self) -> None:
        self._learned: dict[str, int] = {}

    def ask(self, endpoint: str, most: int, call: Callable[[int], Answer]) -> Answer:
        """Call with the largest page size that this endpoint is not known to refuse."""
        size = self._learned.get(endpoint, most)
        while True:
            try:
                answer = call(size)
            except Refused as refused:
                smaller = next((cap for cap in _CAPS if cap < size), None)
                if smaller is None or refused.status not in (400, 422):
                    raise
                size = smaller
            else:
                self._learned[endpoint] = size
                return answer

    def known(self, endpoint: str, most: int) -> int:
        """Return the size that a call to this endpoint would use."""
        return self._learned.get(endpoint, most)


def records_of(answer: Answer, key: str = "data") -> list[Record]:
    """Return the records of an answer; an empty 204 holds none."""
    body = answer.body
    found = body.get(key) if isinstance(body, dict) else None
    return [record for record in found or () if isinstance(record, dict)]


def read_list(
    api: Api,
    sizes: Sizes,
    path: str,
    *,
    stream: str,
    params: Mapping[str, str | int] | None = None,
    key: str = "data",
    most: int = 100,
    endpoint: str | None = None,
) -> Iterator[list[Record]]:
    """Yield a list's pages, each record once by id.

    The next page asks for `from` = rows seen: with base 1 it overlaps by a row, with base 0 it
    does not. A page of fewer than 50 rows is the last, or one that brings nothing new.
    """
    name = endpoint or path
    seen: set[str] = set()
    told = 0
    while True:
        start: dict[str, str | int] = {"from": told} if told else {}

        def call(limit: int, start: Mapping[str, str | int] = start) -> Answer:
            asked = {**(params or {}), **start, "limit": limit}
            return api.get(path, asked, stream=stream, endpoint=name)

        try:
            answer = sizes.ask(name, most, call)
        except Missing:
            raise
        except Refused as refused:
            if told and refused.status == 422:
                raise _cut(name, told, refused) from None
            raise
        records = records_of(answer, key)
        fresh = [record for record in records if str(record.get("id")) not in seen]
        seen.update(str(record.get("id")) for record in fresh)
        told += len(fresh)
        if fresh:
            yield fresh
        if not fresh or len(records) < min(SURE_END, sizes.known(name, most)):
            return


def _cut(name: str, told: int, refused: Refused) -> Refused:
    what = f"{name}: the list goes on after row {told}, but Zoho refuses to show more"
    return Refused(what, refused.status, refused.code, refused.fields, refused.what)
