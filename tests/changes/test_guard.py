"""Limits for unattended ticks, and what only a person may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.world import PORTAL, Mirror, evaluated, rule, ticket
from tests.conftest import FakeClock
from zdsync.changes import guard
from zdsync.changes.evaluate import Evaluation
from zdsync.changes.guard import Spent
from zdsync.changes.journal import Journal
from zdsync.changes.plan import Breach, Plan
from zdsync.model import Receipt
from zdsync.rules.compiled import Close, CompiledRule, Const, SetField, Spam
from zdsync.sql import Sql


@dataclass(frozen=True)
class Limits:
    changes_per_tick: int = 500
    changes_per_rule: int = 200
    changes_per_day: int = 3000
    share_of_open_tickets: float = 0.25
    destructive_per_tick: int = 20
    destructive_per_day: int = 50


def found(count: int, *rules: CompiledRule) -> Evaluation:
    return evaluated(Mirror([ticket(number) for number in range(count)]), *rules)


NONE = Spent()


def tick(
    evaluation: Evaluation, limits: Limits, past: Spent = NONE, open_tickets: int = 50
) -> Plan:
    return guard.unattended(evaluation.plan, limits, past, PORTAL, open_tickets=open_tickets)


LOW = rule("low", priority("Low"))
GIVE = rule("give", agent("Ana"), where="CAST(t.ticket_number AS INT) < 10")
CLOSE = rule("close", Close("Spam", None, False), Spam(), where="t.ticket_number = '1'")


def rules_of(plan: Plan) -> set[str]:
    return {change.rule for change in plan.changes}


def test_a_rule_over_its_limit_is_paused_and_the_rest_goes_on() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_rule=20))
    assert rules_of(plan) == {"give"}
    assert plan.breaches == (Breach("changes_per_rule", "low", 20, 30),)
    assert plan.skipped[-1].rule == "low"
    assert plan.skipped[-1].reason.startswith("paused for this tick: changes_per_rule allows 20")


def test_a_tick_over_its_limit_pauses_its_largest_rule() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_tick=35))
    assert rules_of(plan) == {"give"}
    assert plan.breaches == (Breach("changes_per_tick", "low", 35, 40),)


def test_a_day_over_its_limit_pauses_until_it_fits() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_day=100), Spent(changes=95))
    assert plan.changes == ()
    assert [breach.rule for breach in plan.breaches] == ["low", "give"]
    assert [breach.limit for breach in plan.breaches] == ["changes_per_day"] * 2


def test_the_share_counts_from_a_hundred_open_tickets_on() -> None:
    small = tick(found(30, LOW), Limits(), open_tickets=99)
    assert rules_of(small) == {"low"}
    large = tick(found(30, LOW), Limits(), open_tickets=110)
    assert large.changes == ()
    assert large.breaches[0].limit == "share_of_open_tickets"
    past = Spent(tickets=frozenset(f"X{number}" for number in range(90)))
    assert tick(found(30, LOW), Limits(), past, open_tickets=400).changes == ()


def test_a_paused_rule_does_not_hand_its_tickets_to_a_lower_one() -> None:
    high = rule("high", priority("High"), where="CAST(t.ticket_number AS INT) < 10")
    plan = tick(found(30, LOW, high), Limits(changes_per_rule=20))
    assert plan.changes == ()


def test_no_unattended_run_closes_moves_or_marks_spam() -> None:
    move = rule("move", IT_MOVE, where="t.ticket_number = '2'")
    give = rule("it", agent("it@clinic.example"), where="t.ticket_number = '2'")
    by_set = rule(
        "set",
        SetField("status", Const("Done"), Sql("NULL"), Sql("TRUE")),
        where="t.ticket_number = '3'",
    )
    plan = tick(found(5, CLOSE, move, give, by_set, LOW), Limits())
    assert rules_of(plan) == {"low"}
    assert sorted((one.rule, one.field) for one in plan.left_to_apply) == [
        ("close", "cf.cf_outcome"),
        ("close", "spam"),
        ("close", "status"),
        ("it", "assignee"),
        ("move", "department"),
        ("set", "status"),
    ]
    assert plan.cost.calls == 10


def test_a_person_lifts_ordinary_limits_but_not_those_for_destructive_actions() -> None:
    close = rule("close", Close("Spam", None, False))
    plan = found(30, close).plan()
    limits = Limits(changes_per_tick=5, destructive_per_tick=20, destructive_per_day=50)
    assert guard.attended(plan, limits, Spent(), PORTAL, destructive=False) == (
        Breach("destructive_per_tick", "", 20, 30),
    )
    assert guard.attended(plan, limits, Spent(), PORTAL, destructive=True) == ()
    day = guard.attended(
        plan, Limits(destructive_per_tick=99), Spent(destructive=40), PORTAL, destructive=False
    )
    assert [breach.limit for breach in day] == ["destructive_per_day"]
    ordinary = found(30, LOW).plan()
    assert guard.attended(ordinary, limits, Spent(), PORTAL, destructive=False) == ()


def test_a_plan_names_every_limit_that_a_tick_would_pass() -> None:
    limits = Limits(changes_per_rule=5, changes_per_tick=20)
    breaches = guard.breaches(found(30, LOW).plan(), limits, Spent(), PORTAL, open_tickets=30)
    assert {(one.limit, one.rule) for one in breaches} == {
        ("changes_per_rule", "low"), ("changes_per_tick", ""),
    }  # fmt: skip


def test_rules_in_mode_plan_count_for_no_limit() -> None:
    shown = rule("shown", priority("Low"), mode="plan")
    plan = tick(found(30, shown), Limits(changes_per_rule=1, changes_per_tick=1))
    assert len(plan.changes) == 30
    assert plan.breaches == ()


def test_what_was_spent_is_read_from_the_journal(tmp_path: Path, clock: FakeClock) -> None:
    journal = Journal(tmp_path, clock)
    plan = found(3, CLOSE, LOW).plan()

    def write(run_id: str, outcome: str) -> None:
        journal.intend(plan.changes, run_id=run_id, plan_id="p", rules_digest="d")
        some = [Receipt(one.change_id, outcome, clock.now()) for one in plan.changes]  # type: ignore[arg-type]
        journal.settle(some, run_id=run_id)

    write("old", "applied")
    clock.at += timedelta(hours=25)
    write("new", "applied")
    write("no", "rejected")
    past = guard.spent(journal.entries(), clock.now(), PORTAL)
    assert (past.changes, past.destructive, len(past.tickets)) == (6, 2, 3)
