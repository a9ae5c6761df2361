"""Reading History in a run: within the allowance, newest first, again after a failure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.pull import Allowance
from zdsync.sandbox.records import Ticket

# Nothing to do, but the fields that come from the past are read.
QUIET = """
version: 1
rules:
  - id: never
    when: {status_since: {older_than: 9000d}, assigned_since: {older_than: 9000d}}
    then: [{set: {priority: High}}]
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Portal]:
    clock = Ticking()
    with portal(tmp_path, tickets=60, now=clock.now) as place:
        place.clock = clock
        place.rules(QUIET)
        place.pull()
        yield place


def _read(place: Portal, credits: float = 1000) -> int:
    app = place.app()
    with app.place.run("run") as run:
        return app.place.past(run).read(Allowance(credits))


def _later(place: Portal, seconds: float) -> None:
    assert place.clock
    place.clock.sleep(seconds)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(tzinfo=None)


def _open(place: Portal) -> list[Ticket]:
    return [
        one
        for one in place.box.state.tickets.values()
        if one.status_type == "Open" and not (one.spam or one.archived or one.trashed)
    ]


def _escalate(place: Portal, tickets: list[Ticket], by: str = "agent") -> None:
    for one in tickets:
        _later(place, 20)
        other = "In Progress" if one.status == "Escalated" else "Escalated"
        place.box.edit(one.id, by=by, status=other)


def _answered(place: Portal) -> int:
    calls = (call for call in place.box.calls if call.endpoint.endswith("/History"))
    return sum(call.status == 200 for call in calls)


def _asked(place: Portal) -> int:
    return sum(call.endpoint.endswith("/History") for call in place.box.calls)


def _actors(place: Portal) -> dict[str, str]:
    query = "SELECT ticket_id, actor FROM zdsync.ticket_changes WHERE field = 'status'"
    seen = "AND seen_at > (SELECT min(pulled_at) + INTERVAL 10 SECOND FROM desk.tickets)"
    return dict(place.rows(f"{query} {seen}"))


def test_an_idle_day_reads_no_history(place: Portal) -> None:
    for _ in range(3):
        _later(place, 3600)
        place.app().tick(once=True)
    assert not _asked(place)


def test_a_tick_learns_who_did_it_and_since_when(place: Portal) -> None:
    ticket = _open(place)[0]
    _escalate(place, [ticket], by="customer")
    moved = ticket.modified
    _later(place, 40)
    place.box.edit(ticket.id, by="SLA", priority="High" if ticket.priority != "High" else "Low")
    place.app().tick(once=True)
    when = _instant(moved)
    row = place.rows(
        "SELECT status_since, status_since_source FROM desk.tickets WHERE id = ?", ticket.id
    )
    assert row == [(when, "history")]
    rows = place.rows(
        "SELECT field, actor FROM zdsync.ticket_changes WHERE ticket_id = ? AND field IN "
        "('status', 'priority') AND changed_at >= ? ORDER BY 1", ticket.id, when,
    )  # fmt: skip
    assert rows == [("priority", "automation"), ("status", "customer")]
    asked = _asked(place)
    place.app().tick(once=True)
    assert _asked(place) == asked


def test_a_priority_that_zoho_spells_none_is_told_as_the_empty_one_that_it_is(
    place: Portal,
) -> None:
    ticket = _open(place)[0]
    place.box.edit(ticket.id, by="agent", priority="-None-")
    place.pull()
    _later(place, 60)
    after = _instant(ticket.modified)
    for priority in ("High", "Low"):
        _later(place, 20)
        place.box.edit(ticket.id, by="agent", priority=priority)
    place.app().tick(once=True)
    rows = place.rows(
        "SELECT before, after, actor FROM zdsync.ticket_changes WHERE ticket_id = ? "
        "AND field = 'priority' AND changed_at > ? ORDER BY changed_at", ticket.id, after,
    )  # fmt: skip
    assert rows == [("-None-", "High", "agent"), ("High", "Low", "agent")]


