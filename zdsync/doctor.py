"""Is everything in place to work with the portal? Each check says what it saw and the mend.

Reads only; a check that cannot run because an earlier one failed is left out.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

from zdsync.clock import Clock, SystemClock
from zdsync.connect import Zoho, open_portal
from zdsync.errors import Misconfigured, ZdsyncError
from zdsync.model import Span
from zdsync.readings import published, reading
from zdsync.reports.drift import read_drift
from zdsync.settings import Settings
from zdsync.streams import BY_NAME
from zdsync.workfile import make_folders

SKEW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, what it saw, how to mend it; `code` is 0 or an exit code."""

    what: str
    said: str
    mend: str = ""
    code: int = 0


def examine(settings: Settings, clock: Clock | None = None) -> Iterator[Finding]:
    """Run the checks, yielding each finding as it is known."""
    yield from _folders(settings)
    yield from _outlets(settings)
    clock = clock or SystemClock()
    try:
        zoho = open_portal(settings, clock)
    except Misconfigured as error:
        for problem in error.problems:
            yield Finding(problem.where, problem.what, problem.hint, error.exit_code)
        if not error.problems:
            yield Finding("settings", error.what, error.hint, error.exit_code)
        return
    except ZdsyncError as error:
        yield Finding("connection", error.what, error.hint, error.exit_code)
        return
    yield from _portal(settings, zoho, clock)
    yield from _drift(settings, clock)
    zoho.connection.close()


def _folders(settings: Settings) -> Iterator[Finding]:
    try:
        make_folders(settings)
    except Misconfigured as error:
        yield Finding("data directory", error.what, error.hint, error.exit_code)
        return
    for path, most in ((settings.data_dir, 0o750), (settings.private_dir, 0o700)):
        yield _rights(path, most)


def _outlets(settings: Settings) -> Iterator[Finding]:
    """Whom rules may tell; nothing is sent."""
    names = sorted(settings.notify)
    if not names:
        return
    mails = [name for name in names if settings.notify[name].get_secret_value()[:7] == "mailto:"]
    shown = ", ".join(f"{name} ({'mail' if name in mails else 'chat'})" for name in names)
    if mails and not (settings.secret("smtp_url") and settings.smtp_from):
        said = f"{shown}; mails need a server and a sender"
        yield Finding("notices", said, "set ZDSYNC_SMTP_URL and ZDSYNC_SMTP_FROM", 2)
    else:
        yield Finding("notices", shown)


def _rights(path: Path, most: int) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~most:
        return Finding(
            str(path), f"others may reach it ({mode:04o})", f"chmod {most:04o} {path}", 2
        )
    return Finding(str(path), f"mode {mode:04o}")


def _portal(settings: Settings, zoho: Zoho, clock: Clock) -> Iterator[Finding]:
    yield _check("organisation", lambda: _organisation(settings, zoho))
    for name in ("desk.departments", "desk.agents", "desk.teams"):
        yield _check(name, partial(_count, zoho, name))
    yield _check("desk.fields", lambda: _outcome_field(settings, zoho))
    yield _check("desk.tickets (search)", lambda: _recent(zoho, clock))
    yield _check("clock", lambda: _clock(zoho, clock))
    if settings.replies:
        yield _check("replies", lambda: _replies(zoho))
    if zoho.crm is None:
        yield Finding("CRM", "off (ZDSYNC_CRM)")
        return
    yield _check("crm.users", lambda: _crm_users(zoho))
    yield _check("crm.fields", lambda: _tier_field(settings, zoho))


def _drift(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Fields that are gone and still read, as the published mirror knows them."""
    if not published(settings).exists():
        return
    try:
        with reading(settings) as reader:
            found = read_drift(reader.rows, clock.now())
    except ZdsyncError as error:
        yield Finding("fields", error.what, error.hint, error.exit_code)
        return
    for one in found:
        if one.broken:
            now = f"write {one.after} for it" if one.kind == "renamed" else "take it out of there"
            yield Finding("fields", str(one), f"{now}; zdsync check names the lines", 2)
    if not any(one.broken for one in found):
        yield Finding("fields", "no rule and no report reads a field that is gone")


def _check(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except ZdsyncError as error:
        return Finding(what, error.what, error.hint, error.exit_code)


def _organisation(settings: Settings, zoho: Zoho) -> str:
    found = zoho.desk.organization(settings.secret("org_id"))
    edition = settings.edition or found.edition or "unknown, so five calls at once"
    return f"{found.name} ({found.id}), edition {edition}, time zone {found.time_zone}"


def _count(zoho: Zoho, name: str) -> str:
    return f"{sum(len(batch.rows) for batch in zoho.desk.pages(BY_NAME[name]))} found"


def _outcome_field(settings: Settings, zoho: Zoho) -> str:
    names = {row.get("api_name") for row in zoho.desk.fields("tickets").rows}
    if settings.outcome_field not in names:
        raise Misconfigured(
            f"tickets have no field {settings.outcome_field}",
            hint="set ZDSYNC_OUTCOME_FIELD to the API name of the field that a close must fill",
        )
    return f"{len(names)} ticket fields, {settings.outcome_field} among them"


def _recent(zoho: Zoho, clock: Clock) -> str:
    now = clock.now()
    day = Span(now - timedelta(days=1), now)
    with closing(zoho.desk.search(BY_NAME["desk.tickets"], "created", day, workers=1)) as pages:
        page = next(pages, None)
    return f"{(page.total if page else 0) or 0} created within a day"


def _replies(zoho: Zoho) -> str:
    own = zoho.desk.speech.reply_addresses()
    if own is None:
        return "on; the portal shows no list of its addresses, and refuses a wrong one itself"
    if not own:
        return "on, but the portal shows no address that replies may come from"
    return f"on, from {', '.join(sorted(own))}"


def _clock(zoho: Zoho, clock: Clock) -> str:
    answer = zoho.connection.desk.get("/organizations", stream="desk.organization")
    said = answer.headers.get("Date")
    if not said:
        return "Zoho told no time"
    skew = abs(clock.now() - parsedate_to_datetime(said))
    if skew > SKEW:
        raise Misconfigured(
            f"this machine's clock differs from Zoho's by {skew.total_seconds():.0f} seconds",
            hint="let it follow a time server; changes are read by time",
        )
    return "agrees with Zoho's"


def _crm_users(zoho: Zoho) -> str:
    assert zoho.crm is not None
    batches = zoho.crm.users(BY_NAME["crm.users"])
    return f"{sum(len(batch.rows) for batch in batches)} found"


def _tier_field(settings: Settings, zoho: Zoho) -> str:
    assert zoho.crm is not None
    batch = zoho.crm.fields(BY_NAME["crm.fields"], "Accounts")
    names = {row.get("api_name") for row in (batch.rows if batch else ())}
    if names and settings.sla_tier_field not in names:
        raise Misconfigured(
            f"CRM accounts have no field {settings.sla_tier_field}",
            hint="set ZDSYNC_SLA_TIER_FIELD to the API name of the field with the tier",
        )
    return f"{len(names)} account fields, {settings.sla_tier_field} among them"
