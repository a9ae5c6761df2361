"""The operator is told each thing once, in few messages; the log of rules that rest likewise."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.conftest import FakeClock
from zdsync.changes import Skipped
from zdsync.errors import OutcomeUnknown, Refused, ZdsyncError
from zdsync.mirror import scratch
from zdsync.mirror.database import Database
from zdsync.mirror.migrate import migrate
from zdsync.rules import RuleFile
from zdsync.telling import REST, Operator, Skips


@dataclass
class Post:
    """A messenger that keeps what it was given, or fails."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    error: ZdsyncError | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        if self.error:
            raise self.error
        self.sent.append((to, subject, text))


@pytest.fixture
def mirror() -> Iterator[Database]:
    with scratch() as empty:
        migrate(empty)
        yield empty


def test_a_thing_is_told_once_and_later_ones_wait_for_the_next_message(
    mirror: Database, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    post = Post()
    operator = Operator(mirror, post, {"ops", "team"}, clock)
    for _ in range(3):
        operator.tell("a", "the first")
        operator.send()
    assert [to for to, _, _ in post.sent] == ["ops", "team"]
    assert caplog.text.count("the first") == 1
    operator.tell("b", "the second")
    operator.tell("c", "the third")
    operator.send()
    assert len(post.sent) == 2
    clock.at += REST + timedelta(seconds=1)
    operator.send()
    operator.send()
    assert len(post.sent) == 4
    assert post.sent[-1][1] == "zdsync: 2 things to look at"
    assert "the second\nthe third" in post.sent[-1][2]


def test_who_is_called_operator_is_told_alone(mirror: Database, clock: FakeClock) -> None:
    post = Post()
    operator = Operator(mirror, post, {"operator", "team"}, clock)
    operator.tell("a", "the first")
    operator.send()
    assert [to for to, _, _ in post.sent] == ["operator"]


def test_a_notice_that_fails_stops_nothing_and_is_sent_later(
    mirror: Database, clock: FakeClock
) -> None:
    post = Post(error=Refused("chat.example: HTTP 403", 403))
    operator = Operator(mirror, post, {"ops"}, clock)
    operator.tell("a", "the first")
    operator.send()
    post.error = None
    operator.send()
    assert len(post.sent) == 1


def test_a_notice_that_may_have_come_is_not_sent_again(mirror: Database, clock: FakeClock) -> None:
    post = Post(error=OutcomeUnknown("no answer"))
    operator = Operator(mirror, post, {"ops"}, clock)
    operator.tell("a", "the first")
    operator.send()
    post.error = None
    clock.at += REST + timedelta(seconds=1)
    operator.send()
    assert not post.sent


def test_without_a_target_the_log_has_it(
    mirror: Database, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    operator = Operator(mirror, None, (), clock)
    operator.tell("a", "the first")
    operator.send()
    assert "the first" in caplog.text


def test_a_rule_that_does_not_act_is_logged_once_a_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    skips, rules = Skips(), RuleFile("rules.yaml")
    for minutes in (17, 22, 27):
        skips.say([Skipped("a", f"desk.tickets was last read {minutes} minutes ago")], rules)
    assert len(caplog.records) == 1
    skips.say([Skipped("b", "another")], rules)
    assert [one.getMessage() for one in caplog.records[1:]] == [
        "skipped=b reason=another",
        "skipped=a over",
    ]
    skips.say([Skipped("a", "desk.tickets was last read 17 minutes ago")], rules)
    assert caplog.records[-2].getMessage().startswith("skipped=a reason=")
