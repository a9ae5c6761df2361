"""What this room needs of the mirror and of Zoho Desk; the connectors and the mirror fulfil it.

Protocols only, and the one way to hand a list to SQL and to put a statement together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import orjson

from zdsync.model import RecordBatch, Row, Told
from zdsync.sql import Sql, join
from zdsync.streams import StreamSpec


class Queries(Protocol):
    """A mirror that can be asked, and that keeps temporary tables."""

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]: ...

    def run(self, sql: Sql) -> None: ...


class Store(Queries, Protocol):
    """A mirror that takes what Zoho answered."""

    def transaction(self) -> AbstractContextManager[None]: ...

    def upsert(
        self, batch: RecordBatch, *, actor: str, own: Collection[tuple[str, str]]
    ) -> int: ...

    def carry(self, before: Mapping[str, str]) -> None: ...

    def wrote(self, written: Mapping[str, tuple[str, datetime]]) -> None: ...

    def set_tags(
        self,
        tags_of: Mapping[str, Sequence[str]],
        read_at: datetime,
        *,
        actor: str,
        own: Collection[tuple[str, str]],
    ) -> None: ...


class Speech(Protocol):
    """What the portal says in tickets, and whether it was said."""

    def add_comment(self, ticket_id: str, content: str, *, public: bool) -> None: ...

    def send_reply(self, ticket_id: str, content: str, *, sender: str, to: str) -> None: ...

    def reply_addresses(self, sender: str = "") -> frozenset[str] | None: ...

    def finds_comment(self, ticket_id: str, ours: Callable[[str], bool]) -> bool: ...

    def finds_reply(
        self, ticket_id: str, ours: Callable[[str], bool], *, since: datetime
    ) -> bool | None: ...


class Past(Protocol):
    """What a ticket's History tells, oldest first; `pay` is asked for each page's credits."""

    def of(
        self,
        ticket_id: str,
        since: datetime,
        pay: Callable[[float], bool],
        more: Collection[str] = (),
    ) -> list[Told] | None: ...


class Messenger(Protocol):
    """What carries a notice out of the portal. Raises OutcomeUnknown where it may have."""

    def send(self, to: str, subject: str, text: str) -> None: ...


class Writer(Protocol):
    """Zoho Desk, as far as applying needs it: reads, six writes, one call each; speech.

    Within `until` a write raises TooLate instead of being sent after that monotonic instant.
    """

    @property
    def speech(self) -> Speech: ...

    @property
    def history(self) -> Past: ...

    def until(self, latest: float) -> AbstractContextManager[None]: ...

    def detail(self, spec: StreamSpec, id: str) -> Row | None: ...

    def tags_of(self, ticket_id: str) -> tuple[str, ...]: ...

    def patch_ticket(self, ticket_id: str, body: Mapping[str, Any], *, notify: bool) -> Row: ...

    def move_ticket(self, ticket_id: str, department_id: str) -> None: ...

    def add_tags(self, ticket_id: str, names: Sequence[str]) -> None: ...

    def remove_tags(self, ticket_id: str, names: Sequence[str]) -> None: ...

    def mark_spam(self, ticket_id: str) -> None: ...

    def unmark_spam(self, ticket_id: str) -> None: ...


def query(*pieces: Sql | str) -> Sql:
    """Put a statement together from constants and bound pieces, a space between."""
    return join(" ", [Sql(piece) if isinstance(piece, str) else piece for piece in pieces])


def texts(items: Iterable[str]) -> Sql:
    """Bind a list of texts as one relation of one column.

    As one JSON text: binding a Python list costs DuckDB 0.13 ms an element (20,000 took 2.7 s,
    this takes 0.06 s).
    """
    return Sql(
        "select unnest(from_json(?, '[\"VARCHAR\"]'))", (orjson.dumps(list(items)).decode(),)
    )


def table(rows: Sequence[Sequence[str | None]]) -> Sql:
    """Bind rows of texts as a relation of one column `r`, a list; `r[1]` is the first cell."""
    bound = orjson.dumps(rows).decode()
    return Sql("select unnest(from_json(?, '[[\"VARCHAR\"]]')) as r", (bound,))
