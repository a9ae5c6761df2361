"""Writing a plan: promises 5, 6 and 8, the order of calls, and every way it can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.world import Desk, Mirror, planned, rule, ticket
from tests.conftest import FakeClock
from zdsync.changes.apply import Applied, apply_plan
from zdsync.changes.journal import Journal
from zdsync.changes.plan import Plan
from zdsync.errors import (
    CreditsSpent,
    MirrorFailed,
    OutcomeUnknown,
    Refused,
    TokenRefused,
    ZohoFailed,
)
from zdsync.rules.compiled import Close, CompiledRule, Const, SetField, Spam, Tags
from zdsync.sql import Sql


@dataclass
class Scene:
    """A mirror, the desk that it mirrors, a journal and a clock."""

    mirror: Mirror
    clock: FakeClock
    journal: Journal
    rules: tuple[CompiledRule, ...] = ()
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk.of(self.mirror)

    def plan(self) -> Plan:
        return planned(self.mirror, *self.rules)

    def apply(self, plan: Plan | None = None, **more: Any) -> Applied:
        return apply_plan(
            plan or self.plan(),
            desk=self.desk,
            mirror=self.mirror,
            journal=self.journal,
            clock=self.clock,
            run_id=more.pop("run_id", "run1"),
            workers=more.pop("workers", 1),
            **more,
        )

    def outcomes(self) -> dict[tuple[str, str], str | None]:
        return {(one.ticket_id, one.field): one.outcome for one in self.journal.entries()}


Stage = Callable[..., Scene]


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock) -> Stage:
    def make(count: int, *rules: CompiledRule, **cells: Any) -> Scene:
        mirror = Mirror([ticket(number, **cells) for number in range(1, count + 1)])
        return Scene(mirror, clock, Journal(tmp_path / "journal", clock), rules)

    return make


def raising(error: Exception) -> Callable[[str, Any], None]:
    def fail(ticket_id: str, body: Any) -> None:
        raise error

    return fail


def category(value: str) -> SetField:
    return SetField("category", Const(value), Sql("NULL"), Sql("TRUE"))


def everything() -> tuple[CompiledRule, ...]:
    return (
        rule("move", IT_MOVE, agent("it@clinic.example")),
        rule("tags", Tags(add=("bug", "ux"), remove=("old",))),
        rule("sla", priority("High")),
        rule("spam", Close("Spam", None, False), Spam(), where="t.ticket_number = '2'"),
    )


def test_promise_8_apply_then_plan_is_empty(stage: Stage) -> None:
    scene = stage(40, *everything(), tags=["Old"])
    result = scene.apply(workers=4)
    assert result.clean
    assert result.outcomes == {"applied": len(scene.journal.entries())}
    assert scene.plan().changes == ()


def test_promise_8_holds_for_each_kind_of_change_alone(stage: Stage) -> None:
    kinds = (
        rule("move", IT_MOVE),
        rule("tag", Tags(add=("bug",))),
        rule("set", priority("Low")),
        rule("close", Close("Spam", None)),
        rule("spam", Spam()),
    )
    for number, one in enumerate(kinds):
        scene = stage(3, one)
        assert scene.apply(run_id=f"run{number}").clean
        assert scene.plan().changes == (), one.id


def test_calls_come_in_the_order_of_the_page(stage: Stage) -> None:
    scene = stage(2, *everything(), tags=["old"])
    scene.apply()
    calls = [call for call in scene.desk.calls if call[1] == "T2"]
    assert [call[0] for call in calls] == [
        "detail", "tags_of", "move", "detail", "add_tags", "remove_tags", "patch", "spam", "detail",
        "history",
    ]  # fmt: skip
    (patch,) = [call for call in calls if call[0] == "patch"]
    body = {
        "priority": "High",
        "assigneeId": "a4",
        "status": "Closed",
        "cf": {"cf_outcome": "Spam"},
    }
    assert (patch[2], patch[3]) == (body, False)


def test_the_contact_is_mailed_unless_the_rule_says_no(stage: Stage) -> None:
    scene = stage(1, rule("done", Close("Resolved", None)))
    scene.apply()
    assert scene.desk.writes[0][3] is True


def test_promise_5_no_write_without_a_durable_intent(stage: Stage) -> None:
    scene = stage(30, *everything(), tags=["old"])

    def look(name: str) -> None:
        if name in {"detail", "tags_of", "history"}:
            return
        known = {one.ticket_id for one in Journal(scene.journal._folder, scene.clock).entries()}
        assert {call[1] for call in scene.desk.calls} <= known

    scene.desk.before = look
    assert scene.apply(workers=3).clean


def test_promise_5_nothing_is_called_where_the_journal_cannot_be_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage(2, rule("r", priority("Low")))

    def full(*args: Any, **more: Any) -> None:
        raise MirrorFailed("disk full")

    monkeypatch.setattr(scene.journal._file, "_write", full)
    result = scene.apply()
    assert scene.desk.calls == []
    assert isinstance(result.stopped, MirrorFailed)
    assert result.left == 2


@pytest.mark.parametrize(("arrived", "outcome"), [(True, "applied"), (False, "unsent")])
def test_promise_5_an_intent_left_by_a_crash_is_looked_up_before_anything_is_repeated(
    stage: Stage, arrived: bool, outcome: str
) -> None:
    scene = stage(1, rule("r", priority("Low"), Tags(add=("bug",))))
    plan = scene.plan()
    scene.journal.intend(plan.changes, run_id="dead", plan_id="p", rules_digest="d")
    if arrived:
        scene.desk.tickets["T1"] |= {"priority": "Low", "tags": ["Bug"]}
    scene.journal = Journal(scene.journal._folder, scene.clock)
    result = scene.apply(plan)
    assert result.recovered == 2
    assert [call[0] for call in scene.desk.calls[:2]] == ["detail", "tags_of"]
    dead = [one.outcome for one in scene.journal.entries() if one.run_id == "dead"]
    assert dead == [outcome, outcome]
    assert result.outcomes == ({"already": 2} if arrived else {"applied": 2})
    assert len(scene.desk.writes) == (0 if arrived else 2)


def test_promise_5_a_crash_between_move_and_assignment_leaves_nothing_unknown(
    stage: Stage,
) -> None:
    scene = stage(1, rule("r", IT_MOVE, agent("it@clinic.example")), assignee_id="a1")
    plan = scene.plan()
    scene.journal.intend(plan.changes, run_id="dead", plan_id="p", rules_digest="d")
    scene.desk.tickets["T1"] |= {"department_id": "d2", "assignee_id": None}
    scene.journal = Journal(scene.journal._folder, scene.clock)
    scene.apply(plan)
    dead = {one.field: one.outcome for one in scene.journal.entries() if one.run_id == "dead"}
    assert dead == {"department": "applied", "assignee": "unsent"}


def test_promise_5_a_write_of_unknown_outcome_is_not_repeated(stage: Stage) -> None:
    scene = stage(1, rule("r", Tags(add=("bug",)), priority("Low")))
    scene.desk.refuse["add_tags"] = raising(OutcomeUnknown("reset"))
    result = scene.apply()
    assert scene.outcomes() == {("T1", "tag:bug"): "unknown", ("T1", "priority"): "unsent"}
    assert [call[0] for call in scene.desk.writes] == ["add_tags"]
    assert result.stopped is None


def test_promise_5_a_write_without_an_answer_is_looked_for_however_long_the_run_was(
    stage: Stage,
) -> None:
    scene = stage(1, rule("p", priority("Low")))

    def lost(ticket_id: str, body: Any) -> None:
        scene.desk.tickets[ticket_id]["priority"] = "Low"
        raise OutcomeUnknown("reset")

    scene.desk.refuse["patch"] = lost
    plan = scene.plan()
    scene.apply(plan)
    assert scene.outcomes() == {("T1", "priority"): "unknown"}
    scene.clock.at += timedelta(hours=20)
    assert scene.apply(replace(plan, changes=()), run_id="run2").recovered == 1
    assert scene.outcomes() == {("T1", "priority"): "applied"}


def test_what_one_look_cannot_tell_of_a_field_costs_no_second_one(stage: Stage) -> None:
    scene = stage(1, rule("p", priority("Low")))
    scene.desk.refuse["patch"] = raising(OutcomeUnknown("reset"))
    nothing = replace(scene.plan(), changes=())
    scene.apply()
    scene.desk.tickets["T1"]["priority"] = "Medium"
    scene.desk.calls.clear()
    for number, minutes in enumerate((0.5, 1, 5, 5)):
        scene.clock.at += timedelta(minutes=minutes)
        assert scene.apply(nothing, run_id=f"later{number}").recovered == 0
    # A write that Zoho still works at may come within a minute: two looks.
    assert [call[0] for call in scene.desk.calls if call[0] == "detail"] == ["detail"] * 2
    (entry,) = scene.journal.entries()
    assert (entry.outcome, entry.error) == ("unknown", "looked for in vain: reset")


def test_promise_6_a_value_that_changed_since_the_plan_is_not_overwritten(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low"), agent("Ana")), priority="High")
    plan = scene.plan()
    scene.desk.tickets["T1"]["priority"] = "Medium"
    result = scene.apply(plan)
    assert scene.outcomes() == {("T1", "priority"): "stale", ("T1", "assignee"): "applied"}
    assert scene.desk.writes == [("patch", "T1", {"assigneeId": "a1"}, True)]
    assert scene.mirror.tickets["T1"]["priority"] == "Medium"
    assert not result.clean


def test_promise_6_a_write_never_follows_a_detail_read_older_than_five_seconds(
    stage: Stage,
) -> None:
    scene = stage(1, rule("r", Tags(add=("bug",)), priority("Low")), priority="High")
    plan = scene.plan()

    def slow(name: str) -> None:
        if name == "add_tags":
            scene.clock.at += timedelta(seconds=6)
            scene.desk.tickets["T1"]["priority"] = "Medium"  # somebody was faster

    scene.desk.before = slow
    scene.apply(plan)
    assert scene.outcomes()["T1", "priority"] == "stale"
    assert [call[0] for call in scene.desk.calls] == ["detail", "tags_of", "add_tags", "detail"]


def test_what_is_there_already_is_not_written(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low"), Tags(add=("bug",))))
    plan = scene.plan()
    scene.desk.tickets["T1"] |= {"priority": "Low", "tags": ["BUG"]}
    result = scene.apply(plan)
    assert result.outcomes == {"already": 2}
    assert scene.desk.writes == []
    assert result.clean
    assert scene.plan().changes == ()


@pytest.mark.parametrize("gone", [None, {"is_trashed": True}, {"is_spam": True}])
def test_a_ticket_that_is_gone_is_left_alone(stage: Stage, gone: dict[str, bool] | None) -> None:
    scene = stage(1, rule("r", priority("Low"), Tags(add=("bug",))))
    plan = scene.plan()
    if gone is None:
        del scene.desk.tickets["T1"]
    else:
        scene.desk.tickets["T1"] |= gone
    assert scene.apply(plan).outcomes == {"stale": 2}
    assert scene.desk.writes == []


def test_a_refused_field_is_rejected_and_the_rest_is_sent_once_more(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low")), rule("s", agent("Ana")))

    def refuse(ticket_id: str, body: Any) -> None:
        if "priority" in body:
            raise Refused("Zoho says: not allowed", 422, "INVALID_DATA", ["/priority"])

    scene.desk.refuse["patch"] = refuse
    result = scene.apply()
    assert scene.outcomes() == {("T1", "priority"): "rejected", ("T1", "assignee"): "applied"}
    said = result.failures[0][1].error
    assert said.startswith("Zoho says: not allowed. The priority was not set")
    assert result.failures[0][1].http_status == 422


def test_a_close_is_never_written_without_its_outcome(stage: Stage) -> None:
    scene = stage(1, rule("close", Close("Nope", None)), rule("sla", priority("Low")))

    def refuse(ticket_id: str, body: Any) -> None:
        if "cf" in body:
            raise Refused("no such option", 422, "INVALID_DATA", ["/cf/cf_outcome"])

    scene.desk.refuse["patch"] = refuse
    scene.apply()
    assert scene.outcomes() == {
        ("T1", "cf.cf_outcome"): "rejected",
        ("T1", "status"): "unsent",
        ("T1", "priority"): "applied",
    }
    assert scene.desk.tickets["T1"]["status"] == "Open"


def test_without_a_named_field_each_rule_gets_its_own_patch(stage: Stage) -> None:
    scene = stage(1, rule("a", priority("Low")), rule("b", agent("Ana")))

    def refuse(ticket_id: str, body: Any) -> None:
        if "priority" in body:
            raise Refused("UNPROCESSABLE_ENTITY", 422)

    scene.desk.refuse["patch"] = refuse
    scene.apply()
    assert scene.outcomes() == {("T1", "priority"): "rejected", ("T1", "assignee"): "applied"}
    assert [set(call[2]) for call in scene.desk.writes] == [
        {"priority", "assigneeId"}, {"priority"}, {"assigneeId"},
    ]  # fmt: skip


def test_a_tag_that_zoho_refuses_does_not_take_the_others_with_it(stage: Stage) -> None:
    scene = stage(1, rule("r", Tags(add=("bad", "good"))))

    def refuse(ticket_id: str, names: Any) -> None:
        if "bad" in names:
            raise Refused("no such tag", 422)

    scene.desk.refuse["add_tags"] = refuse
    scene.apply()
    assert scene.outcomes() == {("T1", "tag:bad"): "rejected", ("T1", "tag:good"): "applied"}
    assert scene.mirror.tickets["T1"]["tags"] == ["good"]


def test_a_refused_move_keeps_the_ticket_from_the_other_departments_agent(stage: Stage) -> None:
    scene = stage(1, rule("move", IT_MOVE, agent("it@clinic.example")), rule("p", priority("Low")))
    scene.desk.refuse["move"] = raising(Refused("no", 422))
    scene.apply()
    assert scene.outcomes() == {
        ("T1", "department"): "rejected",
        ("T1", "assignee"): "unsent",
        ("T1", "priority"): "applied",
    }


def test_a_move_may_free_the_assignee_between(stage: Stage) -> None:
    scene = stage(1, rule("move", IT_MOVE, agent("it@clinic.example")), assignee_id="a1")
    assert scene.apply().clean
    assert scene.desk.tickets["T1"]["assignee_id"] == "a4"


@pytest.mark.parametrize("clears", [True, False])
def test_promise_8_whom_a_move_takes_from_a_ticket_is_given_again(
    stage: Stage, clears: bool
) -> None:
    scene = stage(1, rule("move", IT_MOVE, agent("bo@clinic.example")), assignee_id="a2")

    def move(ticket_id: str, body: Any) -> None:
        if clears:  # Zoho may empty it even where the agent belongs to both departments
            scene.desk.tickets[ticket_id]["assignee_id"] = None

    scene.desk.refuse["move"] = move
    assert scene.apply().clean
    assert scene.desk.tickets["T1"]["assignee_id"] == "a2"
    assert scene.outcomes()["T1", "assignee"] == ("applied" if clears else "already")
    assert not scene.plan().changes


def test_promise_8_a_patch_answer_that_lacks_keys_is_read_after(stage: Stage) -> None:
    scene = stage(1, rule("p", priority("Low")))
    scene.desk.answers = frozenset({"id"})
    assert scene.apply().clean
    assert not scene.plan().changes


def test_a_row_read_before_a_write_of_unknown_outcome_stays_out_of_the_mirror(
    stage: Stage,
) -> None:
    """Its modified second may be the write's own: it would hide the search row after it."""
    scene = stage(1, rule("p", priority("Low")))
    scene.desk.refuse["patch"] = raising(OutcomeUnknown("reset"))
    scene.apply()
    assert scene.mirror.upserts == 0


