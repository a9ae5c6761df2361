"""Desk organisations: which ones the token reaches.

Owns their operations of DP 2. Must not change state.
"""

from __future__ import annotations

from ..call import Call, Route
from ..records import Json
from ..validate import BOOL
from ..wire import Response, ok
from .agents import BASIC


def _organization(c: Call) -> Json:
    return {
        "id": c.shaper.id(c.state.org_id),
        "portalName": "demo",
        "companyName": "Demo Clinic",
        "edition": c.variant.edition.upper(),
        "timeZone": "America/Chicago",
        "isDefault": True,
        "isAdminInOrg": True,
        "isSandboxPortal": False,
        "currencyCode": "USD",
        "country": "US",
        "portalURL": "https://desk.example/support/demo",
        "isPayloadEncryptionEnabled": False,
    }


def organizations(c: Call) -> Response:
    """Answer what organisations the token reaches."""
    return ok({"data": [_organization(c)]})


ROUTES = [
    Route("GET", "organizations", BASIC, organizations, {"includeCustomDomain": BOOL}),
    Route("GET", "accessibleOrganizations", BASIC, organizations),
]
