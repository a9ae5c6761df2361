"""The `responses` door: the same behaviour without sockets, for fast tests.

Owns the translation between prepared requests and the core. Promises resets and timeouts
as the exceptions that requests would raise. Imported only when it is used.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

import responses

from .api import Api
from .wire import JSON_TYPE, Request

# by name: in this house only transport imports requests, and responses has loaded it anyway
_ERRORS: Any = importlib.import_module("requests.exceptions")
Answer = tuple[int, dict[str, str], bytes]


def register(api: Api, mock: responses.RequestsMock, base: str) -> None:
    """Let the mock answer every call below `base` from the sandbox."""
    mock.assert_all_requests_are_fired = False  # nobody must use every verb

    def answer(prepared: Any) -> Answer:
        return _answer(api, base, prepared)

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        mock.add_callback(
            method, re.compile(re.escape(base) + "/.*"), callback=answer, content_type=None
        )


def _answer(api: Api, base: str, prepared: Any) -> Answer:
    body = prepared.body or b""
    raw = body.encode() if isinstance(body, str) else body
    request = Request.of(prepared.method, prepared.url, prepared.headers.items(), raw)
    limit = _timeout(getattr(prepared, "req_kwargs", {}).get("timeout"))

    def wait(seconds: float) -> None:
        if limit is not None and seconds > limit:
            raise _ERRORS.ReadTimeout(f"no answer within {limit} s")
        api.sleep(seconds)

    response = api.handle(request, base, wait)
    if response.drop:
        raise _ERRORS.ConnectionError("connection reset by peer")
    headers = JSON_TYPE | response.headers
    return response.status, headers, response.body


def _timeout(given: Any) -> float | None:
    if isinstance(given, tuple):
        given = given[1]
    return None if given is None else float(given)
