"""What is said is planned once, in its place, and remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.changes.test_apply import Scene, raising
from tests.changes.world import NOW, PORTAL, Mirror, evaluated, rule, text_field, ticket
from tests.conftest import FakeClock
from zdsync.changes.addressee import refuses
from zdsync.changes.journal import Journal
from zdsync.changes.marks import marked
from zdsync.changes.memory import Memory
from zdsync.changes.plan import Plan
from zdsync.changes.recover import recover
from zdsync.errors import OutcomeUnknown, Refused
from zdsync.model import Change, Voice
from zdsync.rules.compiled import (
    Action,
    Assign,
    Close,
    Comment,
    CompiledRule,
    FieldChoice,
    Notify,
    Reply,
    Spam,
    Tags,
)
from zdsync.rules.templates import Template
from zdsync.sql import Sql

VOICE = Voice(frozenset({"ops", "chat"}), replies=True, mail=True)
SUBJECT = Template("About {{ subject }}", ("subject",), (("subject", text_field("subject")),))
HELLO = Template("Hello")
NOTE = Comment(SUBJECT)
REPLY = Reply(HELLO, "support@clinic.example")
MAIL = {"email": "jo@person.example", "subject": "Pills"}


def planned(mirror: Mirror, *rules: CompiledRule, **more: Any) -> Plan:
    return evaluated(mirror, *rules, voice=more.pop("voice", VOICE), **more).plan()


def said(mirror: Mirror, what: str, at: datetime, outcome: str | None, rule_id: str = "r") -> None:
    naive = at.replace(tzinfo=None)
    mirror.run(
        Sql(
            "insert into zdsync.journal values (?, 'T1', ?, ?, ?, ?)",
            (rule_id, what, outcome, naive, naive if outcome else None),
        )
    )


class Messenger:
    """Notes what it is asked to carry."""

    def __init__(self, *errors: Exception) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.errors = list(errors)

    def send(self, to: str, subject: str, text: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((to, subject, text))


class Spoken(Scene):
    """A scene where rules may speak."""

    def plan(self) -> Plan:
        return planned(self.mirror, *self.rules)


def scene(tmp_path: Path, clock: FakeClock, *rules: CompiledRule, **cells: Any) -> Spoken:
    mirror = Mirror([ticket(1, **{**MAIL, **cells})])
    return Spoken(mirror, clock, Journal(tmp_path / "journal", clock), rules)


def test_calls_come_in_the_order_of_the_page(tmp_path: Path, clock: FakeClock) -> None:
    everything = rule(
        "r",
        Notify(("ops",), HELLO),
        Close("Spam", None, False),
        Spam(),
        NOTE,
        REPLY,
        Tags(add=("bug",)),
    )
    place = scene(tmp_path, clock, everything)
    messenger = Messenger()
    assert place.apply(messenger=messenger).clean
    names = [call[0] for call in place.desk.calls]
    assert names == [
        "detail", "tags_of", "add_tags", "reply", "comment", "patch", "spam", "detail",
        "history",
    ]  # fmt: skip
    assert messenger.sent == [("ops", "Ticket 1: r", "Hello")]


@pytest.mark.parametrize("outcome", ["applied", "unknown", "already", None])
@pytest.mark.parametrize("what", ["comment", "reply", "notify:ops"])
def test_what_was_said_or_may_have_been_is_not_said_again(what: str, outcome: str | None) -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    speaking = rule("r", NOTE, REPLY, Notify(("ops",), HELLO))
    assert {one.field for one in planned(mirror, speaking).changes} > {what}
    said(mirror, what, NOW - timedelta(days=900), outcome)
    left = {one.field for one in planned(mirror, speaking).changes}
    assert left == {"comment", "reply", "notify:ops"} - {what}


@pytest.mark.parametrize("outcome", ["rejected", "stale", "unsent"])
def test_what_came_to_nothing_is_said_again(outcome: str) -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    said(mirror, "comment", NOW, outcome)
    assert len(planned(mirror, rule("r", NOTE)).changes) == 1


def test_again_after_counts_from_the_last_that_may_have_been() -> None:
    weekly = rule("r", NOTE, again_after=timedelta(days=7))
    for days, again in ((6.9, 0), (7, 1), (8, 1)):
        mirror = Mirror([ticket(1, **MAIL)])
        said(mirror, "comment", NOW - timedelta(days=30), "applied")
        said(mirror, "comment", NOW - timedelta(days=days), "unknown")
        said(mirror, "comment", NOW - timedelta(hours=1), "rejected")
        assert len(planned(mirror, weekly).changes) == again, days


def test_a_repetition_has_a_change_id_of_its_own() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    weekly = rule("r", NOTE, again_after=timedelta(days=7))
    (first,) = planned(mirror, weekly).changes
    said(mirror, "comment", NOW - timedelta(days=8), "applied")
    (second,) = planned(mirror, weekly).changes
    assert first.text == second.text
    assert first.change_id != second.change_id


def test_formerly_keeps_the_memory_of_another_id() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    said(mirror, "comment", NOW, "applied", "old")
    assert planned(mirror, rule("r", NOTE)).changes
    assert not planned(mirror, rule("r", NOTE, formerly=("older", "old"))).changes


def test_one_whom_a_notice_missed_is_told_again_and_a_new_one_is_not() -> None:
    both = rule("r", Notify(("ops", "chat"), HELLO))
    mirror = Mirror([ticket(1)])
    said(mirror, "notify:ops", NOW, "applied")
    assert not planned(mirror, both).changes  # chat joined later
    said(mirror, "notify:chat", NOW, "rejected")
    assert [one.field for one in planned(mirror, both).changes] == ["notify:chat"]


def test_the_same_person_is_told_once() -> None:
    assignee = FieldChoice("assignee", Sql("t.assignee"))
    owner = FieldChoice("contact.owner", Sql("t.contact_owner"))
    mirror = Mirror([ticket(1, assignee_id="a1", contact_owner="ana.crm@clinic.example")])
    plan = planned(mirror, rule("r", Notify((assignee, owner), HELLO)))
    assert [one.wire for one in plan.changes] == [{"to": "mailto:ana@clinic.example"}]


def test_whoever_is_no_active_agent_is_not_told() -> None:
    assignee = FieldChoice("assignee", Sql("t.assignee"))
    mirror = Mirror([ticket(1), ticket(2, assignee_id="a3"), ticket(3, assignee_id="a2")])
    plan = planned(mirror, rule("r", Notify((assignee,), HELLO)))
    assert [one.ticket_id for one in plan.changes] == ["T3"]
    assert [one.reason for one in plan.unresolved] == [
        "assignee is empty",
        "off@clinic.example is not an active agent",
    ]


def test_what_nobody_knows_is_shown_until_it_is_known() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    said(mirror, "reply", NOW, "unknown")
    plan = planned(mirror, rule("r", REPLY))
    assert not plan.changes
    (one,) = plan.unresolved
    assert (one.ticket_id, one.rule) == ("T1", "r")
    assert one.reason.startswith("reply may or may not have been sent at 2026-")
    said(mirror, "reply", NOW + timedelta(minutes=5), "applied")
    assert not planned(mirror, rule("r", REPLY)).unresolved


def test_comments_of_two_rules_add_up_and_replies_do_not() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    plan = planned(mirror, rule("a", NOTE, REPLY), rule("b", NOTE, REPLY))
    assert [(one.rule, one.field) for one in plan.changes] == [
        ("a", "comment"), ("a", "reply"), ("b", "comment"),
    ]  # fmt: skip
    assert [(one.rule, one.by, one.field) for one in plan.shadowed] == [("b", "a", "reply")]


def test_a_rule_in_mode_plan_shows_what_it_would_say_and_shadows_nobody() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    plan = planned(mirror, rule("a", REPLY, mode="plan"), rule("b", REPLY))
    assert [one.rule for one in plan.changes] == ["a", "b"]
    assert [one.rule for one in plan.writes] == ["b"]


def test_a_paused_rule_says_nothing() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    found = evaluated(mirror, rule("r", NOTE), voice=VOICE)
    assert found.plan().changes and not found.plan(frozenset({"r"})).changes


def test_without_the_journal_nothing_is_said_and_the_rest_goes_on() -> None:
    mirror = Mirror([ticket(1, **MAIL)])
    speaking = rule("r", NOTE, REPLY, Notify(("ops",), HELLO), Tags(add=("bug",)))
    plan = planned(mirror, speaking, speechless="the journal is lost")
    assert [one.field for one in plan.changes] == ["tag:bug"]
    assert {one.reason for one in plan.skipped} == {"the journal is lost"}


def test_a_text_that_cannot_be_filled_is_unresolved_and_tells_no_value() -> None:
    broken = Template("{{ subject | round }}", *(SUBJECT.names, SUBJECT.fields)[:1], SUBJECT.fields)
    plan = planned(Mirror([ticket(1, **MAIL)]), rule("r", Comment(broken)))
    assert not plan.changes
    assert "Pills" not in plan.unresolved[0].reason


def test_a_comment_of_unknown_outcome_stops_the_ticket_until_a_look_tells(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", NOTE, Assign(())))
    place.desk.refuse["comment"] = raising(OutcomeUnknown("no answer"))
    assert place.apply().outcomes == {"unknown": 1}
    del place.desk.refuse["comment"]
    nothing = place.plan().__class__("p", NOW, "rules")
    clock.sleep(59)
    place.apply(run_id="run2", plan=nothing)
    assert place.outcomes() == {("T1", "comment"): "unknown"}
    clock.sleep(1)
    place.apply(run_id="run3", plan=nothing)
    assert place.outcomes() == {("T1", "comment"): "unsent"}
    assert place.desk.speech.said == []


def test_a_reply_of_unknown_outcome_that_is_not_there_waits_for_a_person(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", REPLY))
    place.desk.refuse["reply"] = raising(OutcomeUnknown("no answer"))
    assert place.apply().outcomes == {"unknown": 1}
    for _ in range(3):
        clock.sleep(120)
        assert recover(place.desk, place.journal, clock) == 0
    assert place.outcomes() == {("T1", "reply"): "unknown"}


def test_a_refused_comment_costs_only_itself(tmp_path: Path, clock: FakeClock) -> None:
    place = scene(tmp_path, clock, rule("r", NOTE, Tags(add=("bug",)), Notify(("ops",), HELLO)))
    place.desk.refuse["comment"] = raising(Refused("locked", 422))
    found = place.apply(messenger=Messenger())
    assert found.outcomes == {"applied": 2, "rejected": 1}


def test_a_notice_that_fails_does_not_stop_the_next(tmp_path: Path, clock: FakeClock) -> None:
    place = scene(tmp_path, clock, rule("r", Notify(("ops", "chat"), HELLO)))
    for error, outcome in ((Refused("down", 0), "rejected"), (OutcomeUnknown("?"), "unknown")):
        messenger = Messenger(error)
        found = place.apply(messenger=messenger, run_id=outcome)
        assert found.outcomes == {outcome: 1, "applied": 1}
        assert len(messenger.sent) == 1


def test_our_own_comment_is_nobody_elses_word(tmp_path: Path, clock: FakeClock) -> None:
    """A rule on conversations comments and sets a field: its own comment makes nothing stale."""
    from zdsync.changes.wire import still

    row = {"thread_count": 3, "comment_count": 5}
    assert still({"thread_count": 3, "comment_count": 4}, row, {"comment_count": 1})
    assert still({"thread_count": 3, "comment_count": 5}, row, {"comment_count": 1})
    assert not still({"thread_count": 3, "comment_count": 4}, row, {})
    assert not still({"thread_count": 3, "comment_count": 3}, row, {"comment_count": 1})


@pytest.mark.parametrize(
    ("address", "subject", "allowed"),
    [
        ("jo@person.example", "Pills", True),
        ("Jo.Reply@person.example", "Re: reply", True),
        ("alertson@person.example", "Alert", True),
        ("", "", False),
        ("jo", "", False),
        ("jo@person.example\r\nBcc: x@y.example", "", False),
        ("jo@person.example, x@y.example", "", False),
        ("ANA@clinic.example", "", False),
        ("support@clinic.example", "", False),
        ("mailer-daemon@googlemail.com", "", False),
        ("bounces+123=x@lists.example", "", False),
        ("do_not_reply@shop.example", "", False),
        ("shop-noreply@shop.example", "", False),
        ("jo@person.example", "Out of Office: Re: Pills", False),
        ("jo@person.example", "Réponse automatique", False),
    ],
)
def test_who_is_answered(address: str, subject: str, allowed: bool) -> None:
    own = ("support@clinic.example",)
    assert (refuses(address, subject, PORTAL, own) == "") is allowed


def test_an_empty_memory_lets_everything_be_said() -> None:
    assert Memory().due(rule("r", NOTE), "T1", "comment", NOW.replace(tzinfo=None))


def intend(place: Spoken, *changes: Change, announced: bool = True) -> None:
    """Leave intents as a crash does: before their calls, or in the midst of them."""
    place.journal.intend(changes, run_id="dead", plan_id="p", rules_digest="d")
    for change in changes if announced else ():
        place.journal.announce(change, run_id="dead")


@pytest.mark.parametrize("what", ["comment", "reply"])
def test_what_a_crash_left_open_may_come_yet_for_some_minutes(
    tmp_path: Path, clock: FakeClock, what: str
) -> None:
    place = scene(tmp_path, clock, rule("r", NOTE if what == "comment" else REPLY))
    (change,) = place.plan().changes
    intend(place, change)
    assert recover(place.desk, place.journal, clock) == 0
    clock.sleep(59 if what == "comment" else 299)
    assert recover(place.desk, place.journal, clock) == 0
    assert place.outcomes() == {("T1", what): None}
    clock.sleep(1)
    assert recover(place.desk, place.journal, clock) == 1
    assert place.outcomes() == {("T1", what): "unsent"}


@pytest.mark.parametrize("action", [NOTE, REPLY, Notify(("ops",), HELLO)])
def test_what_was_never_announced_was_never_sent(
    tmp_path: Path, clock: FakeClock, action: Action
) -> None:
    place = scene(tmp_path, clock, rule("r", action))
    intend(place, *place.plan().changes, announced=False)
    assert recover(place.desk, place.journal, clock) == 1
    assert set(place.outcomes().values()) == {"unsent"}


@pytest.mark.parametrize("what", ["comment", "reply"])
def test_what_stands_in_the_ticket_was_said(tmp_path: Path, clock: FakeClock, what: str) -> None:
    place = scene(tmp_path, clock, rule("r", NOTE if what == "comment" else REPLY))
    (change,) = place.plan().changes
    intend(place, change)
    place.desk.speech.said.append(("T1", what, marked(change.text, change.change_id)))
    assert recover(place.desk, place.journal, clock) == 1
    assert place.outcomes() == {("T1", what): "applied"}


def test_an_open_notice_is_unknown_for_it_leaves_no_trace(tmp_path: Path, clock: FakeClock) -> None:
    place = scene(tmp_path, clock, rule("r", Notify(("ops",), HELLO)))
    intend(place, *place.plan().changes)
    assert recover(place.desk, place.journal, clock) == 1
    assert place.outcomes() == {("T1", "notify:ops"): "unknown"}


def test_what_cannot_be_read_is_not_said_again(tmp_path: Path, clock: FakeClock) -> None:
    place = scene(tmp_path, clock, rule("r", NOTE))
    intend(place, *place.plan().changes)
    place.desk.refuse["detail"] = raising(Refused("gone", 404))
    clock.sleep(61)
    assert recover(place.desk, place.journal, clock) == 1
    assert place.outcomes() == {("T1", "comment"): "unknown"}
