"""Threads that walk a span by time and hand pages to the caller's thread.

Owns the queue between them. Promises bounded memory, that an error of any worker stops the
walk and is raised in the caller, and that no thread goes on after the walk was left, by
KeyboardInterrupt too. Must not decide what to fetch (spans.py does).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator

from zdsync.connectors.spans import Ground, Reader, Share
from zdsync.connectors.windows import WalkPage
from zdsync.model import Span

_QUEUED = 24  # pages that wait for the caller, a megabyte each
_POLL = 0.1  # seconds between looks at the stop sign while the queue is full
_PATIENCE = 5.0  # seconds to wait for a call in flight when the walk is left


def walk(ground: Ground, span: Span, workers: int) -> Generator[WalkPage, None, None]:
    """Yield all rows of a span, ascending within each of up to `workers` parts."""
    share = Share(ground, span, workers)
    first = share.readers[0]
    if first.done:
        return
    yield from first.advance()
    if first.done:
        return
    readers = share.split_first()
    if len(readers) == 1:
        while not first.done:
            yield from first.advance()
    else:
        yield from _Crew(share, readers).pages()


class _Crew:
    """The threads of one walk."""

    def __init__(self, share: Share, readers: list[Reader]) -> None:
        self._share = share
        self._stop = threading.Event()
        self._pages: queue.Queue[WalkPage | BaseException | None] = queue.Queue(
            min(2 * len(readers), _QUEUED)
        )
        self._threads = [
            threading.Thread(target=self._work, args=(reader,), daemon=True, name="zdsync-walk")
            for reader in readers
        ]

    def pages(self) -> Iterator[WalkPage]:
        """Start the threads and yield their pages; stop them however this is left."""
        try:
            for thread in self._threads:
                thread.start()
            running = len(self._threads)
            while running:
                item = self._pages.get()
                if item is None:
                    running -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            self._stop.set()
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join(_PATIENCE)

    def _work(self, reader: Reader | None) -> None:
        try:
            while reader and not self._stop.is_set():
                while not reader.done and not self._stop.is_set():
                    for page in reader.advance():
                        self._put(page)
                reader = self._share.steal()
            self._put(None)
        except BaseException as error:  # raised in the caller's thread
            self._put(error)

    def _put(self, item: WalkPage | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._pages.put(item, timeout=_POLL)
                return
            except queue.Full:
                continue
