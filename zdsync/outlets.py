"""Settings of what leaves the portal: who is notified, by which mail server.

Promises that no error shows an address of a webhook or a password. No I/O.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _targets(value: Any) -> Any:
    """Read a JSON object, or a table of zdsync.toml: name → mailto: or https address."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            raise ValueError('is no JSON; write {"ops": "mailto:ops@example.com"}') from None
    if not isinstance(value, dict):
        raise ValueError('names no targets; write {"ops": "mailto:ops@example.com"}')
    found: dict[str, SecretStr] = {}
    for name, address in value.items():
        text = address.get_secret_value() if isinstance(address, SecretStr) else address
        if not _NAME.fullmatch(str(name)):
            raise ValueError("a name is made of letters, digits, `-`, `_` and `.`")
        if not isinstance(text, str) or not _reachable(text):
            what = "is neither mailto:ADDRESS nor an https address (plain http to this machine)"
            raise ValueError(f"`{name}` {what}")
        found[str(name)] = SecretStr(text)
    return found


def _reachable(address: str) -> bool:
    if address.startswith("mailto:"):
        return _MAIL.fullmatch(address.removeprefix("mailto:")) is not None
    try:
        url = urlsplit(address)
        host, _port = url.hostname, url.port
    except ValueError:
        return False
    if not host or url.username or url.password or re.search(r"[\s\x00-\x1f]", address):
        return False
    return url.scheme == "https" or (url.scheme == "http" and host in _LOOPBACK)


def mail_server(value: SecretStr | None) -> SecretStr | None:
    """Check smtp(s)://user:password@host:port."""
    text = value.get_secret_value().strip() if value else ""
    if not text:
        return None
    try:
        url = urlsplit(text)
        host, _port = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("smtp", "smtps") or url.query or url.path not in ("", "/"):
        raise ValueError("write smtps://user:password@host:port, or smtp:// with STARTTLS")
    return SecretStr(text)


def sender(value: str | None) -> str | None:
    """Check the address that notices come from."""
    if not value:
        return None
    if not _MAIL.fullmatch(value.strip()):
        raise ValueError("is no e-mail address")
    return value.strip()


Targets = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_targets)]