@pytest.mark.parametrize(
    "error",
    [
        TokenRefused("revoked"),
        ZohoFailed("down"),
        CreditsSpent("spent", FakeClock().now()),
    ],
)
def test_what_stops_the_run_keeps_what_was_settled(stage: Stage, error: Exception) -> None:
    scene = stage(60, rule("r", priority("Low")))
    served: list[str] = []

    def fail(ticket_id: str, body: Any) -> None:
        served.append(ticket_id)
        if len(served) == 30:
            raise error

    scene.desk.refuse["patch"] = fail
    result = scene.apply()
    assert result.stopped is error
    assert result.outcomes["applied"] == 29
    assert result.outcomes["unsent"] + result.left == 31
    assert None not in scene.outcomes().values()
    assert len(scene.plan().changes) == 31


def test_the_brake_is_asked_before_each_write(stage: Stage) -> None:
    scene = stage(5, rule("r", Tags(add=("bug",)), priority("Low")))
    result = scene.apply(paused=lambda: len(scene.desk.writes) >= 3)
    assert len(scene.desk.writes) == 3
    assert result.halted
    assert result.outcomes == {"applied": 3, "unsent": 7}
    assert scene.apply(run_id="run2").clean
    assert scene.plan().changes == ()


def test_a_plan_behind_the_brake_writes_nothing_at_all(stage: Stage) -> None:
    scene = stage(3, rule("r", priority("Low")))
    result = scene.apply(paused=lambda: True)
    assert (result.left, result.halted, scene.journal.entries()) == (3, True, [])


