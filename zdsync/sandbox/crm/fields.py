"""Metadata of a CRM module's fields (CRM 11).

Owns GET settings/fields and its shape. Must not change state.
"""

from __future__ import annotations

from ..call import Call
from ..records import Json
from ..wire import Response, ok
from .asks import check_right, known, missing, no_module
from .modules import MODULES, Meta, modules_of


def fields(c: Call) -> Response:
    """GET settings/fields."""
    known(c, {"module", "type", "include"})
    module = c.q.get("module")
    if module is None:
        raise missing("module")
    if module not in modules_of(c):
        raise no_module()
    check_right(c, module)
    return ok({"fields": _rows(c, module)})


def _rows(c: Call, module: str) -> list[Json]:
    hidden = c.variant.crm_hidden_fields.split(",")
    metas = list(MODULES[module])
    extra = {n for r in c.state.crm_records(module).values() for n in r.values} - {
        m.api_name for m in metas
    }
    metas += [Meta(n, custom=True) for n in sorted(extra)]
    return [
        _field(c, module, n, m, f"{module}.{m.api_name}" in hidden) for n, m in enumerate(metas)
    ]


def _field(c: Call, module: str, n: int, m: Meta, hidden: bool) -> Json:
    serial = list(MODULES).index(module) * 1000 + n
    return {
        "id": str(5_550_000_000_000_100_000 + serial),
        "api_name": m.api_name,
        "field_label": m.api_name.replace("_", " "),
        "data_type": m.data_type,
        "json_type": m.json_type,
        "custom_field": m.custom,
        "type": "used",
        "lookup": {"module": {"api_name": m.lookup, "id": None}} if m.lookup else {},
        "pick_list_values": [{"display_value": v, "actual_value": v} for v in m.options],
        "view_type": {"view": True, "edit": True, "create": True, "quick_create": False},
        "hipaa_compliance_enabled": hidden,
        "hipaa_compliance": {"restricted": True, "restricted_in_export": True} if hidden else None,
        "length": 255,
        "visible": True,
        "read_only": m.data_type in ("formula", "rollup_summary"),
    }
