"""The forms of Desk's questions and answers, apart from the calls.

Promises declared parameters only (desk-tickets.openapi.json). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zdsync.connectors.decode import decode
from zdsync.connectors.lists import Record, records_of
from zdsync.connectors.windows import Page, Query, range_text
from zdsync.errors import ZohoFailed
from zdsync.model import Shape
from zdsync.streams import StreamSpec
from zdsync.transport import edition_name
from zdsync.transport.session import Answer


@dataclass(frozen=True, slots=True)
class Organization:
    """One portal. `edition` is a name of the credit tables, None where unknown."""

    id: str
    name: str
    edition: str | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag in use; `tickets` is Zoho's count, 0 where it told none."""

    id: str
    name: str
    tickets: int


def search_params(query: Query) -> dict[str, str | int]:
    """Return the parameters of a search, but for the page size."""
    params: dict[str, str | int] = {
        "sortBy": f"{query.axis}Time",
        f"{query.axis}TimeRange": range_text(query.start, query.end),
    }
    if query.other:
        name = "modified" if query.axis == "created" else "created"
        params[f"{name}TimeRange"] = range_text(query.other.low, query.other.high)
    if query.department:
        params["departmentId"] = query.department
    if query.offset:
        params["from"] = query.offset
    return params


def page_of(spec: StreamSpec, answer: Answer) -> Page:
    """Read a search's answer; ZohoFailed if it is no list."""
    if answer.body is None:
        return Page(())
    if not isinstance(answer.body, dict) or not isinstance(answer.body.get("data") or [], list):
        raise ZohoFailed(f"{spec.name}: a search answered something that is not a list")
    count = str(answer.body.get("count"))  # string or integer (desk-tickets.md 2)
    told = int(count) if count.isdigit() else None
    return Page(decode(spec, Shape.SEARCH, records_of(answer)), told)


def record_of(answer: Answer) -> Record:
    """Return an answer that is one record; empty if it is not."""
    return answer.body if isinstance(answer.body, dict) else {}


def number_of(told: Any) -> int:
    """Read a count that may be text; 0 where there is none."""
    return int(told) if str(told).isdigit() else 0


def organization_of(record: Record) -> Organization:
    """Read one portal."""
    name = record.get("companyName") or record.get("portalName") or ""
    edition = edition_name(str(record.get("edition") or ""))
    return Organization(
        str(record.get("id")), str(name), edition, str(record.get("timeZone") or "")
    )


def field_of(record: Record, module: str) -> Record:
    """Give a field its module, an id of ours, and options under one key (FieldOld: allowedValues).

    Zoho's own id may be left out, and nothing says that it is unique beyond its module.
    """
    field = dict(record)
    options = field.pop("allowedValues", None)
    if options is not None:
        field.setdefault("pickListValues", options)
    field["module"] = module
    if field.get("id") is not None:
        field["fieldId"] = field["id"]  # Zoho's own: it stays when the field is renamed
    field["id"] = f"{module}.{field.get('apiName')}"
    return field
