"""The plan as an object: its id, its cost, its two faces."""

from __future__ import annotations

import io
import json
import random

from rich.console import Console

from tests.changes.test_decide import priority
from tests.changes.world import Mirror, evaluated, planned, rule, ticket
from zdsync.changes.plan import plan_id
from zdsync.changes.render import plan_document, plan_view, summary
from zdsync.rules.compiled import AgentChoice, Assign, Close, Spam, Tags
from zdsync.sql import Sql

PROMISED = {
    "plan_id", "as_of", "changes", "shadowed", "unresolved", "held", "skipped", "breaches", "cost",
}  # fmt: skip


def rules() -> list:  # type: ignore[type-arg]
    return [
        rule("team", Assign((AgentChoice("Ana", None),)), Tags(add=("bug", "ux"))),
        rule("sla", priority("High")),
        rule("spam", Close("Spam", None, False), Spam(), where="t.ticket_number = '3'"),
    ]


def test_promise_7_same_mirror_and_rules_give_the_same_plan_id() -> None:
    tickets = [ticket(number) for number in range(1, 30)]
    first = planned(Mirror(tickets), *rules())
    random.Random(5).shuffle(tickets)
    second = planned(Mirror(tickets), *rules())
    assert first.plan_id == second.plan_id
    assert [one.change_id for one in first.changes] == [one.change_id for one in second.changes]


def test_promise_7_another_change_or_another_rules_file_gives_another_plan_id() -> None:
    plan = planned(Mirror([ticket(1), ticket(2)]), *rules())
    assert plan_id(plan.changes[1:], "rules") != plan.plan_id
    assert plan_id(plan.changes, "other rules") != plan.plan_id
    assert plan_id(reversed(plan.changes), "rules") == plan.plan_id


def test_each_intent_of_a_plan_has_its_own_id() -> None:
    plan = planned(Mirror([ticket(number) for number in range(1, 20)]), *rules())
    assert len({one.change_id for one in plan.changes}) == len(plan.changes)


def test_the_cost_counts_every_call_of_applying() -> None:
    plan = planned(Mirror([ticket(3)]), *rules())
    # detail, tags added, patch, spam, detail, and the History for three credits
    assert (plan.cost.calls, plan.cost.credits) == (6, 8.0)


def test_the_document_has_the_promised_keys() -> None:
    document = plan_document(planned(Mirror([ticket(1)]), *rules()))
    assert set(document) >= PROMISED
    keys = {
        "change_id",
        "ticket_id",
        "ticket_number",
        "rule",
        "field",
        "before",
        "after",
        "evidence",
    }
    assert set(document["changes"][0]) >= keys
    assert json.loads(json.dumps(document)) == document


def shown(plan: object, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(plan_view(plan))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_long_plan_stays_readable() -> None:
    plan = planned(Mirror([ticket(number) for number in range(1, 323)]), rule("r", priority("Low")))
    text = shown(plan)
    assert "… and 312 more" in text
    assert len(text.splitlines()) < 20
    assert len(plan_document(plan)["changes"]) == 322


def test_nothing_that_steers_a_terminal_passes() -> None:
    nasty = "\x1b[2J\x1b]0;pwned\x07 [bold]x[/bold] \u202etxt.exe\u2028\x9b31m"
    hostile = rule("r", priority("Low"), evidence=(("subject", Sql("t.subject")),))
    mirror = Mirror([ticket(1, subject=nasty, priority=nasty)])
    text = shown(planned(mirror, hostile))
    assert not set(text) & set("\x1b\x07\u202e\u2028\x9b")
    assert "[bold]" in text


def test_a_plan_says_what_it_would_do_and_what_it_will_not() -> None:
    plan = evaluated(
        Mirror([ticket(1), ticket(2)]),
        rule("shown", priority("High"), mode="plan"),
        rule("lost", Assign((AgentChoice("Nemo", None),))),
        unready={},
    ).plan()
    text = shown(plan)
    assert "would make" in text
    assert "no agent is Nemo" in text
    assert summary(plan) == "Nothing to apply, 2 more shown by rules in mode plan."


def test_the_ticket_and_both_values_are_readable_at_every_width() -> None:
    plan = planned(Mirror([ticket(number) for number in (7, 2000)]), *rules())
    for width in (60, 80, 100, 160):
        text = shown(plan, width)
        lines = [line for line in text.splitlines() if "→" in line]
        assert len(lines) == len(plan.changes)
        assert all(len(line.rstrip()) <= width for line in lines)
        assert all(line.split()[0] in {"7", "2000"} for line in lines), text
