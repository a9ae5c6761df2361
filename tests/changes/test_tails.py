"""What was begun on a ticket is ended, although its rule no longer matches; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.changes.test_apply import raising
from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.test_keeping import holds
from tests.changes.test_speak import NOTE, REPLY, Spoken, scene
from tests.changes.world import rule
from tests.conftest import FakeClock
from zdsync.changes.apply import Applied
from zdsync.changes.holds import NOTHING_HELD, Holds
from zdsync.changes.keeping import unheld
from zdsync.changes.plan import Held, Plan, Seen, Shadowed
from zdsync.changes.tails import cut_off, with_tails
from zdsync.errors import OutcomeUnknown, Refused, ZohoFailed
from zdsync.model import Change
from zdsync.rules.compiled import Close, Spam, Tags

FRESH = "NOT coalesce(list_contains(t.tags, 'seen'), false)"
ONCE = rule("once", Tags(add=("seen",)), NOTE, where=FRESH)


class Cut(Spoken):
    """A scene whose plans are kept, and bring back what was cut off."""

    plans: dict[str, Plan]

    def tailed(self, digest: str = "rules", **more: Any) -> Plan:
        plan = self.plan()
        self.plans = getattr(self, "plans", {}) | {plan.plan_id: plan}
        tails = cut_off(self.journal.entries(), digest, more.get("now", self.clock.now()))
        wanted = more.get("wanted", lambda change: True)
        held: Holds = more.get("held", NOTHING_HELD)
        found = with_tails(plan, tails, self.plans.get, wanted, lambda some: unheld(some, held, ()))
        self.plans[found.plan_id] = found
        return found

    def go(self, run_id: str) -> Applied:
        return self.apply(self.tailed(), run_id=run_id)


@pytest.fixture
def cut(tmp_path: Path, clock: FakeClock) -> Cut:
    found = scene(tmp_path, clock, ONCE, tags=[])
    return Cut(found.mirror, clock, found.journal, (ONCE,))


def stop_before(place: Cut, call: str, error: Exception) -> None:
    """Let the tags be written and the run stop right after."""
    place.desk.refuse[call] = raising(error)
    place.go("run1")
    del place.desk.refuse[call]
    place.mirror.tickets["T1"]["tags"] = place.desk.tickets["T1"]["tags"]
    place.mirror._load()


def test_a_comment_whose_rule_no_longer_matches_is_made_once(cut: Cut) -> None:
    stop_before(cut, "comment", ZohoFailed("trouble"))
    assert cut.outcomes() == {("T1", "tag:seen"): "applied", ("T1", "comment"): "unsent"}
    assert not cut.plan().changes
    assert [change.field for change in cut.tailed().changes] == ["comment"]
    assert cut.go("run2").outcomes == {"applied": 1}
    assert len(cut.desk.speech.said) == 1
    assert not cut.tailed().changes


def test_a_tail_that_fails_again_is_not_forgotten(cut: Cut) -> None:
    stop_before(cut, "comment", ZohoFailed("trouble"))
    cut.desk.refuse["detail"] = raising(ZohoFailed("trouble"))
    assert cut.go("run2").outcomes == {"unsent": 1}
    del cut.desk.refuse["detail"]
    assert cut.go("run3").outcomes == {"applied": 1}
    assert not cut.tailed().changes


def test_a_comment_waits_where_somebody_moved_the_ticket_meanwhile(cut: Cut) -> None:
    stop_before(cut, "comment", ZohoFailed("trouble"))
    plan = cut.tailed()
    earlier = Seen(datetime(2026, 3, 2, 7, tzinfo=UTC), None, None)
    cut.apply(replace(plan, seen={"T1": earlier}), run_id="run2")
    assert cut.outcomes()["T1", "comment"] == "stale"
    assert cut.go("run3").outcomes == {"applied": 1}
    assert not cut.tailed().changes


def test_a_tail_waits_while_what_came_before_it_is_unknown(cut: Cut) -> None:
    cut.desk.refuse["add_tags"] = raising(OutcomeUnknown("no answer"))
    cut.go("run1")
    assert cut.outcomes() == {("T1", "tag:seen"): "unknown", ("T1", "comment"): "unsent"}
    assert not cut_off(cut.journal.entries(), "rules", cut.clock.now())


def test_what_hangs_on_a_refusal_is_given_up(cut: Cut) -> None:
    cut.desk.refuse["add_tags"] = raising(Refused("no such tag", 422))
    cut.desk.refuse["comment"] = raising(ZohoFailed("trouble"))
    cut.go("run1")
    assert set(cut.outcomes().values()) == {"rejected", "unsent"}
    assert not cut_off(cut.journal.entries(), "rules", cut.clock.now())


def test_other_rules_a_day_and_a_lost_plan_end_it(cut: Cut) -> None:
    stop_before(cut, "comment", ZohoFailed("trouble"))
    assert not cut.tailed(digest="other").changes
    assert not cut.tailed(wanted=lambda change: False).changes
    assert not cut.tailed(now=cut.clock.now() + timedelta(hours=24)).changes
    cut.plans.clear()
    assert not cut.tailed().changes


def test_a_ticket_that_we_closed_is_still_marked(cut: Cut) -> None:
    """The mark of a close that was cut off is no stranger's ticket, but a person's close is."""
    cut.rules = (rule("spam", Close("Spam", None, False), Spam()),)
    cut.desk.refuse["spam"] = raising(ZohoFailed("trouble"))
    cut.go("run1")
    del cut.desk.refuse["spam"]
    outcomes = {"status": "applied", "cf.cf_outcome": "applied", "spam": "unsent"}
    assert cut.outcomes() == {("T1", name): one for name, one in outcomes.items()}
    (mark,) = cut.tailed().changes
    assert mark == replace(_planned_mark(cut), was_open=False)
    assert cut.go("run2").outcomes == {"applied": 1}
    assert cut.desk.tickets["T1"]["is_spam"]


def _planned_mark(place: Cut) -> Change:
    marks = [
        change for plan in place.plans.values() for change in plan.changes if change.field == "spam"
    ]
    return next(change for change in marks if change.was_open)


def test_a_field_that_is_held_since_is_shown_as_held_and_not_written(cut: Cut) -> None:
    cut.rules = (rule("once", Tags(add=("seen",)), priority("High"), where=FRESH),)
    stop_before(cut, "patch", ZohoFailed("trouble"))
    found = cut.tailed(held=holds({"T1": {"priority": "given"}}))
    assert not found.changes
    (one,) = found.held
    assert (one.field, one.rule, one.wanted, one.kind) == ("priority", "once", "High", "given")
    assert [one.field for one in cut.tailed().changes] == ["priority"]


def test_what_is_said_of_a_close_that_is_held_since_waits_with_it(cut: Cut) -> None:
    cut.rules = (rule("once", Tags(add=("seen",)), Close("Done", None), NOTE, REPLY, where=FRESH),)
    cut.desk.refuse["reply"] = raising(ZohoFailed("trouble"))
    stop_before(cut, "comment", ZohoFailed("trouble"))
    assert {one.field for one in cut.tailed().changes} > {"comment", "reply"}
    found = cut.tailed(held=holds({"T1": {"status": "reversed"}}))
    assert not found.changes
    assert {one.field for one in found.held} == {"status", "comment", "reply"}


def test_what_the_plan_itself_holds_or_leaves_to_a_rule_above_comes_not_back(cut: Cut) -> None:
    stop_before(cut, "comment", ZohoFailed("trouble"))
    tails = cut_off(cut.journal.entries(), "rules", cut.clock.now())
    plan = cut.plan()
    left = Held("T1", "comment", "once", None), Shadowed("T1", "1", "comment", "once", "x", "")
    for some in (replace(plan, held=left[:1]), replace(plan, shadowed=left[1:])):
        found = with_tails(some, tails, cut.plans.get, lambda change: True, lambda more: more)
        assert not found.changes


GIVE = rule("once", IT_MOVE, agent("it@clinic.example"), where="t.department = 'Support'")


@pytest.mark.parametrize("stays", [True, False])
def test_a_ticket_that_was_moved_is_given_whether_or_not_the_move_took_it(
    stays: bool, tmp_path: Path, clock: FakeClock
) -> None:
    """Bo belongs to both departments: where a move leaves the agent, Bo has the ticket still."""
    found = scene(tmp_path, clock, GIVE, assignee_id="a2")
    place = Cut(found.mirror, clock, found.journal, (GIVE,))
    place.desk.empties = not stays
    for number in (1, 2):
        place.desk.refuse["patch"] = raising(ZohoFailed("trouble"))
        place.go(f"run{number}")
        assert place.outcomes()["T1", "assignee"] == "unsent"
    del place.desk.refuse["patch"]
    assert place.desk.tickets["T1"]["assignee_id"] == ("a2" if stays else None)
    assert place.go("run3").outcomes == {"applied": 1}
    assert place.desk.tickets["T1"]["assignee_id"] == "a4"


def test_whoever_was_given_a_moved_ticket_by_others_keeps_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    found = scene(tmp_path, clock, GIVE, assignee_id="a2")
    place = Cut(found.mirror, clock, found.journal, (GIVE,))
    place.desk.refuse["patch"] = raising(ZohoFailed("trouble"))
    place.go("run1")
    del place.desk.refuse["patch"]
    place.desk.tickets["T1"]["assignee_id"] = "a1"
    assert place.go("run2").outcomes == {"stale": 1}
    assert not place.tailed().changes


def test_whom_a_ticket_goes_to_waits_where_somebody_moved_it_meanwhile(
    tmp_path: Path, clock: FakeClock
) -> None:
    """An automation of the new department may touch it right behind our move."""
    found = scene(tmp_path, clock, GIVE, assignee_id="a1")
    place = Cut(found.mirror, clock, found.journal, (GIVE,))
    place.desk.refuse["patch"] = raising(ZohoFailed("trouble"))
    place.go("run1")
    del place.desk.refuse["patch"]
    earlier = Seen(datetime(2026, 3, 2, 7, tzinfo=UTC), None, None)
    place.apply(replace(place.tailed(), seen={"T1": earlier}), run_id="run2")
    assert place.outcomes()["T1", "assignee"] == "stale"
    assert place.go("run3").outcomes == {"applied": 1}
    assert not place.tailed().changes
