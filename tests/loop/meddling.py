"""Somebody who does something at an exact moment: right before a call of ours arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.loop.portal import Portal
from tests.pull.world import Ticking
from zdsync.changes.apply import Applied
from zdsync.sandbox.records import CallEntry, Ticket


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
    when = f"when: {{subject: {ticket.subject!r}}}"
    then = ", ".join(one if one == "spam" else f"{{{one}}}" for one in actions)
    place.rules(f"version: 1\nrules:\n  - {{id: one, mode: apply, {when}, then: [{then}]}}\n")


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


def right_before(place: Portal, pattern: str, act: Callable[[], object]) -> None:
    """Do something when the first call comes whose "METHOD /path" matches."""
    inner = place.box.api.handle
    left = [act]

    def handle(request: Any, *more: Any) -> Any:
        if left and re.search(pattern, f"{request.method} {request.path}"):
            left.pop()()
        return inner(request, *more)

    place.box.api.handle = handle  # type: ignore[method-assign]  # a hand from outside


def calls_of_writing(place: Portal, start: int) -> list[CallEntry]:
    """The calls since `start` to single tickets: not those of planning."""
    return [
        one
        for one in place.box.calls[start:]
        if "/tickets/" in one.endpoint and "search" not in one.endpoint
    ]
