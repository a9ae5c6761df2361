"""The rules that ship are right on every portal they are meant for, and do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.model import Portal
from zdsync.rules import compile_rule, load_rules, run_examples

TEXT = Path(__file__).parents[2].joinpath("rules.yaml").read_text(encoding="utf-8")
QUERY = duck()


@pytest.mark.parametrize("portal", [None, Portal(), PORTAL], ids=["none", "unknown", "known"])
def test_shipped_rules_pass_check(portal: Portal | None) -> None:
    loaded = load_rules(TEXT, "rules.yaml", portal)
    assert not loaded.problems
    assert not run_examples(loaded.rules, portal, QUERY, NOW)


def test_shipped_rules_stand_on_plan_with_a_reason_and_examples() -> None:
    for rule in load_rules(TEXT, "rules.yaml").rules.rules:
        assert rule.mode == "plan"
        assert rule.why
        assert rule.examples


def test_a_rule_names_the_streams_it_reads() -> None:
    loaded = load_rules(TEXT, "rules.yaml", PORTAL)
    by_id = {rule.id: rule for rule in loaded.rules.rules}
    owner = compile_rule(by_id["patient-to-contact-owner"], loaded.rules, PORTAL, NOW)
    assert {"crm.contacts", "crm.leads", "crm.users", "desk.contacts"} <= owner.streams
    tags = compile_rule(by_id["tag-area"], loaded.rules, PORTAL, NOW)
    assert tags.reads_tags
    assert tags.needs_text


def test_digest_ignores_comments_and_layout_and_minds_content() -> None:
    first = load_rules(TEXT, "rules.yaml").rules.digest
    assert load_rules(TEXT + "\n# a remark\n", "other.yaml").rules.digest == first
    assert (
        load_rules(TEXT.replace("at_least: 3", "at_least: 4"), "rules.yaml").rules.digest != first
    )
