"""Comments, replies and notices on a whole zdsync: once, in their place, and never twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from zdsync.changes import Applied, Plan
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Comment, Ticket

COMMENT = """
version: 1
limits: {changes_per_rule: 1000}
rules:
  - id: note
    why: Somebody should look.
    mode: apply
    when: {department: Support}
    then:
      - comment: |
          Please look at {{ ticket.number }}: {{ subject }}
          {% if priority %}It is {{ priority }}.{% else %}It has no priority.{% endif %}
"""


def apply(place: Portal, **options: Any) -> Applied:
    _, applied = place.app().apply(None, lambda plan: True, **options)
    assert applied is not None
    return applied


def nothing_left(place: Portal) -> Plan:
    plan, applied = place.app().apply(None, lambda plan: True)
    assert applied is None, applied.outcomes if applied else None
    return plan


def tickets(place: Portal, department: str = "Support") -> list[Ticket]:
    state = place.box.state
    names = {one.id: one.name for one in state.departments.values()}
    return [
        one
        for one in state.tickets.values()
        if names[one.department_id] == department
        and one.status_type != "Closed"
        and not (one.spam or one.trashed or one.archived)
    ]


def ours(place: Portal, ticket: Ticket) -> list[Comment]:
    return [one for one in place.box.state.children.comments(ticket) if "Ref. " in one.content]


def test_a_comment_is_made_once_private_escaped_and_found_by_its_change_id(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        first = tickets(place)[0]
        place.box.edit(first.id, subject="<script>alert('x')</script> zsu[@user:1]zsu & co")
        place.pull()
        place.rules(COMMENT)
        found = apply(place)
        some = tickets(place)
        assert found.outcomes == {"applied": len(some)}
        for one in some:
            (note,) = ours(place, one)
            assert not note.public
            assert f"Please look at {one.number}: " in note.content
        ((change_id,),) = place.rows(
            "select change_id from zdsync.journal where ticket_id = ?", first.id
        )
        (note,) = ours(place, first)
        assert f"Ref. {change_id}" in note.content
        assert "<script>" not in note.content and "zsu[" not in note.content
        assert "&lt;script&gt;" in note.content
        place.pull()
        nothing_left(place)
        assert all(len(ours(place, one)) == 1 for one in some)


@pytest.mark.parametrize("bumps", [True, False])
def test_the_mirror_knows_of_the_comment_whether_or_not_it_moves_the_time(
    tmp_path: Path, bumps: bool
) -> None:
    with portal(tmp_path, tickets=40, variant=Variant(comment_bumps_modified=bumps)) as place:
        place.pull()
        place.rules(COMMENT)
        apply(place)
        place.pull()
        held = dict(place.rows("select id, comment_count from desk.tickets"))
        assert all(held[one.id] == one.comments for one in tickets(place))


def test_no_text_of_a_comment_is_in_the_journal_or_the_document(tmp_path: Path) -> None:
    from zdsync.changes.render import plan_document

    with portal(tmp_path, tickets=40) as place:
        first = tickets(place)[0]
        place.box.edit(first.id, subject="Unmistakable words")
        place.pull()
        place.rules(COMMENT.replace("subject }}", "subject }} for certain"))
        plan = place.app().plan()
        assert any("Unmistakable" in one.text for one in plan.changes)
        document = plan_document(plan)
        assert not any("for certain" in str(one) for one in document["changes"])
        assert all(str(one["after"]).startswith("text:") for one in document["changes"])
        apply(place)
        files = (place.settings.private_dir / "journal").glob("*.ndjson")
        written = "".join(path.read_text("utf-8") for path in files)
        assert written and "Unmistakable" not in written and "for certain" not in written


def test_rules_say_nothing_where_the_journal_is_lost_until_it_is_adopted(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT + "      - tag: [seen]\n")
        apply(place)
        some = tickets(place)
        folder = place.settings.private_dir / "journal"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        place.rows("delete from zdsync.journal")  # as after a mirror of older days was put back
        place.pull()
        plan = place.app().plan()
        assert not plan.changes
        assert "zdsync adopt" in plan.skipped[0].reason
        place.rules(COMMENT + "      - tag: [seen, twice]\n")
        assert apply(place).outcomes == {"applied": len(some)}  # the rest goes on
        assert "zdsync adopt" in place.app().plan().skipped[0].reason  # a new file is no whole one
        assert all(len(ours(place, one)) == 1 for one in some)
        assert place.app().adopt()
        assert not place.app().adopt()
        assert len(place.app().plan().changes) == len(some)


def test_a_lost_mirror_learns_from_the_journal_what_was_said(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT)
        apply(place)
        for file in place.settings.private_dir.glob("mirror.duckdb*"):
            file.unlink()
        place.pull()
        nothing_left(place)


def test_a_comment_wants_a_ticket_that_is_still_open(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT)
        first = tickets(place)[0]
        plan = place.app().plan()
        place.box.edit(first.id, status="Closed", cf={"cf_outcome": "Resolved"})
        _, applied = place.app().apply(plan.plan_id, lambda plan: True)
        assert applied is not None
        ((change, receipt),) = applied.failures
        assert (change.ticket_id, receipt.outcome) == (first.id, "stale")
        assert not ours(place, first)
        some = tickets(place)
        assert all(len(ours(place, one)) == 1 for one in some)  # a kept plan holds its texts


def test_a_kept_plan_that_is_applied_twice_says_nothing_twice(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT)
        plan = place.app().plan()
        apply(place)  # somebody else agreed meanwhile
        for _ in range(2):
            _, applied = place.app().apply(plan.plan_id, lambda plan: True)
            assert applied is not None and applied.clean and not applied.outcomes
        assert all(len(ours(place, one)) == 1 for one in tickets(place))
