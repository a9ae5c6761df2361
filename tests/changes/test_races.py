"""Which edits a destructive write replaced, as History tells them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.changes.test_sight import change
from zdsync.changes.races import Blow, lost, made, shows, words
from zdsync.model import Actor, Told

SINCE = datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC)
ROW = {"id": "T1", "status": "Open", "assignee_id": "7", "department_id": "1", "cf": {}}
CLOSE = Blow((change("status", "Open", "Closed"),), ROW, SINCE, 0.4)
MOVE = Blow(
    (
        replace(
            change("department", "Support", "IT"),
            wire={"departmentId": "2"},
            wire_before={"departmentId": "1"},
        ),
    ),
    ROW,
    SINCE,
    0.4,
)


def event(
    field: str, before: str | None, after: str | None, second: int, actor: Actor = "agent"
) -> Told:
    at = SINCE.replace(microsecond=0) + timedelta(seconds=second)
    return Told(field, before, after, at, actor, second, "9")


def test_what_an_earlier_move_took_is_not_lost_by_the_next_one() -> None:
    freed = replace(MOVE, row={**ROW, "assignee_id": None})
    earlier = event("assignee_id", "7", None, 0)  # the move that the reading showed
    assert lost([earlier, event("department_id", "1", "2", 3)], freed) == []
    given = event("assignee_id", None, "8", 2)
    assert lost([earlier, given, event("assignee_id", "8", None, 3)], freed) == [given]


OURS = event("status", "Open", "Closed", 3)


def test_an_edit_that_our_write_replaced_is_lost() -> None:
    theirs = event("status", "Open", "On Hold", 2)
    assert lost([theirs, event("status", "On Hold", "Closed", 3)], CLOSE) == [theirs]


def test_an_edit_that_stands_only_in_what_we_replaced_is_lost_too() -> None:
    (one,) = lost([event("status", "On Hold", "Closed", 3)], CLOSE)
    assert (one.field, one.after, one.actor) == ("status", "On Hold", "unknown")


@pytest.mark.parametrize(
    "told",
    [
        [OURS],
        [event("status", "On Hold", "Open", -60), OURS],  # before our reading
        [event("status", "On Hold", "Open", 0), OURS],  # the very edit that our reading showed
        [event("status", "Open", "Closed", 2)],  # somebody closed it first: nothing is lost
        [OURS, event("status", "Closed", "Open", 4)],  # somebody replaced ours
        [event("status", "Open", "On Hold", 1), event("status", "On Hold", "Open", 2), OURS],
        [event("priority", "Low", "High", 2), OURS],  # we did not write that
        [event("status", None, "Closed", 3)],  # any key may be missing
    ],
)
def test_what_we_did_not_replace_is_not_lost(told: list[Told]) -> None:
    assert lost(told, CLOSE) == []


@pytest.mark.parametrize("told_as", [("1", "2"), ("Support", "IT")])
def test_a_move_may_lose_a_move_and_whom_somebody_gave_the_ticket_to(
    told_as: tuple[str, str],
) -> None:
    support, it = told_as
    given = event("assignee_id", "7", "8", 2)
    freed = event("assignee_id", "8", None, 3)
    moved = event("department_id", support, it, 3)
    assert lost([given, moved, freed], MOVE) == [given]
    elsewhere = event("department_id", support, "Community", 2)
    assert lost([elsewhere, event("department_id", "Community", it, 3)], MOVE) == [elsewhere]


def test_names_of_people_are_not_taken_for_another_id() -> None:
    told = [event("assignee_id", "Ana Ruiz", None, 3), event("department_id", "1", "2", 3)]
    assert lost(told, MOVE) == []


def test_a_mark_as_spam_buries_whatever_else_was_edited() -> None:
    mark = change("spam", False, True)
    blow = Blow((mark,), ROW, SINCE, 0.4)
    theirs = event("priority", "Low", "High", 2)
    told = [OURS, theirs, event("spam", "false", "true", 3)]
    assert lost(told, blow, [mark, *CLOSE.changes]) == [theirs]
    assert shows(told, blow)
    assert not shows(told[:2], blow)


@pytest.mark.parametrize(
    "told",
    [
        # A tag need not move the modified time that was read: it may be as old as it likes.
        [event("tag:vip", "false", "true", 1), event("spam", "false", "true", 60)],
        [event("spam", "false", "true", 3), event("priority", "Low", "High", 3)],  # after it
        [event("priority", "Low", "High", 3)],  # the mark is not told: nothing can be compared
    ],
)
def test_a_mark_as_spam_buries_nothing_that_lies_outside_of_its_gap(told: list[Told]) -> None:
    mark = change("spam", False, True)
    assert lost(told, Blow((mark,), ROW, SINCE, 0.4), [mark]) == []


def test_what_is_lost_is_told_without_the_words_of_a_customer() -> None:
    said = words([event("status", "Open", "On Hold", 2), event("cf_note", None, "secret", 2)], 0.44)
    assert "agent 9 set status to On Hold at 09:00:02 UTC" in said
    assert "within 0.4 s" in said and "overwritten" in said
    assert "secret" not in said and "cf_note" in said


STATUS = change("status", "Open", "Closed")
SKEW = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("told", "second"),
    [
        ([OURS], 3),
        ([OURS, event("status", "Closed", "Open", 4)], 3),  # put back by somebody
        ([event("status", "Open", "closed", -40)], -40),  # Zoho's clock may be behind
        ([event("status", "On Hold", "Open", 1), event("status", None, "Closed", 2)], 2),
    ],
)
def test_history_tells_when_a_write_was_made(told: list[Told], second: int) -> None:
    at = SINCE.replace(microsecond=0) + timedelta(seconds=second)
    assert made(told, STATUS, SINCE, SKEW) == at


@pytest.mark.parametrize(
    "told",
    [
        [event("status", "Open", "On Hold", 2)],  # somebody else set something else
        # An earlier hand set the value and it was gone when we read.
        [event("status", "New", "Closed", -9), event("status", "Closed", "Open", -5)],
        [event("status", "Open", "Closed", -90), event("status", "Closed", "Open", 1)],
    ],
)
def test_history_tells_that_a_write_was_not_made(told: list[Told]) -> None:
    assert made(told, STATUS, SINCE, SKEW) is False


@pytest.mark.parametrize(
    "told",
    [
        [],
        [event("priority", "Low", "High", 2)],
        [event("status", "Open", "On Hold", -90)],  # it may show later events later
        [event("status", None, "Closed", 3)],  # what stood before is untold
        [event("status", "On Hold", "Closed", 3)],  # our write may have replaced somebody's
    ],
)
def test_history_may_tell_nothing_of_a_write(told: list[Told]) -> None:
    assert made(told, STATUS, SINCE, SKEW) is None


def test_history_may_write_a_custom_field_in_its_own_way() -> None:
    cause = change("cf.cf_cause", "a", "b")
    assert made([event("cf_cause", "A (1)", "B (2)", 3)], cause, SINCE, SKEW) is None
