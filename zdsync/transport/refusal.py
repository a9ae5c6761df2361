"""The one table from HTTP status and errorCode to what the caller should do.

Owns `judge`, a pure function. Promises that every answer gets a verdict, that a message holds
no secret and no mail address, and that `sure` is True only where nothing can have happened.
Sources: desk-tickets.md 1 "Error bodies", desk-people.md 1, crm.md 13 and 14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zdsync.errors import (
    Missing,
    Refused,
    ScopeMissing,
    TokenRefused,
    ZdsyncError,
    ZohoFailed,
)

# token: refresh and repeat; slow: too many at once; rest: no credits; again: trouble;
# stop: repeating is useless.
Action = Literal["token", "slow", "rest", "again", "stop"]

_LONG = 300.0  # a Retry-After above this means the day's credits, not a busy moment
_ID_POINTERS = frozenset({"id", "ticketId", "contactId", "accountId", "ids"})
_BASIC = ("Desk.basic.READ", "Desk.settings.READ")

# desk-people.md 11 "Scopes"; first match wins.
_SCOPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"desk GET /(tickets|contacts/[^/]+/tickets).*search",
        ("Desk.tickets.READ", "Desk.search.READ"),
    ),
    (r"desk GET /ticketsCount", ("Desk.tickets.READ", "Desk.search.READ")),
    (r"desk POST .*/(associate|dissociate)Tag", ("Desk.tickets.CREATE",)),
    (r"desk GET /(tickets|ticketTags|tags)", ("Desk.tickets.READ",)),
    (r"desk (POST|PATCH) /(tickets|closeTickets)", ("Desk.tickets.UPDATE",)),
    (r"desk GET /(contacts|accounts)/search", ("Desk.contacts.READ", "Desk.search.READ")),
    (r"desk GET /(contacts|accounts)", ("Desk.contacts.READ",)),
    (r"desk GET /agents", (*_BASIC, "Desk.agents.READ")),
    (r"desk GET /departments", (*_BASIC, "Desk.departments.READ")),
    (r"desk GET /teams", (*_BASIC, "Desk.teams.READ")),
    (r"desk GET /(organizations|accessibleOrganizations)", (*_BASIC, "Desk.organization.READ")),
    (r"desk GET /(fields|organizationFields)", ("Desk.basic.READ", "Desk.fields.READ")),
    (r"desk GET /recycleBin", ("Desk.settings.READ",)),
    (r"crm POST /coql", ("ZohoCRM.coql.READ",)),
    (r"crm GET /users", ("ZohoCRM.users.READ",)),
    (r"crm GET /settings/fields", ("ZohoCRM.settings.fields.READ",)),
    (r"crm GET /org", ("ZohoCRM.org.READ",)),
    (r"crm GET /Contacts", ("ZohoCRM.modules.contacts.READ",)),
    (r"crm GET /Accounts", ("ZohoCRM.modules.accounts.READ",)),
    (r"crm GET /Leads", ("ZohoCRM.modules.leads.READ",)),
    (r"crm GET /", ("ZohoCRM.modules.READ",)),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means: what to do, the error if that fails, whether nothing happened."""

    action: Action
    error: ZdsyncError
    sure: bool = True
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, as messages name it: `desk GET /tickets/{id}`."""

    system: str
    method: str
    endpoint: str

    def __str__(self) -> str:
        return f"{self.system} {self.method} {self.endpoint}"


def judge(
    asked: Asked,
    status: int,
    body: object,
    *,
    retry_after: float | None,
    secrets: Sequence[str] = (),
) -> Verdict | None:
    """Return what to do about an answer; None where it is good.

    `body` is the decoded JSON, None for an empty answer, NotJson for anything else.
    """
    if status in (200, 201, 202, 204, 304) and not isinstance(body, NotJson):
        return None
    if 200 <= status < 300:
        what = f"{asked}: HTTP {status} with a body that is not JSON"
        return Verdict("again", ZohoFailed(what, "A proxy or a maintenance page?"), sure=False)
    if 300 <= status < 400:
        hint = "Redirects are not followed. Check the address and ZDSYNC_DC."
        return Verdict("stop", ZohoFailed(f"{asked}: HTTP {status}, a redirect", hint), sure=False)
    if status >= 500 or status == 408:
        hint = "Zoho has trouble; nothing to mend here."
        return Verdict("again", ZohoFailed(_what(asked, status, body, secrets), hint), sure=False)
    if status == 429:
        return _too_many(asked, body, retry_after, secrets)
    return _client_error(asked, status, body, secrets)


@dataclass(frozen=True, slots=True)
class NotJson:
    """Stands for a body that is no JSON (an HTML page of a proxy)."""

    size: int


def _too_many(
    asked: Asked, body: object, retry_after: float | None, secrets: Sequence[str]
) -> Verdict:
    what = _what(asked, 429, body, secrets)
    spent = asked.system == "desk" and code_of(body) == "THRESHOLD_EXCEEDED"
    if spent or (retry_after is not None and retry_after > _LONG):
        return Verdict("rest", ZohoFailed(what), wait=retry_after)
    return Verdict("slow", ZohoFailed(what, "Too many calls at once."), wait=retry_after)


def _client_error(asked: Asked, status: int, body: object, secrets: Sequence[str]) -> Verdict:
    code = code_of(body)
    what = _what(asked, status, body, secrets)
    if code in ("SCOPE_MISMATCH", "OAUTH_SCOPE_MISMATCH"):
        hint = "The refresh token lacks a scope. Needed: " + ", ".join(scopes_of(asked))
        hint += ". Make a new one with `zdsync auth`."
        return Verdict("stop", ScopeMissing(what, hint, status))
    if code == "OAUTH_ORG_MISMATCH":
        hint = "ZDSYNC_ORG_ID is not a portal of this token's user."
        return Verdict("stop", TokenRefused(what, hint))
    if status == 401:
        hint = (
            "A fresh token was refused as well: is ZDSYNC_DC the data centre of the portal, "
            "and does the token's user still belong to it?"
        )
        return Verdict("token", TokenRefused(what, hint))
    fields = fields_of(body)
    if status == 404 or (code == "INVALID_DATA" and fields and set(fields) <= _ID_POINTERS):
        return Verdict("stop", Missing(what, status, code, fields))
    return Verdict("stop", Refused(what, status, code, fields, _hint(status, code)))


def _hint(status: int, code: str) -> str:
    if code in ("FORBIDDEN", "NO_PERMISSION", "AUTHORIZATION_FAILED") or status == 403:
        return "The profile of the token's user lacks a right for this."
    if code == "LICENSE_ACCESS_LIMITED":
        return "The portal's edition does not allow this."
    return ""


def says_absent(error: ZdsyncError) -> bool:
    """Tell whether the refusal of a single read means that the record is not there."""
    # The answer for an unknown id is not known: 404, 204 or 422 (desk), 400 INVALID_DATA (crm).
    return isinstance(error, Missing) or (
        isinstance(error, Refused)
        and error.status in (400, 422)
        and error.code in ("INVALID_DATA", "UNPROCESSABLE_ENTITY")
    )


def code_of(body: object) -> str:
    """Return errorCode (Desk) or code (CRM), made harmless; empty if there is none."""
    found = _dict(body)
    code = found.get("errorCode", found.get("code", ""))
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_]{1,60}", code) else ""


def fields_of(body: object) -> tuple[str, ...]:
    """Return the fields that a refusal names: "/cf/cf_outcome" → "cf.cf_outcome"."""
    found = _dict(body)
    errors = found.get("errors")
    pointers = [
        str(_dict(error).get("fieldName", "")) for error in errors or () if isinstance(error, dict)
    ]
    details = _dict(found.get("details"))
    pointers += [str(details[key]) for key in ("api_name", "param_name") if details.get(key)]
    names = (pointer.strip("/").replace("/", ".") for pointer in pointers)
    return tuple(dict.fromkeys(n for n in names if re.fullmatch(r"[\w.$-]{1,100}", n)))


def scopes_of(asked: Asked) -> tuple[str, ...]:
    """Return the scopes that a call needs."""
    text = str(asked)
    return next((scopes for pattern, scopes in _SCOPES if re.match(pattern, text)), ())


_QUOTED = re.compile(
    r"""\"([^\"]*)\"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|`([^`]*)`|(?<!\w)'(.*?)'(?!\w)"""
)
_API_NAME = re.compile(r"[a-z]+(?:[A-Z][a-z]*)+|cf_[a-z0-9_]+", re.ASCII)


