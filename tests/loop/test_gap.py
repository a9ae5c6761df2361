"""Compare and set, end to end: no write on a reading older than 5 seconds, and what a gap costs."""

from __future__ import annotations

import logging
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.loop.meddling import Hasty, alone, applied, right_before, rule_for, rules_for
from tests.loop.portal import Portal, portal
from zdsync.changes.apply import Applied
from zdsync.changes.render import applied_view
from zdsync.errors import PlanRefused
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket

ACTIONS = {
    "set": ("set: {category: looked at}",),
    "tag": ("tag: [looked-at]",),
    "close": ("close: {outcome: Resolved}",),
    "move": ("move: Trials",),
    "spam": ("spam",),
    "comment": ("comment: looked at",),
}


@pytest.mark.parametrize("kind", ["set", "tag", "close", "comment"])
def test_promise_6_a_write_that_had_to_wait_is_preceded_by_a_fresh_read(
    kind: str, tmp_path: Path
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now) as place:
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


def _a_ticket_each(place: Portal) -> list[Ticket]:
    """A ticket for each action, with its rule, pulled."""
    places = {one.name: one.id for one in place.box.state.departments.values()}
    made = [
        place.box.create(subject=f"Only {kind}", department_id=places["Paid Support"])
        for kind in ACTIONS
    ]
    assert place.clock
    place.clock.sleep(60)
    place.pull()
    rules_for(place, list(zip(made, ACTIONS.values(), strict=True)))
    return made


def test_promise_6_a_ticket_that_somebody_changed_since_the_plan_is_stale_and_waits(
    tmp_path: Path,
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now) as place:
        place.clock = clock
        tickets = _a_ticket_each(place)
        plan = place.app().plan()
        clock.sleep(600)
        for ticket in tickets:
            place.box.reply(ticket.id, "I have it again!", by="customer")
        result = applied(place, plan.plan_id)
        assert result.outcomes == {"stale": len(plan.writes)}
        assert not place.box.writes
        place.pull()
        assert applied(place).clean  # what was seen anew is written
        assert place.box.writes


def test_a_plan_of_hours_ago_is_applied_ticket_by_ticket(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now) as place:
        place.clock = clock
        first, second = alone(place), alone(place)
        rule_for(place, first, *ACTIONS["set"])
        plan = place.app().plan()
        clock.sleep(23 * 3600)
        place.box.edit(second.id, priority="High")
        place.pull()
        assert applied(place, plan.plan_id).outcomes == {"applied": 1, "stale": 1}
        assert (first.category, second.category) == ("looked at", "General")
        rule_for(place, first, *ACTIONS["comment"])
        with pytest.raises(PlanRefused, match="rules changed"):
            applied(place, plan.plan_id)
        rule_for(place, first, *ACTIONS["set"])
        clock.sleep(2 * 3600)
        with pytest.raises(PlanRefused, match="older than a day"):
            applied(place, plan.plan_id)


# What we write → the call of it, what somebody does right before it, and the field that is lost.
RACES = {
    "close": ("PATCH", {"status": "On Hold"}, "status"),
    "move": ("move", {"department_id": "Community"}, "department"),
    "spam": ("markSpam", {"priority": "High"}, "priority"),
}
HISTORIES = {
    "likely": {},
    "oldest-first": {"history_newest_first": False},
    "names": {"history_values": "name"},
    "ids": {"history_values": "id"},
    "no-actor": {"history_actor": False},
    "epoch": {"times": "epoch", "ids_as_int": True, "history_from_base": 1},
}


@pytest.mark.parametrize("name", HISTORIES)
def test_promise_6_a_lost_race_is_told_in_the_receipt_the_log_and_the_output(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=Variant(**HISTORIES[name])) as place:
        place.clock = clock
        tickets = dict(zip(ACTIONS, _a_ticket_each(place), strict=True))
        places = {one.name: one.id for one in place.box.state.departments.values()}
        ids = {tickets[kind].id: field for kind, (_, _, field) in RACES.items()}
        for kind, (call, edit, _) in RACES.items():
            values = {key: places.get(value, value) for key, value in edit.items()}
            ticket = tickets[kind].id

            def meddle(ticket: str = ticket, values: dict[str, str] = values) -> None:
                clock.sleep(1.2)
                place.box.edit(ticket, **values)
                clock.sleep(1.2)

            right_before(place, ticket, rf"{call}\b", meddle)
        with caplog.at_level(logging.WARNING):
            result = applied(place)
        assert not result.failures, result.failures
        assert not result.clean
        told = {change.ticket_id: receipt.error for change, receipt in result.races}
        assert told.keys() == ids.keys(), told
        assert all("lost race" in told[one] and field in told[one] for one, field in ids.items())
        logged = [one for one in caplog.messages if one.startswith("race=lost")]
        assert all(any(ticket in one for one in logged) for ticket in ids)
        kept = place.rows(
            "SELECT DISTINCT ticket_id FROM zdsync.journal WHERE error LIKE 'lost race%'"
        )
        assert {one for (one,) in kept} == ids.keys()
        text = _shown(result)
        assert "Lost races" in text
        shown = re.search(r"at most ([\d.]+) s after", text)
        assert shown and 2.4 <= result.gap <= float(shown[1])


def _shown(result: Applied) -> str:
    screen = StringIO()
    Console(file=screen, width=300).print(applied_view(result))
    return screen.getvalue()


@pytest.mark.parametrize("name", HISTORIES)
def test_where_nobody_meddled_no_race_is_told(name: str, tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=Variant(**HISTORIES[name])) as place:
        place.clock = clock
        ticket = alone(place)
        place.box.edit(ticket.id, priority="High", status="On Hold")
        clock.sleep(60)
        place.pull()
        rule_for(place, ticket, "move: Trials", "close: {outcome: Resolved}", "spam")
        result = applied(place)
        assert result.clean, (result.failures, result.races)
        told = place.rows("SELECT DISTINCT error FROM zdsync.journal WHERE outcome = 'applied'")
        assert told == [("",)]


def test_a_history_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now) as place:
        place.clock = clock
        tickets = _a_ticket_each(place)
        place.box.fail_next("/History", status=500, times=99)
        result = applied(place)
        assert result.stopped is None and not result.failures
        told = place.rows(
            "SELECT DISTINCT field FROM zdsync.journal WHERE error LIKE 'its History could not%'"
        )
        assert {one for (one,) in told} == {"status", "cf.cf_outcome", "department", "spam"}
        assert tickets[2].status == "Closed"
