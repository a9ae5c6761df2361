"""Shapes of CRM records, live and deleted (CRM 7 and 15).

Owns how values look. Must not filter or page.
"""

from __future__ import annotations

from typing import Any

from ..call import Call
from ..records import CrmRecord, Json
from ..times import crm_time
from .modules import MODULES, Meta


def when(c: Call, at: int) -> str:
    """Write an instant in the token user's zone."""
    return crm_time(at, c.variant.crm_zone)


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
        if name in known and f"{r.module}.{name}" not in c.state.edits.crm_gone:
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