def test_a_full_disk_of_the_mirror_does_not_lose_receipts(stage: Stage) -> None:
    scene = stage(3, rule("r", priority("Low")))
    scene.mirror.fail = MirrorFailed("full")
    result = scene.apply()
    assert isinstance(result.stopped, MirrorFailed)
    assert set(scene.outcomes().values()) == {"applied"}


def test_a_rule_in_mode_plan_is_never_written(stage: Stage) -> None:
    scene = stage(2, rule("r", priority("Low"), mode="plan"))
    assert scene.apply().outcomes == {}
    assert scene.desk.calls == []


def test_a_bug_in_one_ticket_leaves_no_open_intent_unread(stage: Stage) -> None:
    scene = stage(3, rule("r", SetField("priority", Const("Low"), Sql("NULL"), Sql("TRUE"))))

    def broken(ticket_id: str, body: Any) -> None:
        raise KeyError(ticket_id)

    scene.desk.refuse["patch"] = broken
    with pytest.raises(KeyError):
        scene.apply()
    scene.desk.refuse.clear()
    scene.journal = Journal(scene.journal._folder, scene.clock)
    result = scene.apply(run_id="run2")
    assert result.recovered >= 1
    assert result.clean


def test_promise_6_a_ticket_that_a_person_closed_meanwhile_is_left_alone(stage: Stage) -> None:
    scene = stage(1, *everything(), tags=["old"])
    plan = scene.plan()
    scene.desk.tickets["T1"] |= {"status": "Done", "status_type": "Closed"}
    result = scene.apply(plan)
    assert result.outcomes == {"stale": len(plan.writes)}
    assert scene.desk.writes == []


