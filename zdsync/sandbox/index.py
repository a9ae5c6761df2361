"""Sorted keys over created and modified time, and the search view that lags behind.

Owns the order of records. Promises ranges in O(log n) and that a record stands in the
view at most once. Must not know HTTP or shapes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable
from copy import copy
from typing import Generic, Protocol, TypeVar

BASE = 189_200_000_000_000_000  # ids are BASE + a running number, 18 digits like Zoho's
_BITS = 32
_MASK = (1 << _BITS) - 1


class Dated(Protocol):
    """What can be indexed."""

    id: str
    created: int
    modified: int


D = TypeVar("D", bound=Dated)


def key_of(ms: int, record_id: str) -> int:
    """Pack an instant and an id into one sortable number: ties are ascending by id."""
    return (ms << _BITS) | (int(record_id) - BASE)


def id_of(key: int) -> str:
    """Unpack the id."""
    return str(BASE + (key & _MASK))


class TimeIndex:
    """Ids sorted by created and by modified time."""

    def __init__(self) -> None:
        self.axes: dict[str, list[int]] = {"created": [], "modified": []}
        self._keys: dict[str, tuple[int, int]] = {}

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def load(self, items: Iterable[Dated]) -> None:
        """Replace the content; one sort instead of many inserts."""
        self._keys = {i.id: (key_of(i.created, i.id), key_of(i.modified, i.id)) for i in items}
        self.axes["created"] = sorted(pair[0] for pair in self._keys.values())
        self.axes["modified"] = sorted(pair[1] for pair in self._keys.values())

    def put(self, item: Dated) -> None:
        """Add the item or move it to its present times."""
        self.drop(item.id)
        pair = (key_of(item.created, item.id), key_of(item.modified, item.id))
        self._keys[item.id] = pair
        insort(self.axes["created"], pair[0])
        insort(self.axes["modified"], pair[1])

    def drop(self, record_id: str) -> None:
        """Remove the id if it is there."""
        pair = self._keys.pop(record_id, None)
        if pair is None:
            return
        for axis, key in zip(("created", "modified"), pair, strict=True):
            keys = self.axes[axis]
            del keys[bisect_left(keys, key)]

    def span(self, axis: str, lo: int, hi: int, start: str, end: str) -> tuple[int, int]:
        """Return positions of the instants from lo to hi; start, end: inclusive, exclusive."""
        keys = self.axes[axis]
        first = lo if start == "inclusive" else lo + 1
        last = hi + 1 if end == "inclusive" else hi
        left = bisect_left(keys, first << _BITS)
        return left, max(left, bisect_left(keys, last << _BITS))


class View(Generic[D]):
    """What search sees: `visible` records, each change `lag` ms late (DT 2, index delay)."""

    def __init__(self, store: dict[str, D], visible: Callable[[D], bool], lag: int) -> None:
        self.store = store
        self.visible = visible
        self.lag = lag
        self.index = TimeIndex()
        self.shadow: dict[str, D] = {}
        self._waiting: deque[tuple[int, str]] = deque()

    def load(self) -> None:
        """Index all that is visible."""
        self.index.load([item for item in self.store.values() if self.visible(item)])

    def before(self, item: D) -> None:
        """Keep the old version while the index lags."""
        if self.lag and item.id in self.index and item.id not in self.shadow:
            self.shadow[item.id] = copy(item)

    def after(self, record_id: str, at: int) -> None:
        """Show the change, now or when the lag is over."""
        if self.lag:
            self._waiting.append((at + self.lag, record_id))
        else:
            self._refresh(record_id)

    def settle(self, at: int) -> None:
        """Let changes surface whose lag is over."""
        while self._waiting and self._waiting[0][0] <= at:
            self._refresh(self._waiting.popleft()[1])

    def doc(self, record_id: str) -> D:
        """Return the version that search shows."""
        return self.shadow[record_id] if record_id in self.shadow else self.store[record_id]

    def _refresh(self, record_id: str) -> None:
        self.shadow.pop(record_id, None)
        item = self.store.get(record_id)
        if item is not None and self.visible(item):
            self.index.put(item)
        else:
            self.index.drop(record_id)
