"""Rules that can never match are found, and no rule that can match is called so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.rules.oracle.bench import PORTAL as ORACLE_PORTAL
from tests.rules.oracle.draw import LISTS, NOW, Case, cases
from tests.rules.oracle.evaluate import World, holds
from tests.rules.oracle.spelling import rules_file
from tests.rules.world import PORTAL
from zdsync.rules import load_rules
from zdsync.rules.domain import COUNTS
from zdsync.rules.never import Clash, never


def clash(when: str, scope: str = "open") -> Clash | None:
    text = f"rules:\n  - {{id: r, scope: {scope}, when: {when}, then: [spam]}}\n"
    loaded = load_rules(text, "r.yaml", PORTAL)
    assert not loaded.problems
    return never(loaded.rules.rules[0], PORTAL)


NEVER = (
    "{all: [{status: Open}, {status: In Progress}]}",
    "{all: [{status: [Open, In Progress]}, {status: [Escalated, Closed]}]}",
    "{status: Open, status_type: On Hold}",
    "{status: Waiting for Customer, none: [{status_type: On Hold}]}",
    "{status_type: Closed}",
    "{status: Closed}",
    "{status: Open, assignee: {known: false, is: ana@clinic.example}}",
    "{priority: null, any: [{priority: High}, {priority: Low}]}",
    "{priority: {known: true}, none: [{priority: {known: true}}]}",
    "{priority: {is: High, is_not: High}}",
    "{priority: {in: [High, Low], not_in: [Low, High, null]}}",
    "{thread_count: {between: [5, 1]}}",
    "{thread_count: {gt: 5, lt: 5}}",
    "{thread_count: {gte: 5, lt: 5}}",
    "{thread_count: {lt: 0}}",
    "{thread_count: {is: 3, gt: 3}}",
    "{thread_count: [1, 2], none: [{thread_count: {lte: 2}}]}",
    "{created: {older_than: 48h, newer_than: 2d}}",
    "{created: {older_than: 3d}, none: [{created: {older_than: 2d}}]}",
    "{created: {after: 2026-03-02, before: 2026-03-01}}",
    "{requester.is_agent: true, none: [{requester.is_agent: true}]}",
    "{requester.is_agent: {is_not: true, known: true}, none: [{requester.is_agent: false}]}",
    "{tags: {has: billing, has_none: [Billing]}}",
    "{tags: {known: false, has: billing}}",
    "{tags: {has_all: [billing, refund], has_none: [refund]}}",
    "{subject: {contains: refund, not_contains: refund}}",
    "{subject: {contains_any: [a, b]}, none: [{subject: {contains_any: [a, b, c]}}]}",
    "{email: {is: ana@clinic.example, ends_with: [.top, .xyz]}}",
    "{subject: {is: My invoice, contains: refund}}",
    "{subject: {is: My invoice}, none: [{subject: {contains: Invoice}}]}",
    "{any: [{all: [{status: Open}, {status: Escalated}]}, {status_type: Closed}]}",
    "{score: {at_least: 3, of: [{points: 1, when: {subject: a}}, {points: 1, when: {subject: b}},"
    " {points: -5, when: {email: c}}]}}",
    "{status: Open, score: {at_least: 2, of: [{points: 1, when: {subject: a}},"
    " {points: 1, when: {status: Escalated}}]}}",
    "{cf.cf_count: {gt: 3}, all: [{cf.cf_count: {lt: 2}}]}",
    "{contact.owner: {field: assignee}, assignee: null}",
)
MAY = (
    "{none: [{any: [{status_type: Open}, {status_type: On Hold}, {status_type: null}]},"
    " {status_type: Closed}]}",
    "{status: Open, status_type: Open}",
    "{status: Open, any: [{status: Closed}, {status: Open}]}",
    "{priority: {is_not: High, not_in: [Low]}}",
    "{priority: {in: [High, null]}, none: [{priority: High}]}",
    "{thread_count: {between: [5, 5]}}",
    "{thread_count: {gte: 5, lte: 5}}",
    "{created: {older_than: 47h, newer_than: 2d}}",
    "{created: {before: 2026-03-02, newer_than: 2d}}",
    "{requester.is_agent: {is_not: true}, none: [{requester.is_agent: false}]}",
    "{tags: {has: billing, has_none: [bill]}}",
    "{tags: {has_any: [billing, refund], has_none: [refund]}}",
    "{subject: {contains: refund, not_contains: refunds}}",
    "{subject: {contains_any: [a, b]}, none: [{subject: {contains_any: [a, c]}}]}",
    "{subject: {is: My invoice, contains: INVOICE, starts_with: my}}",
    "{subject: {matches: a}, none: [{subject: {contains: a}}]}",
    "{score: {at_least: 0.3, of: [{points: 0.1, when: {subject: a}},"
    " {points: 0.2, when: {subject: a}}]}}",
    "{subject: {field: email}, email: {contains: x}}",
    "{all: [{text: {contains: a}}, {subject: {not_contains: a}}]}",
)


@pytest.mark.parametrize("when", NEVER)
def test_a_condition_that_no_ticket_meets_is_found(when: str) -> None:
    found = clash(when)
    assert found is not None
    assert found.what
    assert found.hint


@pytest.mark.parametrize("when", MAY)
def test_a_condition_that_some_ticket_meets_is_not_called_impossible(when: str) -> None:
    assert clash(when) is None


def test_closed_tickets_are_met_by_scope_all() -> None:
    found = clash("{status_type: Closed}")
    assert found is not None
    assert found.hint == "add `scope: all` to the rule"
    assert clash("{status_type: Closed}", "all") is None
    assert clash("{status: Closed}", "all") is None


def test_the_message_names_both_lines() -> None:
    text = (
        "rules:\n  - id: r\n    when:\n      status: Open\n      all:\n"
        "        - status: [Escalated, Closed]\n    then: [spam]\n"
    )
    loaded = load_rules(text, "r.yaml", PORTAL)
    found = never(loaded.rules.rules[0], PORTAL)
    assert found is not None
    assert found.where == "r.yaml:6:19"
    assert "`status is Open` on line 4 and `status in [Escalated, Closed]`" in found.what


# One field a case: lines of several fields hardly ever meet.
FIELDS = (
    *("subject", "text", "thread_count", "requester.is_agent", "created", "tags", "cf.cf_note"),
    *("cf.cf_num", "contact.cf.cf_a"),
)


@hypothesis.settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(st.sampled_from(FIELDS).flatmap(lambda name: cases(60, ((name,),))))
def test_what_is_called_impossible_never_holds(case: Case) -> None:
    """Random conditions of one field, alone and together, and records grown for them."""
    world = World(NOW, case.kind_of, LISTS)
    together = ({"all": list(case.conditions)}, *case.conditions)
    loaded = load_rules(
        rules_file(together, LISTS, seed=7), "r.yaml", ORACLE_PORTAL if case.declared else None
    )
    assert not loaded.problems
    records = [_counted(record) for record in case.records]
    for condition, rule in zip(together, loaded.rules.rules, strict=True):
        found = never(replace(rule, scope="all"), None)
        if found is not None:
            assert not any(holds(condition, record, world) for record in records), found


def _counted(record: dict[str, Any]) -> dict[str, Any]:
    """Counts are never below zero in a mirror."""
    return {
        name: abs(item) if name in COUNTS and item is not None else item
        for name, item in record.items()
    }
