"""Limits of unattended ticks, end to end: pauses that last, backlogs that are accepted and drip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.loop.outlets import Inbox, chat
from tests.loop.portal import Portal, portal
from tests.loop.talk import open_tickets
from tests.pull.world import Ticking
from zdsync.errors import Misconfigured, PlanRefused
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


def _paused(place: Portal) -> list[tuple[Any, ...]]:
    return place.rows("select rule_id, limit_name from zdsync.pauses where ended_at is null")


def test_a_breach_pauses_until_a_person_agrees_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scene(tmp_path, tickets=120) as (place, room):
        for _ in range(3):
            place.app().tick()  # each a new process: nothing of it lies in memory
            _wait(place, 1800)
        assert not _closings(place)
        assert place.rows("select count(*) from zdsync.journal where rule_id = 'look'")[0][0] > 0
        assert _paused(place) == [("old", "destructive_per_tick")]
        assert [post["text"].count("the rule old is paused") for post in room.posts] == [1]
        assert "the rule old is paused" in caplog.text
        (told,) = place.app().status().rules
        assert (told.rule, told.reason[:21]) == ("old", "destructive_per_tick ")
        place.pull()
        plan = place.app().plan()
        assert any("paused since" in one.reason for one in plan.skipped if one.rule == "old")
        number = next(one.ticket_number for one in plan.writes if one.rule == "old")
        assert "not by the service: paused since" in str(place.app().explain(number))
        with pytest.raises(PlanRefused):
            place.app().apply(plan.plan_id, lambda plan: True)
        place.app().tick()
        assert not _closings(place) and _paused(place)
        _, applied = place.app().apply(plan.plan_id, lambda plan: True, destructive=True)
        assert applied is not None and applied.clean
        assert not _paused(place) and not place.app().status().rules
        assert len(_closings(place)) == len(
            {one.ticket_id for one in plan.writes if one.rule == "old"}
        )
        place.app().tick()
        assert not _paused(place), "what a person did breaks no limit of the service"


ORDINARY = """
version: 1
limits: {changes_per_rule: 5, share_of_open_tickets: 100%}
rules:
  - id: look
    why: Somebody looked.
    mode: apply
    when: {subject: {known: true}}
    then: [{set: {category: seen}}]
"""


def test_a_pause_ends_where_the_rule_says_something_else_and_not_where_it_rests(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, ORDINARY, tickets=60) as (place, room):
        place.app().tick()
        place.rules(ORDINARY.replace("Somebody looked.", "Another reason, the same rule."))
        place.app().tick()
        assert len(room.posts) == 1
        place.rules(ORDINARY.replace("{subject:", "{department: Nowhere, subject:"))
        place.app().tick()
        place.rules(ORDINARY)
        place.app().tick()
        assert len(_paused(place)) == 1 and not place.box.writes
        place.rules(ORDINARY.replace("{known: true}", "no such subject"))
        place.app().tick()
        assert not _paused(place)
        place.rules(ORDINARY)
        _wait(place, 1800)
        place.app().tick()
        assert _paused(place) and len(room.posts) == 2
        (first, _) = place.rows("select ended_by from zdsync.pauses order by paused_at")
        assert first == ("changed",)


def test_resume_names_a_rule_that_is_paused_and_takes_no_other(tmp_path: Path) -> None:
    with scene(tmp_path, tickets=60) as (place, _):
        place.pull()
        for name in ("odl", "look"):
            with pytest.raises(Misconfigured):
                place.app().resume(name)
        assert place.app().resume("old") > 4, "over its limit, though no tick has seen it yet"
        place.app().tick()
        assert 0 < len(_closings(place)) <= 5


def test_what_comes_anew_is_no_part_of_what_was_agreed_to(tmp_path: Path) -> None:
    with scene(tmp_path, ORDINARY, tickets=160) as (place, _):
        place.app().tick()
        count = place.app().resume("look")
        assert count > 10
        place.app().tick()
        assert len(place.box.writes) == 5, "the drip stays within the limit of a tick"
        _wait(place, 600)
        reopened = [one for one in place.box.state.tickets.values() if one.status_type == "Closed"]
        live = [one for one in reopened if not (one.spam or one.trashed or one.archived)]
        for one in live[:7]:
            place.box.edit(one.id, by="agent", status="Open")
        _wait(place, 600)
        place.app().tick()
        assert _paused(place) == [("look", "changes_per_rule")]
        assert len(place.box.writes) == 5
        place.app().resume("look")
        place.app().tick()
        assert len(place.box.writes) == 10


def test_what_an_apply_could_not_write_is_written_by_the_service_in_its_turn(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, ORDINARY, tickets=150) as (place, _):
        place.app().tick()
        app = place.app()
        plan, applied = app.apply(
            None, lambda plan: True, progress=lambda done: app.place.brake.touch()
        )
        assert applied is not None and applied.halted
        app.resume()
        written = len(place.box.writes)
        place.app().tick()
        assert not _paused(place)
        assert len(place.box.writes) == written + min(5, len(plan.writes) - written)


def test_a_rule_that_zoho_refuses_again_and_again_pauses_itself_with_zohos_words(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, ORDINARY.replace("per_rule: 5", "per_rule: 500"), tickets=150) as (
        place,
        room,
    ):
        locked = '{"errorCode": "UNPROCESSABLE_ENTITY", "message": "The ticket is locked"}'
        place.box.fail_next(r"PATCH /", status=422, body=locked, times=500)
        place.app().tick()
        assert not _paused(place), "one tick alone may be a bad hour"
        _wait(place, 1800)
        place.app().tick()
        _wait(place, 1800)
        place.app().tick()
        assert [one[0] for one in _paused(place)] == ["look"]
        before = len(place.box.calls)
        place.app().tick()
        assert not [one for one in place.box.calls[before:] if one.method == "PATCH"]
        (told,) = place.app().status().rules
        assert "refused" in told.reason and "The ticket is locked" in told.words
        assert told.words not in room.posts[0]["text"]
        place.box.faults._planned.clear()
        place.app().resume("look")
        place.app().tick()
        assert place.box.writes and not _paused(place)


def test_the_log_says_once_which_rules_do_not_act(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scene(tmp_path, tickets=60) as (place, _):
        app = place.app()
        for _ in range(3):
            app.tick()
        assert caplog.text.count("skipped=old") == 1
        app.resume("old")
        app.tick()
        place.rules(CLOSE.replace("{priority:", "{department: Nowhere, priority:"))
        app.tick()
        app.tick()
        assert caplog.text.count("skipped=look") == 1
