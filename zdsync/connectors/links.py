"""The CRM links of Desk's contacts and accounts, as lists show them, a page at a time.

Owns the two calls that carry links (desk-people.md 3): the plain list, whose pages get dearer
with depth, and contactsByIds, whose price does not. No decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zdsync.clock import Clock
from zdsync.connectors.decode import decode
from zdsync.connectors.lists import Sizes, records_of
from zdsync.connectors.windows import SURE_END
from zdsync.model import RecordBatch, Shape
from zdsync.streams import StreamSpec
from zdsync.transport.session import Answer, Api

PAGE = 100
IDS = 20  # desk-people.md 2: contactsByIds takes so many


@dataclass(frozen=True, slots=True)
class LinkPage:
    """Some rows in the list's shape, what they cost, and whether the list ends here."""

    batch: RecordBatch
    credits: float
    last: bool


class Links:
    """Reads links of one portal."""

    def __init__(self, api: Api, sizes: Sizes, clock: Clock) -> None:
        self._api = api
        self._sizes = sizes
        self._clock = clock

    def page(self, spec: StreamSpec, start: int) -> LinkPage:
        """Read the page that begins after `start` rows, the oldest records first."""
        path = f"/{spec.module}"

        def call(limit: int) -> Answer:
            params: dict[str, str | int] = {"sortBy": "createdTime", "limit": limit}
            if start:
                params["from"] = start
            return self._api.get(path, params, stream=spec.name)

        answer = self._sizes.ask(path, PAGE, call)
        rows = records_of(answer)
        return self._made(spec, answer, last=len(rows) < SURE_END)

    def of(self, spec: StreamSpec, ids: Sequence[str]) -> LinkPage:
        """Read up to 20 contacts by id. Refused where one is missing, perhaps."""
        path = f"/{spec.module}/contactsByIds"
        answer = self._api.get(path, {"ids": ",".join(ids)}, stream=spec.name)
        return self._made(spec, answer, last=False)

    def _made(self, spec: StreamSpec, answer: Answer, *, last: bool) -> LinkPage:
        rows = decode(spec, Shape.LIST, records_of(answer))
        batch = RecordBatch(spec.name, Shape.LIST, rows, self._clock.now())
        return LinkPage(batch, answer.credits, last)
