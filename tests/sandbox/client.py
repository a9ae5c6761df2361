"""A bare client for the sandbox's tests: one method per verb, no retries."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from zdsync.sandbox import Sandbox, Variant
from zdsync.sandbox.accounts import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from zdsync.sandbox.variant import CRM_SCOPES, DESK_SCOPES
from zdsync.sandbox.wire import Request, Response

BASE = "http://sandbox.test"
ALL_SCOPES = (
    DESK_SCOPES
    + ","
    + CRM_SCOPES
    + ",Desk.tickets.DELETE,Desk.settings.UPDATE,Desk.contacts.UPDATE"
)


class Clock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.value = datetime(2026, 11, 2, 12, 30, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.value

    def tick(self, **delta: float) -> None:
        self.value += timedelta(**delta)


class Answer:
    """An answer with its JSON."""

    def __init__(self, response: Response) -> None:
        self.raw = response
        self.status = response.status
        self.headers = response.headers
        self.text = response.body.decode()
        self.json: Any = json.loads(self.text) if self.text[:1] in "{[" and self.text else None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.json["data"] if self.json else []

    @property
    def code(self) -> str:
        return self.json.get("errorCode") or self.json.get("code")


class Client:
    """Calls the core directly with a good token."""

    def __init__(self, tickets: int = 400, **knobs: Any) -> None:
        self.clock = Clock()
        options = {
            k: knobs.pop(k)
            for k in ("faults", "observer", "seed", "latency", "sleep")
            if k in knobs
        }
        knobs.setdefault("scopes", ALL_SCOPES)
        self.box = Sandbox(tickets=tickets, variant=Variant(**knobs), now=self.clock, **options)
        self.state = self.box.state
        self.token = ""
        self.login()

    def login(self) -> dict[str, Any]:
        answer = self.oauth(grant_type="refresh_token", refresh_token=REFRESH_TOKEN)
        self.token = answer.json.get("access_token", self.token)
        return answer.json

    def oauth(self, **values: str) -> Answer:
        values = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | values
        query = {k: [v] for k, v in values.items()}
        return Answer(self.box.api.handle(Request("POST", "/oauth/v2/token", query, {}), BASE))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        parts = urlsplit(path)
        given = {
            "authorization": f"Zoho-oauthtoken {self.token}",
            "orgid": self.state.org_id,
            "content-type": "application/json",
        }
        given |= {k.replace("_", "-"): v for k, v in headers.items()}
        raw = b"" if body is None else json.dumps(body).encode()
        request = Request(
            method,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            {k: v for k, v in given.items() if v},
            raw,
        )
        return Answer(self.box.api.handle(request, BASE))

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", "/api/v1/" + path, **headers)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.call("POST", "/api/v1/" + path, body)

    def patch(self, path: str, body: Any) -> Answer:
        return self.call("PATCH", "/api/v1/" + path, body)

    def crm(self, path: str, **headers: str) -> Answer:
        return self.call("GET", "/crm/v8/" + path, **headers)

    def ticket(self, department: str = "Support", **wanted: Any) -> Any:
        """Return a live open ticket of a department."""
        here = self.department(department)
        for t in self.state.tickets.values():
            if (
                t.department_id == here
                and t.status_type == "Open"
                and not t.spam
                and t.trashed is None
                and all(getattr(t, k) == v for k, v in wanted.items())
            ):
                return t
        person = next(
            p.id
            for p in self.state.contacts.values()
            if p.email and bool(p.account_id) == (department not in ("IT", "Support"))
        )
        return self.box.create(department_id=here, contact_id=person, **wanted)

    def department(self, name: str) -> str:
        return next(d.id for d in self.state.departments.values() if d.name == name)

    def agent(self, department: str) -> str:
        here = self.department(department)
        return next(
            a.id
            for a in self.state.agents.values()
            if here in a.departments and a.status == "ACTIVE"
        )

    def outsider(self, department: str) -> str:
        here = self.department(department)
        return next(a.id for a in self.state.agents.values() if here not in a.departments)

    def weights(self) -> Counter[int]:
        return Counter(c.credits for c in self.box.calls)
