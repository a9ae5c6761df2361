"""What holds of emptiness is refused where privacy settings hide the value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rules.world import PORTAL
from zdsync.model import CustomField
from zdsync.rules import load_rules

BLIND = replace(
    PORTAL,
    hidden=frozenset({"Contacts.Patient_Since", "Accounts.Tier__c", "Contacts.Email"}),
    sla_tier_field="Tier__c",
    crm_contact_fields=(CustomField("Patient_Since", "date"), CustomField("Ward", "text")),
)
RULE = """
version: 1
rules:
  - id: blind
    why: A test.
    when: {when}
    then:
      - tag: [{tag}]
"""


def problems(when: str, portal: object = BLIND) -> list[str]:
    text = RULE.replace("{when}", when).replace("{tag}", "watch")
    loaded = load_rules(text, "rules.yaml", portal)  # type: ignore[arg-type]  # a Portal or None
    return [problem.what for problem in loaded.problems]


@pytest.mark.parametrize(
    "when",
    [
        "{crm.contact.cf.Patient_Since: {known: false}}",
        "{crm.contact.cf.patient_since: null}",
        "{account.sla_tier: {is_not: Gold}}",
        "{account.sla_tier: {in: [Gold, null]}}",
        "{account.sla_tier: {not_in: [Gold]}}",
        "{contact.in_crm: false}",
        "{contact.in_crm: {is_not: true}}",
        "{none: [{account.sla_tier: Gold}]}",
        "{any: [{subject: x}, {account.sla_tier: {known: false}}]}",
        "{score: {at_least: 1, of: [{points: 1, when: {account.sla_tier: null}}]}}",
    ],
)
def test_what_a_hidden_value_would_make_true_is_an_error(when: str) -> None:
    (said,) = problems(when)
    assert "privacy settings hide" in said
    assert problems(when, replace(BLIND, hidden=frozenset())) == []
    assert problems(when, None) == []


@pytest.mark.parametrize(
    "when",
    [
        "{account.sla_tier: Gold}",
        "{account.sla_tier: {known: true}}",
        "{contact.in_crm: true}",
        "{none: [{account.sla_tier: {known: false}}]}",
        "{crm.contact.cf.Ward: {known: false}}",
        "{contact.owner: {known: false}}",
    ],
)
def test_what_asks_for_a_value_is_no_error_it_never_holds(when: str) -> None:
    assert problems(when) == []


def test_the_problem_stands_at_the_condition() -> None:
    text = RULE.replace("{when}", "{account.sla_tier: null}").replace("{tag}", "watch")
    (problem,) = load_rules(text, "rules.yaml", BLIND).problems
    assert problem.where.startswith("rules.yaml:6:")
