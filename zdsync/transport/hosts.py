"""Data centres and their hosts.

Owns which host serves what (desk-people.md 11 "Hosts", crm.md 1 "Data centres") and which
addresses may be called at all. Promises that a secret travels by https only, or to loopback.
Must not do any network I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from zdsync.errors import Misconfigured, Problem

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Hosts:
    """Base addresses of one data centre, without a slash at the end."""

    accounts: str
    desk: str
    crm: str


def _hosts(accounts: str, desk: str, api: str) -> Hosts:
    return Hosts(f"https://{accounts}", f"https://{desk}/api/v1", f"https://{api}/crm/v8")


# uk: the Desk host is named by third parties only; sg, ae: the CRM host follows the pattern.
DATA_CENTRES: dict[str, Hosts] = {
    "com": _hosts("accounts.zoho.com", "desk.zoho.com", "www.zohoapis.com"),
    "eu": _hosts("accounts.zoho.eu", "desk.zoho.eu", "www.zohoapis.eu"),
    "in": _hosts("accounts.zoho.in", "desk.zoho.in", "www.zohoapis.in"),
    "au": _hosts("accounts.zoho.com.au", "desk.zoho.com.au", "www.zohoapis.com.au"),
    "jp": _hosts("accounts.zoho.jp", "desk.zoho.jp", "www.zohoapis.jp"),
    "cn": _hosts("accounts.zoho.com.cn", "desk.zoho.com.cn", "www.zohoapis.com.cn"),
    "ca": _hosts("accounts.zohocloud.ca", "desk.zohocloud.ca", "www.zohoapis.ca"),
    "sa": _hosts("accounts.zoho.sa", "desk.zoho.sa", "www.zohoapis.sa"),
    "uk": _hosts("accounts.zoho.uk", "desk.zoho.uk", "www.zohoapis.uk"),
    "sg": _hosts("accounts.zoho.sg", "desk.zoho.sg", "www.zohoapis.sg"),
    "ae": _hosts("accounts.zoho.ae", "desk.zoho.ae", "www.zohoapis.ae"),
}


def hosts_of(
    dc: str,
    accounts_url: str | None = None,
    desk_url: str | None = None,
    crm_url: str | None = None,
) -> Hosts:
    """Return the hosts of a data centre, each replaced by its override.

    Misconfigured names every address that may not be called, and an unknown data centre.
    """
    given = {"accounts": accounts_url, "desk": desk_url, "crm": crm_url}
    known = DATA_CENTRES.get(dc)
    problems = [
        Problem(f"ZDSYNC_{name.upper()}_URL", what, "give an https address")
        for name, url in given.items()
        if url and (what := why_not(url))
    ]
    if known is None and not all(given.values()):
        hint = "one of " + " ".join(DATA_CENTRES)
        problems.append(Problem("ZDSYNC_DC", f"unknown data centre {dc!r}", hint))
    if problems:
        raise Misconfigured("the addresses of Zoho cannot be used", problems)
    base = known or Hosts("", "", "")
    return Hosts(
        (accounts_url or base.accounts).rstrip("/"),
        (desk_url or base.desk).rstrip("/"),
        (crm_url or base.crm).rstrip("/"),
    )


def why_not(url: str) -> str:
    """Say why an address may not be called; empty when it may."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "not an address"
    if parts.scheme not in ("https", "http") or not host:
        return "not a web address"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "holds more than scheme, host and path"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "plain http to another machine would show the token"
    return ""


def host_of(url: str) -> str:
    """Return host and port, for messages."""
    return urlsplit(url).netloc


def data_centre_of(api_domain: str) -> str | None:
    """Name the data centre whose API host this is; None for an unknown host.

    The token answer names its API host; it may be followed to known hosts only (crm.md 1).
    """
    host = urlsplit(api_domain).hostname
    for name, hosts in DATA_CENTRES.items():
        if urlsplit(hosts.crm).hostname == host:
            return name
    return None


def is_loopback(url: str) -> bool:
    """Tell whether the address stays on this machine."""
    return urlsplit(url).hostname in _LOOPBACK
