"""People against rules over several ticks: what a person decided stays, and no loop goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.talk import open_tickets
from tests.pull.world import Ticking
from zdsync.errors import Misconfigured, ZdsyncError
from zdsync.sandbox import Variant

RULES = """
version: 1
rules:
  - {id: give, mode: apply, REASSERT when: {department: Support}, then: [{assign: bruno.keller@clinic.example}]}
  - {id: rank, mode: apply, REASSERT when: {department: Support}, then: [{set: {priority: Low}}]}
  - {id: mark, mode: apply, REASSERT when: {department: Support}, then: [{tag: {add: [blue], remove: [red]}}]}
  - {id: kind, mode: apply, REASSERT when: {department: Support}, then: [{set: {category: general}}]}
"""  # noqa: E501 - a rule a line


def _rules(place: Portal, *, reassert: bool = False) -> None:
    place.rules(RULES.replace("REASSERT", "reassert: true," if reassert else ""))


def _tick(place: Portal, clock: Ticking, seconds: float = 300) -> None:
    clock.sleep(seconds)
    place.app().tick()


def _support(place: Portal) -> Any:
    return next(
        one
        for one in open_tickets(place)
        if place.box.state.departments[one.department_id].name == "Support"
    )


def _agent(place: Portal, mail: str) -> str:
    return next(one.id for one in place.box.state.agents.values() if one.email == mail)


def _writes(place: Portal, ticket: str) -> int:
    found = place.rows(
        "SELECT count(*) FROM zdsync.journal WHERE ticket_id = ? AND outcome = 'applied'", ticket
    )
    return int(found[0][0])


@pytest.mark.parametrize("bump", [False, True])
def test_what_a_person_gave_stays_through_every_tick_until_it_is_released(
    bump: bool, tmp_path: Path
) -> None:
    clock = Ticking()
    variant = Variant(tags_bump_modified=bump)
    with portal(tmp_path, tickets=40, now=clock.now, variant=variant) as place:
        place.clock = clock
        _rules(place)
        _tick(place, clock)
        ticket, ana = _support(place), _agent(place, "ana.reyes@clinic.example")
        assert ticket.assignee_id == _agent(place, "bruno.keller@clinic.example")
        clock.sleep(3600)
        box = place.box
        box.edit(ticket.id, by="agent", assignee_id=ana, priority="High", category="special")
        box.tag(ticket.id, add=("red",), remove=("blue",))
        before = _writes(place, ticket.id)
        for _ in range(4):
            _tick(place, clock)
            assert (ticket.assignee_id, ticket.priority) == (ana, "High")
            assert ticket.category == "special"
            assert set(ticket.tags) >= {"red"}
        assert _writes(place, ticket.id) == before
        plan = place.app().plan(ticket=str(ticket.number))
        held = {one.field: one for one in plan.held}
        assert {"assignee", "priority", "category"} <= held.keys()
        assert held["assignee"].value == "ana.reyes@clinic.example"
        assert held["assignee"].wanted == "bruno.keller@clinic.example"
        done = place.app().release(ticket.id, "assignee")
        assert [one.field for one in done.released] == ["assignee"]
        _tick(place, clock)
        assert ticket.assignee_id == _agent(place, "bruno.keller@clinic.example")
        assert ticket.priority == "High"


def test_a_rule_that_reasserts_overrules_people_until_it_is_a_loop(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        _rules(place, reassert=True)
        _tick(place, clock)
        ticket = _support(place)
        clock.sleep(1200)
        seen = []
        for _ in range(5):
            place.box.edit(ticket.id, by="Workflow", priority="High")
            _tick(place, clock)
            seen.append(ticket.priority)
        # The first write and its reversal, the second and its reversal: four, and no fifth.
        assert seen == ["Low", "High", "High", "High", "High"]
        status = place.app().status()
        assert status.quarantined == 1
        told = str(place.app().explain(str(ticket.number)).holds)
        assert "flipped" in told
        place.app().release(str(ticket.number))
        _tick(place, clock)
        assert ticket.priority == "Low"


def test_an_emptied_field_is_given_again_but_not_for_ever(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        _rules(place)
        _tick(place, clock)
        ticket = _support(place)
        bruno = _agent(place, "bruno.keller@clinic.example")
        clock.sleep(1200)
        seen = []
        for _ in range(4):
            place.box.edit(ticket.id, by="agent", assignee_id=None)
            _tick(place, clock)
            seen.append(ticket.assignee_id)
        assert seen == [bruno, None, None, None]


def test_two_rules_that_undo_each_other_are_stopped(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        place.rules(
            "version: 1\nrules:\n"
            "  - {id: up, mode: apply, when: {department: Support, category: low},"
            " then: [{set: {category: high}}]}\n"
            "  - {id: down, mode: apply, when: {department: Support, category: high},"
            " then: [{set: {category: low}}]}\n"
        )
        place.pull()
        ticket = _support(place)
        place.box.edit(ticket.id, by="agent", category="low")
        seen = []
        for _ in range(7):
            _tick(place, clock)
            seen.append(ticket.category)
        assert seen == ["high", "low", "high", "low", "low", "low", "low"]
        plan = place.app().plan()
        assert [one.kind for one in plan.held] == ["flipped"]


def test_first_sight_holds_nothing_and_a_lost_mirror_sees_again(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        ticket, ana = _support(place), _agent(place, "ana.reyes@clinic.example")
        place.box.edit(ticket.id, by="agent", assignee_id=ana, priority="High")
        clock.sleep(3600)
        _rules(place)
        _tick(place, clock)
        assert ticket.priority == "Low"
        for one in place.settings.private_dir.glob("mirror.duckdb*"):
            one.unlink()
        _tick(place, clock)
        assert not place.app().plan().held


def test_release_says_what_is_unknown_and_asks_zoho_nothing(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=20) as place:
        with pytest.raises(ZdsyncError, match="no mirror"):
            place.app().release("1")
        place.pull()
        ticket, calls = _support(place), len(place.box.calls)
        with pytest.raises(Misconfigured, match="no ticket 999999"):
            place.app().release("999999")
        with pytest.raises(Misconfigured, match="asignee is no field") as told:
            place.app().release(ticket.id, "asignee")
        assert "did you mean assignee?" in told.value.hint
        assert not place.app().release(ticket.id, "assignee").released
        assert not place.app().release(str(ticket.number)).released
        assert len(place.box.calls) == calls


def test_a_kept_plan_leaves_out_what_a_person_decided_since(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        _rules(place)
        place.pull()
        ticket = _support(place)
        ana = _agent(place, "ana.reyes@clinic.example")
        place.box.edit(ticket.id, by="agent", priority="High", assignee_id=ana)
        clock.sleep(3600)
        place.pull()
        place.app().release(ticket.id)
        plan = place.app().plan()
        mine = {one.field for one in plan.writes if one.ticket_id == ticket.id}
        assert {"priority", "assignee"} <= mine
        for priority in ("Medium", "High"):  # there and back: it looks as the plan saw it
            clock.sleep(60)
            place.box.edit(ticket.id, by="agent", priority=priority)
            clock.sleep(60)
            place.pull()
        made, applied = place.app().apply(plan.plan_id, lambda plan: True)
        assert applied is not None
        assert (ticket.priority, ticket.assignee_id) == ("High", ana)  # it moved since: stale
        assert [(one.field, one.ticket_id) for one in made.held] == [("priority", ticket.id)]


@pytest.mark.parametrize("receipts", [True, False])
def test_a_crash_between_write_and_mirror_makes_no_hold_of_our_own_hand(
    receipts: bool, tmp_path: Path
) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        _rules(place)
        place.pull()
        clock.sleep(3600)
        place.pull()
        private = place.settings.private_dir
        before = {one: one.read_bytes() for one in private.glob("mirror.duckdb*")}
        assert place.app().apply(None, lambda plan: True)[1] is not None
        ticket = _support(place)
        for one in private.glob("mirror.duckdb*"):
            one.unlink()
        for one, raw in before.items():
            one.write_bytes(raw)
        if not receipts:
            for one in (private / "journal").glob("*.ndjson"):
                lines = [line for line in one.read_text("utf-8").splitlines() if "intent" in line]
                one.write_text("\n".join(lines) + "\n", "utf-8")
        clock.sleep(300)
        place.pull()  # History, which tells that it was our own hand, is read by a tick only
        found = place.rows("SELECT count(*) FROM zdsync.ticket_changes WHERE actor = 'unknown'")
        assert found[0][0] > 0
        assert not place.rows("SELECT * FROM zdsync.holds")
        assert not place.app().plan().held
        _tick(place, clock)
        assert not place.rows("SELECT * FROM zdsync.holds")
        clock.sleep(1200)
        ana = _agent(place, "ana.reyes@clinic.example")
        place.box.edit(ticket.id, by="agent", assignee_id=ana, category="special")
        for _ in range(2):
            _tick(place, clock)
            assert (ticket.assignee_id, ticket.category) == (ana, "special")


def test_a_person_who_works_between_two_pulls_is_not_overruled_by_what_history_tells_later(
    tmp_path: Path,
) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        _rules(place)
        _tick(place, clock)
        ticket = _support(place)
        ana = _agent(place, "ana.reyes@clinic.example")
        clock.sleep(3600)
        for priority, category in (("Medium", "one"), ("High", "two")):
            clock.sleep(20)
            place.box.edit(
                ticket.id, by="agent", priority=priority, category=category, assignee_id=ana
            )
        for _ in range(4):  # observed first, then told by History
            _tick(place, clock)
            assert (ticket.priority, ticket.category) == ("High", "two")
            assert ticket.assignee_id == ana
        told = place.rows(
            "SELECT actor FROM zdsync.holds WHERE ticket_id = ? AND field = 'priority'", ticket.id
        )
        assert told == [("agent",)]
