"""Desk metadata of fields, the old way and the new one.

Owns GET /organizationFields and GET /fields (DP 7). Must not change state.
"""

from __future__ import annotations

from dataclasses import replace

from ..call import Call, Route
from ..records import Json
from ..state import STATUSES
from ..validate import Param, enum, one_id, text, texts
from ..wire import Response, not_found, ok, unprocessable
from .fields import FIELDS, Meta


def _options(meta: Meta) -> list[Json]:
    if meta.api_name == "status":
        return [{"value": name, "statusType": kind} for name, kind in STATUSES.items()]
    return [{"value": value} for value in meta.options]


def _common(module: str, n: int, meta: Meta) -> Json:
    serial = list(FIELDS).index(module) * 100 + n
    return {
        "id": str(189_197_000_000_000_000 + serial),
        "apiName": meta.api_name,
        "displayLabel": meta.label,
        "i18NLabel": meta.label,
        "name": meta.label,
        "type": meta.type,
        "isCustomField": meta.custom,
        "isEncryptedField": False,
        "isTrackLastActivityTime": False,
        "isMandatory": meta.api_name in ("subject", "contactId"),
        "maxLength": meta.max_length,
        "showToHelpCenter": True,
    }


def _old_field(module: str, n: int, meta: Meta) -> Json:
    """Write a row of /organizationFields: options in allowedValues (DP 7)."""
    row = _common(module, n, meta)
    if meta.options:
        row["allowedValues"] = _options(meta)
    return row


def _new_field(module: str, n: int, meta: Meta) -> Json:
    """Write a row of /fields: options in pickListValues (DP 7)."""
    row = _common(module, n, meta)
    row.update(
        isIndexed=False,
        isComputed=False,
        isSortable=False,
        sourceType="USERDEFINED" if meta.custom else "SYSTEM",
    )
    if meta.options:
        row["pickListValues"] = _options(meta)
    return row


def _metas(c: Call) -> list[tuple[int, Meta]]:
    names = c.q.get("apiNames")
    module, edits = c.q["module"], c.state.edits
    found = []
    for n, meta in enumerate(FIELDS.get(module, ())):
        name = edits.name(meta.api_name)
        if name is None or module in edits.silent or (names is not None and name not in names):
            continue
        label = edits.labels.get(meta.api_name, meta.label)
        kind = edits.types.get(meta.api_name, meta.type)
        found.append((n, replace(meta, api_name=name, label=label, type=kind)))
    return found


def organization_fields(c: Call) -> Response:
    """List fields the old way."""
    return ok({"data": [_old_field(c.q["module"], n, m) for n, m in _metas(c)]})


def fields(c: Call) -> Response:
    """List fields the new way; not every portal has it (variant fields_endpoint)."""
    if not c.variant.fields_endpoint:
        raise not_found()
    if c.q["module"] not in FIELDS:
        raise unprocessable("The value passed for the query parameter 'module' is invalid")
    return ok({"data": [_new_field(c.q["module"], n, m) for n, m in _metas(c)]})


_MODULE = enum(*FIELDS, required=True)
_READ = ("Desk.basic.READ",)
ROUTES = [
    Route(
        "GET",
        "organizationFields",
        _READ,
        organization_fields,
        {"module": _MODULE, "apiNames": texts(300), "departmentId": one_id()},
    ),
    Route(
        "GET",
        "fields",
        _READ,
        fields,
        {
            "module": Param("text", 1, 100, required=True),
            "apiNames": texts(300),
            "filter": text(),
            "associatedDepartments": one_id(),
        },
    ),
]
