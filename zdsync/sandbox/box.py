"""Sandbox: the public face of the simulator.

Owns one portal, its two doors and its faults; what others do behind the API's back comes
from remote/. Must not read the system clock when a clock was given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .accounts import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from .api import Api, Observer
from .faults import Fault, Faults
from .http_door import serving
from .records import CallEntry, Mail, WriteEntry
from .remote.fields import RemoteFields
from .remote.records import RemoteRecords
from .remote.tickets import RemoteTickets
from .times import from_datetime
from .variant import Variant
from .world import make_world

if TYPE_CHECKING:
    import responses

    from .state import State


def _system_now() -> datetime:
    return datetime.now(UTC)


class Sandbox(RemoteTickets, RemoteRecords, RemoteFields):
    """A Zoho on loopback: accounts server, Desk and CRM over one state in memory."""

    def __init__(
        self,
        tickets: int = 2000,
        seed: int = 7,
        variant: Variant | None = None,
        *,
        faults: str = "none",
        latency: float = 0.0,
        now: Callable[[], datetime] | None = None,
        observer: Observer | None = None,
        sleep: Callable[[float], None] = time.sleep,
        state: State | None = None,
    ) -> None:
        self._now = now or _system_now
        self.variant = state.variant if state else variant or Variant()
        # a given state is served as it is: a copy of another portal's lets its story begin anew
        self.state = state or make_world(self.variant, tickets, seed, self.at())
        self.faults = Faults(faults, seed)
        self.api = Api(
            self.state, self.faults, clock=self.at, latency=latency, sleep=sleep, observer=observer
        )

    def at(self) -> int:
        """Return the present instant as epoch milliseconds."""
        return from_datetime(self._now())

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Return the lock that every change of the state holds."""
        return self.api.lock

    # -- doors

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[dict[str, str]]:
        """Serve over real HTTP on loopback from a daemon thread; yield the credentials."""
        with serving(self.api, port) as base:
            yield self.creds(base)

    def register(
        self, mock: responses.RequestsMock, base: str = "https://sandbox.test"
    ) -> dict[str, str]:
        """Answer through `responses` callbacks; return the credentials."""
        from .callbacks import register

        register(self.api, mock, base)
        return self.creds(base)

    def creds(self, base: str) -> dict[str, str]:
        """Return what a client needs to log in at that address."""
        return {
            "accounts_url": base,
            "desk_url": f"{base}/api/v1",
            "crm_url": f"{base}/crm/v8",
            "org_id": self.state.org_id,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }

    def grant_code(self, scopes: str | None = None) -> str:
        """Make a self-client code as the API console would."""
        return self.api.tokens.grant_code(self.at(), scopes)

    # -- what happened

    @property
    def writes(self) -> list[WriteEntry]:
        """Every write that took effect, in order."""
        return self.state.writes

    @property
    def calls(self) -> list[CallEntry]:
        """Every call to Desk and CRM, refused ones too."""
        return self.state.calls

    @property
    def mails(self) -> list[Mail]:
        """Every mail to a contact."""
        return self.state.mails

    # -- faults

    def fail_next(
        self,
        pattern: str,
        status: int = 500,
        body: bytes | str | None = None,
        *,
        times: int = 1,
        kind: str = "status",
        delay: float = 0.3,
    ) -> None:
        """Let the next calls fail whose "METHOD /path" matches the regular expression."""
        raw = body.encode() if isinstance(body, str) else body
        self.faults.plan(Fault(kind, pattern, status, raw, times, delay))