def _quoted(found: re.Match[str]) -> str:
    inner = next((group for group in found.groups() if group is not None), "")
    return found.group() if _API_NAME.fullmatch(inner) else "'…'"


def scrub(text: str, secrets: Sequence[str] = ()) -> str:
    """Make Zoho's words fit for a message: short, printable, no secret, no mail address.

    What stands in quotes is a record's value, unless it reads like a field's API name.
    """
    for secret in secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"\S+@\S+", "***", text)
    text = _QUOTED.sub(_quoted, text)
    text = re.sub(r"\b1000\.[0-9a-f]{16,}\S*", "***", text)  # the form of Zoho's tokens
    text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:199] + "…"


def _what(asked: Asked, status: int, body: object, secrets: Sequence[str]) -> str:
    parts = [f"{asked}: HTTP {status}", code_of(body)]
    message = _dict(body).get("message")
    if isinstance(message, str) and message:
        parts.append(f"({scrub(message, secrets)})")
    if fields_of(body):
        parts.append("on " + ", ".join(_complaints(body, secrets)))
    return " ".join(part for part in parts if part)


def _complaints(body: object, secrets: Sequence[str]) -> Iterator[str]:
    """Each named field with what Zoho says of it: `cf.cf_outcome (missing: …)`."""
    told = {}
    for error in _dict(body).get("errors") or ():
        name = str(_dict(error).get("fieldName", "")).strip("/").replace("/", ".")
        words = [_dict(error).get(key) for key in ("errorType", "errorMessage")]
        said = ": ".join(scrub(one, secrets) for one in words if isinstance(one, str) and one)
        told[name] = f"{name} ({said})" if said else name
    for name in fields_of(body):
        yield told.get(name, name)


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
