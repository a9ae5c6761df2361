"""What is known of settled tickets: plans by it equal plans that look at every ticket."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.changes.test_wants import RULES, TICKETS
from tests.changes.world import NOW, PORTAL, Mirror, ticket
from zdsync.changes import evaluate, settled
from zdsync.changes.plan import Plan
from zdsync.rules import compile_rule, load_rules
from zdsync.sql import Sql

WHENS = st.sampled_from(
    [
        {"created": {"older_than": "29d"}},
        {"created": {"newer_than": "3 business days"}},
        {"due": {"before": "in 2d"}},
        {"sql": "created < now() - interval 30 day"},
        {"text": {"contains_any": ["login"]}},
        {"none": [{"created": {"older_than": "30d"}}]},
        {"tags": "vip"},
        {"status": "Open"},
    ]
)
EDITS = st.tuples(st.integers(0, 4), TICKETS, st.integers(0, 60))


def _file(rules: list[dict[str, Any]], whens: list[dict[str, Any]]) -> str:
    listed = [
        {"id": f"r{n}", "why": "a", **one, "when": when}
        for n, (one, when) in enumerate(zip(rules, whens, strict=False))
    ]
    area = {"Log": ["login"], "Print": ["print"]}
    return json.dumps({"version": 1, "taxonomies": {"area": area}, "rules": listed})


def _plan(mirror: Mirror, file: str, now: datetime, *, known: bool) -> Plan:
    loaded = load_rules(file, "rules.yaml", PORTAL).rules
    rules = [compile_rule(rule, loaded, PORTAL, now) for rule in loaded.rules]
    return evaluate(
        mirror, rules, PORTAL, as_of=now, rules_digest=loaded.digest, kept=True, whole=known
    ).plan()


@hypothesis(max_examples=60, deadline=None)
@given(
    st.lists(TICKETS, min_size=1, max_size=5),
    RULES,
    st.lists(WHENS, min_size=4, max_size=4),
    st.lists(EDITS, max_size=4),
    st.tuples(st.booleans(), st.booleans()),
)
def test_plans_by_what_is_settled_equal_plans_of_every_ticket(
    rows: list[dict[str, Any]],
    rules: list[dict[str, Any]],
    whens: list[dict[str, Any]],
    edits: list[tuple[int, dict[str, Any], int]],
    ways: tuple[bool, bool],
) -> None:
    turned, parts = ways
    mirror = Mirror([ticket(number, **row) for number, row in enumerate(rows)])
    file, now = _file(rules, whens), NOW
    for number, cells, hours in [(-1, {}, 0), *edits, (-1, {}, 30)]:
        now += timedelta(hours=hours)
        if f"T{number}" in mirror.tickets:
            mirror.tickets[f"T{number}"] = ticket(number, **cells)
            mirror._load()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settled, "AT_ONCE", 2 if parts else 100)
            quick = _plan(mirror, file, now, known=True)
        assert quick == _plan(mirror, file, now, known=False)
        if turned:
            file = _file(rules[::-1], whens)


def test_a_ticket_that_stands_as_wanted_is_not_looked_at_again_until_it_changes() -> None:
    mirror = Mirror([ticket(1, priority="High"), ticket(2, priority="Low"), ticket(3)])
    one = {"mode": "apply", "then": [{"set": {"priority": "High"}}]}
    file = _file([one], [{"created": {"older_than": "29d"}}])
    looked = Sql("SELECT ticket_id FROM rule_base ORDER BY 1")

    def plan(now: datetime) -> list[str]:
        changes = _plan(mirror, file, now, known=True).changes
        return [change.ticket_id for change in changes]

    assert plan(NOW - timedelta(days=2)) == []  # no ticket is old enough
    assert len(mirror.rows(looked)) == 3
    assert plan(NOW - timedelta(days=2)) == []
    assert mirror.rows(looked) == []
    assert plan(NOW) == ["T2", "T3"]  # the clock turned the condition
    assert len(mirror.rows(looked)) == 3
    assert plan(NOW) == ["T2", "T3"]  # what is to do stays to do
    assert mirror.rows(looked) == [("T2",), ("T3",)]
    mirror.tickets["T1"]["priority"] = "Low"
    mirror._load()
    assert plan(NOW) == ["T1", "T2", "T3"]


def test_a_copied_description_is_looked_at_again_when_it_changes() -> None:
    mirror = Mirror([ticket(1, description="Error", category="Error")])
    copy = {"mode": "apply", "then": [{"set": {"category": {"field": "description"}}}]}
    file = _file([copy], [{"status": "Open"}])
    assert _plan(mirror, file, NOW, known=True).changes == ()
    mirror.tickets["T1"]["description"] = "Order"
    mirror._load()
    (change,) = _plan(mirror, file, NOW, known=True).changes
    assert (change.before, change.after) == ("Error", "Order")
