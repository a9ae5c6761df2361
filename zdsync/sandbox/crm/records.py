"""CRM records: lists with two ways of paging, single ones, deleted ones.

Owns the operations of CRM 3 to 7 on a module. Must not change state.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from ..call import Call
from ..records import CrmRecord, Json
from ..times import DAY
from ..wire import Refused, Response, empty, ok
from . import shapes as shape
from .asks import PER_PAGE, error, field_names, known, number, one_page, order_of, since_of
from .modules import all_names
from .tokens import PageToken, PageTokens

_LIST = {
    "fields",
    "page",
    "per_page",
    "page_token",
    "sort_by",
    "sort_order",
    "ids",
    "cvid",
    "converted",
    "territory_id",
    "include_child",
    "approved",
}
_KEYS: dict[str, Any] = {
    "id": lambda r: (r.id, r.id),
    "Created_Time": lambda r: (r.created, r.id),
    "Modified_Time": lambda r: (r.modified, r.id),
}


def count(c: Call, module: str) -> Response:
    """GET actions/count."""
    return ok({"count": len(_live(c, module))})


def _live(c: Call, module: str) -> list[CrmRecord]:
    rows = c.state.crm_records(module).values()
    return [r for r in rows if r.deleted is None and not r.hidden]


def records(c: Call, module: str, tokens: PageTokens) -> Response:
    """GET a module: by page number for the first rows, by token for all."""
    known(c, _LIST)
    names = field_names(c)
    since = since_of(c)
    size = number(c, "per_page", PER_PAGE, PER_PAGE)
    by, order = order_of(c, _KEYS)
    rows = c.state.memo(
        ("crm", module, by, order),
        lambda: sorted(_live(c, module), key=_KEYS[by], reverse=order == "desc"),
    )
    rows = _filtered(c, _converted(c, rows), since)
    # CRM 4: bound to all other parameters and to If-Modified-Since; per_page too
    bound = (module, tuple(names), by, order, size, since, c.q.get("ids"), c.q.get("converted"))
    token = tokens.asked(c, bound)
    if token is not None:
        frozen = c.variant.crm_token_frozen
        start = _after(rows, by, order, token) if frozen else token.seen
        page = token.page
    else:
        start, page = _discrete(c, size)
    part = rows[start : start + size]
    if not part:
        return empty(c.variant.ims_answers if since is not None and page == 1 else 204)
    info = _info(size, len(part), page, by, order)
    if start + size < len(rows):
        seen = (token.seen if token else (page - 1) * size) + len(part)
        new = PageToken(bound, _KEYS[by](part[-1]), page + 1, seen, c.at + DAY)
        info |= {
            "more_records": True,
            "next_page_token": tokens.keep(new),
            "page_token_expiry": shape.when(c, new.until),
        }
    return ok({"data": [shape.record(c, r, names) for r in part], "info": info})


def _info(size: int, count: int, page: int, by: str, order: str) -> Json:
    return {
        "call": False,
        "email": False,
        "per_page": size,
        "count": count,
        "page": page,
        "sort_by": by,
        "sort_order": order,
        "more_records": False,
        "previous_page_token": None,
        "next_page_token": None,
        "page_token_expiry": None,
    }


def _converted(c: Call, rows: list[CrmRecord]) -> list[CrmRecord]:
    """Leave out converted leads, which is what a list does unless told otherwise (CRM 3)."""
    asked = c.q.get("converted", "false")
    if asked not in ("false", "true", "both"):
        raise error(400, "INVALID_DATA", "converted is not valid", {"param_name": "converted"})
    return rows if asked == "both" else [r for r in rows if r.converted == (asked == "true")]


def _filtered(c: Call, rows: list[CrmRecord], since: int | None) -> list[CrmRecord]:
    if "ids" in c.q:
        wanted = set(c.q["ids"].split(","))
        if len(wanted) > 100:
            raise error(400, "LIMIT_EXCEEDED", "too many ids", {"limit": 100})
        rows = [r for r in rows if r.id in wanted]
    if since is not None:
        least = since if c.variant.ims_inclusive else since + 1000
        rows = [r for r in rows if r.modified - r.modified % 1000 >= least]
    return rows


def _after(rows: list[CrmRecord], by: str, order: str, token: PageToken) -> int:
    """Return the first row past the token: a walk goes on by key, not by offset."""
    key, down = _KEYS[by], order == "desc"
    if down:
        return len(rows) - bisect_left(rows[::-1], token.after, key=key)
    return bisect_right(rows, token.after, key=key)


def _discrete(c: Call, size: int) -> tuple[int, int]:
    """Return the first row and the number of a page without token: 2,000 rows at most."""
    page = number(c, "page", 1, None)
    limit = c.variant.crm_page_records
    if page * size > limit:
        raise _too_deep(limit)
    return (page - 1) * size, page


def record(c: Call, module: str, record_id: str) -> Response:
    """GET one record."""
    known(c, {"fields", "approved", "converted", "cvid"})
    found = c.state.crm_records(module).get(record_id)
    if not record_id.isdigit():
        raise error(400, "INVALID_DATA", "the id given seems to be invalid")
    if found is None or found.deleted is not None or found.hidden:
        if c.variant.crm_missing == 400:
            raise error(400, "INVALID_DATA", "the id given seems to be invalid")
        return empty()
    since = since_of(c)
    if since is not None and found.modified < since:
        return empty(304)
    names = c.q["fields"].split(",") if "fields" in c.q else all_names(module)
    return ok({"data": [shape.record(c, found, names)]})


def deleted(c: Call, module: str) -> Response:
    """GET deleted: the feed of the recycle bin and of what left it."""
    known(c, {"type", "page", "per_page"})
    kind = c.q.get("type", "all")
    if kind not in ("all", "recycle", "permanent"):
        raise error(400, "PATTERN_NOT_MATCHED", "type is not valid", {"param": "type"})
    since = since_of(c) if c.variant.ims_on_deleted else None
    kept = {"recycle": 60 * DAY, "permanent": 120 * DAY}  # CRM 7
    rows = [
        (r.deleted, r)
        for r in c.state.crm_records(module).values()
        if r.deleted is not None
        and kind in ("all", r.deleted_kind)
        and (since is None or r.deleted >= since)
        and c.at - r.deleted < kept[r.deleted_kind]
    ]
    rows.sort(key=lambda pair: (pair[0], pair[1].id), reverse=True)
    _within_limit(c)
    part, info = one_page(c, rows)
    if not part:
        return empty()
    return ok({"data": [shape.deleted(c, r, at) for at, r in part], "info": info})


def _within_limit(c: Call) -> None:
    """Refuse pages of the deleted feed past the limit, if it has one (CRM 7)."""
    limit = c.variant.crm_deleted_records
    if limit and number(c, "page", 1, None) * number(c, "per_page", PER_PAGE, PER_PAGE) > limit:
        raise _too_deep(limit)


def _too_deep(limit: int) -> Refused:
    return error(
        400,
        "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
        "request exceeds the discrete pagination limit",
        {"limit": limit},
    )
