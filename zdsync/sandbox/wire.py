"""Words that every door and handler shares: Request, Response, Refused.

Pure of sockets and of state. Handlers return a Response or raise Refused; ledger.py turns
Refused into the body of the system that was called.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from .records import Json

JSON_TYPE = {"Content-Type": "application/json;charset=UTF-8"}
HTML_TYPE = {"Content-Type": "text/html"}


@dataclass(slots=True)
class Request:
    """One call. Header names are lower-case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Request:
        """Take apart what a door was given."""
        parts = urlsplit(url)
        return cls(
            method,
            unquote(parts.path),
            parse_qs(parts.query, keep_blank_values=True),
            {k.lower(): v for k, v in headers},
            body,
        )


@dataclass(slots=True)
class Response:
    """One answer; `drop` tells the door to reset instead, `delay` to wait first."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0.0


class Refused(Exception):
    """The call is refused with Zoho's own words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: list[Json] | None = None,
        details: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.details = details or {}


_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def dumps(value: object) -> bytes:
    """Encode as compact JSON; ASCII only, so that any reader's charset guess is right."""
    return _ENCODE(value).encode()


def ok(value: object) -> Response:
    """Answer 200 with a JSON body."""
    return Response(200, dumps(value))


def listed(rows: list[Json]) -> Response:
    """Answer rows under `data`, or 204 where there are none."""
    return ok({"data": rows}) if rows else empty()


def ok_rows(rows: Iterable[bytes], tail: str = "") -> Response:
    """Answer 200 with rows that are encoded already."""
    return Response(200, b'{"data":[' + b",".join(rows) + b"]" + tail.encode() + b"}")


def empty(status: int = 204) -> Response:
    """Answer without a body; 204 is Zoho's empty list."""
    return Response(status)


def not_found() -> Refused:
    """Make the refusal of an unknown id or path."""
    return Refused(404, "URL_NOT_FOUND", "The URL given seems to be incorrect or does not exist.")


def unprocessable(message: str) -> Refused:
    """Make a plain 422."""
    return Refused(422, "UNPROCESSABLE_ENTITY", message)


def field_error(pointer: str, kind: str, message: str) -> Json:
    """Write what is wrong with one field (DT 1, error bodies)."""
    return {"fieldName": pointer, "errorType": kind, "errorMessage": message}


def invalid_data(errors: list[Json]) -> Refused:
    """Make a 422 INVALID_DATA over those fields."""
    return Refused(
        422, "INVALID_DATA", "The data is invalid due to validation restrictions", errors
    )


def invalid(pointer: str, kind: str, message: str) -> Refused:
    """Make a 422 INVALID_DATA that names one field."""
    return invalid_data([field_error(pointer, kind, message)])


def no_page() -> Response:
    """Answer a path that no system has."""
    return Response(404, b"<html><body>404</body></html>", dict(HTML_TYPE))
