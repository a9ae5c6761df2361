"""The published copy for reports, `zdsync sql` and `status`: opened read-only, never waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zdsync.errors import MirrorFailed, MirrorUnusable
from zdsync.mirror.database import MEND, Database
from zdsync.sql import Sql


class Reader:
    """A published mirror. Any number of processes may read; nobody can write or reach outside."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, *, memory: str) -> Reader:
        """Open the published file. Raises MirrorFailed, MirrorBusy."""
        with _replaceable():
            database = Database.open(path, memory=memory, read_only=True)
        database.run(Sql("set lock_configuration = true"))
        return cls(database)

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]:
        """Run one statement; instants come back naive, in UTC."""
        with _replaceable():
            return self._database.rows(sql)

    def columns_and_rows(self, sql: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The same with the names of the columns. Raises Misconfigured for a bad query."""
        with _replaceable():
            return self._database.columns_and_rows(sql)

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


@contextmanager
def _replaceable() -> Iterator[None]:
    """A damaged copy is mended by the next one."""
    try:
        yield
    except MirrorUnusable as error:
        if error.hint != MEND:
            raise
        raise MirrorFailed(error.what, "remove it; zdsync pull publishes a new copy") from None
