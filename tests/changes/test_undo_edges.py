"""What an undo finds and what it leaves, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tests.changes.world import NOW, PORTAL
from zdsync.changes.journal import Entry
from zdsync.changes.undo import Undo, undo_plan
from zdsync.changes.undo_hands import Hand
from zdsync.changes.undo_look import Look
from zdsync.changes.undo_target import find
from zdsync.changes.undo_view import undo_document, undo_view
from zdsync.changes.wire import wire
from zdsync.errors import Misconfigured
from zdsync.model import Row

LATER = NOW + timedelta(minutes=5)
ROW: Row = {
    "id": "T1",
    "ticket_number": "1",
    "status": "Open",
    "priority": "High",
    "department_id": "d1",
    "assignee_id": "a1",
    "team_id": None,
    "is_spam": False,
    "due_date": "2026-03-05 12:00:00",
    "cf": {"cf_outcome": "Spam"},
}


def entry(field: str, before: Any, after: Any, number: int = 1, **more: Any) -> Entry:
    people = field in {"assignee", "team", "department"}
    known: dict[str, Any] = {
        "change_id": f"{field}-{before}-{after}",
        "run_id": f"run-{number}",
        "plan_id": f"plan-{number}",
        "rule_id": "rule",
        "rules_digest": "d",
        "ticket_id": "T1",
        "field": field,
        "before": before,
        "after": after,
        "intended_at": NOW + timedelta(minutes=number),
        "wire": wire(field, after, after if people else None),
        "wire_before": wire(field, before, before if people else None),
        "outcome": "applied",
        **more,
    }
    return Entry(**known)


def undo(
    *entries: Entry, row: Row | None = ROW, hands: Any = None, tags: Any = (), refused: str = ""
) -> Undo:
    asked = find(entries, "run-1")
    looks = {"T1": Look(row, tags, refused)}
    return undo_plan(asked, looks, hands or {}, PORTAL, LATER)


def left(found: Undo) -> list[str]:
    assert not found.plan.changes
    return [one.reason for one in found.left]


SET = entry("priority", "Low", "High")


def test_a_change_goes_back_in_the_words_of_the_api() -> None:
    (change,) = undo(SET).plan.changes
    assert (change.before, change.after, change.rule) == ("High", "Low", "undo")
    assert (change.wire, change.wire_before) == ({"priority": "Low"}, {"priority": "High"})
    assert not change.notify


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "the ticket is gone"),
        ({**ROW, "id": "T9"}, "the ticket was merged into another"),
        ({**ROW, "is_trashed": True}, "the ticket lies in the recycle bin"),
        ({**ROW, "is_archived": True}, "the ticket is archived"),
        ({**ROW, "is_spam": True}, "the ticket is marked as spam"),
        ({k: v for k, v in ROW.items() if k != "priority"}, "Zoho does not show what stands there"),
        ({**ROW, "priority": "Medium"}, "touched since by somebody, unseen by the mirror"),
    ],
)
def test_what_is_out_of_reach_or_touched_is_left(row: Row | None, reason: str) -> None:
    assert left(undo(SET, row=row)) == [reason]


def test_a_ticket_that_zoho_does_not_let_read_is_left_with_its_words() -> None:
    assert left(undo(SET, refused="403 FORBIDDEN")) == [
        "the ticket could not be read: 403 FORBIDDEN"
    ]


def test_a_spam_ticket_that_cannot_be_read_waits_for_a_person() -> None:
    (reason,) = left(undo(entry("spam", False, True), row=None))
    assert reason.endswith("a person must unmark it first")


def test_what_was_said_is_listed_and_what_was_never_written_is_not() -> None:
    said = [entry(one, None, "digest") for one in ("comment", "reply", "notify:team")]
    found = undo(*said, entry("status", "Open", "Closed", outcome="rejected"))
    assert [one.field for one in found.left] == ["comment", "reply", "notify:team"]
    assert not found.plan.changes
    assert not found.already


def test_a_before_that_is_not_known_is_left() -> None:
    long = entry("cf.cf_outcome", "sha256:" + "0" * 64, "Spam")
    forgotten = entry("cf.cf_outcome", None, None, wire={}, wire_before={})
    for one in (long, forgotten):
        assert left(undo(one)) == ["what stood there before is not known"]


def test_a_long_value_that_zdsync_set_goes_back_by_its_digest() -> None:
    text = "x" * 200
    digest = "sha256:" + sha256(text.encode()).hexdigest()
    one = entry("cf.cf_outcome", None, digest)
    (change,) = undo(one, row={**ROW, "cf": {"cf_outcome": text}}).plan.changes
    assert change.wire == {"cf": {"cf_outcome": None}}
    assert change.wire_before == {"cf": {"cf_outcome": text}}


def test_a_write_of_unknown_outcome_goes_back_where_it_shows() -> None:
    unknown = replace(SET, outcome="unknown")
    assert undo(unknown).plan.changes
    assert undo(unknown, row={**ROW, "priority": "Low"}).already


def test_who_touched_it_is_told_by_name_but_no_customer_and_no_value() -> None:
    def told(actor: str, agent: str | None) -> str:
        hand = Hand("High", "Secret", LATER, actor, agent)
        found = undo(SET, row={**ROW, "priority": "Secret"}, hands={("T1", "priority"): [hand]})
        assert "Secret" not in str(undo_document(found, None))
        return left(found)[0]

    at = "2026-03-02 09:05"
    assert told("agent", "a1") == f"touched since by ana@clinic.example, {at}"
    assert told("agent", None) == f"touched since by an agent, {at}"
    assert told("customer", None) == f"touched since by the customer, {at}"
    assert told("automation", None) == f"touched since by an automation of Zoho, {at}"
    assert told("unknown", None) == f"touched since by somebody, {at}"


def test_a_row_that_shows_our_own_write_is_nobodys_hand() -> None:
    ours = Hand("Low", "High", SET.intended_at, "unknown")
    assert undo(SET, hands={("T1", "priority"): [ours]}).plan.changes
    early = Hand("High", "Low", SET.intended_at - timedelta(hours=1), "agent")
    assert undo(SET, hands={("T1", "priority"): [early]}).plan.changes
    anew = [
        Hand("High", "Low", LATER, "agent", "a1"),
        Hand("Low", "High", LATER + timedelta(minutes=1), "agent", "a2"),
    ]
    reason = "set anew since by bo@clinic.example, 2026-03-02 09:06"
    assert left(undo(SET, hands={("T1", "priority"): anew})) == [reason]


def test_nobody_who_left_gets_a_ticket_back() -> None:
    one = entry("assignee", "a3", "a1")
    assert left(undo(one)) == ["off@clinic.example is no active agent any more"]


def test_a_due_date_goes_back_as_zoho_writes_it() -> None:
    one = entry("due", None, "2026-03-05 12:00:00")
    (change,) = undo(one).plan.changes
    assert change.wire == {"dueDate": None}
    assert change.wire_before == {"dueDate": "2026-03-05T12:00:00.000Z"}


def test_a_move_of_an_older_journal_goes_back_and_tells_what_it_does_not_know() -> None:
    move = entry("department", "d2", "d1")
    found = undo(move, row={**ROW, "assignee_id": None})
    assert [one.field for one in found.plan.changes] == ["department"]
    assert {one.reason for one in found.left} == {
        "whom the ticket had before the move is not known"
    }


def test_a_moved_ticket_that_was_given_to_somebody_since_stays() -> None:
    move = entry("department", "d2", "d1")
    move = replace(move, wire_before={**move.wire_before, "assigneeId": "a4", "teamId": None})
    hand = Hand(None, "a1", LATER, "agent", "a2")
    found = undo(move, hands={("T1", "assignee"): [hand]})
    assert left(found)[0].startswith("whom the ticket was given to there would lose it: touched")
    free = undo(move, row={**ROW, "assignee_id": None})
    assert [(one.field, one.after) for one in free.plan.changes] == [
        ("department", "d2"),
        ("assignee", "it@clinic.example"),
    ]


def test_a_reopened_ticket_gets_its_outcome_back_in_the_same_patch() -> None:
    closed = (entry("status", "Open", "Closed"), entry("cf.cf_outcome", None, "Spam"))
    found = undo(*closed, row={**ROW, "status": "Closed"})
    assert [one.field for one in found.plan.changes] == ["status", "cf.cf_outcome"]
    assert found.plan.cost.kinds["updates"] == 1


# -- which writes are meant -------------------------------------------------------------------


RUNS = (
    entry("priority", "Low", "High", 1, run_id="20260302T090000-aaa", change_id="abcdef0001"),
    entry("status", "Open", "Closed", 2, run_id="20260302T100000-bbb", change_id="abcdef0002"),
    entry("priority", "Low", "High", 3, run_id="20260303T090000-ccc", change_id="abcdef0001"),
)


def test_an_id_may_be_shortened_where_only_one_begins_so() -> None:
    def run(word: str, quiet: tuple[str, ...] = ()) -> str:
        return find(RUNS, word, quiet).run_id

    assert run("20260303") == "20260303T090000-ccc"
    assert run("abcdef0002") == run("20260302T10 ") == "20260302T100000-bbb"
    assert run("abcdef0001") == "20260303T090000-ccc"  # the last run that wrote it
    assert run("20260304", ("20260304T090000-ddd",)) == "20260304T090000-ddd"
    assert find(RUNS, "20260304", ("20260304T090000-ddd",)).entries == ()


@pytest.mark.parametrize(
    ("word", "what", "hint"),
    [
        ("20260302", "begins 2 ids: 20260302T090000-aaa, 20260302T100000-bbb", "more of it"),
        ("", "begins 5 ids", "more of it"),
        ("20260302T090000-axa", "knows no run and no change", "20260302T090000-aaa"),
        ("plan-2", "knows no run and no change", "the run that wrote it is 20260302T100000-bbb"),
        ("qqq\x1b[31m", "knows no run and no change", "zdsync journal lists them"),
    ],
)
def test_another_word_is_refused_with_a_hint(word: str, what: str, hint: str) -> None:
    with pytest.raises(Misconfigured) as found:
        find(RUNS, word)
    assert what in found.value.what
    assert hint in found.value.hint
    assert "\x1b" not in found.value.what


def test_an_empty_journal_says_so() -> None:
    with pytest.raises(Misconfigured) as found:
        find((), "20260302T090000-aaa")
    assert found.value.hint == "nothing was written yet"


def test_the_view_names_tickets_by_reason() -> None:
    found = undo(SET, row=None)
    console = Console(width=100, file=StringIO())
    console.print(undo_view(found, 10))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    assert "Undo of run run-1" in text
    assert "priority: the ticket is gone: T1" in text
    assert "Nothing can be undone." in text
