"""What is asked of the published mirror: reports and questions. Never waits, blocks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zdsync.clock import Clock
from zdsync.errors import MirrorFailed
from zdsync.mirror import Reader
from zdsync.settings import Settings
from zdsync.sql import Sql

if TYPE_CHECKING:
    from zdsync.reports import Report

MIRROR = "mirror.duckdb"


def published(settings: Settings) -> Path:
    """The copy that analysts and reports read."""
    return settings.data_dir / MIRROR


def no_mirror(settings: Settings) -> MirrorFailed:
    """The error of reading what was never pulled."""
    return MirrorFailed(f"there is no mirror in {settings.data_dir}", "run zdsync pull first")


@contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """Open the published mirror, read-only."""
    path = published(settings)
    if not path.exists():
        raise no_mirror(settings)
    with Reader.open(path, memory=settings.memory) as reader:
        yield reader


def report(
    settings: Settings, clock: Clock, name: str, as_of: str | None, since: str | None
) -> Report:
    """Build a report; Misconfigured for an unknown name or a period that cannot be read."""
    from zdsync.reports import build, read_period, standing

    period = standing(name).period
    until, start = read_period(as_of, since, now=clock.now(), default=period)
    with reading(settings) as reader:
        return build(name, reader.columns_and_rows, until, start)


def ask(settings: Settings, query: Sql) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Ask one question; Misconfigured where the query does not fit the mirror."""
    with reading(settings) as reader:
        return reader.columns_and_rows(query)
