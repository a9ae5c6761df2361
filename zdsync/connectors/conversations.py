"""What was said in a ticket: its threads and comments, by one list or by two.

Owns those calls (desk-people.md section 9, desk-tickets.md section 2): three credits a page each.
Promises both lists whole, each record once, whatever the base of `from` and the page cap are.
No SQL, no decision about which tickets to read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from zdsync.connectors.decode import decode
from zdsync.connectors.lists import Record, Sizes, read_list
from zdsync.connectors.windows import SURE_END
from zdsync.errors import Refused, TokenRefused
from zdsync.model import Row, Shape
from zdsync.streams import BY_NAME
from zdsync.transport.session import Api

log = logging.getLogger(__name__)

THREADS, COMMENTS = BY_NAME["desk.threads"], BY_NAME["desk.comments"]
_MOST = 200  # rows a page of conversations (desk-people.md section 2)
_FIRST = 3  # calls more that finding out may take: page sizes refused, then two lists for one
_REFUSALS = (400, 403, 404, 405, 422)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One ticket's threads and comments as rows."""

    threads: tuple[Row, ...]
    comments: tuple[Row, ...]


class Conversations:
    """Reads conversations of one portal. Thread-safe."""

    def __init__(self, api: Api, sizes: Sizes) -> None:
        self._api = api
        self._sizes = sizes
        self._refused = False  # learned: this portal has no list of both
        self.known = False  # whether one reading has shown which lists there are

    def calls_for(self, threads: int, comments: int) -> int:
        """How many calls a ticket with so many threads and comments takes at most."""
        if self.known and self._refused:
            return _calls(threads, 100) + (_calls(comments, 100) if comments else 0)
        return _calls(threads + comments, _MOST) + (0 if self.known else _FIRST)

    def of(self, ticket_id: str, *, threads: bool, comments: bool) -> Conversation:
        """Read one ticket; `threads` and `comments` say whether its row counts any.

        What the list of both lacks although the row counts it is asked for by its own call.
        Raises Missing where the ticket is gone, ZohoFailed, TokenRefused.
        """
        both = None if self._refused else self._both(ticket_id)
        if both is None:
            said = self._pages(ticket_id, "threads")
            self._learn()
            noted = self._pages(ticket_id, "comments") if comments else []
        else:
            noted = [one for one in both if _is_comment(one)]
            said = [one for one in both if not _is_comment(one)]
            if threads and not said:
                said = self._pages(ticket_id, "threads")
            if comments and not noted:
                noted = self._pages(ticket_id, "comments")
        self.known = True
        hung = {"ticketId": ticket_id}
        return Conversation(
            decode(THREADS, Shape.LIST, [{**one, **hung} for one in said]),
            decode(COMMENTS, Shape.LIST, [{**one, **hung} for one in noted]),
        )

    def _both(self, ticket_id: str) -> list[Record] | None:
        """The list of both; None where it is refused, which may be this ticket's fault."""
        try:
            return self._pages(ticket_id, "conversations")
        except TokenRefused:
            return None
        except Refused as refused:
            if refused.status not in _REFUSALS:
                raise
            return None

    def _learn(self) -> None:
        """The list of both was refused, and the ticket is there: do not ask for it again."""
        if not self._refused:
            log.info("stream=%s fallback=threads and comments", THREADS.name)
        self._refused = True

    def _pages(self, ticket_id: str, kind: str) -> list[Record]:
        pages = read_list(
            self._api,
            self._sizes,
            f"/tickets/{ticket_id}/{kind}",
            stream=COMMENTS.name if kind == "comments" else THREADS.name,
            most=_MOST if kind == "conversations" else 100,
            endpoint=f"/tickets/{{id}}/{kind}",
        )
        return _flat(pages)


def _calls(rows: int, most: int) -> int:
    """A page of fewer than SURE_END rows is the last for sure; a fuller one is followed by one."""
    return 1 if rows < SURE_END else 2 + rows // most


def _is_comment(record: Record) -> bool:
    kind = str(record.get("type") or "").lower()
    return kind == "comment" or (kind != "thread" and "commentedTime" in record)


def _flat(pages: Iterable[list[Record]]) -> list[Record]:
    return [record for records in pages for record in records]
