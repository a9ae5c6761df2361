"""The gate: what a call must bring before it is looked at.

Owns token, organisation, scope, path and body checks. Promises the codes of DT 1 and
CRM 14. Must not touch records.
"""

from __future__ import annotations

import json
from typing import Any

from .accounts import TokenServer
from .call import Call, Route
from .crm.modules import MODULES
from .variant import Variant
from .wire import Refused, Request, not_found, unprocessable

DESK = "/api/v1/"
_ALTERNATIVES = {"Desk.basic.READ", "Desk.settings.READ"}


def authorised(
    tokens: TokenServer, variant: Variant, request: Request, system: str, at: int
) -> frozenset[str]:
    """Return the scopes of the token, or refuse with 401."""
    header = request.headers.get("authorization", "")
    prefix, _, token = header.partition(" ")
    if prefix != "Zoho-oauthtoken" or not token:
        raise Refused(
            401,
            "UNAUTHORIZED" if system == "desk" else "AUTHENTICATION_FAILURE",
            "You are not authenticated to perform this operation."
            if system == "desk"
            else "Authentication failed",
        )
    scopes = tokens.scopes_of(token, at)
    if scopes is None or (system == "crm" and variant.crm_dc_refuses):
        raise Refused(
            401,
            "INVALID_OAUTH" if system == "desk" else "INVALID_TOKEN",
            "The OAuth Token you provided is invalid."
            if system == "desk"
            else "invalid oauth token",
        )
    return scopes


def route_of(routes: list[Route], request: Request, call: Call) -> Route:
    """Return the operation of a Desk path, or refuse with 404 or 405."""
    path = request.path.removeprefix(DESK)
    allowed = False
    for route in routes:
        found = route.pattern.fullmatch(path)
        # templates come last: tickets/search must not be read as tickets/{ticketId}
        if found and all(v.isdigit() for v in found.groupdict().values()):
            if route.method == request.method:
                call.args = found.groupdict()
                return route
            allowed = True
    if allowed:
        raise Refused(405, "METHOD_NOT_ALLOWED", "The method is not allowed for this URL.")
    raise not_found()


def check_organisation(request: Request, route: Route, org_id: str) -> None:
    """Refuse calls without the right orgId, but for the list of organisations (DT 1)."""
    if route.template == "organizations":
        return
    org = request.headers.get("orgid") or "".join(request.query.get("orgId", []))
    if not org:
        raise unprocessable("The header 'orgId' is missing")
    if not org.isdigit():  # DT 1 table, 500: a non-numeric orgId (3P4)
        raise Refused(500, "INTERNAL_SERVER_ERROR", "An internal server error occurred")
    if org != org_id:
        raise Refused(403, "OAUTH_ORG_MISMATCH", "The organisation does not belong to the token.")


def check_scope(scopes: frozenset[str], route: Route, any_scope: bool) -> None:
    """Refuse calls whose token lacks the scope."""
    have = [s in scopes or s.rsplit(".", 1)[0] + ".ALL" in scopes for s in route.scopes]
    loose = any_scope and set(route.scopes) <= _ALTERNATIVES
    if not (any(have) if loose else all(have)):
        raise Refused(403, "SCOPE_MISMATCH", "The OAuth Token does not have the scope.")


def json_body(request: Request, route: Route) -> Any:
    """Read the body, or refuse what is no JSON."""
    if not request.body:
        if any(f.required for f in (route.body or {}).values()):
            raise Refused(422, "EMPTY_PAYLOAD", "The payload must not be empty")
        return {}
    if "json" not in request.headers.get("content-type", ""):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The content type must be JSON")
    try:
        return json.loads(request.body)
    except ValueError:
        raise unprocessable("The request body is not valid JSON") from None


def crm_template(path: str) -> str:
    """Write ids of a CRM path as {id}."""
    return "/".join("{id}" if part.isdigit() else part for part in path.split("/"))


def crm_body(request: Request) -> dict[str, Any]:
    """Read the body of a CRM call; the only one that has any is COQL (CRM 8)."""
    if not request.body:
        return {}
    if "json" not in request.headers.get("content-type", ""):
        raise Refused(415, "MEDIA_TYPE_NOT_SUPPORTED", "the media type is not supported")
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "INVALID_DATA", "body", None, {"expected_data_type": "jsonobject"})
    return found


def check_crm_scope(variant: Variant, scopes: frozenset[str], path: str) -> None:
    """Refuse CRM calls whose token lacks the scope (CRM 2)."""
    head = path.split("/", maxsplit=1)[0]
    match head:
        case "users" | "org" | "coql":
            need = [f"ZohoCRM.{head}."]
        case "settings":
            need = ["ZohoCRM.settings.fields.", "ZohoCRM.settings."]
        case _:
            need = [f"ZohoCRM.modules.{head.lower()}.", "ZohoCRM.modules."]
    if head not in ("users", "org", "settings", "coql", *MODULES):
        return  # the path itself is refused later
    if not any(n + verb in scopes for n in need for verb in ("READ", "ALL")):
        raise Refused(variant.crm_scope_status, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope")
