"""How far a pull has come: a bar a stream on a terminal, nothing elsewhere (the log has a line)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from zdsync.pull import Progress as Watcher
from zdsync.pull import Quiet


class Bars:
    """Draws one bar a stream on stderr."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def start(self, stream: str, total: int | None) -> None:
        self._tasks[stream] = self._bars.add_task(stream, total=total)

    def advance(self, stream: str, rows: int, total: int | None = None) -> None:
        task = self._tasks[stream]
        if total is not None:
            self._bars.update(task, total=total)
        self._bars.advance(task, rows)

    def done(self, stream: str, rows: int) -> None:
        self._bars.update(self._tasks[stream], total=max(rows, 1), completed=max(rows, 1))


@contextmanager
def watching() -> Iterator[Watcher]:
    """Yield what draws on a terminal and is quiet elsewhere."""
    if not sys.stderr.isatty():
        yield Quiet()
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<17}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield Bars(bars)
