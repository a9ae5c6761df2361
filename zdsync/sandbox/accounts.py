"""The accounts server: grants, tokens, limits (DP 11, CRM 2).

Owns codes, refresh and access tokens. Promises that failures come as HTTP 200 with
`error`, as Zoho sends them. Must not know Desk or CRM.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from urllib.parse import parse_qs

from .records import Json
from .times import MINUTE, SECOND
from .variant import Variant
from .wire import JSON_TYPE, Request, Response, dumps, no_page

CLIENT_ID = "1000.SANDBOXCLIENT0000000000000000"
CLIENT_SECRET = "sandbox-client-secret"
REFRESH_TOKEN = "1000.sandbox.refresh.0001"
_WINDOW = 10 * MINUTE
_CODE_LIFE = 3 * MINUTE
_REFRESH_TOKENS = 20


@dataclass(slots=True)
class Access:
    """One live access token."""

    refresh_token: str
    scopes: frozenset[str]
    until: int


class TokenServer:
    """Answers /oauth and knows which access tokens are good."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant
        self._serial = 0
        self._codes: dict[str, tuple[int, frozenset[str]]] = {}
        self._refresh = {REFRESH_TOKEN: frozenset(variant.scopes.split(","))}
        self._made: dict[str, deque[int]] = {}
        self.access: dict[str, Access] = {}
        self.issued = 0

    def grant_code(self, at: int, scopes: str | None = None) -> str:
        """Make a self-client code: good for three minutes, once (DP 11)."""
        self._serial += 1
        code = f"1000.sandbox.code.{self._serial:04}"
        granted = (scopes or self._variant.scopes).split(",")
        self._codes[code] = (at + _CODE_LIFE, frozenset(granted))
        return code

    def revoke(self, token: str) -> None:
        """Revoke a refresh token and all that came from it, or one access token."""
        self._refresh.pop(token, None)
        self.access.pop(token, None)
        for key in [k for k, a in self.access.items() if a.refresh_token == token]:
            del self.access[key]

    def scopes_of(self, token: str, at: int) -> frozenset[str] | None:
        """Return the scopes of a good access token, else None."""
        found = self.access.get(token)
        if found is None or found.until <= at:
            self.access.pop(token, None)
            return None
        return found.scopes

    def handle(self, request: Request, at: int, base: str) -> Response:
        """Answer one call to the accounts server; `base` is the API domain."""
        values = {k: v[-1] for k, v in request.query.items()}
        if "application/x-www-form-urlencoded" in request.headers.get("content-type", ""):
            values |= {k: v[-1] for k, v in parse_qs(request.body.decode()).items()}
        match request.method, request.path:
            case "POST", "/oauth/v2/token":
                return self._token(values, at, base)
            case "POST", "/oauth/v2/token/revoke":
                self.revoke(values.get("token", ""))
                return _json({"status": "success"})
            case "GET", "/oauth/serverinfo":
                return _json({"result": "success", "locations": {"us": base}})
        return no_page()

    def _token(self, values: dict[str, str], at: int, base: str) -> Response:
        if values.get("client_id") != CLIENT_ID:
            return _json({"error": "invalid_client"})
        if values.get("client_secret") != CLIENT_SECRET:
            return _json({"error": "invalid_client_secret"})
        match values.get("grant_type"):
            case "refresh_token":
                return self._refreshed(values.get("refresh_token", ""), at, base)
            case "authorization_code":
                return self._first(values.get("code", ""), at, base)
        return _json({"error": "unsupported_grant_type"})

    def _refreshed(self, refresh_token: str, at: int, base: str) -> Response:
        if refresh_token not in self._refresh:
            return _json({"error": "invalid_code"})
        made = self._made.setdefault(refresh_token, deque())
        while made and made[0] <= at - _WINDOW:
            made.popleft()
        if len(made) >= self._variant.tokens_per_10_minutes:
            return _json(
                {
                    "error_description": "You have made too many requests continuously. "
                    "Please try again after some time.",
                    "error": "Access Denied",
                    "status": "failure",
                },
                self._variant.token_throttle_status,
            )
        made.append(at)
        return _json(self._issue(refresh_token, at, base))

    def _first(self, code: str, at: int, base: str) -> Response:
        until, scopes = self._codes.pop(code, (0, frozenset()))
        if until <= at:
            return _json({"error": "invalid_code"})
        refresh_token = f"1000.sandbox.refresh.{self._serial:04}.{len(self._refresh):02}"
        if len(self._refresh) >= _REFRESH_TOKENS:
            self.revoke(next(iter(self._refresh)))
        self._refresh[refresh_token] = scopes
        return _json(self._issue(refresh_token, at, base) | {"refresh_token": refresh_token})

    def _issue(self, refresh_token: str, at: int, base: str) -> Json:
        self.issued += 1
        token = f"1000.sandbox.access.{self.issued:06}"
        mine = [k for k, a in self.access.items() if a.refresh_token == refresh_token]
        if len(mine) >= self._variant.live_tokens:
            del self.access[mine[0]]  # DP 11: the oldest one is dropped silently
        life = self._variant.expires_in
        scopes = self._refresh[refresh_token]
        self.access[token] = Access(refresh_token, scopes, at + life * SECOND)
        return {
            "access_token": token,
            "scope": " ".join(sorted(scopes)),
            "api_domain": base,
            "token_type": "Bearer",
            "expires_in": life,
        }


def _json(value: Json, status: int = 200) -> Response:
    return Response(status, dumps(value), dict(JSON_TYPE))
