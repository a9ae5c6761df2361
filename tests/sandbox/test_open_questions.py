"""Laws of the knobs for what no fact sheet knows of writing: each one answers otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Client


@pytest.mark.parametrize(
    ("answers", "keys"), [("sent", {"id", "priority"}), ("empty", None), ("whole", ...)]
)
def test_a_patch_answers_as_much_as_the_variant_says(answers: str, keys: Any) -> None:
    c = Client(tickets=50, patch_answers=answers)
    t = c.ticket("Support")
    answer = c.patch(f"tickets/{t.id}", {"priority": "High"})
    assert answer.status == 200 and t.priority == "High"
    assert keys is ... or (answer.json and set(answer.json)) == keys
    assert keys is not ... or "modifiedTime" in answer.json


def test_what_a_profile_does_not_see_is_in_no_shape() -> None:
    c = Client(tickets=50, hidden="tagCount,priority")
    t = c.ticket("Support")
    rows = [
        c.get(f"tickets/{t.id}").json,
        c.get("tickets?limit=1").rows[0],
        c.get("tickets/search?limit=1").rows[0],
        c.patch(f"tickets/{t.id}", {"category": "x"}).json,
    ]
    for row in rows:
        assert not {"tagCount", "priority"} & set(row)
        assert "status" in row


@pytest.mark.parametrize(("picks", "shown"), [("null", None), ("none", "-None-"), ("blank", "")])
def test_a_pick_list_without_a_choice_shows_as_the_variant_says(picks: str, shown: Any) -> None:
    c = Client(tickets=50, empty_picks=picks)
    t = c.ticket("Support")
    c.box.edit(t.id, priority=None)
    assert c.get(f"tickets/{t.id}").json["priority"] == shown


def test_a_move_and_a_mark_of_spam_may_leave_the_modified_time() -> None:
    c = Client(tickets=50, move_bumps_modified=False, spam_bumps_modified=False)
    t, there = c.ticket("Support"), c.department("IT")
    before = t.modified
    c.clock.tick(minutes=5)
    c.post(f"tickets/{t.id}/move?departmentId={there}", {"departmentId": there})
    c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True})
    assert (t.department_id, t.spam, t.modified) == (there, True, before)


@pytest.mark.parametrize(("frees", "stays"), [("all", False), ("none", True)])
def test_a_move_takes_the_assignee_as_the_variant_says(frees: str, stays: bool) -> None:
    c = Client(tickets=50, move_frees=frees)
    t, there = c.ticket("Support"), c.department("IT")
    c.box.edit(t.id, assigneeId=c.agent("Support"))
    c.post(f"tickets/{t.id}/move?departmentId={there}", {"departmentId": there})
    assert (t.assignee_id is not None) is stays


def test_history_may_lag_or_be_refused() -> None:
    c = Client(tickets=50, history_lag_seconds=60)
    t = c.ticket("Support")
    c.patch(f"tickets/{t.id}", {"category": "x"})
    names = [one["eventName"] for one in c.get(f"tickets/{t.id}/History").rows]
    c.clock.tick(minutes=2)
    later = [one["eventName"] for one in c.get(f"tickets/{t.id}/History").rows]
    assert "TicketUpdated" not in names[:1] and later[0] == "TicketUpdated"
    assert Client(tickets=50, history_answers=403).get(f"tickets/{t.id}/History").status == 403


def test_a_mark_of_spam_may_pass_over_a_ticket_in_silence() -> None:
    c = Client(tickets=50, bulk_is_atomic=False)
    t = c.ticket("Support")
    c.box.block(t.id, "locked")
    assert c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True}).status == 200
    assert not t.spam


def test_a_reply_may_be_in_the_list_later() -> None:
    c = Client(tickets=50, reply_lag_seconds=60, reply_status="PENDING", empty_lists=200)
    t = c.ticket("Support")
    c.post(
        f"tickets/{t.id}/sendReply",
        {"channel": "EMAIL", "content": "x", "fromEmailAddress": "support@clinic.example"},
    )
    path = f"tickets/{t.id}/threads"
    assert all(one["direction"] == "in" for one in c.get(path).rows)
    c.clock.tick(minutes=2)
    assert c.get(path).rows[0]["status"] == "PENDING"
    assert c.get(path + "?from=500").json == {"data": []}
    c.post(
        f"tickets/{t.id}/sendReply?sendImmediately=true",
        {"channel": "EMAIL", "content": "y", "fromEmailAddress": "support@clinic.example"},
    )
    assert [one["direction"] for one in c.get(path).rows[:2]] == ["out", "out"]


def test_a_tag_that_is_there_may_not_come_twice() -> None:
    c = Client(tickets=50, tags_repeat=False)
    t = c.ticket("Support")
    path = f"tickets/{t.id}/associateTag"
    assert c.post(path, {"tags": ["abc"]}).status == 200
    assert c.post(path, {"tags": ["abc"]}).code == "UNPROCESSABLE_ENTITY"
    assert c.post(f"tickets/{t.id}/dissociateTag", {"tags": ["xyz"]}).code == "UNPROCESSABLE_ENTITY"


@pytest.mark.parametrize("status", [404, 422])
def test_a_trashed_ticket_may_be_no_longer_shown(status: int) -> None:
    c = Client(tickets=50, trashed_answers=status)
    t = c.ticket("Support")
    c.box.trash(t.id)
    assert c.get(f"tickets/{t.id}").status == status
