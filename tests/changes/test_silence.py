"""What a rule says of a ticket waits for what it does there: nobody reads of what was not done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.changes.test_apply import raising
from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.test_keeping import Reader, holds
from tests.changes.test_plan_view import shown
from tests.changes.test_speak import HELLO, MAIL, NOTE, REPLY, VOICE, Messenger, Spoken, scene
from tests.changes.world import Mirror, evaluated, rule, ticket
from tests.conftest import FakeClock
from zdsync.changes.keeping import unheld
from zdsync.changes.plan import Plan
from zdsync.errors import Refused
from zdsync.rules.compiled import (
    Action,
    Close,
    Comment,
    CompiledRule,
    Const,
    Notify,
    SetField,
    Spam,
    Tags,
)
from zdsync.sql import Sql

PUBLIC = Comment(NOTE.text, public=True)
TELL = Notify(("ops",), HELLO)
EVERYTHING = (NOTE, REPLY, TELL)
CLOSE = Close("Spam", None, False)
WAIT = SetField("status", Const("Waiting"), Sql("NULL"), Sql("TRUE"))


def kept(held: dict[str, str], *rules: CompiledRule, tickets: int = 1) -> Plan:
    """A plan of tickets in which something of T1 is held."""
    mirror = Mirror([ticket(number, **MAIL) for number in range(1, tickets + 1)])
    reader: Any = Reader({"T1": held} if held else {})
    return replace(evaluated(mirror, *rules, voice=VOICE), holds=reader).plan()


def said(plan: Plan, ticket_id: str = "T1") -> set[str]:
    return {one.field for one in plan.changes if one.text and one.ticket_id == ticket_id}


@pytest.mark.parametrize("why", ["reversed", "undone", "flipped"])
@pytest.mark.parametrize("action", [CLOSE, WAIT])
def test_what_a_rule_says_waits_with_its_close_that_is_held(why: str, action: Action) -> None:
    plan = kept({"status": why}, rule("r", action, *EVERYTHING), tickets=2)
    assert said(plan) == set()
    assert said(plan, "T2") == {"comment", "reply", "notify:ops"}
    told = {one.field: one for one in plan.held}
    assert told.keys() == {"status", "comment", "reply", "notify:ops"}
    for what in ("comment", "reply", "notify:ops"):
        assert (told[what].kind, told[what].rule) == ("waits", "r")
        assert told[what].reason == f"waits with status: {told['status'].reason}"


def test_a_mark_of_spam_that_is_held_silences_too() -> None:
    assert said(kept({"spam": "undone"}, rule("r", Spam(), *EVERYTHING))) == set()


def test_it_is_said_with_the_close_when_the_hold_is_released() -> None:
    closing = rule("r", CLOSE, *EVERYTHING)
    assert not kept({"status": "reversed"}, closing).changes
    plan = kept({}, closing)
    assert said(plan) == {"comment", "reply", "notify:ops"}
    assert {"status", "cf.cf_outcome"} <= {one.field for one in plan.changes}
    assert not plan.held


def test_another_rule_speaks_on_and_a_reply_that_waits_answers_for_nobody() -> None:
    plan = kept({"status": "reversed"}, rule("r", CLOSE, REPLY), rule("s", REPLY, NOTE))
    assert {(one.rule, one.field) for one in plan.changes} == {("s", "reply"), ("s", "comment")}
    assert not plan.shadowed


def test_what_a_customer_reads_waits_with_anything_that_is_held_a_note_does_not() -> None:
    plan = kept({"priority": "given"}, rule("r", priority("High"), REPLY, NOTE, TELL))
    assert said(plan) == {"comment", "notify:ops"}
    assert {one.field for one in plan.held} == {"priority", "reply"}
    shown = kept({"priority": "given"}, rule("r", priority("High"), PUBLIC))
    assert {one.field for one in shown.held} == {"priority", "comment"}


def test_a_hold_on_what_is_right_already_silences_nobody() -> None:
    mirror = Mirror([ticket(1, **MAIL, priority="High")])
    reader: Any = Reader({"T1": {"priority": "given"}})
    found = evaluated(mirror, rule("r", priority("High"), REPLY), voice=VOICE)
    assert said(replace(found, holds=reader).plan()) == {"reply"}


def test_a_close_that_a_rule_above_decides_otherwise_is_not_spoken_of() -> None:
    plan = kept({}, rule("above", WAIT), rule("r", CLOSE, *EVERYTHING))
    assert said(plan) == set()
    told = {(one.rule, one.by, one.field) for one in plan.shadowed}
    assert {("r", "above", one) for one in ("status", "comment", "reply", "notify:ops")} == told
    lower = kept({}, rule("above", priority("High")), rule("r", priority("Low"), REPLY))
    assert said(lower) == {"reply"}


def test_a_rule_that_reasserts_below_a_held_close_does_not_speak_of_its_own() -> None:
    again = rule("r", WAIT, REPLY, reassert=True)
    plan = kept({"status": "reversed"}, rule("above", CLOSE), again)
    assert not plan.changes


def test_a_close_that_is_left_to_a_paused_rule_is_not_spoken_of() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    rules = rule("above", CLOSE), rule("r", CLOSE, *EVERYTHING)
    found = evaluated(mirror, *rules, voice=VOICE)
    assert said(found.plan()) == {"comment", "reply", "notify:ops"}
    plan = found.plan(frozenset({"above"}))
    assert not plan.changes
    assert ("r", "above", "reply") in {(one.rule, one.by, one.field) for one in plan.shadowed}


def test_a_kept_plan_loses_with_a_held_close_what_its_rule_says_there() -> None:
    plan = kept({}, rule("r", CLOSE, *EVERYTHING), rule("s", NOTE), tickets=2)
    left = unheld(plan, holds({"T1": {"status": "reversed"}}), ())
    assert {(one.rule, one.field) for one in left.changes if one.ticket_id == "T1"} == {
        ("s", "comment")
    }
    assert said(left, "T2") == {"comment", "reply", "notify:ops"}
    assert {one.field for one in left.held} == {"status", "comment", "reply", "notify:ops"}
    outcome = unheld(plan, holds({"T1": {"cf.cf_outcome": "reversed"}}), ())
    assert {one.rule for one in outcome.changes if one.ticket_id == "T1"} == {"s"}


def test_a_kept_plan_keeps_a_note_of_a_priority_that_is_held_and_no_reply() -> None:
    plan = kept({}, rule("r", priority("High"), REPLY, NOTE, TELL))
    left = unheld(plan, holds({"T1": {"priority": "given"}}), ())
    assert said(left) == {"comment", "notify:ops"}


def outcomes(place: Spoken, **more: Any) -> dict[str, str | None]:
    place.apply(messenger=Messenger(), **more)
    return {field: outcome for (_, field), outcome in place.outcomes().items()}


@pytest.mark.parametrize("call", ["add_tags", "move"])
def test_a_customer_is_not_answered_where_something_before_it_failed(
    call: str, tmp_path: Path, clock: FakeClock
) -> None:
    doing = {"add_tags": Tags(add=("bug",)), "move": IT_MOVE}[call]
    place = scene(tmp_path, clock, rule("r", doing, *EVERYTHING), rule("s", PUBLIC, NOTE))
    place.desk.refuse[call] = raising(Refused("not here", 422))
    found = outcomes(place)
    assert found["reply"] == "unsent"
    assert found["comment"] == found["notify:ops"] == "applied"
    (entry,) = [one for one in place.journal.entries() if one.field == "reply"]
    assert entry.error == "the rest of its rule was not done"
    kinds = [kind for _, kind, _ in place.desk.speech.said]
    assert "reply" not in kinds


def test_a_reply_that_waited_is_sent_once_its_rule_could_do_the_rest(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", Tags(add=("bug",)), REPLY))
    place.desk.refuse["add_tags"] = raising(Refused("not here", 422))
    outcomes(place)
    del place.desk.refuse["add_tags"]
    assert outcomes(place, run_id="run2") == {"tag:bug": "applied", "reply": "applied"}
    assert len(place.desk.speech.said) == 1


def test_a_value_that_somebody_replaced_silences_the_reply_of_its_rule(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", agent("ana@clinic.example"), *EVERYTHING))
    plan = place.plan()
    place.desk.tickets["T1"]["assignee_id"] = "a2"
    found = outcomes(place, plan=plan)
    assert found == {
        "assignee": "stale", "reply": "unsent", "comment": "applied", "notify:ops": "applied",
    }  # fmt: skip


def test_a_status_that_somebody_replaced_silences_all_that_its_rule_says(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", CLOSE, *EVERYTHING))
    plan = place.plan()
    place.desk.tickets["T1"]["status"] = "Waiting"
    found = outcomes(place, plan=plan)
    assert {found[one] for one in ("reply", "comment", "notify:ops")} == {"unsent"}
    assert not place.desk.speech.said


def test_nobody_is_noticed_of_a_close_that_was_refused(tmp_path: Path, clock: FakeClock) -> None:
    place = scene(tmp_path, clock, rule("r", CLOSE, TELL), rule("s", TELL))
    place.desk.refuse["patch"] = raising(Refused("mandatory", 422))
    messenger = Messenger()
    place.apply(messenger=messenger)
    assert [subject for _, subject, _ in messenger.sent] == ["Ticket 1: s"]


def test_the_views_say_what_waits_and_no_digest_of_a_text() -> None:
    plan = kept({"status": "reversed"}, rule("r", CLOSE, NOTE, TELL))
    text = shown(plan)
    assert "comment: waits with status: what zdsync set at now UTC was replaced" in text
    assert "notify ops: waits with status" in text
    assert "text:" not in text
