"""Rules that quarrel are told on the mirror, with a ticket's number, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loop.portal import Portal, portal
from zdsync.checking import Checked

HEAD = "version: 1\nrules:\n"


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("quarrels"), tickets=120) as made:
        made.pull()
        yield made


def checked(place: Portal, *rules: str) -> Checked:
    place.rules(HEAD + "".join(f"  - {rule}\n" for rule in rules))
    return place.app().check(None)


def test_two_rules_that_want_different_values_are_a_note_with_a_ticket(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: low, when: {department: Support}, then: [{set: {category: General}}]}",
        "{id: high, when: {status: Open}, then: [{set: {category: Defects}}]}",
    )
    assert found.problems == ()
    (note,) = found.notes
    ((count, number),) = pulled.rows(
        "SELECT count(*), arg_min(ticket_number, (length(ticket_number), ticket_number)) "
        "FROM zdsync.rule_tickets WHERE department = 'Support' AND status = 'Open' "
        "AND presence = 'live' AND status_type <> 'Closed'"
    )
    assert count
    said = f"low and high want different values of `category` for {count} tickets"
    assert note.what == f"{said}, such as {number}"
    assert (note.rule, note.where) == ("high", f"{pulled.settings.rules}:4:5")
    assert "low wins" in note.hint


def test_a_rule_that_is_always_shadowed_is_told_so(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: wide, when: {priority: {known: true}}, then: [{set: {category: General}}]}",
        "{id: narrow, when: {priority: High}, then: [{set: {category: Defects}}]}",
    )
    assert found.problems == ()
    (note,) = found.notes
    assert "narrow never decides `category`: wide, above it, wants another value" in note.what


def test_rules_that_agree_or_meet_nowhere_are_no_quarrel(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: one, when: {priority: High}, then: [{set: {category: General}}]}",
        "{id: two, when: {status: Open}, then: [{set: {category: General}}]}",
        "{id: three, when: {priority: Low, status: {is_not: Open}}, "
        "then: [{set: {category: Defects}}]}",
    )
    assert (found.problems, found.notes) == ((), ())


def test_a_stop_that_takes_all_tickets_of_a_rule_is_a_note(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: ends, stop: true, when: {priority: {known: true}}, then: [{tag: [seen]}]}",
        "{id: below, when: {priority: High}, then: [{set: {category: Defects}}]}",
    )
    (note,) = found.notes
    assert "`stop` of ends ends the list for all" in note.what
    assert note.rule == "below"


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (
            "{id: a, when: {status: Open}, then: [{set: {status: Escalated}}]}",
            "{id: b, when: {status: Escalated}, then: [{set: {status: Open}}]}",
            "status",
        ),
        (
            "{id: a, when: {priority: High}, then: [{set: {priority: Low}}]}",
            "{id: b, when: {priority: Low}, then: [{set: {priority: High}}]}",
            "priority",
        ),
        (
            "{id: a, when: {department: IT}, then: [{move: Support}]}",
            "{id: b, when: {department: Support}, then: [{move: IT}]}",
            "department",
        ),
        (
            "{id: a, when: {tags: {has_none: [seen]}}, then: [{tag: [seen]}]}",
            "{id: b, when: {tags: {has: seen}}, then: [{tag: {remove: [seen]}}]}",
            "tag:seen",
        ),
        (
            "{id: a, when: {cf.cf_cid: null}, then: [{set: {cf.cf_cid: '7'}}]}",
            "{id: b, when: {cf.cf_cid: '7'}, then: [{set: {cf.cf_cid: null}}]}",
            "cf.cf_cid",
        ),
        (
            "{id: a, scope: all, when: {status: Closed}, then: [{set: {status: Open}}]}",
            "{id: b, scope: all, when: {status: Open}, then: [{close: {}}]}",
            "status",
        ),
    ],
)
def test_rules_that_undo_each_other_are_a_problem(
    pulled: Portal, first: str, second: str, field: str
) -> None:
    found = checked(pulled, first, second)
    if field.startswith("tag"):
        pulled.app().plan()  # reads the tags that the rules need
        found = checked(pulled, first, second)
    said = [one.what for one in found.problems]
    assert len(said) == 1, said
    assert "a and b undo each other" in said[0]
    assert f"`{field}` of ticket" in said[0]
    assert found.problems[0].rule == "b"


def test_three_rules_in_a_ring_are_found_and_named(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: a, when: {priority: High}, then: [{set: {priority: Medium}}]}",
        "{id: b, when: {priority: Medium}, then: [{set: {priority: Low}}]}",
        "{id: c, when: {priority: Low}, then: [{set: {priority: High}}]}",
    )
    assert len(found.problems) == 1
    assert "a, b and c undo each other" in found.problems[0].what


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (  # a chain that ends
            "{id: a, when: {priority: High}, then: [{set: {priority: Medium}}]}",
            "{id: b, when: {priority: Medium}, then: [{set: {priority: Low}}]}",
        ),
        (  # the way back waits for time to pass
            "{id: a, when: {status: Open}, then: [{set: {status: Escalated}}]}",
            "{id: b, when: {status: Escalated, status_since: {older_than: 48h}}, "
            "then: [{set: {status: In Progress}}]}",
        ),
        (  # a higher priority is never lowered
            "{id: a, when: {priority: High}, then: [{set: {category: General}}]}",
            "{id: b, when: {category: General}, then: [{set: {priority: {lookup: category, "
            "in: {General: Low}, never_lower: true}}}]}",
        ),
    ],
)
def test_rules_that_follow_each_other_are_not_called_quarrelsome(
    pulled: Portal, first: str, second: str
) -> None:
    found = checked(pulled, first, second)
    assert found.problems == ()


def test_playing_writes_nothing(pulled: Portal) -> None:
    before = pulled.rows("SELECT * FROM desk.tickets ORDER BY id")
    writes = len(pulled.box.writes)
    checked(
        pulled,
        "{id: a, when: {status: Open}, then: [{set: {status: Escalated}}]}",
        "{id: b, when: {status: Escalated}, then: [{set: {status: Open}}]}",
    )
    assert pulled.rows("SELECT * FROM desk.tickets ORDER BY id") == before
    assert len(pulled.box.writes) == writes


def test_what_was_never_read_is_said_not_to_be_checked(pulled: Portal) -> None:
    found = checked(
        pulled,
        "{id: spoke, when: {attempts: {gte: 1}}, then: [{set: {category: General}}]}",
        "{id: other, when: {status: Open}, then: [{set: {category: Defects}}]}",
    )
    assert any("conversation" in one or "never fully read" in one for one in found.could_not)
