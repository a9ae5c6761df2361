"""Puts the parts of transport together from plain values.

Must not read settings or the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zdsync.clock import Clock
from zdsync.transport.auth import TokenProvider, exchange_code
from zdsync.transport.budget import CRM_EDITIONS, DESK_EDITIONS, Budget
from zdsync.transport.hosts import hosts_of
from zdsync.transport.session import Api
from zdsync.transport.window import Rolling, day_of
from zdsync.transport.wire import make_post

# Organization.json's names → ours (desk-people.md 3 "Organisation").
_EDITION_NAMES: Mapping[str, str] = {
    "FREE_2019": "free",
    "NEW_FREE": "free",
    "ULTIMATE": "enterprise",
    "ZOHOONE": "enterprise",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """The way to one portal: its token and its systems. Close it when done."""

    tokens: TokenProvider
    desk: Api
    crm: Api | None

    def close(self) -> None:
        """Close the connections of both systems."""
        self.desk.close()
        if self.crm:
            self.crm.close()


def connect(
    *,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    token_cache: Path,
    clock: Clock,
    dc: str = "com",
    accounts_url: str | None = None,
    desk_url: str | None = None,
    crm_url: str | None = None,
    org_id: str | None = None,
    crm: bool = True,
    edition: str | None = None,
    crm_edition: str | None = None,
    reserve: float = 0.2,
) -> Connection:
    """Build the way to a portal; no call is made. Misconfigured if an address is unusable.

    Without `edition` five calls run at once until `budget.set_edition` is told the name.
    """
    hosts = hosts_of(dc, accounts_url, desk_url, crm_url)
    tokens = TokenProvider(
        make_post(clock),
        accounts_url=hosts.accounts,
        client_id=client_id,
        client_secret=client_secret,
        refresh_token=refresh_token,
        cache=token_cache,
        clock=clock,
    )
    desk_budget = Budget(
        "desk", clock, day_of(dc), editions=DESK_EDITIONS, edition=edition, reserve=reserve
    )
    crm_budget = Budget(
        "crm", clock, Rolling(), editions=CRM_EDITIONS, edition=crm_edition, reserve=reserve
    )
    return Connection(
        tokens,
        Api("desk", hosts.desk, tokens, desk_budget, clock, org_id=org_id),
        Api("crm", hosts.crm, tokens, crm_budget, clock) if crm else None,
    )


def new_refresh_token(
    *,
    client_id: str,
    client_secret: str,
    code: str,
    clock: Clock,
    dc: str = "com",
    accounts_url: str | None = None,
) -> str:
    """Exchange a self-client code for a refresh token; used by `zdsync auth`."""
    hosts = hosts_of(dc, accounts_url, accounts_url, accounts_url)
    return exchange_code(
        make_post(clock),
        accounts_url=hosts.accounts,
        client_id=client_id,
        client_secret=client_secret,
        code=code,
    )


def edition_name(declared: str) -> str | None:
    """Translate the organisation's edition to a name of the tables; None if unknown."""
    name = _EDITION_NAMES.get(declared.upper(), declared.lower())
    return name if name in DESK_EDITIONS else None
