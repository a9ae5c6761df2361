"""Call and Route: what a handler sees, and which handler answers what.

Pure of sockets. Handlers take a Call and return a Response or raise Refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .records import Actor, Json
from .shapes.tickets import Shaper
from .state import State
from .validate import Body, Param
from .variant import Variant
from .wire import Response


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
