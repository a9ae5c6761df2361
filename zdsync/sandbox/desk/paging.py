"""Offsets: page bounds, caps, bases and the price of depth.

Owns how `from` and `limit` are read under the variant. Promises the refusals of DT 1
"Pagination". Must not know records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from ..call import Call
from ..wire import unprocessable

T = TypeVar("T")


class Page(NamedTuple):
    """Rows start to start + size."""

    start: int
    size: int


def page(c: Call, default: int, base: int, cap: int | None = None) -> Page:
    """Read from and limit; a cap refuses or clamps as the variant says."""
    size = c.q.get("limit", default)
    if cap is not None and size > cap:
        if c.variant.list_over_cap == "refuse":
            raise _beyond("limit", 1, cap)
        size = cap
    start = max(0, c.q.get("from", base) - base)
    if size == 0:
        size = default
    c.depth = start + size
    return Page(start, size)


def list_page(c: Call, default: int | None = None) -> Page:
    """Read the page of an offset list such as GET /tickets."""
    v = c.variant
    if v.list_depth and c.q.get("from", 0) > v.list_depth:
        raise _beyond("from", 0, v.list_depth)
    return page(c, v.list_default if default is None else default, v.from_base, v.list_page_cap)


def search_page(c: Call) -> Page:
    """Read the page of a search; no row past the depth can be reached (DT 1, 3P7)."""
    depth, base = c.variant.search_depth, c.variant.search_from_base
    found = page(c, 10, base)
    if found.start + found.size > depth + 1:
        raise _beyond("from", 0, depth)
    return found


def cut(rows: Sequence[T], where: Page) -> Sequence[T]:
    """Cut the page out of all rows."""
    return rows[where.start : where.start + where.size]


def _beyond(name: str, lo: int, hi: int) -> Exception:
    return unprocessable(
        f"The value passed for the '{name}' parameter exceeds the range of '{lo}-{hi}'."
    )