def test_the_agent_has_it_since_history_says(place: Portal) -> None:
    ticket = _open(place)[0]
    agents = [
        one.id
        for one in place.box.state.agents.values()
        if ticket.department_id in one.departments and one.id != ticket.assignee_id
    ]
    query = "SELECT assigned_since, assigned_since_source FROM desk.tickets WHERE id = ?"
    place.box.edit(ticket.id, assigneeId=agents[0])
    when = _instant(ticket.modified)
    _later(place, 40)
    place.box.edit(ticket.id, category="later")
    place.pull()
    later = _instant(ticket.modified)
    assert place.rows(query, ticket.id) == [(later, "observed")]
    _read(place)
    assert place.rows(query, ticket.id) == [(when, "history")]
    place.pull(full=True)
    assert place.rows(query, ticket.id) == [(when, "history")]
    place.box.edit(ticket.id, assigneeId=None)
    place.pull()
    assert place.rows(query, ticket.id) == [(None, None)]


def test_the_newest_changes_are_asked_for_first_and_no_more_than_is_allowed(place: Portal) -> None:
    first, second = _open(place)[:2], _open(place)[2:5]
    for some in (first, second):
        _escalate(place, some)
        place.pull()
        _later(place, 60)
    assert _read(place, credits=2.9) == 0
    assert _read(place, credits=10) == 3
    assert _asked(place) == 3
    known = {ticket for ticket, actor in _actors(place).items() if actor == "agent"}
    assert known == {one.id for one in second}
    assert _read(place) == 2
    assert set(_actors(place).values()) == {"agent"}


def test_what_failed_is_read_the_next_time(place: Portal) -> None:
    some = _open(place)[:4]
    _escalate(place, some)
    place.pull()
    place.box.fail_next(f"GET .*/{some[0].id}/History", status=500, times=6)
    read = _read(place)  # how many had begun when the first failed is the threads' affair
    assert read == _answered(place)  # what was read and paid for is kept
    assert _actors(place)[some[0].id] == "unknown"
    assert _read(place) == len(some) - read
    assert set(_actors(place).values()) == {"agent"}
    rows = place.rows("SELECT count(*), count(DISTINCT ticket_id) FROM zdsync.ticket_changes")
    assert rows[0][0] >= rows[0][1] >= 4
    before: list[Any] = place.rows("FROM zdsync.ticket_changes ORDER BY ALL")
    assert _read(place) == 0
    assert place.rows("FROM zdsync.ticket_changes ORDER BY ALL") == before


def test_a_ticket_that_is_gone_meanwhile_stops_nothing(place: Portal) -> None:
    some = _open(place)[:3]
    _escalate(place, some)
    place.pull()
    place.box.purge(some[0].id)
    assert _read(place) == 3
    actors = _actors(place)
    assert {actors[one.id] for one in some[1:]} == {"agent"}
    assert actors[some[0].id] == "unknown"


def test_a_column_that_is_never_stored_is_not_told_either(place: Portal) -> None:
    ticket = _open(place)[0]
    wanted = "High" if ticket.priority != "High" else "Low"
    place.box.edit(ticket.id, priority=wanted, status="On Hold")
    place.settings = place.settings.model_copy(update={"exclude": ("desk.tickets.priority",)})
    place.pull()
    assert _read(place) == 1
    query = "SELECT DISTINCT field FROM zdsync.ticket_changes WHERE ticket_id = ? AND seen_at > ?"
    since = place.rows("SELECT first_seen_at FROM desk.tickets WHERE id = ?", ticket.id)[0][0]
    assert place.rows(query, ticket.id, since) == [("status",)]


@pytest.mark.parametrize("ahead", [-200, 0, 200])
def test_tags_are_told_by_whom_and_when_though_clocks_differ(place: Portal, ahead: int) -> None:
    """Tags are timed by our clock, their events by Zoho's."""
    ticket = next(one for one in _open(place) if not one.tags)
    app = place.app()
    with app.place.run("run") as run:
        app.place.attached(run).read(tags=[ticket.id])
    _later(place, 3600)
    now = place.box._now
    place.box._now = lambda: now() + timedelta(seconds=ahead)
    place.box.tag(ticket.id, add=["urgent", "vip"], by="Workflow")
    _later(place, 600)
    place.box.tag(ticket.id, remove=["vip"], by="agent")
    _later(place, 60)
    with app.place.run("run") as run:
        app.place.attached(run).read(tags=[ticket.id])
    assert _read(place) == 1
    rows = place.rows(
        "SELECT field, before, after, actor, source FROM zdsync.ticket_changes "
        "WHERE ticket_id = ? AND field LIKE 'tag:%' ORDER BY changed_at, field",
        ticket.id,
    )
    assert rows == [
        ("tag:urgent", "false", "true", "automation", "history"),
        ("tag:vip", "false", "true", "automation", "history"),
        ("tag:vip", "true", "false", "agent", "history"),
    ]
