"""Reads all rows that share one second, where walking by time cannot go on.

Owns paging by offset with proof of continuity, and the splits where a search does not reach
deep enough. Promises that rows which leave the query meanwhile never hide others. Pure but for
the `fetch` that it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from zdsync.connectors.decode import text_of
from zdsync.connectors.windows import (
    SURE_END,
    Fetch,
    Page,
    Query,
    TooDeep,
    is_last,
    maybe_depth,
    times_of,
)
from zdsync.errors import ZohoFailed
from zdsync.model import Row

log = logging.getLogger(__name__)

Departments = Callable[[], Sequence[str]]
Rows = Iterator[tuple[Row, ...]]
Nested = Callable[[Query], Rows]  # walks the same second along the other axis

_WALKS = 3  # how often a query is walked again that told more rows than it gave


def read_second(fetch: Fetch, query: Query, nested: Nested, departments: Departments) -> Rows:
    """Yield every row of the second that ends at `query.end`, perhaps some twice.

    First by offset; deeper than a search reaches, along the other axis, which leaves out
    nothing; where that too is one second, by department. ZohoFailed if all that is not enough.
    """
    try:
        yield from by_offset(fetch, query)
    except TooDeep:
        if query.other is None:
            yield from nested(query)
        elif query.department is None:
            yield from _by_department(fetch, query, departments())
        else:
            raise _too_many(query) from None


def _by_department(fetch: Fetch, query: Query, departments: Sequence[str]) -> Rows:
    if not departments:
        raise _too_many(query)
    for department in departments:
        try:
            yield from by_offset(fetch, replace(query, department=department))
        except TooDeep:
            raise _too_many(query) from None


def _too_many(query: Query) -> ZohoFailed:
    return ZohoFailed(
        f"more records share the {query.axis} second {text_of(query.end)} and the other time "
        "than a search can reach",
        "They come from a mass import or update. Nothing after them was read.",
    )


def by_offset(fetch: Fetch, query: Query) -> Rows:
    """Yield a query's rows before `query.end` page by page, by offset.

    Each page must overlap what was seen: then rows that left the query shifted nothing past
    us, whatever the base of `from`. A query that told more rows than it gave is walked again.
    """
    for _ in range(_WALKS):
        seen: set[str] = set()
        count = yield from _walk(fetch, query, seen)
        if count is None or count <= len(seen):
            return
    log.warning("axis=%s second=%s told=%d seen=%d", query.axis, query.end, count, len(seen))


def _walk(
    fetch: Fetch, query: Query, seen: set[str]
) -> Generator[tuple[Row, ...], None, int | None]:
    """Walk once; returns the last count told where all was read, else None."""
    until = text_of(query.end)
    offset, page = 0, fetch(query)
    while True:
        times = times_of(page, query)
        fresh = [n for n, row in enumerate(page.rows) if row["id"] not in seen]
        seen.update(page.rows[n]["id"] for n in fresh)
        yield tuple(page.rows[n] for n in fresh if times[n] < until)
        if times and times[-1] >= until:
            return None
        position = offset + len(page.rows)
        if not fresh or (len(page.rows) < SURE_END and is_last(page, len(seen))):
            if maybe_depth(position):
                raise TooDeep  # a list that stops there may have been cut without a word
            return page.count
        offset, page = _overlapping(fetch, query, seen, position - 1)


def _overlapping(fetch: Fetch, query: Query, seen: set[str], offset: int) -> tuple[int, Page]:
    """Fetch from `offset`, or from further up until the page holds a row that was seen."""
    step = 20
    while True:
        page = fetch(replace(query, offset=max(0, offset)))
        if offset <= 0 or any(row["id"] in seen for row in page.rows):
            return max(0, offset), page
        offset -= step
        step *= 4
