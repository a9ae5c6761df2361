"""How far a pull has come: a bar a stream on a terminal, nothing elsewhere (the log has a line)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zdsync.pull import Progress, Quiet

if TYPE_CHECKING:
    from rich.progress import Progress as Drawing
    from rich.progress import TaskID


class Bars:
    """Draws one bar a stream on stderr."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._tasks: dict[str, TaskID] = {}

    def start(self, stream: str, total: int | None) -> None:
        self._tasks[stream] = self._drawing.add_task(stream, total=total)

    def advance(self, stream: str, rows: int, total: int | None = None) -> None:
        task = self._tasks[stream]
        if total is not None:
            self._drawing.update(task, total=total)
        self._drawing.advance(task, rows)

    def done(self, stream: str, rows: int) -> None:
        whole = max(rows, 1)
        self._drawing.update(self._tasks[stream], total=whole, completed=whole)


@contextmanager
def watching() -> Iterator[Progress]:
    """Yield what draws on a terminal and is quiet elsewhere."""
    if not sys.stderr.isatty():
        yield Quiet()
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.SpinnerColumn(finished_text="[green]✓"),
        progress.TextColumn("{task.description:<17}"),
        progress.BarColumn(bar_width=32),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as drawing:
        yield Bars(drawing)
