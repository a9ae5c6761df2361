"""Shapes of the CRM: records, users, org, fields metadata (CRM 11 and 15).

Owns which API names a module has and how values look. Must not filter or page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .records import CrmRecord, CrmUser, Json
from .state import State
from .times import crm_time
from .wire import Call


@dataclass(frozen=True, slots=True)
class Meta:
    """One field: data_type as the metadata call names it."""

    api_name: str
    data_type: str = "text"
    json_type: str = "string"
    options: tuple[str, ...] = ()
    lookup: str = ""
    custom: bool = False


_COMMON = (
    Meta("Owner", "ownerlookup", "jsonobject"),
    Meta("Created_By", "ownerlookup", "jsonobject"),
    Meta("Modified_By", "ownerlookup", "jsonobject"),
    Meta("Created_Time", "datetime"),
    Meta("Modified_Time", "datetime"),
    Meta("Description", "textarea"),
    Meta("Tag", "text", "jsonarray"),
)
_PERSON = (
    Meta("First_Name"),
    Meta("Last_Name"),
    Meta("Full_Name"),
    Meta("Email", "email"),
    Meta("Phone", "phone"),
    Meta("Lead_Source", "picklist", options=("Web", "Partner")),
    Meta("Patient_Since", "date", custom=True),
)
MODULES: dict[str, tuple[Meta, ...]] = {
    "Contacts": (
        *_COMMON,
        *_PERSON,
        Meta("Account_Name", "lookup", "jsonobject", lookup="Accounts"),
    ),
    "Leads": (*_COMMON, *_PERSON, Meta("Company")),
    "Accounts": (
        *_COMMON,
        Meta("Account_Name"),
        Meta("Website", "website"),
        Meta("Phone", "phone"),
        Meta("Industry", "picklist"),
        Meta("Annual_Revenue", "currency", "double"),
        Meta("SLA_Tier", "picklist", options=("Gold", "Silver", "Bronze"), custom=True),
        Meta("Standing", "picklist", options=("Paid", "Community", "Trial"), custom=True),
        Meta("Health_Score", "formula", "integer", custom=True),
    ),
}


def when(c: Call, at: int) -> str:
    """Write an instant in the token user's zone."""
    return crm_time(at, c.variant.crm_zone)


def all_names(module: str) -> list[str]:
    """Return every API name of a module."""
    return [m.api_name for m in MODULES[module]]


def person(c: Call, user_id: str) -> Json | None:
    """Write a minified user: name, id, email."""
    user = c.state.crm_users.get(user_id)
    return None if user is None else {"name": user.name, "id": user.id, "email": user.email}


def record(c: Call, r: CrmRecord, names: list[str]) -> Json:
    """Write the asked fields; names that the module does not have are left out."""
    known = {name: Meta(name) for name in r.values} | {m.api_name: m for m in MODULES[r.module]}
    row: Json = {"id": r.id}
    hidden = c.variant.crm_hidden_fields.split(",")
    for name in names:
        if name in known:
            # CRM 15 HIPAA: restricted values come back null
            row[name] = None if f"{r.module}.{name}" in hidden else _value(c, r, known[name])
    return row


def _value(c: Call, r: CrmRecord, meta: Meta) -> Any:
    match meta.api_name:
        case "Owner" | "Created_By" | "Modified_By":
            return person(c, r.owner_id)
        case "Created_Time":
            return when(c, r.created)
        case "Modified_Time":
            return when(c, r.modified)
        case "Full_Name":
            return " ".join(n for n in (r.values.get("First_Name"), r.values["Last_Name"]) if n)
        case "Tag":
            return []
    value = r.values.get(meta.api_name)
    if meta.lookup and value is not None:
        account = c.state.crm_accounts.get(value)
        return {"name": account.values["Account_Name"], "id": value} if account else None
    return value


def deleted(c: Call, r: CrmRecord, at: int) -> Json:
    """Write a row of the deleted feed; permanent rows lose their names (CRM 7)."""
    gone = r.deleted_kind == "permanent"
    name = r.values.get("Account_Name") if r.module == "Accounts" else r.values.get("Last_Name")
    who = None if gone else _brief(c, r.owner_id)
    return {
        "id": r.id,
        "type": r.deleted_kind,
        "deleted_time": when(c, at),
        "display_name": None if gone else name,
        "deleted_by": who,
        "created_by": who,
    }


def _brief(c: Call, user_id: str) -> Json | None:
    user = c.state.crm_users.get(user_id)
    return None if user is None else {"name": user.name, "id": user.id}


def user(c: Call, u: CrmUser) -> Json:
    """Write a user; Modified_Time has this spelling (CRM 11)."""
    return {
        "id": u.id,
        "email": u.email,
        "first_name": u.first,
        "last_name": u.last,
        "full_name": u.name,
        "status": u.status,
        "confirm": u.confirm,
        "zuid": u.zuid if u.confirm else None,
        "type__s": "Regular User",
        "role": {"id": "5550000000000026005", "name": "CEO"},
        "profile": {"id": "5550000000000026011", "name": "Administrator"},
        "time_zone": "UTC",
        "created_time": when(c, u.created),
        "Modified_Time": when(c, u.modified),
    }


def org(c: Call) -> Json:
    """Write the organisation."""
    return {
        "id": "5550000000000020001",
        "zgid": "70000001",
        "primary_zuid": "70000100",
        "company_name": "Demo Clinic",
        "time_zone": "UTC",
        "currency": "US Dollar - USD",
        "hipaa_compliance_enabled": bool(c.variant.crm_hidden_fields),
        "license_details": {
            "paid_type": c.variant.edition,
            "paid": True,
            "users_license_purchased": len(c.state.crm_users),
        },
    }


def fields(c: Call, module: str) -> list[Json]:
    """Write the metadata of a module's fields."""
    hidden = c.variant.crm_hidden_fields.split(",")
    metas = list(MODULES[module])
    extra = {n for r in records(c.state, module).values() for n in r.values} - {
        m.api_name for m in metas
    }
    metas += [Meta(n, custom=True) for n in sorted(extra)]
    return [
        _field(c, module, n, m, f"{module}.{m.api_name}" in hidden) for n, m in enumerate(metas)
    ]


def records(s: State, module: str) -> dict[str, CrmRecord]:
    """Return the store of a module."""
    return {"Contacts": s.crm_contacts, "Accounts": s.crm_accounts, "Leads": s.crm_leads}[module]


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
        "read_only": m.data_type == "formula",
    }
