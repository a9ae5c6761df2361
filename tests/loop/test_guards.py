"""Limits of unattended ticks, end to end: pauses that last, backlogs that are accepted and drip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tests.loop.outlets import Inbox, chat
from tests.loop.portal import Portal, portal
from tests.loop.talk import open_tickets
from tests.pull.world import Ticking
from zdsync.sandbox.records import Ticket

DAY = 24 * 3600
CLOSE = """
version: 1
limits: {destructive_per_tick: 5, destructive_per_day: 10, share_of_open_tickets: 100%}
rules:
  - id: old
    why: Nobody waits for it any more.
    mode: apply
    when: {department: [Support, Paid Support]}
    then: [{close: {outcome: Resolved}}]
  - id: look
    why: Somebody looked.
    mode: apply
    when: {priority: {known: true}}
    then: [{set: {category: seen}}]
"""


@contextmanager
def scene(tmp_path: Path, rules: str = CLOSE, **options: Any) -> Iterator[tuple[Portal, Inbox]]:
    """A portal under one clock, with a chat in which the operator is told."""
    clock = Ticking()
    with chat() as room, portal(tmp_path, now=clock.now, **options) as place:
        place.clock = clock
        told = {"operator": SecretStr(room.url)}
        place.settings = place.settings.model_copy(update={"notify": told})
        place.rules(rules)
        yield place, room


def _wanted(place: Portal, *departments: str) -> list[Ticket]:
    names = {one.id: one.name for one in place.box.state.departments.values()}
    chosen = departments or ("Support", "Paid Support")
    some = [one for one in open_tickets(place) if names[one.department_id] in chosen]
    return sorted(some, key=lambda one: (one.created, int(one.id)))


def _closings(place: Portal, after: int = 0) -> list[str]:
    return [
        entry.ticket_id
        for entry in place.box.writes[after:]
        if entry.method == "PATCH" and "status" in (entry.body or {})
    ]


def _wait(place: Portal, seconds: float) -> None:
    assert isinstance(place.clock, Ticking)
    place.clock.sleep(seconds)


def test_an_accepted_backlog_of_closings_drips_oldest_first_within_each_days_limits(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, tickets=220) as (place, _):
        place.app().tick()
        assert not _closings(place)
        wanted = [one.id for one in _wanted(place)]
        assert len(wanted) > 20
        place.app().resume("old")
        ticks: list[tuple[float, list[str]]] = []
        assert place.clock is not None
        for _ in range(14):
            before = len(place.box.writes)
            place.app().tick()  # a new process each time
            ticks.append((place.clock.monotonic(), _closings(place, before)))
            _wait(place, 7 * 3600)
        # Within a tick tickets are served side by side.
        closed = [one for _, some in ticks for one in sorted(some, key=wanted.index)]
        assert closed == wanted[: len(closed)], "not the oldest first, or one twice"
        assert len(closed) == len(wanted), "it did not come to its end"
        for at, some in ticks:
            assert len(some) <= 5
            assert sum(len(one) for when, one in ticks if at - DAY < when <= at) <= 10
        for one in wanted:
            ticket = place.box.state.tickets[one]
            assert ticket.status_type == "Closed"
            assert ticket.cf["cf_outcome"] == "Resolved"
        ((open_,),) = place.rows("select count(*) from zdsync.pauses where ended_at is null")
        assert open_ == 0
