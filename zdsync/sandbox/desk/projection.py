"""The parameter `fields` of lists: which names it takes and what it leaves of a row.

Must not change state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..call import Call
from ..records import Json
from ..shapes.tickets import Shaper
from ..wire import Refused, unprocessable

T = TypeVar("T")


def project(c: Call, row: Json, full: Callable[[Shaper, T], Json], record: T) -> Json:
    """Apply `fields`: it replaces the projection (DT 2, live); the full one only if the variant."""
    names = c.q.get("fields")
    if names is None:
        return row
    if c.variant.list_fields_return_modified:
        row = full(c.shaper, record) | row
    return {"id": row["id"], **{name: row[name] for name in names if name in row}}


def check_fields(c: Call, known: set[str]) -> None:
    """Refuse `fields` as the variant says; an unknown name fails with 500 (DT 1, 3P5)."""
    if "fields" not in c.q:
        return
    if c.variant.list_refuses_fields:
        raise unprocessable("An extra query parameter 'fields' is found")
    if not set(c.q["fields"]) <= known:
        raise Refused(500, "INTERNAL_SERVER_ERROR", "An internal server error occurred")
