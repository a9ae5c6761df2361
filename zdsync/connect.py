"""The way to the portal that the settings name. Makes calls only where it says so."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zdsync.clock import Clock, SystemClock
from zdsync.connectors import Crm, Desk, Notices
from zdsync.errors import Misconfigured, Problem
from zdsync.mirror import Mirror
from zdsync.model import Call
from zdsync.pull import (
    Allowance,
    Attached,
    Estimator,
    PastReader,
    Progress,
    Puller,
    Purse,
    Reconciler,
    credits,
)
from zdsync.pull.drift import Readers, nobody
from zdsync.settings import Settings
from zdsync.transport import Account, Api, Connection, MailServer, connect, new_refresh_token
from zdsync.workfile import make_folders

# What zdsync asks for (desk-people.md section 11 "Scopes", crm.md section 2).
SCOPES = (
    "Desk.tickets.READ",
    "Desk.tickets.UPDATE",
    "Desk.tickets.CREATE",
    "Desk.contacts.READ",
    "Desk.basic.READ",
    "Desk.search.READ",
    "Desk.settings.READ",
    "ZohoCRM.modules.contacts.READ",
    "ZohoCRM.modules.accounts.READ",
    "ZohoCRM.modules.leads.READ",
    "ZohoCRM.users.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.coql.READ",  # lists end at 100,000 records without it
)


@dataclass(frozen=True, slots=True)
class Zoho:
    """The way to one portal."""

    connection: Connection
    desk: Desk
    crm: Crm | None
    clock: Clock

    def drain(self) -> list[Call]:
        """Hand over the calls made since the last time."""
        return [call for api in self._apis() for call in api.budget.drain()]

    def workers(self) -> int:
        """How many calls Desk takes at once just now."""
        return self.connection.desk.budget.allowed_now

    def resume(self, mirror: Mirror) -> None:
        """Go on with the credits from what earlier runs and other processes spent."""
        for api in self._apis():
            credits.resume(mirror, api.budget, self.clock.now())

    def keep(self, mirror: Mirror) -> None:
        """Keep how the credits stand for the next run."""
        for api in self._apis():
            credits.keep(mirror, api.budget, self.clock.now())

    @property
    def desk_credits(self) -> Account:
        """The account of Desk's credits."""
        return self.connection.desk.budget.account

    def puller(
        self,
        mirror: Mirror,
        run_id: str,
        progress: Progress,
        *,
        accept_deletes: bool = False,
        readers: Readers = nobody,
    ) -> Puller:
        """What reads this portal into a mirror in one run."""
        return Puller(
            mirror=mirror,
            desk=self.desk,
            crm=self.crm,
            clock=self.clock,
            progress=progress,
            workers=self.workers,
            drain=self.drain,
            run_id=run_id,
            accept_deletes=accept_deletes,
            readers=readers,
        )

    def attached(self, puller: Puller, allowance: Allowance, past: PastReader) -> Attached:
        """What reads, beside a pull, what hangs on tickets."""
        return Attached(
            Purse(
                mirror=puller.mirror,
                desk=self.desk,
                clock=self.clock,
                workers=self.workers,
                drain=self.drain,
                run_id=puller.run_id,
                allowance=allowance,
            ),
            past,
        )

    def reconciler(self, puller: Puller, allowance: float | None = None) -> Reconciler:
        """What proves that the mirror of a pull agrees, for at most `allowance` credits."""
        return Reconciler(
            mirror=puller.mirror,
            desk=self.desk,
            clock=self.clock,
            deletes=puller.deletes(),
            workers=self.workers,
            drain=self.drain,
            run_id=puller.run_id,
            allowance=allowance,
            survey=walk.survey if (walk := puller.crm_walk()) else None,
        )

    def estimator(self, puller: Puller) -> Estimator:
        """What names the price of a pull."""
        desk = self.connection.desk.budget
        room = desk.account.room
        return Estimator(puller, self.desk, self.crm, self.clock, desk.allowed_now, room)

    def _apis(self) -> list[Api]:
        crm = self.connection.crm
        return [self.connection.desk, *([crm] if crm else [])]


def open_portal(settings: Settings, clock: Clock, mirror: Mirror | None = None) -> Zoho:
    """Connect. One call learns the edition's limits, unless the settings or the mirror know them.

    Raises Misconfigured (credentials missing), TokenRefused, ZohoFailed.
    """
    missing = settings.missing_credentials()
    if missing:
        hint = "zdsync demo needs no portal; the README says how to connect yours"
        raise Misconfigured("the connection to Zoho is not set up", missing, hint)
    connection = connect(
        dc=settings.dc,
        accounts_url=settings.accounts_url,
        desk_url=settings.desk_url,
        crm_url=settings.crm_url,
        org_id=settings.secret("org_id"),
        client_id=settings.secret("client_id"),
        client_secret=settings.secret("client_secret"),
        refresh_token=settings.secret("refresh_token"),
        token_cache=settings.private_dir / "token.json",
        edition=settings.edition,
        crm_edition=settings.edition,
        reserve=settings.credit_reserve,
        crm=settings.crm,
        clock=clock,
    )
    modules = {"Contacts": settings.crm_contacts, "Accounts": settings.crm_accounts}
    crm = Crm(connection.crm, clock, modules) if connection.crm else None
    zoho = Zoho(connection, Desk(connection.desk, clock), crm, clock)
    if mirror:
        zoho.resume(mirror)
    if not connection.desk.budget.edition_known:
        portal = zoho.desk.organization(settings.secret("org_id"))
        if connection.crm and portal.edition:
            connection.crm.budget.set_edition(portal.edition)
        if mirror:  # again: the edition's credits grow with the portal's people
            zoho.resume(mirror)
    return zoho


def messenger(settings: Settings, clock: Clock) -> Notices:
    """What carries notices to whom the settings name. Makes no call."""
    url, sender = settings.secret("smtp_url"), settings.smtp_from
    server = MailServer(url, sender) if url and sender else None
    targets = {name: held.get_secret_value() for name, held in settings.notify.items()}
    return Notices(targets, server, clock)


def keep_refresh_token(settings: Settings, code: str) -> Path:
    """Exchange a self-client code; the refresh token goes to a file that only its owner reads."""
    needed = {"ZDSYNC_CLIENT_ID", "ZDSYNC_CLIENT_SECRET"}
    missing: list[Problem] = [p for p in settings.missing_credentials() if p.where in needed]
    if missing:
        raise Misconfigured("the self client is not set up", missing)
    token = new_refresh_token(
        client_id=settings.secret("client_id"),
        client_secret=settings.secret("client_secret"),
        code=code.strip(),
        clock=SystemClock(),
        dc=settings.dc,
        accounts_url=settings.accounts_url,
    )
    make_folders(settings)
    path = settings.private_dir / "refresh_token"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        os.fchmod(file.fileno(), 0o600)  # it may have been there before, open to others
        file.write(token + "\n")
    return path
