"""What a CRM call asks for: parameters and headers, read or refused in CRM words.

Owns the codes of CRM 14 for bad requests. Must not know records.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TypeVar

from ..call import Call
from ..records import Json
from ..times import parse_offset_iso
from ..wire import Refused

T = TypeVar("T")
PER_PAGE = 200


def error(status: int, code: str, message: str, details: Json | None = None) -> Refused:
    """Make a refusal in CRM words."""
    return Refused(status, code, message, None, details)


def missing(name: str) -> Refused:
    """Refuse a call without a parameter that it needs."""
    return error(
        400,
        "REQUIRED_PARAM_MISSING",
        "One of the expected parameter is missing",
        {"param_name": name},
    )


def no_module() -> Refused:
    """Refuse a module that the CRM does not have."""
    return error(
        400,
        "INVALID_MODULE",
        "the module name given seems to be invalid",
        {"resource_path_index": 0},
    )


def check_right(c: Call, module: str) -> None:
    """Refuse a module that the profile of the token's user may not read (CRM 14)."""
    if module in c.variant.crm_forbidden.split(","):
        raise error(
            403,
            "NO_PERMISSION",
            "permission denied",
            {"permissions": [f"Crm_Implied_View_{module}"]},
        )


def no_url() -> Refused:
    """Refuse a path that the CRM does not have."""
    return error(
        404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"
    )


def known(c: Call, names: set[str]) -> None:
    """Refuse parameters that the call does not have."""
    for name in c.q:
        if name not in names:
            raise error(400, "INVALID_DATA", "extra parameter found", {"param_name": name})


def field_names(c: Call) -> list[str]:
    """Read `fields`: required, at most 50 (CRM 3)."""
    if not c.q.get("fields"):
        raise missing("fields")  # CRM 3: the call is refused without it
    names = [n.strip() for n in c.q["fields"].split(",")]
    limit = c.variant.crm_refuses_fields_over
    if len(names) > limit:
        raise error(
            400, "LIMIT_EXCEEDED", "too many fields", {"limit": limit, "param_name": "fields"}
        )
    return names


def since_of(c: Call) -> int | None:
    """Read If-Modified-Since: ISO 8601 with offset (CRM 6)."""
    raw = c.headers.get("if-modified-since")
    if raw is None:
        return None
    at = parse_offset_iso(raw)
    if at is None:
        raise error(
            400,
            "INVALID_DATA",
            "If-Modified-Since must be ISO 8601 with offset",
            {"header": "If-Modified-Since"},
        )
    return at


def number(c: Call, name: str, default: int, most: int | None) -> int:
    """Read a whole number from 1 to `most`."""
    raw = str(c.q.get(name, default))
    if not raw.isdigit() or int(raw) < 1:
        raise error(400, "INVALID_DATA", "not a number", {"param_name": name})
    if most is not None and int(raw) > most:
        raise error(400, "INVALID_DATA", "limit exceeded", {"param_name": name, "limit": most})
    return int(raw)


def order_of(c: Call, keys: Container[str]) -> tuple[str, str]:
    """Read the sort."""
    by, way = c.q.get("sort_by", "id"), c.q.get("sort_order", "desc")
    if by not in keys or way not in ("asc", "desc"):
        raise error(400, "INVALID_DATA", "the sort is not valid", {"param_name": "sort_by"})
    if "cvid" in c.q and "sort_by" in c.q:
        raise error(400, "AMBIGUITY_DURING_PROCESSING", "cvid and sort_by together")
    return by, way


def one_page(c: Call, rows: Sequence[T]) -> tuple[Sequence[T], Json]:
    """Cut the page out of all rows; return it and its `info`."""
    size, page = number(c, "per_page", PER_PAGE, PER_PAGE), number(c, "page", 1, None)
    part = rows[(page - 1) * size : page * size]
    more = page * size < len(rows)
    return part, {"per_page": size, "count": len(part), "page": page, "more_records": more}
