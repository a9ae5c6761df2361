"""A due date that a rule sets: what stands stays, and the plan is quiet afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tests.changes.world import NOW, PORTAL, Mirror, brief, evaluated, ticket
from zdsync.changes.plan import Plan
from zdsync.changes.wire import planned, same, seen, with_accepted
from zdsync.rules import compile_rule, load_rules

HEAD = """settings:
  calendars:
    office: {timezone: UTC, hours: {mon-fri: "09:00-18:00"}}
    hotline: {timezone: UTC, hours: always}
  departments: {IT: hotline}
rules:
"""


def plan(mirror: Mirror, *dues: str, now: datetime = NOW) -> Plan:
    lines = [
        f"  - {{id: r{place}, mode: apply, when: {{status: Open}}, "
        f"then: [{{set: {{due: {due}}}}}]}}"
        for place, due in enumerate(dues)
    ]
    loaded = load_rules(HEAD + "\n".join(lines), "r.yaml", PORTAL)
    assert not loaded.problems, loaded.problems
    rules = [compile_rule(one, loaded.rules, PORTAL, now) for one in loaded.rules.rules]
    return evaluated(mirror, *[replace(rule, streams=frozenset()) for rule in rules]).plan()


def test_it_is_planned_as_the_absolute_instant_by_the_calendar_of_the_department() -> None:
    found = plan(Mirror([ticket(1), ticket(2, department_id="d2")]), "in 5 business days")
    assert brief(found) == [
        ("T1", "due", None, "2026-03-09 09:00:00"),
        ("T2", "due", None, "2026-03-07 09:00:00"),
    ]
    assert found.changes[0].wire == {"dueDate": "2026-03-09T09:00:00.000Z"}
    assert found.changes[0].wire_before == {"dueDate": None}
    assert "due" in found.changes[0].evidence


def test_relative_to_now_it_fills_only_what_is_empty_and_keeps_it_from_rules_below() -> None:
    stands = ticket(1, due="2026-03-05 12:00:00")
    for later in (timedelta(), timedelta(days=30)):
        found = plan(Mirror([stands]), "in 48h", "2026-04-01", now=NOW + later)
        assert found.changes == ()
        assert [(one.rule, one.by) for one in found.shadowed] == [("r1", "r0")]


def test_an_instant_replaces_what_stands_and_null_empties_it() -> None:
    mirror = Mirror([ticket(1, due="2026-03-05 12:00:00.250")])
    assert brief(plan(mirror, "2026-04-01 10:00+02:00")) == [
        ("T1", "due", "2026-03-05 12:00:00", "2026-04-01 08:00:00")
    ]
    assert brief(plan(mirror, "null")) == [("T1", "due", "2026-03-05 12:00:00", None)]
    assert plan(mirror, "2026-03-05 12:00").changes == ()


def test_an_answer_that_shows_the_due_date_is_known_again() -> None:
    (change,) = plan(Mirror([ticket(1)]), "in 48h").changes
    for shown in ("2026-03-04 09:00:00", "2026-03-04 09:00:00.000"):
        assert same(seen({"due_date": shown}, "due"), planned(change, after=True))
    assert same(seen({}, "due"), planned(change, after=False))
    assert not same(seen({"due_date": "2026-03-04 09:01:00"}, "due"), planned(change, after=True))


def test_an_answer_that_does_not_show_it_is_completed_as_the_mirror_spells_it() -> None:
    (change,) = plan(Mirror([ticket(1)]), "in 48h").changes
    assert with_accepted({}, [change], {}) == {"due_date": "2026-03-04 09:00:00"}
