"""A database in memory for questions that need no mirror: the examples of a rules file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zdsync.mirror.database import Database


@contextmanager
def scratch(memory: str = "256MB") -> Iterator[Database]:
    """Lend an empty database; nothing of it is ever on disk."""
    database = Database.open(Path(":memory:"), memory=memory)
    try:
        yield database
    finally:
        database.close()
