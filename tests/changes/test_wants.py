"""What is left out before it is fetched: only tickets of which nothing may change."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.world import IT, NOW, PORTAL, SUPPORT, Mirror, ticket
from zdsync.changes import evaluate
from zdsync.changes.plan import Plan
from zdsync.rules import compile_rule, load_rules
from zdsync.sql import Sql

PRIORITIES = [None, "", "-None-", "Low", "low", "Medium", "High", "Urgent"]
TAGS = st.lists(st.sampled_from(["vip", "VIP", "new", "Straße", "STRASSE", "area"]), max_size=2)
TICKETS = st.fixed_dictionaries(
    {
        "priority": st.sampled_from(PRIORITIES),
        "category": st.sampled_from([None, "Error", "error", "5", "5.0", "true"]),
        "due": st.sampled_from([None, "2026-03-04 00:00:00", "2026-03-05 00:00:00"]),
        "department_id": st.sampled_from([SUPPORT, IT]),
        "assignee_id": st.sampled_from([None, "a1", "a2"]),
        "tags": st.one_of(st.none(), TAGS),
        "subject": st.sampled_from([None, "login", "print and login"]),
        "account_sla_tier": st.sampled_from([None, "Gold", "Silver"]),
        "channel": st.sampled_from(["Web", "Email"]),
        "cf": st.sampled_from([{}, {"cf_outcome": "solved"}, {"cf_outcome": None}]),
    }
)
ACTIONS = st.sampled_from(
    [
        {"set": {"priority": "Low"}},
        {"set": {"priority": {"value": "Low", "never_lower": True}}},
        {"set": {"priority": {"value": "High", "never_lower": True}}},
        {"set": {"priority": None}},
        {"set": {"priority": {"lookup": "account.sla_tier", "in": {"Gold": "High"}}}},
        {
            "set": {
                "priority": {
                    "lookup": "account.sla_tier", "in": {"Gold": "Medium"}, "never_lower": True
                }
            }
        },
        {"set": {"category": "Error"}},
        {"set": {"category": 5}},
        {"set": {"category": {"field": "channel"}}},
        {"set": {"due": "2026-03-04"}},
        {"set": {"due": "in 2d"}},
        {"tag": ["vip"]},
        {"tag": ["Vip", "strasse"]},
        {"tag": {"remove": ["straße"]}},
        {"tag": {"add": ["new"], "remove": ["vip"]}},
        {"tag": {"from": "area", "search": ["subject", "description"], "at_most": 1}},
        {"move": "IT"},
        {"assign": "ana@clinic.example"},
        {"assign": None},
        {"close": {"outcome": "solved"}},
        "spam",
    ]
)  # fmt: skip
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["apply", "apply", "plan"]),
            "when": st.sampled_from([{"status": "Open"}, {"channel": "Web"}, {"tags": "vip"}]),
            "then": st.lists(ACTIONS, min_size=1, max_size=2),
        }
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def _plan(rows: list[dict[str, Any]], rules: list[dict[str, Any]], *, kept: bool) -> Plan | None:
    listed = [{"id": f"r{n}", "why": "a", **one} for n, one in enumerate(rules)]
    area = {"Log": ["login"], "Print": ["print"]}
    file = json.dumps({"version": 1, "taxonomies": {"area": area}, "rules": listed})
    loaded = load_rules(file, "rules.yaml", PORTAL)
    if loaded.broken:
        return None
    compiled = [compile_rule(rule, loaded.rules, PORTAL, NOW) for rule in loaded.rules.rules]
    mirror = Mirror([ticket(number, **row) for number, row in enumerate(rows)])
    return evaluate(mirror, compiled, PORTAL, as_of=NOW, rules_digest="r", kept=kept).plan()


@settings(max_examples=60, deadline=None)
@given(st.lists(TICKETS, min_size=1, max_size=5), RULES, st.booleans())
def test_a_plan_without_the_tickets_that_stand_as_wanted_is_the_same(
    rows: list[dict[str, Any]], rules: list[dict[str, Any]], kept: bool
) -> None:
    quick = _plan(rows, rules, kept=kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["zdsync.changes.evaluate"], "wants", lambda *_, **__: Sql("TRUE"))
        whole = _plan(rows, rules, kept=kept)
    assert quick == whole


def test_tickets_that_stand_as_wanted_are_not_fetched() -> None:
    rows = [{"priority": "High", "tags": ["vip"]}, {"priority": "Low"}, {"priority": "High"}]
    rules = [
        {"mode": "apply", "when": {"status": "Open"}, "then": [{"set": {"priority": "High"}}]},
        {"mode": "apply", "when": {"status": "Open"}, "then": [{"tag": ["vip"]}]},
    ]
    plan = _plan(rows, rules, kept=True)
    assert plan is not None
    assert [(one.ticket_id, one.field) for one in plan.changes] == [
        ("T1", "priority"), ("T1", "tag:vip"), ("T2", "tag:vip"),
    ]  # fmt: skip
