"""What the mirror must not hold: forgotten persons, old texts, columns that a setting excludes.

Promises that nothing of these gets in by any way of writing, that what was begun is finished
after a crash (the tombstone is on disk first; zdsync.options says what is due), and that
emptied bytes leave the disk. It is about the mirror only: Zoho keeps what it has.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from zdsync.clock import Clock
from zdsync.mirror import emptying, forgotten, publishing, rewriting
from zdsync.mirror.database import Database
from zdsync.mirror.sieve import Passed, Sieve
from zdsync.mirror.tables import Table
from zdsync.mirror.upsert import naive
from zdsync.model import RecordBatch
from zdsync.personal import TICKETS, Retention, named
from zdsync.sql import Sql

_DUE = "forgetting"  # `due`: emptied rows, files or bytes are left of an interrupted run
_REWRITE = "rewrite"  # `due`: emptied values are still in freed blocks
_REWRITTEN = "rewritten_at"
_EXCLUDED = "excluded"
_RETIRED = "retired_at"
_SWEPT = "swept_at"
_DAILY = timedelta(days=1)


class _Undone(Exception):
    """Rolls a preview back."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings: names of columns never stored, how long texts of closed tickets are kept."""

    exclude: Sequence[str] = ()
    retention: Retention | None = None


OPEN = Policy()  # everything is stored, for ever