def test_a_ticket_that_somebody_took_up_is_not_marked_as_spam(stage: Stage) -> None:
    scene = stage(1, rule("spam", Close("Spam", None, False), Spam()))
    plan = scene.plan()
    scene.desk.tickets["T1"]["status"] = "Waiting"
    scene.apply(plan)
    assert scene.desk.writes == []
    assert scene.outcomes()["T1", "status"] == "stale"
    assert scene.outcomes()["T1", "spam"] == "unsent"


def test_a_close_that_zoho_refuses_takes_the_spam_mark_along(stage: Stage) -> None:
    scene = stage(1, rule("spam", Close("Spam", None, False), Spam()))
    scene.desk.refuse["patch"] = raising(Refused("blueprint", 422))
    scene.apply()
    assert [call[0] for call in scene.desk.writes] == ["patch"]
    assert scene.outcomes()["T1", "spam"] == "unsent"


def test_a_field_that_zoho_hides_is_set_once(stage: Stage) -> None:
    scene = stage(2, rule("sla", priority("High")), rule("done", Close("Resolved", None)))
    shown = {"id", "modified_time", "status", "status_type", "is_spam", "department_id"}
    scene.desk.answers = frozenset(shown)
    scene.apply()
    assert len([call for call in scene.desk.writes if call[0] == "patch"]) == 2
    assert scene.mirror.tickets["T1"]["priority"] == "High"
    assert scene.mirror.tickets["T1"]["cf"] == {"cf_outcome": "Resolved"}
    assert scene.plan().changes == ()


