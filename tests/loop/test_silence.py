"""A ticket that a person keeps open is not spoken of as closed, until the person lets it go."""

from __future__ import annotations

from pathlib import Path

from tests.changes.test_explain import drawn
from tests.loop.meddling import Hasty, alone, rule_for
from tests.loop.portal import Portal, portal
from tests.loop.test_speech import ours
from tests.pull.world import Ticking
from zdsync.sandbox.records import Ticket

CLOSE = "close: {outcome: Resolved, notify_contact: false}"
SAID = 'comment: "We closed {{ ticket.number }}."'


def _reopened(place: Portal, clock: Ticking) -> Ticket:
    """A ticket that a rule closed and a person opened again."""
    ticket = alone(place)
    rule_for(place, ticket, CLOSE)
    place.app().tick()
    assert ticket.status == "Closed"
    clock.sleep(1200)
    place.box.edit(ticket.id, by="agent", status="Open")
    clock.sleep(300)
    place.app().tick()
    assert ticket.status == "Open"
    return ticket


def test_a_rule_says_nothing_of_a_close_that_a_person_took_back(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = _reopened(place, clock)
        rule_for(place, ticket, CLOSE, SAID)
        shown = place.app().plan()
        assert not shown.changes
        assert {one.field for one in shown.held} == {"status", "comment"}
        for _ in range(3):
            clock.sleep(300)
            place.app().tick()
        assert not ours(place, ticket)
        found = place.app().explain(str(ticket.number))
        assert "=> comment: held (waits with status: what zdsync set at 2026-" in drawn(found, 160)
        place.app().release(ticket.id, "status")
        clock.sleep(300)
        place.app().tick()
        assert ticket.status == "Closed"
        assert len(ours(place, ticket)) == 1
        clock.sleep(300)
        place.app().tick()
        assert len(ours(place, ticket)) == 1


def test_a_plan_that_was_shown_before_says_nothing_either(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = _reopened(place, clock)
        place.app().release(ticket.id)
        rule_for(place, ticket, CLOSE, SAID)
        plan = place.app().plan()
        assert {one.field for one in plan.writes} == {"status", "comment"}
        clock.sleep(60)
        rule_for(place, ticket, CLOSE)
        place.app().tick()
        clock.sleep(60)
        place.box.edit(ticket.id, by="agent", status="Open")
        clock.sleep(60)
        place.pull()
        rule_for(place, ticket, CLOSE, SAID)
        _, applied = place.app().apply(plan.plan_id, lambda plan: True, destructive=True)
        assert applied is None
        assert not ours(place, ticket)
