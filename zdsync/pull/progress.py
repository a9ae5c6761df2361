"""Who is told how far a pull has come, and how it went.

The terminal's bars live in cli; here are the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zdsync.errors import ZdsyncError


class Progress(Protocol):
    """Hears of each stream: its start, every batch, its end."""

    def start(self, stream: str, total: int | None) -> None: ...

    def advance(self, stream: str, rows: int, total: int | None = None) -> None: ...

    def done(self, stream: str, rows: int) -> None: ...


class Quiet:
    """Tells nobody."""

    def start(self, stream: str, total: int | None) -> None:
        pass

    def advance(self, stream: str, rows: int, total: int | None = None) -> None:
        pass

    def done(self, stream: str, rows: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """How one stream went: rows read, rows that changed, why it stopped, what to know of it."""

    stream: str
    read: int
    changed: int
    error: ZdsyncError | None = None
    note: str = ""
