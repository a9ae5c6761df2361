"""Words that every door and handler shares: Request, Response, Refused, Call, Route.

Pure of sockets and of state changes. Handlers take a Call and return a Response or
raise Refused; api.py turns Refused into the body of the system that was called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .records import Actor, Json

if TYPE_CHECKING:
    from .shapes import Shaper
    from .state import State
    from .validate import Body, Param
    from .variant import Variant


@dataclass(slots=True)
class Request:
    """One call. Header names are lower-case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


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


@dataclass(slots=True)
class Call:
    """What a handler sees. It sets `depth` or `credits` where the price is its own."""

    state: State
    variant: Variant
    shaper: Shaper
    at: int
    actor: Actor
    args: dict[str, str]
    headers: dict[str, str]
    q: dict[str, Any] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    depth: int = 0
    credits: int | None = None
    origin: str = ""
    ticket_id: str | None = None


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. kind: one (1 credit), range (by depth), count."""

    method: str
    template: str
    scopes: tuple[str, ...]
    handler: Handler
    params: Mapping[str, Param] = field(default_factory=dict)
    body: Body | None = None
    kind: str = "one"
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        object.__setattr__(self, "pattern", re.compile(text))


_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def dumps(value: object) -> bytes:
    """Encode as compact JSON; ASCII only, so that any reader's charset guess is right."""
    return _ENCODE(value).encode()


def ok(value: object) -> Response:
    """Answer 200 with a JSON body."""
    return Response(200, dumps(value))


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


def invalid(pointer: str, kind: str, message: str) -> Refused:
    """Make a 422 INVALID_DATA that names one field (DT 1, error bodies)."""
    error = {"fieldName": pointer, "errorType": kind, "errorMessage": message}
    return Refused(
        422, "INVALID_DATA", "The data is invalid due to validation restrictions", [error]
    )
