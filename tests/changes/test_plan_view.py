"""The plan on a screen: evidence that names words, what was left out and why, the price."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.changes.test_decide import priority
from tests.changes.test_explain import plan_of, read
from tests.changes.world import Mirror, planned, rule, ticket
from zdsync.changes import evidence
from zdsync.changes.plan import Held, Plan
from zdsync.changes.render import plan_document, plan_view, summary
from zdsync.rules.compiled import AgentChoice, Assign, Close, FieldChoice, Move, Spam, Tags
from zdsync.sql import Sql

HIGH = {"set": {"priority": "High"}}
SPAM = {"text": {"contains_any": ["seo ranking*", "backlinks", "refund"]}}
PITCH = "<p>Dear all,</p> we sell SEO Rankings and backlinks " + "and more " * 200


def shown(plan: Plan, width: int = 120, most: int | None = 10) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(plan_view(plan, most))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def of(rows: list[dict[str, Any]], *rules: dict[str, Any]) -> Plan:
    return plan_of(Mirror(rows), read(*rules))


# -- evidence ------------------------------------------------------------------------------------


def test_evidence_of_a_long_text_names_the_words_that_were_found() -> None:
    plan = of([ticket(1, description=PITCH)], {"when": SPAM, "then": [HIGH]})
    assert plan.changes[0].evidence == {"text": "backlinks, seo rankings"}
    assert "text=backlinks, seo rankings" in shown(plan)


def test_a_text_that_holds_none_of_the_words_is_no_evidence() -> None:
    either = {"any": [SPAM, {"channel": "Email"}]}
    rows = [ticket(1, description="hello", channel="Email"), ticket(2, description="a refund")]
    plan = of(rows, {"when": either, "then": [HIGH]})
    assert [dict(one.evidence) for one in plan.changes] == [
        {"channel": "Email"},
        {"channel": None, "text": "refund"},
    ]


def test_words_that_must_not_be_there_are_no_evidence() -> None:
    when = {"all": [SPAM, {"none": [{"text": {"contains_any": ["dear all"]}}]}]}
    plan = of([ticket(1, description="a refund, dear friend")], {"when": when, "then": [HIGH]})
    assert plan.changes[0].evidence == {"text": "refund"}


def test_a_tag_of_a_taxonomy_names_the_words_that_point_at_it() -> None:
    then = [{"tag": {"from": "area"}}]
    row = ticket(1, subject="hi", description="two refunds and an invoice")
    plan = of([row], {"when": {"department": "Support"}, "then": then})
    assert plan.changes[0].evidence["description"] == "invoice, refunds"


def test_of_a_plan_that_nobody_reads_whole_the_first_tickets_have_their_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "_WORDED", 2)
    rows = [ticket(number, description="a refund") for number in (3, 1, 2)]
    plan = of(rows, {"when": SPAM, "then": [HIGH]})
    assert [one.evidence["text"] for one in plan.changes] == ["refund", "refund", "(text)"]


def test_what_all_tickets_of_a_rule_share_is_said_once() -> None:
    rows = [ticket(number, channel="Email", subject=f"s{number}") for number in range(1, 5)]
    when = {"channel": "Email", "subject": {"known": True}}
    lines = shown(of(rows, {"when": when, "then": [HIGH]})).splitlines()
    assert sum("channel=Email" in line for line in lines) == 1
    assert lines[2] == "  because channel=Email"
    assert sum("subject=s" in line for line in lines) == 4


def test_the_evidence_of_a_ticket_stands_beside_its_first_change_only() -> None:
    rows = [ticket(1, subject="one"), ticket(2, subject="two")]
    then = [HIGH, {"set": {"category": "x"}}]
    text = shown(of(rows, {"when": {"subject": {"known": True}}, "then": then}))
    assert text.count("subject=one") == text.count("subject=two") == 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_words_are_readable_at_every_width(width: int) -> None:
    rows = [ticket(n, description=PITCH, contact_owner=o) for n, o in ((1, "a"), (2000, "b"))]
    when = {"all": [SPAM, {"contact.owner": {"known": True}}]}
    plan = of(rows, {"when": when, "then": [{"assign": "Bo"}, HIGH]})
    text = shown(plan, width)
    assert "backlinks" in text
    assert all(cell_len(line) <= width for line in text.splitlines())


# -- what was left out ---------------------------------------------------------------------------


def test_unresolved_are_counted_by_rule_and_reason_with_tickets_as_examples() -> None:
    choice = Assign((FieldChoice("contact.owner", Sql("t.contact_owner")),))
    rows = [ticket(number, contact_owner="off@clinic.example") for number in range(1, 15)]
    plan = planned(Mirror([*rows, ticket(20)]), rule("owner", choice))
    text = shown(plan, 80)
    assert "Unresolved: nobody to give it to (15)" in text
    assert "  owner (15)" in text
    flat = " ".join(text.split())
    assert (
        "14 off@clinic.example is not an active agent: 1, 2, 3, 4, 5, 6, 7, 8, … and 6 more" in flat
    )
    assert "1 contact.owner is empty: 20" in flat


def test_shadowed_and_held_are_told_by_rule_with_who_decided() -> None:
    rows = [ticket(number) for number in range(1, 4)]
    plan = planned(Mirror(rows), rule("first", priority("High")), rule("second", priority("Low")))
    held = Held(
        *("T9", "assignee", "first", "ana@clinic.example", "9", "bo@clinic.example"),
        *("given", "an agent gave it"),
    )
    flat = " ".join(shown(replace(plan, held=(held,))).split())
    assert "Shadowed: a rule above decided otherwise (3) second (3)" in flat
    assert "3 priority Low: first decides: 1, 2, 3" in flat
    said = "assignee bo@clinic.example: ana@clinic.example stays, an agent gave it: 9"
    assert f"Held: a person decided (1) first (1) 1 {said}" in flat


def test_a_list_that_is_cut_says_how_to_see_all_and_can_be_asked_for() -> None:
    plan = of(
        [ticket(number) for number in range(1, 40)],
        {"when": {"department": "Support"}, "then": [HIGH]},
    )
    assert "… and 29 more; zdsync plan --rule r0 shows all" in shown(plan)
    every = shown(plan, most=None)
    assert "more" not in every
    assert sum("→" in line for line in every.splitlines()) == 39


# -- the price -----------------------------------------------------------------------------------


def test_the_price_is_told_by_kind_of_call_and_adds_up() -> None:
    rules = [
        rule("move", Move("IT", None), where="t.ticket_number = '2'"),
        rule("team", Assign((AgentChoice("Bo", None),)), Tags(add=("bug",), remove=("old",))),
        rule("spam", Close("Spam", None, False), Spam(), where="t.ticket_number = '3'"),
    ]
    rows = [ticket(1), ticket(2), ticket(3, tags=["old"])]
    plan = planned(Mirror(rows), *rules)
    assert dict(plan.cost.kinds) == {
        "reads": 5, "updates": 3, "moves": 1, "tag writes": 4, "spam marks": 1, "History reads": 2,
    }  # fmt: skip
    assert plan.cost.calls == sum(plan.cost.kinds.values())
    assert plan.cost.credits == plan.cost.calls + 2 * 2  # a History read costs three
    text = " ".join(shown(plan).split())
    assert "1 move, 4 tag writes, 1 spam mark, 2 History reads (3 credits)." in text
    assert f"at most {plan.cost.calls} calls, {plan.cost.calls + 4} credits" in summary(plan)


def test_what_is_said_has_its_price_and_its_text() -> None:
    says = {"when": {"department": "Support"}, "then": [{"comment": "Please <b>look</b>."}]}
    plan = of([ticket(1)], says, {**says, "id": "r9"})
    assert dict(plan.cost.kinds) == {"reads": 1, "comments": 2}
    assert plan.cost.calls == 3
    assert shown(plan).count("Please look.") == 2
    assert "1 read, 2 comments." in shown(plan)


def test_rules_in_mode_plan_cost_nothing_and_say_what_they_would() -> None:
    plan = planned(Mirror([ticket(1)]), rule("shown", priority("High"), mode="plan"))
    assert (plan.cost.calls, plan.cost.if_all_applied, dict(plan.cost.kinds)) == (0, 2, {})
    assert "With every rule in mode apply it would cost 2 calls." in shown(plan)


def test_the_promised_keys_of_the_price_stay() -> None:
    plan = planned(Mirror([ticket(1)]), rule("r", priority("High")))
    document = plan_document(plan)
    assert document["cost"] == asdict(plan.cost)
    assert {"calls", "credits"} <= set(document["cost"])
    assert json.loads(json.dumps(document)) == document
