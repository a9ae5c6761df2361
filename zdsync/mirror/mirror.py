"""The mirror for the other rooms: one object for the private file. One thread writes.
Promises: rows and their cursor commit together (promise 1), versions never go back (promise 2),
a stream that lists nothing is a fault (promise 4). Knows nothing of HTTP or rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zdsync.clock import Clock
from zdsync.mirror import (
    birth,
    cursors,
    holds,
    journal_table,
    kept,
    migrate,
    past,
    portal,
    privacy,
    publishing,
    runs,
    standing,
    tables,
    tags,
    touched,
    upsert,
)
from zdsync.mirror import options as words
from zdsync.mirror.conversations import Conversations
from zdsync.mirror.database import Database
from zdsync.mirror.lock import private_directory
from zdsync.model import Call, Cursor, Portal, RecordBatch
from zdsync.sql import Sql

Own = Collection[tuple[str, str]] | None  # pairs of ticket and column, or tag:NAME


class Mirror:
    """The private file, open for reading and writing."""

    def __init__(
        self,
        database: Database,
        made: Mapping[str, tables.Table],
        options: Mapping[str, str],
        clock: Clock,
        guard: privacy.Privacy,
    ) -> None:
        self._database = database
        self._tables = made
        self._options = options
        self._clock = clock
        self.conversations = Conversations(database, clock, self.checkpoint)
        self.carry = self.conversations.carry
        self.wrote = partial(touched.note, database)
        self.release = partial(holds.release, database)
        self.privacy = guard

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        memory: str,
        options: Mapping[str, str],
        clock: Clock,
        policy: privacy.Policy = privacy.OPEN,
    ) -> Mirror:
        """Open or create the mirror and bring it to this version.

        `options`: sla_tier_field, outcome_field, crm (on, off). Raises MirrorNewer, MirrorBusy,
        MirrorFailed.
        """
        private_directory(path.parent)
        birth.make_sure(path, memory=memory)
        database = Database.open(path, memory=memory)
        try:
            migrate.migrate(database)
            made = tables.prepare(database)
            chosen = {**words.DEFAULTS, **options}
            words.write(database, chosen)
            standing.apply(database)
            path.chmod(0o600)
            outcome = chosen["outcome_field"]
            guard = privacy.Privacy(database, made, clock, memory, policy, outcome)
            guard.begin()
        except BaseException:
            database.close()
            raise
        return cls(database, made, chosen, clock, guard)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        return self._database.path

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all or nothing; an inner transaction joins the outer one."""
        return self._database.transaction()

    # -- rows and cursors ------------------------------------------------------------------------

    def upsert(self, batch: RecordBatch, *, actor: str = "unknown", own: Own = None) -> int:
        """Merge rows; returns how many got another value.

        `actor` goes to ticket_changes, for the pairs of ticket and column in `own` (all if None).
        """
        return self._merge([batch], actor, own)

    def checkpoint(self, batches: Sequence[RecordBatch], cursor: Cursor | None) -> int:
        """Commit rows and cursor in one transaction (promise 1); returns how many rows changed."""
        with self.transaction():
            changed = self._merge(batches, "unknown")
            if cursor is not None:
                cursors.save(self._database, cursor)
                if cursor.complete:
                    past.begin(self._database, cursor.stream, self._clock.now())
        return changed

    def _merge(self, batches: Iterable[RecordBatch], actor: str, own: Own = None) -> int:
        changed, pairs = 0, None if own is None else past.owned(own)
        with self.transaction():
            ordered = sorted(batches, key=lambda batch: batch.stream)
            for stream, some in groupby(ordered, key=lambda batch: batch.stream):
                passed = self.privacy.strain(list(some))
                rows = [one.batch for one in passed]
                table = self._tables[stream]
                changed += upsert.upsert(self._database, table, rows, actor, pairs)
                self.privacy.settle(passed)
            self._touched(changed)
        return changed

    def cursor(self, stream: str) -> Cursor:
        """Where a stream stands; a new cursor if it was never pulled."""
        return cursors.load(self._database, stream)

    def save_cursor(self, cursor: Cursor) -> None:
        """Replace a stream's cursor."""
        with self.transaction():
            cursors.save(self._database, cursor)

    def bury(
        self,
        stream: str,
        ids: Iterable[str],
        read_at: datetime,
        presence: str = "gone",
        *,
        since: Mapping[str, datetime] | None = None,
    ) -> int:
        """Give tombstones to records that are gone (or `trashed`, `since` when) as of `read_at`."""
        with self.transaction():
            buried = cursors.bury(self._database, stream, ids, read_at, presence, since=since)
            self._touched(buried)
        return buried

    def replace_missing(
        self, stream: str, seen_ids: Iterable[str], read_at: datetime, *, accept: bool = False
    ) -> int:
        """Bury what a full listing left out. Raises Vanishing if too much is (promise 4)."""
        with self.transaction():
            buried = cursors.bury_missing(self._database, stream, seen_ids, read_at, accept=accept)
            self._touched(buried)
        return buried

    def show_kept(self, system: str) -> None:
        """Show in `cf` what custom fields held that vanished, hide it where they came back."""
        with self.transaction():
            self._touched(kept.show(self._database, system))

    def unlinked(self, stream: str) -> list[str]:
        """Ids of live contacts or accounts whose CRM link no answer has carried yet."""
        return upsert.unlinked(self._database, self._tables[stream])

    # -- tags ------------------------------------------------------------------------------------

    def set_tags(
        self,
        tags_of: Mapping[str, Sequence[str]],
        read_at: datetime,
        *,
        actor: str = "unknown",
        own: Own = None,
    ) -> None:
        """Set the tags of tickets (id → tags) as read at `read_at`; a later reading stays."""
        pairs = None if own is None else past.owned(own)
        with self.transaction():
            told = self.privacy.tags(tags_of)
            self._touched(tags.replace(self._database, told, read_at, actor, pairs))

    def tags_swept(
        self,
        tags_of: Mapping[str, Sequence[str]],
        department_ids: Sequence[str],
        read_at: datetime,
    ) -> None:
        """Set the tags of every ticket of departments whose tags were all listed."""
        with self.transaction():
            told = self.privacy.tags(tags_of)
            self._touched(tags.swept(self._database, told, department_ids, read_at))

    @property
    def past(self) -> past.Past:
        """The past of tickets: what changed, when and by whom."""
        return past.Past(self._database)

    # -- questions -------------------------------------------------------------------------------

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]:
        """Run one statement; instants come back naive, in UTC."""
        return self._database.rows(sql)

    def columns_and_rows(self, sql: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The same with the names of the columns."""
        return self._database.columns_and_rows(sql)

    def run(self, sql: Sql) -> None:
        self._database.run(sql)

    @contextmanager
    def reader(self) -> Iterator[Database]:
        """Lend a connection of its own to another thread."""
        lent = self._database.reader()
        try:
            yield lent
        finally:
            lent.close()

    def portal(self) -> Portal:
        """Read the names that the portal knows."""
        return portal.read(self._database, self._options)

    # -- runs, calls, journal --------------------------------------------------------------------

    def start_run(self, run_id: str, command: str) -> None:
        """Note that a run began."""
        with self.transaction():
            runs.start(self._database, run_id, command, self._clock.now())

    def finish_run(
        self, run_id: str, outcome: str, counts: Mapping[str, int] | None = None, error: str = ""
    ) -> None:
        """Note how a run ended; `counts`: pulled, and the journal's outcomes."""
        with self.transaction():
            now = self._clock.now()
            runs.finish(self._database, run_id, outcome, now, counts=counts or {}, error=error)

    def note(self, name: str, value: str) -> None:
        """Keep one word about the mirror in zdsync.options, such as the credits left today."""
        with self.transaction():
            self.run(Sql("delete from zdsync.options where name = ?", (name,)))
            self.run(Sql("insert into zdsync.options values (?, ?)", (name, value)))

    def noted(self, name: str) -> str | None:
        """One word that was kept; None if none was."""
        rows = self.rows(Sql("select value from zdsync.options where name = ?", (name,)))
        return str(rows[0][0]) if rows else None

    def record_calls(self, run_id: str, calls: Sequence[Call]) -> None:
        """Keep what each call cost."""
        with self.transaction():
            runs.record_calls(self._database, run_id, calls)

    def load_journal(self, lines: Iterable[Mapping[str, Any] | bytes]) -> int:
        """Load lines of the journal's files; repeating it changes nothing."""
        with self.transaction():
            loaded = journal_table.merge(self._database, lines)
            self._touched(loaded)
        return loaded

    # -- publishing ------------------------------------------------------------------------------

    def publish(self, target: Path, *, exclude: Sequence[str] = (), force: bool = False) -> bool:
        """Publish a copy for analysts if something changed; returns whether it did."""
        return publishing.publish_open(
            self._database,
            target,
            as_of=self._clock.now(),
            exclude=exclude,
            memory=self.privacy.memory,
            force=force,
        )

    def touch(self) -> None:
        """Note that there is something to publish."""
        publishing.touch(self._database)

    def _touched(self, changed: int) -> None:
        if changed:
            self.touch()
