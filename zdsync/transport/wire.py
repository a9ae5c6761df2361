"""The raw side of HTTP: sessions, bodies, what a failed connection means, the token request.

Promises that no cookie, .netrc entry or redirect takes part, and that a message names the host
and never the query. Must not decide about retries of API calls (session.py does).
"""

from __future__ import annotations

import json
import re
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import orjson
import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from zdsync.clock import Clock
from zdsync.errors import ZohoFailed
from zdsync.transport.auth import Post
from zdsync.transport.hosts import host_of, is_loopback
from zdsync.transport.refusal import NotJson

_HALF_PAIR = re.compile("[\ud800-\udfff]")
TIMEOUT = (10, 60)  # seconds to connect, seconds between two bytes of the answer


class _Trouble(Exception):
    """A token request that may be repeated; carries the error to raise in the end."""

    def __init__(self, error: ZohoFailed) -> None:
        super().__init__()
        self.error = error


class Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that a .netrc entry for the host cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Zoho-oauthtoken {self._token}"
        return request


def new_session(base: str) -> requests.Session:
    """Make a keep-alive session without cookies, for any number of threads.

    A proxy that the environment names is for the world outside, not for this machine.
    """
    session = requests.Session()
    session.trust_env = not is_loopback(base)
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=32, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "zdsync"
    return session


def decode_body(content: bytes) -> Any:
    """Decode JSON; None for an empty body, NotJson for anything else."""
    if not content.strip():
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _mended(content)


def _mended(content: bytes) -> Any:
    """Read what orjson refuses: half a surrogate pair or bytes that are no UTF-8, from a
    subject that was cut in the middle of an emoji. One such row must not hide its page."""
    try:
        found = json.loads(content.decode("utf-8", "replace"))
        text = json.dumps(found, ensure_ascii=False)
        return orjson.loads(_HALF_PAIR.sub("\ufffd", text))
    except (ValueError, RecursionError):
        return NotJson(len(content))


def seconds_of(text: str | None) -> float | None:
    """Read a header that holds a number; None if it is absent or something else."""
    if text is None or not re.fullmatch(r"\s*\d{1,7}(\.\d+)?\s*", text):
        return None
    return float(text)


def unreachable(url: str, error: requests.RequestException) -> ZohoFailed:
    """Say that a host gave no answer, in words that hold no query."""
    match error:
        case requests.Timeout():
            what = "no answer in time from"
        case requests.exceptions.SSLError():
            what = "no trusted TLS connection to"
        case _:
            what = "cannot reach" if never_sent(error) else "the connection broke to"
    # Not the error's own text: it may hold the query.
    return ZohoFailed(f"{what} {host_of(url)}", "Check the network, a proxy, and ZDSYNC_DC.")


def never_sent(error: requests.RequestException) -> bool:
    """Tell whether the request cannot have left: no connection came about."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def make_post(clock: Clock) -> Post:
    """Return the POST of a form that TokenProvider needs; retried, as a token request may be."""

    def once(url: str, form: dict[str, str]) -> tuple[int, Any]:
        try:
            with new_session(url) as session:
                response = session.post(
                    url,
                    data=form,
                    headers={"Accept": "application/json"},
                    auth=no_auth,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            raise _Trouble(unreachable(url, error)) from None
        body = decode_body(response.content)
        if not isinstance(body, dict):
            what = f"{host_of(url)}: HTTP {response.status_code} without a JSON answer"
            raise _Trouble(ZohoFailed(what, "Check ZDSYNC_DC and the accounts address."))
        if response.status_code >= 500:
            what = f"{host_of(url)}: HTTP {response.status_code}"
            raise _Trouble(ZohoFailed(what, "Zoho has trouble."))
        return response.status_code, body

    def post(url: str, form: dict[str, str]) -> tuple[int, Any]:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Trouble),
            stop=tenacity.stop_after_attempt(4),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            sleep=clock.sleep,
            reraise=True,
        )
        try:
            return retrying(once, url, form)
        except _Trouble as trouble:
            raise trouble.error from None

    return post


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing: keeps .netrc out."""
    return request
