"""COQL: the little of it that reads ids and columns by key (CRM 8).

Owns POST coql: its grammar, its price, its refusals. Must not change state.
"""

from __future__ import annotations

import re

from ..call import Call
from ..records import CrmRecord, Json
from ..times import parse_offset_iso
from ..wire import Refused, Response, empty, ok
from . import shapes as shape
from .asks import check_right, error, no_module
from .modules import MODULES, modules_of

_QUERY = re.compile(
    r"select (?P<columns>[\w, .]+) from (?P<module>\w+) where (?P<where>.+?)"
    r"(?: order by id(?: asc)?)?(?: limit (?P<limit>\d+))?",
    re.IGNORECASE,
)
_ID = re.compile(r"id\s*>\s*('?)(\d+)'?", re.IGNORECASE)
_SINCE = re.compile(r"Modified_Time\s*>=\s*'([^']+)'", re.IGNORECASE)
_MOST = 2000  # CRM 8: rows a call
_PRICES = ((200, 1), (1000, 2), (_MOST, 3))


def coql(c: Call) -> Response:
    """POST coql: rows above an id, perhaps modified since, in the order of ids."""
    found = _QUERY.fullmatch(str(c.body.get("select_query", "")).strip())
    if found is None:
        raise _syntax()
    module, limit = found["module"], int(found["limit"] or 200)
    if module not in modules_of(c):
        raise no_module()
    check_right(c, module)
    if limit > _MOST:
        raise error(400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": _MOST, "clause": "limit"})
    c.credits = next(price for rows, price in _PRICES if limit <= rows)
    rows = sorted(_matching(c, module, found["where"]), key=lambda r: r.id)
    names = [name.strip() for name in found["columns"].split(",")]
    part = rows[:limit]
    if not part:
        return empty()
    info = {"count": len(part), "more_records": limit < len(rows)}
    return ok({"data": [_shape(c, r, names) for r in part], "info": info})


def _matching(c: Call, module: str, where: str) -> list[CrmRecord]:
    after, since = "", 0
    for piece in re.split(r"\s+and\s+", where.strip("() "), flags=re.IGNORECASE):
        if by_id := _ID.fullmatch(piece):
            if c.variant.coql_ids not in ("any", "quoted" if by_id[1] else "plain"):
                raise error(400, "INVALID_QUERY", "invalid value for id", {"column_name": "id"})
            after = by_id[2].zfill(19)
        elif by_time := _SINCE.fullmatch(piece):
            since = parse_offset_iso(by_time[1]) or 0
        else:
            raise _syntax()
    return [
        r
        for r in c.state.crm_records(module).values()
        if r.deleted is None and not r.hidden and r.id > after and r.modified >= since
    ]


def _syntax() -> Refused:
    return error(400, "SYNTAX_ERROR", "error occurred while parsing the query", {"line": 1})


def _shape(c: Call, r: CrmRecord, names: list[str]) -> Json:
    """Write the asked columns; lookups hold nothing but their id."""
    row = shape.record(c, r, names)
    for meta in MODULES[r.module]:
        value = row.get(meta.api_name)
        if isinstance(value, dict):
            row[meta.api_name] = {"id": value["id"]}
    return row