def test_fields_that_zoho_names_one_at_a_time_cost_only_themselves(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low"), category("x")), rule("s", agent("Ana")))

    def refuse(ticket_id: str, body: Any) -> None:
        for key in ("priority", "category"):
            if key in body:
                raise Refused("not allowed", 422, "INVALID_DATA", [f"/{key}"])

    scene.desk.refuse["patch"] = refuse
    scene.apply()
    assert scene.outcomes() == {
        ("T1", "priority"): "rejected",
        ("T1", "category"): "rejected",
        ("T1", "assignee"): "applied",
    }


def test_without_a_named_field_one_rule_goes_on_change_by_change(stage: Stage) -> None:
    scene = stage(1, rule("r", Close("Resolved", None), priority("Low"), category("x")))

    def refuse(ticket_id: str, body: Any) -> None:
        if "status" in body:
            raise Refused("desk PATCH: HTTP 422 (under a blueprint)", 422)

    scene.desk.refuse["patch"] = refuse
    scene.apply()
    outcomes = {field: outcome for (_, field), outcome in scene.outcomes().items()}
    assert outcomes == {
        "status": "rejected", "cf.cf_outcome": "rejected",
        "priority": "applied", "category": "applied",
    }  # fmt: skip
    assert all(("cf" in call[2]) == ("status" in call[2]) for call in scene.desk.writes)


def test_promise_6_nothing_is_written_where_every_reading_comes_too_late(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low")))

    def slow(name: str) -> None:
        if name == "detail":
            scene.clock.at += timedelta(seconds=6)

    scene.desk.before = slow
    assert scene.apply().outcomes == {"unsent": 1}
    assert scene.desk.writes == []


def test_promise_6_a_write_is_told_until_when_it_may_be_sent(stage: Stage) -> None:
    scene = stage(1, rule("r", priority("Low")))
    scene.apply()
    assert scene.desk.latest == scene.clock.monotonic() + 5


def test_the_gap_counts_from_the_sending_of_the_read_to_the_answer_of_the_write(
    stage: Stage,
) -> None:
    scene = stage(1, rule("r", priority("Low")))

    def slow(name: str) -> None:
        scene.clock.at += timedelta(seconds=1)

    scene.desk.before = slow
    assert scene.apply().gap == 2


def test_receipts_of_a_close_wait_for_history_and_a_fault_there_leaves_them_open(
    stage: Stage,
) -> None:
    scene = stage(1, rule("r", Close("Resolved", None)))

    def broken(ticket_id: str, body: Any) -> None:
        raise KeyError(ticket_id)

    scene.desk.refuse["history"] = broken
    with pytest.raises(KeyError):
        scene.apply()
    assert set(scene.outcomes().values()) == {None}
    scene.desk.refuse.clear()
    scene.journal = Journal(scene.journal._folder, scene.clock)
    scene.apply(run_id="run2")
    dead = [one.outcome for one in scene.journal.entries() if one.run_id == "run1"]
    assert dead == ["applied", "applied"]
    assert len(scene.desk.writes) == 1
