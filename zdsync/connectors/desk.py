"""Zoho Desk: its calls in our words.

Owns paths, parameters and body forms of Desk. Promises to send declared parameters only and
rows in our columns. No SQL, no rules, no decisions about what to read or write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from zdsync.clock import Clock
from zdsync.connectors.conversations import Conversations
from zdsync.connectors.decode import decode
from zdsync.connectors.forms import (
    Organization,
    Tag,
    field_of,
    number_of,
    organization_of,
    page_of,
    record_of,
    search_params,
)
from zdsync.connectors.history import History
from zdsync.connectors.links import Links
from zdsync.connectors.lists import Record, Sizes, read_list, records_of
from zdsync.connectors.proofs import Proofs
from zdsync.connectors.spans import Ground
from zdsync.connectors.speech import Speech
from zdsync.connectors.walk import walk
from zdsync.connectors.windows import PAGE, Fetch, Page, Query, TooDeep, WalkPage
from zdsync.errors import Refused, TokenRefused
from zdsync.model import RecordBatch, Row, Shape, Span
from zdsync.streams import BY_NAME, StreamSpec
from zdsync.transport.session import Answer, Api

log = logging.getLogger(__name__)

FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # nothing in Zoho Desk is older
_MOST = 200  # rows a page of agents, departments, teams (desk-people.md 2)


class Desk:
    """The Desk API of one portal. Thread-safe."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._sizes = Sizes()
        self._department_ids: tuple[str, ...] | None = None
        self.conversations = Conversations(api, self._sizes)
        self.speech = Speech(api, self._sizes, self._departments_of(BY_NAME["desk.tickets"]))

    def organization(self, org_id: str | None) -> Organization:
        """Return the portal, and learn the edition's limits from it.

        Without `org_id` the token's default portal is taken and used from then on. TokenRefused
        if the token does not reach the portal.
        """
        answer = self._api.get("/organizations", stream="desk.organization")
        found = [organization_of(record) for record in records_of(answer)]
        default = next((r for r in records_of(answer) if r.get("isDefault")), None)
        wanted = org_id or (str(default["id"]) if default else None)
        chosen = next((org for org in found if org.id == wanted), None)
        if chosen is None and not org_id and len(found) == 1:
            chosen = found[0]
        if chosen is None:
            reach = ", ".join(org.id for org in found) or "none"
            raise TokenRefused(
                f"the token does not reach the portal {org_id or '(none named)'}",
                f"Set ZDSYNC_ORG_ID to one that it reaches: {reach}.",
            )
        self._api.use_org(chosen.id)
        if chosen.edition and not self._api.budget.edition_known:  # a setting wins
            self._api.budget.set_edition(chosen.edition)
        return chosen

    def pages(self, spec: StreamSpec) -> Iterator[RecordBatch]:
        """Yield all agents, departments or teams, as lists."""
        key = "teams" if spec.module == "teams" else "data"
        pages = read_list(
            self._api, self._sizes, f"/{spec.module}", stream=spec.name, key=key, most=_MOST
        )
        for records in pages:
            yield self._batch(spec, Shape.LIST, records)

    def fields(self, module: str) -> RecordBatch:
        """Return a module's fields; from the older call where the newer is not there."""
        spec = BY_NAME["desk.fields"]
        params = {"module": module}
        try:
            answer = self._api.get("/fields", params, stream=spec.name)
        except (Refused, TokenRefused) as refused:
            if isinstance(refused, Refused) and refused.status not in (403, 404):
                raise
            log.info("stream=%s fallback=organizationFields", spec.name)
            answer = self._api.get("/organizationFields", params, stream=spec.name)
        records = [field_of(record, module) for record in records_of(answer)]
        return self._batch(spec, Shape.LIST, records)

    def search(
        self,
        spec: StreamSpec,
        axis: Literal["created", "modified"],
        span: Span,
        *,
        workers: int = 1,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Generator[WalkPage, None, None]:
        """Yield every row whose time on `axis` lies in the span; close it to stop early.

        `progress` is told the rows handed out so far and Zoho's total, if it is known.
        """
        bounds = Span(FIRST, self._clock.now() + timedelta(days=2))
        ground = Ground(self._fetch(spec), axis, self._departments_of(spec), bounds)
        handed = 0
        total: int | None = None
        pages = walk(ground, span, min(workers, self._api.budget.concurrency))
        with closing(pages):
            for page in pages:
                total = page.total if total is None else total
                handed += len(page.rows)
                yield WalkPage(page.rows, page.covers, total)
                if progress:
                    progress(handed, total)

    @property
    def links_at(self) -> Links:
        """The CRM links of contacts and accounts, a page at a time."""
        return Links(self._api, self._sizes, self._clock)

    @property
    def proofs(self) -> Proofs:
        """Counts, the recycle bin, records by id: what shows that a mirror is whole."""
        return Proofs(self._api, self._sizes, self._clock)

    @property
    def history(self) -> History:
        """What became of tickets, and by whom."""
        return History(self._api)

    def links(self, spec: StreamSpec) -> Iterator[RecordBatch]:
        """Yield contacts or accounts as lists, for the CRM links that search rows may lack."""
        params = {"sortBy": "createdTime"}  # new records land at the end, not in our way
        path = f"/{spec.module}"
        for records in read_list(self._api, self._sizes, path, stream=spec.name, params=params):
            yield self._batch(spec, Shape.LIST, records)

    def detail(self, spec: StreamSpec, id: str) -> Row | None:
        """Return one record in full; None if it is not there."""
        answer = self._api.get(f"/{spec.module}/{id}", stream=spec.name, absent_ok=True)
        if not isinstance(answer.body, dict):
            return None
        rows = decode(spec, Shape.DETAIL, [answer.body])
        return rows[0] if rows else None

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        """Return a ticket's tags."""
        answer = self._api.get(f"/tickets/{ticket_id}/tags", stream="desk.tags")
        return tuple(str(tag["name"]) for tag in records_of(answer, "tags") if tag.get("name"))

    def tags_in_use(self, department_ids: Sequence[str]) -> list[Tag]:
        """Return the tags of departments, each id once, with Zoho's count of their tickets."""
        found: dict[str, Tag] = {}
        for department in department_ids:
            params = {"departmentId": department}
            for records in read_list(
                self._api, self._sizes, "/ticketTags", stream="desk.tags", params=params
            ):
                tags = (
                    Tag(str(r["id"]), str(r["name"]), number_of(r.get("ticketCount")))
                    for r in records
                    if r.get("name")
                )
                found.update({tag.id: tag for tag in tags})
        return list(found.values())

    def tickets_of_tag(self, tag_id: str) -> tuple[str, ...]:
        """Return the ids of the tickets that carry a tag, in whatever department."""
        pages = read_list(
            self._api,
            self._sizes,
            f"/tags/{tag_id}/tickets",
            stream="desk.tags",
            params={"sortBy": "createdTime"},
            endpoint="/tags/{id}/tickets",
        )
        return tuple(str(record["id"]) for records in pages for record in records)

    def until(self, latest: float) -> AbstractContextManager[None]:
        """Within it this thread's writes raise TooLate instead of being sent after `latest`."""
        return self._api.until(latest)

    def patch_ticket(self, ticket_id: str, body: Mapping[str, Any], *, notify: bool = True) -> Row:
        """Change fields of a ticket; returns what the answer tells of the ticket as it is now.

        Every key of an answer may be missing (desk-tickets.md 1): its status alone tells that the
        call was accepted.
        `notify` False keeps Zoho from mailing the contact when this closes the ticket.
        """
        params = {} if notify else {"disableClosureNotification": "true"}
        path = f"/tickets/{ticket_id}"
        answer = self._send("PATCH", path, params, body)
        rows = decode(BY_NAME["desk.tickets"], Shape.DETAIL, [record_of(answer)])
        return rows[0] if rows else {"id": ticket_id}

    def move_ticket(self, ticket_id: str, department_id: str) -> None:
        """Move a ticket; the spec wants the department in the query, its older form in the body."""
        target = {"departmentId": department_id}
        self._send("POST", f"/tickets/{ticket_id}/move", target, target)

    def add_tags(self, ticket_id: str, names: Sequence[str]) -> None:
        """Add tags to a ticket, by name."""
        self._send("POST", f"/tickets/{ticket_id}/associateTag", {}, {"tags": list(names)})

    def remove_tags(self, ticket_id: str, names: Sequence[str]) -> None:
        """Take tags from a ticket, by name."""
        self._send("POST", f"/tickets/{ticket_id}/dissociateTag", {}, {"tags": list(names)})

    def mark_spam(self, ticket_id: str) -> None:
        """Mark one ticket as spam, and nothing beyond it: never the contact."""
        self._send("POST", "/tickets/markSpam", {}, {"ids": [ticket_id], "isSpam": True})

    def unmark_spam(self, ticket_id: str) -> None:
        """Take the mark of spam from one ticket (isSpam of MarkSpam is a boolean)."""
        self._send("POST", "/tickets/markSpam", {}, {"ids": [ticket_id], "isSpam": False})

    def _send(
        self, method: str, path: str, params: Mapping[str, str], body: Mapping[str, Any]
    ) -> Answer:
        return self._api.send(method, path, params=params, body=body, stream="desk.writes")

    def _batch(self, spec: StreamSpec, shape: Shape, records: Sequence[Record]) -> RecordBatch:
        rows = decode(spec, shape, records)
        return RecordBatch(spec.name, shape, rows, self._clock.now())

    def _departments_of(self, spec: StreamSpec) -> Callable[[], Sequence[str]]:
        def ids() -> Sequence[str]:
            if spec.module != "tickets":  # contacts and accounts declare no departmentId
                return ()
            if self._department_ids is None:
                batches = self.pages(BY_NAME["desk.departments"])
                self._department_ids = tuple(row["id"] for b in batches for row in b.rows)
            return self._department_ids

        return ids

    def _fetch(self, spec: StreamSpec) -> Fetch:
        path = f"/{spec.module}/search"

        def fetch(query: Query) -> Page:
            params = search_params(query)

            def call(limit: int) -> Answer:
                return self._api.get(path, {**params, "limit": limit}, stream=spec.name)

            if not query.offset:
                answer = self._sizes.ask(path, PAGE, call)
            else:
                try:
                    answer = call(self._sizes.known(path, PAGE))
                except Refused as refused:
                    if refused.status != 422:
                        raise
                    raise TooDeep from None
            return page_of(spec, answer)

        return fetch
