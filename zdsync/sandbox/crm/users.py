"""CRM users and the organisation (CRM 11).

Owns their operations and shapes. Must not change state.
"""

from __future__ import annotations

from ..call import Call
from ..records import CrmUser, Json
from ..wire import Response, empty, ok
from .asks import error, known, one_page, since_of
from .shapes import when

_USER_TYPES = (
    "AllUsers",
    "ActiveUsers",
    "DeactiveUsers",
    "ConfirmedUsers",
    "NotConfirmedUsers",
    "DeletedUsers",
    "ActiveConfirmedUsers",
    "AdminUsers",
    "ActiveConfirmedAdmins",
    "CurrentUser",
)


def users(c: Call) -> Response:
    """GET users."""
    known(c, {"type", "page", "per_page", "ids"})
    kind = c.q.get("type", "AllUsers")
    if kind not in _USER_TYPES:
        raise error(400, "INVALID_DATA", "type is not valid", {"param_name": "type"})
    rows = [u for u in c.state.crm_users.values() if _user_fits(c, u, kind)]
    since = since_of(c) if c.variant.ims_on_users else None
    if since is not None:
        rows = [u for u in rows if u.modified >= since]
    part, info = one_page(c, rows)
    if not part:
        return empty(304 if since is not None else 204)
    return ok({"users": [_shape(c, u) for u in part], "info": info})


def user(c: Call, user_id: str) -> Response:
    """GET users/{id}."""
    found = c.state.crm_users.get(user_id)
    return empty() if found is None else ok({"users": [_shape(c, found)]})


def _user_fits(c: Call, u: CrmUser, kind: str) -> bool:
    if "ids" in c.q and u.id not in c.q["ids"].split(","):
        return False
    match kind:
        case "ActiveUsers" | "ActiveConfirmedUsers":
            return u.status == "active"
        case "DeactiveUsers":
            return u.status == "disabled"
        case "DeletedUsers":
            return u.status == "deleted"
        case "NotConfirmedUsers":
            return not u.confirm
        case "AdminUsers" | "ActiveConfirmedAdmins" | "CurrentUser":
            return u is next(iter(c.state.crm_users.values()))
        case _:
            return c.variant.crm_all_users or u.status != "deleted"


def _shape(c: Call, u: CrmUser) -> Json:
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


def org(c: Call) -> Response:
    """GET org."""
    row: Json = {
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
    return ok({"org": [row]})
