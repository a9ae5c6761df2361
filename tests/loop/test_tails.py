"""What the brake cut off comes back for a day, but not against people and not for rules at rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.loop.meddling import Hasty, alone, right_before
from tests.loop.portal import Portal, portal
from tests.loop.test_speech import ours
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket

RULES = """
version: 1
rules:
  - id: once
    mode: apply
    when: {subject: Only this one, department: Support, tags: {has_none: [seen]}}
    then: [{tag: [seen]}, {set: {priority: High}}, {comment: It is urgent.}]
"""


@contextmanager
def _cut(tmp_path: Path, bump: bool = False) -> Iterator[tuple[Portal, Hasty, Ticket]]:
    """A ticket that has its tag, and neither the comment nor the priority."""
    clock = Hasty()
    variant = Variant(tags_bump_modified=bump)
    with portal(tmp_path, tickets=20, now=clock.now, variant=variant) as place:
        place.clock = clock
        ticket = alone(place, priority="Low")
        clock.sleep(1200)
        place.rules(RULES)
        right_before(place, ticket.id, "POST .*(?i:tag)", place.app().pause)
        place.app().tick()
        assert ("seen" in ticket.tags, ticket.priority) == (True, "Low")
        place.app().resume()
        clock.sleep(300)
        yield place, clock, ticket


@pytest.mark.parametrize("bump", [False, True])
def test_what_the_brake_cut_off_is_ended_once(bump: bool, tmp_path: Path) -> None:
    with _cut(tmp_path, bump) as (place, clock, ticket):
        for _ in range(2):
            place.app().tick()
            assert (ticket.priority, len(ours(place, ticket))) == ("High", 1)
            clock.sleep(300)


def test_a_value_that_a_person_gave_again_is_held_against_what_was_cut_off(tmp_path: Path) -> None:
    with _cut(tmp_path) as (place, clock, ticket):
        for priority in ("Medium", "Low"):  # there and back: it looks as the plan saw it
            place.box.edit(ticket.id, by="agent", priority=priority)
            clock.sleep(60)
            place.pull()
        plan = place.app().plan()
        assert [one.field for one in plan.changes] == ["comment"]
        assert [(one.field, one.kind) for one in plan.held] == [("priority", "given")]
        place.app().tick()
        assert (ticket.priority, len(ours(place, ticket))) == ("Low", 1)
        place.app().release(ticket.id)
        clock.sleep(300)
        place.app().tick()
        assert ticket.priority == "High"


def test_a_rule_that_rests_ends_nothing_until_it_acts_again(tmp_path: Path) -> None:
    with _cut(tmp_path) as (place, clock, ticket):
        home = place.box.state.departments[ticket.department_id]
        for name, priority in (("Care", "Low"), ("Support", "High")):
            home.name = name
            place.pull(full=True)
            plan = place.app().plan()
            assert bool(plan.skipped) == (name == "Care")
            place.app().tick()
            assert (ticket.priority, len(ours(place, ticket))) == (priority, name == "Support")
            clock.sleep(300)
