"""Lists of contacts and of accounts: the same call over other records.

Owns what GET /contacts and GET /accounts have in common (DP 2). Must not change state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..call import Call
from ..records import Account, Contact, Json
from ..shapes.tickets import Shaper
from ..validate import offsets, one_id, texts
from ..wire import Response, empty, listed
from .paging import cut, list_page
from .projection import check_fields, project

P = TypeVar("P", Contact, Account)
LIST = offsets() | {"fields": texts(30), "viewId": one_id(), "filterId": one_id()}


def list_people(
    c: Call,
    store: Mapping[str, P],
    sorts: Mapping[str, Callable[[P], Any]],
    *,
    row: Callable[[P], Json],
    full: Callable[[Shaper, P], Json],
    names: Callable[[P], Json],
) -> Response:
    """Answer a page in `row` shape; `full` is what `fields` reaches, `names` what it knows."""
    by = c.q.get("sortBy", "createdTime")

    def ordered() -> list[P]:
        key = sorts[by.removeprefix("-")]
        rows = [r for r in store.values() if r.trashed is None]
        return sorted(rows, key=lambda r: (key(r), r.id), reverse=by.startswith("-"))

    part = cut(c.state.memo((c.origin, by), ordered), list_page(c))
    if not part:
        return empty()
    check_fields(c, set(names(part[0])))
    return listed([project(c, row(r), full, r) for r in part])
