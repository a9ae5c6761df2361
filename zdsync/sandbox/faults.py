"""Faults: what goes wrong, by chance or on demand.

Owns the profiles none, light and storm, and the faults that a test plans. Promises the
same faults for the same seed and calls. Must not change records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from .wire import HTML_TYPE, Response, dumps

KINDS = (
    "status",
    "html",
    "reset_before",
    "reset_after",
    "slow",
    "expired_token",
    "concurrency429",
    "credits429",
)
_PROFILES: dict[str, tuple[tuple[str, float], ...]] = {
    "none": (),
    "light": (
        ("status", 0.005),
        ("html", 0.002),
        ("reset_before", 0.003),
        ("reset_after", 0.003),
        ("concurrency429", 0.005),
    ),
    "storm": (
        ("status", 0.04),
        ("html", 0.02),
        ("reset_before", 0.02),
        ("reset_after", 0.02),
        ("slow", 0.01),
        ("concurrency429", 0.03),
        ("expired_token", 0.01),
    ),
}
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One fault; `pattern` is searched in "METHOD /path"."""

    kind: str
    pattern: str = ""
    status: int = 500
    body: bytes | None = None
    times: int = 1
    delay: float = 0.3


class Faults:
    """Decides for each call whether and how it fails."""

    def __init__(self, profile: str, seed: int) -> None:
        if profile not in _PROFILES:
            raise ValueError(f"unknown faults {profile!r}; known: {', '.join(_PROFILES)}")
        self.profile = profile
        self._rng = Random(seed)
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Let the next calls that match fail."""
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault {fault.kind!r}; known: {', '.join(KINDS)}")
        self._planned.append(fault)

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the fault of this call, planned ones first; the accounts server is spared."""
        for fault in self._planned:
            if re.search(fault.pattern, f"{method} {path}"):
                fault.times -= 1
                if fault.times <= 0:
                    self._planned.remove(fault)
                return fault
        if path.startswith("/oauth"):
            return None
        dice = self._rng.random()
        for kind, chance in _PROFILES[self.profile]:
            if dice < chance:
                return Fault(kind, status=self._rng.choice((500, 502, 503)))
            dice -= chance
        return None

    def chance(self, probability: float) -> bool:
        """Throw the dice."""
        return probability > 0 and self._rng.random() < probability

    def choose(self, count: int) -> int:
        """Pick a number below count."""
        return self._rng.randrange(count)


def broken(fault: Fault) -> Response | None:
    """Return the answer of a fault that stops the call by itself, else None."""
    match fault.kind:
        case "status":
            if fault.body is not None:
                return Response(fault.status, fault.body)
            words = "An internal server error occurred"
            error = {"errorCode": "INTERNAL_SERVER_ERROR", "message": words}
            return Response(fault.status, dumps(error))
        case "html":
            status = 502 if fault.status == 500 else fault.status
            return Response(status, fault.body or _HTML, dict(HTML_TYPE))
        case "reset_before":
            return Response(500, drop=True)
        case _:
            return None
