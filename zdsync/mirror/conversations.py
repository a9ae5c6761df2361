"""zdsync.conversations: how far each ticket's conversation is read, and how the ticket stood then.

A conversation is current while the ticket's counts and modified time are those of its reading
(the view zdsync.ticket_replies says so). Must not call Zoho.
"""

# ruff: noqa: S608 - identifiers come from constants, values are bound

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from zdsync.clock import Clock
from zdsync.mirror import cursors
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.model import RecordBatch
from zdsync.sql import Sql, ident

AGAIN = timedelta(hours=1)  # a ticket whose conversation could not be read rests so long
_IDS = """(select unnest(from_json(?, '["VARCHAR"]')))"""
# What a note keeps of the ticket's earlier one, `b`.
_READ = "b.read_at, b.modified_time, b.thread_count, b.comment_count"


@dataclass(frozen=True, slots=True)
class Counted:
    """A ticket with what its row counts; None where a profile hides the count."""

    id: str
    threads: int | None
    comments: int | None


@dataclass(frozen=True, slots=True)
class Conversations:
    """The mirror's side of conversations; `merge` commits batches and returns what changed."""

    database: Database
    clock: Clock
    merge: Callable[[Sequence[RecordBatch], None], int]

    def in_turn(self, ids: Sequence[str], *, oldest_first: bool) -> list[Counted]:
        """Return tickets that may be read, those that failed lately left out.

        `oldest_first`: never read ones first, then the longest ago, so that nobody waits for ever
        behind tickets that move all the time; else in the order given.
        """
        order = "b.read_at nulls first, n.place" if oldest_first else "n.place"
        rows = self.database.rows(
            Sql(
                "select t.id, t.thread_count, t.comment_count from (select unnest(ids) as id, "
                "generate_subscripts(ids, 1) as place from "
                """(select from_json(?, '["VARCHAR"]') as ids)) n """
                "join desk.tickets t on t.id = n.id "
                "left join zdsync.conversations b on b.ticket_id = t.id "
                f"where b.failed_at is null or b.failed_at <= ?::timestamp order by {order}",
                (_bound(ids), naive(self.clock.now() - AGAIN)),
            )
        )
        return [Counted(*row) for row in rows]

    def moved(self) -> list[str]:
        """List live tickets whose conversation is not current: open ones, latest moved first."""
        return [
            row[0]
            for row in self.database.rows(
                Sql(
                    "select t.id from desk.tickets t "
                    "join zdsync.ticket_replies s on s.ticket_id = t.id "
                    "left join zdsync.open_tickets o on o.id = t.id "
                    "where not s.replies_read "
                    "order by o.id is null, t.modified_time desc nulls last, t.id"
                )
            )
        ]

    def keep(self, batches: Sequence[RecordBatch], read: Sequence[str]) -> int:
        """Merge the whole lists of the tickets `read`; what a list left out is buried."""
        at = self.clock.now()
        with self.database.transaction():
            changed = self.merge(batches, None)
            for batch in batches:
                self._bury(batch, read, at)
            self._note(
                read,
                "$2::timestamp, t.modified_time, t.thread_count, t.comment_count, null, "
                "b.row_asked_at",
                at,
            )
        return changed

    def _bury(self, batch: RecordBatch, read: Sequence[str], at: datetime) -> None:
        missing = self.database.rows(
            Sql(
                f"select id from {ident(batch.stream)} where deleted_at is null "
                f"and ticket_id in {_IDS} and id not in {_IDS}",
                (_bound(read), _bound(row["id"] for row in batch.rows)),
            )
        )
        cursors.bury(self.database, batch.stream, [row[0] for row in missing], at)

    def failed(self, ids: Sequence[str]) -> None:
        """Note tickets whose conversation could not be read: they rest for an hour."""
        self._note(ids, f"{_READ}, $2::timestamp, b.row_asked_at", self.clock.now())

    def rows_asked(self, ids: Sequence[str]) -> None:
        """Note tickets whose rows were asked for by id, whether search showed them or not."""
        self._note(ids, f"{_READ}, b.failed_at, $2::timestamp", self.clock.now())

    def _note(self, ids: Sequence[str], cells: str, at: datetime) -> None:
        if not ids:
            return
        ids_ = """(select unnest(from_json($1, '["VARCHAR"]')))"""
        with self.database.transaction():
            self.database.run(
                Sql(
                    f"create or replace temp table conversations_new as select t.id, {cells} "
                    "from desk.tickets t left join zdsync.conversations b on b.ticket_id = t.id "
                    f"where t.id in {ids_}",
                    (_bound(ids), naive(at)),
                )
            )
            gone = f"delete from zdsync.conversations where ticket_id in {_IDS}"
            self.database.run(Sql(gone, (_bound(ids),)))
            self.database.run(Sql("insert into zdsync.conversations from conversations_new"))

    def carry(self, before: Mapping[str, str]) -> None:
        """Keep readings current over zdsync's own writes.

        `before`: ticket → modified time that a detail showed right before the write. Conversation
        and tags that were current then still are, for the write touched neither.
        """
        pairs = orjson.dumps([[one, text] for one, text in before.items()]).decode()
        source = (
            "(select r[1] as id, r[2]::timestamp as at from "
            """(select unnest(from_json($1, '[["VARCHAR"]]')) as r)) n"""
        )
        with self.database.transaction():
            self.database.run(Sql(_CARRY.format(source=source), (pairs,)))
            tags = f"update desk.tickets t set tags_row = t.modified_time from {source} "
            self.database.run(Sql(tags + "where t.id = n.id and t.tags_row = n.at", (pairs,)))


_CARRY = """
update zdsync.conversations b set modified_time = t.modified_time
from desk.tickets t join {source} on n.id = t.id
where b.ticket_id = t.id and b.modified_time = n.at
    and b.thread_count is not distinct from t.thread_count
    and b.comment_count is not distinct from t.comment_count
"""


def _bound(ids: Iterable[str]) -> str:
    return orjson.dumps(list(ids)).decode()
