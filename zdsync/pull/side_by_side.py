"""Calls side by side, as many as Zoho takes at once. The threads only fetch; they write nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def side_by_side(workers: int, read: Callable[[K], T], items: Sequence[K]) -> dict[K, T]:
    """Read every item, at most `workers` at once; the first failure is raised."""
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="pull") as pool:
        return dict(zip(items, pool.map(read, items), strict=True))
