"""Compare and set, end to end: no write on a reading older than 5 seconds, and what a gap costs."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from rich.console import Console

from tests.loop.meddling import Hasty, alone, applied, right_before, rule_for
from tests.loop.portal import portal
from zdsync.changes.render import applied_view
from zdsync.errors import PlanRefused
from zdsync.sandbox import Variant

ACTIONS = {
    "set": ("set: {category: looked at}",),
    "tag": ("tag: [looked-at]",),
    "close": ("close: {outcome: Resolved}",),
    "move": ("move: Trials",),
    "spam": ("spam",),
    "comment": ("comment: looked at",),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_promise_6_a_write_that_had_to_wait_is_preceded_by_a_fresh_read(
    kind: str, tmp_path: Path
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, *ACTIONS[kind])
        place.app().plan()
        place.box.fail_next(r"(PATCH|POST) /api/v1/tickets/", kind="concurrency429", times=5)
        clock.meanwhile = lambda: place.box.edit(ticket.id, status="Waiting for customer")
        result = applied(place)
        assert not place.box.writes
        assert ticket.status == "Waiting for customer"
        assert set(result.outcomes) <= {"stale", "unsent"}


@pytest.mark.parametrize("kind", ACTIONS)
def test_promise_6_a_ticket_that_somebody_changed_since_the_plan_is_stale_and_waits(
    kind: str, tmp_path: Path
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, *ACTIONS[kind])
        plan = place.app().plan()
        clock.sleep(600)
        place.box.reply(ticket.id, "I have it again!", by="customer")
        result = applied(place, plan.plan_id)
        assert result.outcomes == {"stale": len(plan.writes)}
        assert not place.box.writes
        place.pull()
        assert applied(place).clean  # what was seen anew is written
        assert place.box.writes


def test_a_plan_of_hours_ago_is_applied_ticket_by_ticket(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now) as place:
        place.clock = clock
        first, second = alone(place), alone(place)
        rule_for(place, first, *ACTIONS["set"])
        plan = place.app().plan()
        clock.sleep(23 * 3600)
        place.box.edit(second.id, priority="High")
        place.pull()
        _, result = place.app().apply(plan.plan_id, lambda plan: True)
        assert result is not None
        assert result.outcomes == {"applied": 1, "stale": 1}
        assert (first.category, second.category) == ("looked at", "General")
        rule_for(place, first, *ACTIONS["comment"])
        with pytest.raises(PlanRefused, match="rules changed"):
            place.app().apply(plan.plan_id, lambda plan: True)
        rule_for(place, first, *ACTIONS["set"])
        clock.sleep(2 * 3600)
        with pytest.raises(PlanRefused, match="older than a day"):
            place.app().apply(plan.plan_id, lambda plan: True)


RACES = {
    "close": ("PATCH", {"status": "On Hold"}, ("status", "On Hold")),
    "move": ("move", {"department_id": "Community"}, ("department_id", "department")),
    "spam": ("markSpam", {"priority": "High"}, ("priority", "High")),
}
HISTORIES = {
    "likely": {},
    "oldest-first": {"history_newest_first": False},
    "names": {"history_values": "name"},
    "ids": {"history_values": "id"},
    "no-actor": {"history_actor": False},
    "base-1": {"history_from_base": 1},
    "epoch": {"times": "epoch", "ids_as_int": True},
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("kind", RACES)
def test_promise_6_a_lost_race_is_told_in_the_receipt_the_log_and_the_output(
    kind: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call, edit, (field, _) = RACES[kind]
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now, variant=Variant(**HISTORIES[name])) as place:
        place.clock = clock
        ticket = alone(place)
        places = {one.name: one.id for one in place.box.state.departments.values()}
        values = {key: places.get(value, value) for key, value in edit.items()}
        rule_for(place, ticket, *ACTIONS[kind])

        def meddle() -> None:
            clock.sleep(1.2)
            place.box.edit(ticket.id, **values)
            clock.sleep(1.2)

        right_before(place, rf"{call}\b", meddle)
        with caplog.at_level(logging.WARNING):
            result = applied(place)
        assert not result.clean
        ((_, receipt), *_) = result.races
        assert "lost race" in receipt.error and field.removesuffix("_id") in receipt.error
        assert [one for one in caplog.messages if one.startswith("race=lost")]
        kept = place.rows("SELECT error FROM zdsync.journal WHERE outcome = 'applied'")
        assert any("lost race" in str(one) for (one,) in kept)
        console = Console(width=200, record=True, quiet=True)
        console.print(applied_view(result))
        text = console.export_text()
        assert "Lost races" in text
        shown = re.search(r"at most ([\d.]+) s after", text)
        assert shown and 2.4 <= float(shown[1]) <= 3.0
        assert result.gap >= 2.4


@pytest.mark.parametrize("name", HISTORIES)
def test_where_nobody_meddled_no_race_is_told(name: str, tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=20, now=clock.now, variant=Variant(**HISTORIES[name])) as place:
        place.clock = clock
        ticket = alone(place)
        agent = next(iter(place.box.state.agents.values())).id
        place.box.edit(ticket.id, assignee_id=agent, priority="High", status="On Hold")
        clock.sleep(60)
        place.pull()
        rule_for(place, ticket, "move: Trials", "close: {outcome: Resolved}", "spam")
        result = applied(place)
        assert result.clean, result.failures + result.races
        told = place.rows("SELECT DISTINCT error FROM zdsync.journal WHERE outcome = 'applied'")
        assert told == [("",)]
