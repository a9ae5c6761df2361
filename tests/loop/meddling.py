"""Somebody who does something at an exact moment: right before a call of ours arrives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.loop.portal import Portal
from tests.pull.world import Ticking
from zdsync.changes.apply import Applied
from zdsync.sandbox.records import Ticket


class Hasty(Ticking):
    """A clock on which somebody does something at the first sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()


def rule_for(place: Portal, ticket: Ticket, *actions: str) -> None:
    """One rule in mode apply for one ticket."""
    rules_for(place, [(ticket, actions)])


def rules_for(place: Portal, given: Sequence[tuple[Ticket, Sequence[str]]]) -> None:
    """A rule in mode apply for each ticket, known by its subject."""
    lines = ["version: 1", "rules:"]
    for number, (ticket, actions) in enumerate(given):
        when = f"when: {{subject: {ticket.subject!r}}}"
        then = ", ".join(one if one == "spam" else f"{{{one}}}" for one in actions)
        lines.append(f"  - {{id: r{number}, mode: apply, {when}, then: [{then}]}}")
    place.rules("\n".join(lines))


def alone(place: Portal, department: str = "Support", **values: Any) -> Ticket:
    """An open ticket whose subject no other has, pulled."""
    where = next(one.id for one in place.box.state.departments.values() if one.name == department)
    made = place.box.create(
        subject="Only this one", category="General", department_id=where, **values
    )
    if place.clock:
        place.clock.sleep(60)
    place.pull()
    return made


def applied(place: Portal, plan_id: str | None = None) -> Applied:
    _, result = place.app().apply(plan_id, lambda plan: True, destructive=True)
    assert result is not None
    return result


def right_before(place: Portal, ticket: str, pattern: str, act: Callable[[], object]) -> None:
    """Do something when the first call to a ticket comes whose "METHOD /path" matches."""
    inner = place.box.api.handle
    left = [act]

    def handle(request: Any, *more: Any) -> Any:
        named = ticket in f"{request.path} {request.body!r}"
        if left and named and re.search(pattern, f"{request.method} {request.path}"):
            left.pop()()
        return inner(request, *more)

    place.box.api.handle = handle  # type: ignore[method-assign]  # a hand from outside


def priced(place: Portal) -> dict[str, tuple[int, float]]:
    """Count the calls and credits of each ticket from now on, as the answers tell them."""
    inner = place.box.api.handle
    bills: dict[str, tuple[int, float]] = {}

    def handle(request: Any, *more: Any) -> Any:
        answer = inner(request, *more)
        named = re.search(r"/tickets/(\d+)", request.path)
        ids = [named[1]] if named else json.loads(request.body or b"{}").get("ids", [])
        for one in ids if "/api/v1/tickets/" in request.path else ():
            calls, credits = bills.get(one, (0, 0.0))
            weight = float(answer.headers["X-Rate-Limit-Request-Weight-v3"])
            bills[one] = (calls + 1, credits + weight)
        return answer

    place.box.api.handle = handle  # type: ignore[method-assign]  # a look from outside
    return bills
