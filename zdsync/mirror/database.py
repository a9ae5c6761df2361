"""The connection to a DuckDB file: settings, error mapping, transactions.

Promises: UTC on every connection, no reach outside the file (no ATTACH, COPY, extensions), and
that no error repeats a value of a record. The only user of duckdb's API. Not here: what the
tables mean.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from zdsync.errors import MirrorBusy, MirrorFailed, MirrorUnusable, Misconfigured, ZdsyncError
from zdsync.sql import Sql, ident

if "pandas" not in sys.modules and find_spec("pandas") is None:
    # DuckDB looks for it anew at each bound value: 0.09 ms a value, 0.02 once it is known not
    # to be there.
    sys.modules["pandas"] = None  # type: ignore[assignment]  # what import itself writes

STORAGE = "v1.4.0"  # analysts' older readers open files of this version
# A checkpoint merges row groups up to this size in memory: 180 MB at DuckDB's own 122,880 rows
# of a ticket's width, a tenth of it so. The file is no larger; any reader opens it.
ROW_GROUP = 20_480
_NAME = "mirror"
_MEMORY = ":memory:"
_THREADS = 2
_FULL = re.compile(
    r"no space left|disk quota|out of disk|could not write all bytes|file too large", re.IGNORECASE
)
_FATAL = (duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
_HOLDER = re.compile(r"held in (?P<command>\S+) \(PID (?P<pid>\d+)\)")
# The text of these names SQL and identifiers only; others may quote a record's value.
_SAFE = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


MEND = (
    "move it away and put a backup in its place (docs/restore.md), or run zdsync pull, "
    "which builds a new one; the journal is kept"
)


class Database:
    """One open file. Not for use by several threads: a reader takes its own `reader()`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._fault: ZdsyncError | None = None

    @classmethod
    def open(
        cls, path: Path, *, memory: str, read_only: bool = False, source: Path | None = None
    ) -> Database:
        """Open or create the file; `source` is attached for reading.

        Raises MirrorBusy, MirrorFailed.
        """
        config: dict[str, Any] = {
            "memory_limit": memory,
            "threads": _THREADS,
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
        if not read_only:
            config["storage_compatibility_version"] = STORAGE
        try:
            connection = _connect(path, read_only, config)
            _prepare(connection)
            if source is not None:
                connection.execute(f"attach {_quoted(source)} as source (read_only)")
            connection.execute("set enable_external_access = false")
        except duckdb.Error as error:
            raise translate(error, path) from None
        return cls(connection, path)

    def reopen(self, *, memory: str) -> None:
        """Open the file again after a `close`: another may lie in its place now."""
        again = Database.open(self.path, memory=memory)
        self._connection = again._connection

    def close(self) -> None:
        try:
            self._connection.close()
        except duckdb.Error as error:
            raise translate(error, self.path) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def reader(self) -> Database:
        """Open a second connection to the same file for another thread."""
        connection = self._connection.cursor()
        (name,) = self.rows(Sql("select current_database()"))[0]
        connection.execute(f"use {ident(name)}")  # a cursor starts in the database in memory
        _prepare(connection)
        return Database(connection, self.path)

    def run(self, sql: Sql) -> None:
        self.rows(sql)

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; instants come back naive, in UTC."""
        return self.columns_and_rows(sql)[1]

    def columns_and_rows(self, sql: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            done = self._connection.execute(sql.text, sql.params or None)
            names = [column[0] for column in done.description or ()]
            return names, done.fetchall()
        except duckdb.Error as error:
            raise self._translated(error) from None

    def _translated(self, error: duckdb.Error) -> ZdsyncError:
        """Ours for DuckDB's error; what comes after a full disk says so too.

        DuckDB refuses everything once a commit could not be written.
        """
        if self._fault is not None and "invalidated" in str(error):
            return self._fault
        found = translate(error, self.path)
        if isinstance(found, MirrorUnusable):
            self._fault = found
        return found

    def count(self, sql: Sql) -> int:
        """Run a statement that answers one number (a count, or the rows that a write touched)."""
        rows = self.rows(sql)
        return int(rows[0][0]) if rows else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing. An inner transaction joins the outer one."""
        if self._in_transaction:
            yield
            return
        self.run(Sql("begin"))
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        else:
            self.run(Sql("commit"))
        finally:
            self._in_transaction = False

    _in_transaction = False

    @property
    def in_transaction(self) -> bool:
        return self._in_transaction

    def _roll_back(self) -> None:
        try:
            self._connection.execute("rollback")
        except duckdb.Error:  # a failed commit has rolled back already; the first error counts
            return


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what every connection must set for itself, a cursor too: it inherits neither."""
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")  # stderr is not DuckDB's


def _connect(path: Path, read_only: bool, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open the file; one that may be written is attached, for only so its row groups are small."""
    if read_only or str(path) == _MEMORY:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    config["temp_directory"] = f"{path}.tmp"
    connection = duckdb.connect(_MEMORY, config=config)
    try:
        connection.execute(f"attach {_quoted(path)} as {_NAME} (row_group_size {ROW_GROUP})")
        connection.execute(f"use {_NAME}")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def translate(error: duckdb.Error, path: Path) -> ZdsyncError:
    """Map an error of DuckDB to ours, without the values that its text may quote."""
    text = str(error)
    if isinstance(error, _SAFE):
        return Misconfigured(f"the query does not fit the mirror: {_first(text)}")
    if "Conflicting lock" in text:
        return MirrorBusy(*_holder(text, path))
    if _FULL.search(text):
        return MirrorUnusable(f"the disk of {path.parent} is full", "free some space, run again")
    if isinstance(error, duckdb.OutOfMemoryException):
        return MirrorUnusable("DuckDB ran out of memory", "raise ZDSYNC_MEMORY")
    if isinstance(error, duckdb.IOException):
        return MirrorUnusable(*_unreadable(text, path))
    if isinstance(error, _FATAL):
        return MirrorUnusable(*_damaged(path))
    return MirrorFailed(f"DuckDB refused: {type(error).__name__} on {path.name}")


def _first(text: str) -> str:
    return text.splitlines()[0].strip()[:300]


def _holder(text: str, path: Path) -> tuple[str, str]:
    found = _HOLDER.search(text)
    who = describe_holder(path.parent / "work.lock")
    if not who:
        who = f"process {found['pid']} ({Path(found['command']).name})" if found else "a process"
    return f"{path} is in use by {who}", "wait until it ends, or end it"


def describe_holder(lock: Path) -> str:
    """Say who holds a lock file: command, process, since; empty if nobody wrote it."""
    try:
        note = json.loads(lock.read_text(encoding="utf-8") or "{}")
        return f"{note['command']!s} (process {note['pid']!s}, since {note['since']!s})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _unreadable(text: str, path: Path) -> tuple[str, str]:
    if "not a valid DuckDB" in text:
        return f"{path} is no DuckDB file", MEND
    if "Corrupt database" in text or "Could not read enough bytes" in text:
        return _damaged(path)
    if "Permission denied" in text or "Read-only file system" in text:
        return f"no right to open {path}", "check the owner and the mode of the data directory"
    if "No such file" in text or "does not exist" in text:
        return f"{path} does not exist", "run zdsync pull first"
    if "version" in text.lower() and "read a database file" in text.lower():
        return f"{path} was written by another DuckDB version", "use the zdsync that wrote it"
    return f"{path} could not be read or written", "check the disk and the rights"


def _damaged(path: Path) -> tuple[str, str]:
    return f"{path} is damaged", MEND
