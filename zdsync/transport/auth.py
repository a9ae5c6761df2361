"""The access token: made from the refresh token, cached on disk, shared by threads and processes.

Owns the token endpoint and the cache file (0600). Promises one refresh at a time over all
processes, a minute between forced ones, and that throttling never leads to re-authorisation
(desk-people.md 11 "Token limits": 10 tokens per 10 minutes). Must not log or raise a secret.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from zdsync.clock import Clock
from zdsync.errors import MirrorFailed, Throttled, TokenRefused, ZohoFailed
from zdsync.transport.hosts import data_centre_of, is_loopback

Post = Callable[[str, dict[str, str]], tuple[int, Any]]

_APART = 60.0  # seconds between forced refreshes
_THROTTLE = timedelta(minutes=10)  # a throttled token server clears in 10 to 30 minutes
_HINTS = {
    "invalid_code": "The refresh token is wrong, revoked, or of another data centre or client: "
    "check ZDSYNC_REFRESH_TOKEN and ZDSYNC_DC, or make a new one with `zdsync auth`.",
    "invalid_client": "The accounts host does not know this client: check ZDSYNC_CLIENT_ID and "
    "ZDSYNC_DC (a client belongs to one data centre).",
    "invalid_client_secret": "Check ZDSYNC_CLIENT_SECRET.",
}


@dataclass(frozen=True, slots=True)
class _Cached:
    key: str = ""
    token: str = ""
    expires_at: float = 0.0
    forced_at: float = 0.0
    blocked_until: float = 0.0
    api_domain: str = ""


class TokenProvider:
    """Hands out the access token; thread-safe, and safe between processes of one cache file."""

    def __init__(
        self,
        post: Post,
        *,
        accounts_url: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        cache: Path,
        clock: Clock,
    ) -> None:
        self._post = post
        self._url = accounts_url.rstrip("/") + "/oauth/v2/token"
        self._form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        }
        self._key = _digest(self._url, client_id, refresh_token)
        self._path = cache
        self._clock = clock
        self._lock = threading.Lock()
        self._held = _Cached()

    @property
    def api_domain(self) -> str | None:
        """The API host that the token answer named, if it is Zoho's or this machine's."""
        return self._held.api_domain or None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show up in a message."""
        found = (self._held.token, self._form["client_secret"], self._form["refresh_token"])
        return tuple(secret for secret in found if secret)

    def token(self) -> str:
        """Return a token that should be good; refresh it shortly before it ends."""
        with self._lock:
            if not self._good(self._held):
                with _locked(self._path):
                    self._held = self._read()
                    if not self._good(self._held):
                        self._held = self._renew(self._held, forced=False)
            return self._held.token

    def refresh(self, rejected: str) -> str:
        """Return a token other than the one that Zoho just refused.

        No call is made if another thread or process already replaced it.
        """
        with self._lock:
            if self._held.token != rejected and self._good(self._held):
                return self._held.token
            with _locked(self._path):
                found = self._read()
                if found.token == rejected or not self._good(found):
                    found = self._renew(found, forced=True)
                self._held = found
            return found.token

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _good(self, cached: _Cached) -> bool:
        return bool(cached.token) and cached.key == self._key and self._now() < cached.expires_at

    def _renew(self, found: _Cached, *, forced: bool) -> _Cached:
        found = found if found.key == self._key else _Cached(self._key)
        now = self._now()
        if now < found.blocked_until:
            raise _throttled(found.blocked_until)
        if forced and 0 <= now - found.forced_at < _APART:
            self._clock.sleep(_APART - (now - found.forced_at))
        status, body = self._post(self._url, self._form)
        now = self._now()
        answer = body if isinstance(body, dict) else {}
        if _is_throttle(answer):
            until = now + _THROTTLE.total_seconds()
            self._write(_replace(found, blocked_until=until))
            raise _throttled(until)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise _refused(status, answer)
        fresh = _Cached(
            key=self._key,
            token=token,
            expires_at=now + _lifetime(answer.get("expires_in")),
            forced_at=now if forced else found.forced_at,
            api_domain=_known_domain(answer.get("api_domain")),
        )
        self._write(fresh)
        return fresh

    def _read(self) -> _Cached:
        try:
            return _Cached(**orjson.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return _Cached()
        except (ValueError, TypeError):
            return _Cached()  # a damaged cache costs one refresh
        except OSError as error:
            raise _unusable(self._path, error) from None

    def _write(self, cached: _Cached) -> None:
        try:
            write_private(self._path, orjson.dumps(asdict(cached)))
        except OSError as error:
            raise _unusable(self._path, error) from None


def exchange_code(
    post: Post, *, accounts_url: str, client_id: str, client_secret: str, code: str
) -> str:
    """Turn the code of a self client into a refresh token (desk-people.md 11 "Self client")."""
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "client_secret": client_secret,
        "code": code,
    }
    status, body = post(accounts_url.rstrip("/") + "/oauth/v2/token", form)
    answer = body if isinstance(body, dict) else {}
    if _is_throttle(answer):
        raise ZohoFailed(
            "Zoho's accounts server asks to wait", "Too many codes or tokens: wait ten minutes."
        )
    token = answer.get("refresh_token")
    if isinstance(token, str) and token:
        return token
    if "access_token" in answer:
        raise TokenRefused(
            "Zoho gave an access token but no refresh token",
            "Generate the code in the API console as a Self Client.",
        )
    refusal = _refused(status, answer)
    if answer.get("error") == "invalid_code":
        hint = "The code is used up, older than its few minutes, or of another client."
        raise TokenRefused(refusal.what, hint)
    raise refusal


def write_private(path: Path, content: bytes) -> None:
    """Replace a file atomically, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that lies beside the cache file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lifetime(expires_in: object) -> float:
    """Seconds until the next refresh: 55 minutes of an hour, 11/12 of anything else."""
    try:
        seconds = float(str(expires_in))
    except ValueError:
        seconds = 3600.0
    return max(1.0, min(seconds, 86400.0) * 11 / 12)


def _known_domain(domain: object) -> str:
    if isinstance(domain, str) and (data_centre_of(domain) or is_loopback(domain)):
        return domain.rstrip("/")
    return ""


def _is_throttle(answer: dict[str, Any]) -> bool:
    # HTTP 200 or 400 with these words; the description is localised (desk-people.md 11).
    return str(answer.get("error", "")).strip().lower() in ("access denied", "access_denied")


def _throttled(until: float) -> Throttled:
    return Throttled(
        "Zoho's accounts server asks to wait: too many access tokens were made",
        datetime.fromtimestamp(until, UTC),
        "It clears by itself in 10 to 30 minutes; a new refresh token would not help. "
        "Let all processes share one data directory, so that they share one token.",
    )


def _refused(status: int, answer: dict[str, Any]) -> TokenRefused:
    word = str(answer.get("error", ""))
    if not re.fullmatch(r"[A-Za-z_ .-]{1,60}", word):
        word = f"HTTP {status} without a token"
    hint = _HINTS.get(word, "Check ZDSYNC_DC, client id, client secret and refresh token.")
    return TokenRefused(f"Zoho's accounts server refused the credentials: {word}", hint)


def _unusable(path: Path, error: OSError) -> MirrorFailed:
    return MirrorFailed(
        f"the token cache {path} cannot be used: {error.strerror}",
        "Check the rights of the data directory and the free space.",
    )


def _replace(cached: _Cached, *, blocked_until: float) -> _Cached:
    return _Cached(**{**asdict(cached), "blocked_until": blocked_until})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
