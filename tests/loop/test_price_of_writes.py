"""What a changed ticket costs, counted in the sandbox's own log: the figures of issue 5."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.meddling import Hasty, alone, applied, calls_of_writing, rule_for
from tests.loop.portal import portal
from zdsync.sandbox import Variant

MOST = {
    "priority": (("set: {priority: High}",), 2, 2),
    "status": (("set: {status: On Hold}",), 2, 2),
    "many fields": (("set: {priority: High, category: x}", "set: {classification: y}"), 2, 2),
    "tags": (("tag: [looked-at, seen-too]",), 2, 2),
    "untag": (("tag: {remove: [old-one]}",), 2, 2),
    "assign": (("assign: AGENT",), 2, 2),
    "close": (("close: {outcome: Resolved}",), 3, 5),
    "spam": (("close: {outcome: Spam, notify_contact: false}", "spam"), 5, 7),
}
VARIANTS = {
    "likely": {},
    "tags-bump": {"tags_bump_modified": True, "associate_answers": "all"},
    "epoch": {"times": "epoch", "ids_as_int": True, "count_as_string": True},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_changed_ticket_costs_no_more_than_the_figures(variant: str, tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now, variant=Variant(**VARIANTS[variant])) as place:
        place.clock = clock
        for kind, (actions, calls, credits) in MOST.items():
            ticket = alone(place)
            place.box.edit(ticket.id, subject=f"Only for {kind}")
            place.box.tag(ticket.id, add=("old-one", "billing"))
            clock.sleep(60)
            place.pull()
            agents = place.box.state.agents.values()
            mail = next(one.email for one in agents if ticket.department_id in one.departments)
            rule_for(place, ticket, *(one.replace("AGENT", mail) for one in actions))
            place.app().plan()  # what planning reads is its own price
            start = len(place.box.calls)
            result = applied(place)
            assert result.clean, (kind, result.failures)
            made = calls_of_writing(place, start)
            assert len(made) == calls, (kind, made)
            assert sum(one.credits for one in made) == credits, (kind, made)
            assert not place.app().plan().writes, kind
            place.pull()
            assert not place.app().plan().writes, kind


def test_tags_that_somebody_changed_meanwhile_are_read_and_the_ticket_waits(
    tmp_path: Path,
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        place.box.tag(ticket.id, add=("billing",))
        rule_for(place, ticket, "tag: [looked-at]")
        plan = place.app().plan()
        place.box.tag(ticket.id, remove=("billing",))  # moves no modified time
        assert applied(place, plan.plan_id).outcomes == {"stale": 1}
        assert not place.box.writes
        assert applied(place).outcomes == {"applied": 1}  # the mirror learned the tags
        assert ticket.tags == ("looked-at",)


def test_a_tag_that_stands_there_already_is_not_written(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, "tag: [looked-at]")
        plan = place.app().plan()
        place.box.tag(ticket.id, add=("Looked-At",))
        assert applied(place, plan.plan_id).outcomes == {"already": 1}
        assert not place.box.writes
        assert not place.app().plan().writes