@dataclass(slots=True)
class Privacy:
    """The gate and the emptying of one open mirror."""

    database: Database
    tables: Mapping[str, Table]
    clock: Clock
    memory: str
    policy: Policy
    outcome_field: str
    sieve: Sieve = field(default_factory=Sieve)
    excluded_anew: bool = False  # whether opening emptied columns
    _marked: bool = False  # whether some ticket is marked as emptied

    def begin(self) -> None:
        """Learn the tombstones, follow a changed setting; called when the mirror is opened."""
        self.sieve.excluded = tuple(named(self.policy.exclude))
        self.sieve.kept_key = self.outcome_field
        if self.policy.retention:
            self.sieve.cutoff = naive(self.policy.retention.cutoff(self.clock.now()))
        with self.database.transaction():
            if forgotten.learn(self.database, forgotten.read(self.database.path.parent)):
                self._note(_DUE, "learned")
            self.excluded_anew = self._exclude_anew()
            if self.excluded_anew:
                self._rewrite_soon()
                publishing.touch(self.database)
        self.sieve.forgotten = forgotten.known(self.database)
        marked = "select count(*) from desk.tickets where emptied_at is not null"
        self._marked = self.database.count(Sql(marked)) > 0

    def _exclude_anew(self) -> bool:
        """Empty what is stored of columns that were not excluded before; True if the setting
        changed so."""
        wanted = sorted(set(self.policy.exclude))
        before = self._option(_EXCLUDED)
        if before == orjson.dumps(wanted).decode() or (not before and not wanted):
            return False
        self._note(_EXCLUDED, orjson.dumps(wanted).decode())
        have = set(orjson.loads(before)) if before else set()
        fresh = [name for name in wanted if name not in have]
        return bool(fresh) and bool(emptying.empty_columns(self.database, list(named(fresh))))

    # -- the gate ----------------------------------------------------------------------------

    def strain(self, batches: Sequence[RecordBatch]) -> list[Passed]:
        """Let batches of one stream through."""
        table = self.tables[batches[0].stream] if batches else None
        if table is None or (self.sieve.idle and not self._marked):
            return [Passed(batch) for batch in batches]
        return [self.sieve.strain(table, batch, self._old) for batch in batches]

    def settle(self, passed: Sequence[Passed]) -> None:
        """Note what the batches came to, once their rows are merged; within their transaction."""
        fresh = {one for some in passed for one in some.fresh}
        if fresh:
            at = self.clock.now()
            forgotten.learn(self.database, forgotten.stones(fresh, at))
            if emptying.empty_forgotten(self.database, at):
                self._rewrite_soon()
        emptied = {one for some in passed for one in some.emptied}
        doubtful = {one for some in passed for one in some.doubtful}
        if doubtful and self._retire(doubtful):
            self._note(_REWRITE, "due")
        if emptied or doubtful:
            self._marked = True
            self._mark(emptied)
        old = self._old(doubtful)
        whole = {k: at for some in passed for k, at in some.whole.items() if k not in old}
        if whole and self._marked:
            emptying.unmark(self.database, whole)

    def tags(self, tags_of: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """Tags as they may be stored: none of a forgotten person's tickets."""
        known = self.sieve.forgotten.get(TICKETS)
        if not known:
            return tags_of
        return {one: () if one in known else names for one, names in tags_of.items()}

    def _old(self, ids: set[str]) -> set[str]:
        if not ids:
            return set()
        cutoff = datetime.fromisoformat(self.sieve.cutoff).replace(tzinfo=UTC)
        return emptying.old(self.database, ids, cutoff)

    def _mark(self, ids: set[str]) -> None:
        at, text = naive(self.clock.now()), orjson.dumps(sorted(ids)).decode()
        self.database.run(
            Sql(
                "update desk.tickets set emptied_at = $1::timestamp where emptied_at is null "
                """and id in (select unnest(from_json($2, '["VARCHAR"]')))""",
                (at, text),
            )
        )

    # -- old texts ---------------------------------------------------------------------------

    def retire(self, *, daily: bool = False) -> int:
        """Empty the texts of tickets closed longer ago than retention; returns how many.

        `daily`: not again within a day.
        """
        if not self.policy.retention or (daily and not self._over(_RETIRED)):
            return 0
        with self.database.transaction():
            many = self._retire(None)
            self._note(_RETIRED, naive(self.clock.now()))
            if many:
                self._marked = True
                self._note(_REWRITE, "due")
                publishing.touch(self.database)
        return many

    def _retire(self, ids: set[str] | None) -> int:
        if not self.policy.retention:
            return 0
        now = self.clock.now()
        cutoff = self.policy.retention.cutoff(now)
        return emptying.retire(self.database, cutoff, now, kept_key=self.outcome_field, ids=ids)

    # -- forgetting --------------------------------------------------------------------------

    def people(self, word: str) -> list[str]:
        """Ids of the Desk contacts with this id or e-mail address."""
        return emptying.people(self.database, word)

    def forgotten_at(self, contact: str) -> datetime | None:
        """When a contact was forgotten (UTC); None if it was not."""
        asked = "select min(forgotten_at) from zdsync.forgotten where id = ? and stream = ?"
        found = self.database.rows(Sql(asked, (contact, "desk.contacts")))[0][0]
        return found.replace(tzinfo=UTC) if isinstance(found, datetime) else None

    def records_of(self, contact: str) -> list[tuple[str, str]]:
        """The records of a person: stream and id."""
        return emptying.records_of(self.database, contact)

    def near(self, word: str) -> str:
        """The id of the contact whose id or e-mail address is most like a word; or nothing."""
        return emptying.near(self.database, word)

    def preview(self, contact: str) -> dict[str, int]:
        """The rows by table that forgetting a person would touch; changes nothing."""
        touched: dict[str, int] = {}
        now = self.clock.now()
        with contextlib.suppress(_Undone), self.database.transaction():
            forgotten.learn(self.database, forgotten.stones(self.records_of(contact), now))
            touched = emptying.empty_forgotten(self.database, now)
            raise _Undone
        return touched

    def forget(self, contact: str, word: str = "") -> None:
        """Write a person's tombstones; from here on nothing of it comes back. Not emptied yet.

        `word`: by what the person was named, so that the same word finishes after a crash.
        """
        now = self.clock.now()
        keys = self.records_of(contact)
        forgotten.append(self.database.path.parent, keys, now)
        with self.database.transaction():
            forgotten.learn(self.database, forgotten.stones(keys, now))
            salt = secrets.token_hex(8)
            self._note(_DUE, " ".join((contact, salt, forgotten.digest(salt, word))))
        self.sieve.forgotten = forgotten.known(self.database)

    @property
    def unfinished(self) -> bool:
        """Whether a person's data is still to be emptied somewhere."""
        return self._option(_DUE) != ""

    def interrupted(self, word: str) -> str:
        """The contact whose forgetting by this word was cut off; or nothing."""
        contact, _, rest = self._option(_DUE).partition(" ")
        salt, _, digest = rest.partition(" ")
        return contact if digest and digest == forgotten.digest(salt, word) else ""

    def forgotten_tickets(self) -> frozenset[str]:
        """Ids of the tickets of forgotten persons."""
        return frozenset(self.sieve.forgotten.get(TICKETS, ()))

    def empty(self) -> dict[str, int]:
        """Empty the rows of forgotten persons; returns the rows touched by table."""
        with self.database.transaction():
            touched = emptying.empty_forgotten(self.database, self.clock.now())
            self._marked = True
            publishing.touch(self.database)
        return touched

    def sweep(self) -> None:
        """Empty, once a day, what a way of writing past the gate brought of forgotten persons."""
        if not self.sieve.forgotten or not self._over(_SWEPT):
            return
        with self.database.transaction():
            self._note(_SWEPT, naive(self.clock.now()))
            if emptying.empty_forgotten(self.database, self.clock.now()):
                self._rewrite_soon()
                publishing.touch(self.database)

    def finished(self) -> None:
        """Note that nothing of forgotten persons is left, in no table and no file."""
        with self.database.transaction():
            self._note(_DUE, "")
            publishing.touch(self.database)  # this run's own record is still to be published

    # -- bytes -------------------------------------------------------------------------------

    def rewrite(self) -> None:
        """Write the private file anew. Raises MirrorFailed."""
        rewriting.rewrite(self.database, memory=self.memory)
        with self.database.transaction():
            self._note(_REWRITE, "")
            self._note(_REWRITTEN, naive(self.clock.now()))

    def rewrite_if_due(self) -> bool:
        """Do it where emptied values lie in freed blocks, at most once a day."""
        if self._option(_REWRITE) != "due" or not self._over(_REWRITTEN):
            return False
        self.rewrite()
        return True

    def _rewrite_soon(self) -> None:
        self._note(_REWRITE, "due")
        self._note(_REWRITTEN, "")

    def _over(self, name: str) -> bool:
        """Whether the instant kept under a name is a day ago."""
        last = self._option(name)
        return (
            not last
            or self.clock.now() - datetime.fromisoformat(last).replace(tzinfo=UTC) >= _DAILY
        )

    def _option(self, name: str) -> str:
        found = self.database.rows(Sql("select value from zdsync.options where name = ?", (name,)))
        return str(found[0][0]) if found else ""

    def _note(self, name: str, value: str) -> None:
        self.database.run(Sql("delete from zdsync.options where name = ?", (name,)))
        if value:
            self.database.run(Sql("insert into zdsync.options values (?, ?)", (name, value)))
