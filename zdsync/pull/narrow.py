"""Narrows windows whose counts differ down to those that are worth reading.

Owns what was learned of a count's cap. Does no I/O but that of the Source it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from zdsync.model import Span
from zdsync.pull import compare
from zdsync.pull.compare import Window
from zdsync.pull.sources import Source


@dataclass(slots=True)
class Narrowing:
    """One source's windows; `settle` keeps account after each count and may end it."""

    source: Source
    settle: Callable[[], None]
    cap: int | None = None

    def window(self, span: Span) -> Window:
        """Count a span on both sides."""
        window = Window(span, self.source.held(span), self.source.remote(span))
        self.settle()
        return window

    def differing(self, windows: Iterable[Window]) -> Iterator[Window]:
        """Yield the windows to read."""
        todo = list(windows)[::-1]
        equal: list[Window] = []
        while todo:
            window = todo.pop()
            what = compare.step(window, self.cap)
            if what == "equal":
                equal.append(window)
            halves = self._halves(window) if what == "halve" else []
            if what == "read" or (what == "halve" and not halves):
                yield window
            todo += halves[::-1]
            if not todo and self.cap is not None:  # what seemed equal before the cap was known
                todo = [one for one in equal if compare.doubtful(one.remote or 0, self.cap)]
                equal = []

    def adds_up(self, window: Window) -> bool:
        """Whether a window's halves come to no more than it; else its count is capped."""
        middle = self.source.split(window.span)
        if middle is None or window.remote is None:
            return False
        halves = Span(window.span.low, middle), Span(middle, window.span.high)
        left, right = (self.window(span).remote or 0 for span in halves)
        self.cap = compare.cap_shown(window.remote, left, right) or self.cap
        return left + right <= window.remote

    def was_read(self, window: Window, rows: int) -> None:
        """Learn from what reading a window gave: more rows than were told show a cap.

        Asked again: rows that are made meanwhile are counted then.
        """
        whole = window.part_of or window
        if window.remote is None or whole.remote is None or rows <= window.remote:
            return
        told = self.source.remote(whole.span)
        self.settle()
        if told is not None and told < whole.remote - window.remote + rows:
            self.cap = max(told, self.cap or 0)

    def _halves(self, window: Window) -> list[Window]:
        middle = self.source.split(window.span)
        if middle is None:
            return []
        left = self.window(Span(window.span.low, middle))
        span = Span(middle, window.span.high)
        held, whole = self.source.held(span), window.remote or 0
        sure = not compare.doubtful(whole, self.cap)
        if sure and left.remote is not None and (left.remote < whole or not held):
            return [left, Window(span, held, whole - left.remote, window)]  # counts add up
        right = self.window(span)
        if left.remote is not None and right.remote is not None:
            self.cap = compare.cap_shown(whole, left.remote, right.remote) or self.cap
        return [left, replace(right, held=held)]
