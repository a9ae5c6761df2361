"""Limits for unattended ticks."""

from __future__ import annotations

from dataclasses import dataclass

from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.world import PORTAL, Mirror, evaluated, rule, ticket
from zdsync.changes.evaluate import Evaluation
from zdsync.changes.guard import Guard
from zdsync.changes.plan import Breach, Plan
from zdsync.changes.spent import Past, Spent, Written, spent
from zdsync.model import Scalar
from zdsync.rules.compiled import Close, CompiledRule, Spam


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


def guard(limits: Limits, past: Past | None = None, open_tickets: int = 50) -> Guard:
    return Guard(limits, past or Past(), PORTAL, open_tickets)


def before(rule: str, changes: int = 0, *, destructive: int = 0, tickets: int = 0) -> Past:
    """What a rule did unattended, and nobody agreed to."""
    found = Spent(changes, destructive, frozenset(f"X{number}" for number in range(tickets)))
    return Past({rule: found}, found, found)


def tick(
    evaluation: Evaluation, limits: Limits, past: Past | None = None, open_tickets: int = 50
) -> Plan:
    return guard(limits, past, open_tickets).unattended(evaluation.plan)


LOW = rule("low", priority("Low"))
GIVE = rule("give", agent("Ana"), where="CAST(t.ticket_number AS INT) < 10")
CLOSE = rule("close", Close("Spam", None, False), Spam(), where="t.ticket_number = '1'")


def rules_of(plan: Plan) -> set[str]:
    return {change.rule for change in plan.changes}


def test_a_rule_over_its_limit_is_paused_and_the_rest_goes_on() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_rule=20))
    assert rules_of(plan) == {"give"}
    assert plan.breaches == (Breach("changes_per_rule", "low", 20, 30),)


def test_a_tick_over_its_limit_pauses_its_largest_rule() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_tick=35))
    assert rules_of(plan) == {"give"}
    assert plan.breaches == (Breach("changes_per_tick", "low", 35, 40),)


def test_a_day_over_its_limit_pauses_who_did_most_and_the_others_wait_for_room() -> None:
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_day=100), before("low", 95))
    assert plan.breaches == (Breach("changes_per_day", "low", 100, 135),)
    assert rules_of(plan) == {"give"}
    assert (len(plan.writes), len(plan.waiting)) == (5, 5)
    plan = tick(found(30, LOW, GIVE), Limits(changes_per_day=100), before("gone", 95))
    assert [breach.rule for breach in plan.breaches] == ["gone"]
    assert (len(plan.writes), len(plan.waiting)) == (5, 35)


def test_the_share_counts_from_a_hundred_open_tickets_on() -> None:
    small = tick(found(30, LOW), Limits(), open_tickets=99)
    assert rules_of(small) == {"low"}
    large = tick(found(30, LOW), Limits(), open_tickets=110)
    assert large.changes == ()
    assert large.breaches[0].limit == "share_of_open_tickets"
    past = before("low", tickets=90)
    assert tick(found(30, LOW), Limits(), past, open_tickets=400).changes == ()


def test_a_paused_rule_does_not_hand_its_tickets_to_a_lower_one() -> None:
    high = rule("high", priority("High"), where="CAST(t.ticket_number AS INT) < 10")
    plan = tick(found(30, LOW, high), Limits(changes_per_rule=20))
    assert plan.changes == ()


def test_closing_moving_and_spam_may_run_unattended_within_their_lower_limits() -> None:
    move = rule("move", IT_MOVE, where="t.ticket_number = '2'")
    give = rule("it", agent("it@clinic.example"), where="t.ticket_number = '2'")
    some = found(5, CLOSE, move, give)
    assert rules_of(tick(some, Limits(destructive_per_tick=3))) == {"close", "move", "it"}
    plan = tick(some, Limits(destructive_per_tick=2))
    assert plan.breaches == (Breach("destructive_per_tick", "close", 2, 3),)
    assert rules_of(plan) == {"move", "it"}
    plan = tick(some, Limits(destructive_per_tick=2), before("other", destructive=50))
    assert [breach.rule for breach in plan.breaches] == ["close", "other"]
    assert rules_of(plan) == set(), "whom a ticket is given to waits for its move"


def test_a_person_lifts_ordinary_limits_but_not_those_for_destructive_actions() -> None:
    close = rule("close", Close("Spam", None, False))
    plan = found(30, close).plan()
    limits = Limits(changes_per_tick=5, destructive_per_tick=20, destructive_per_day=50)
    assert guard(limits).attended(plan) == (Breach("destructive_per_tick", "", 20, 30),)
    by_hand = Past(everything=Spent(destructive=40))
    day = guard(Limits(destructive_per_tick=99), by_hand).attended(plan)
    assert [breach.limit for breach in day] == ["destructive_per_day"]
    ordinary = found(30, LOW).plan()
    assert guard(limits).attended(ordinary) == ()


def test_a_plan_names_every_limit_that_a_tick_would_pass() -> None:
    limits = Limits(changes_per_rule=5, changes_per_tick=20)
    breaches = guard(limits, open_tickets=30).breaches(found(30, LOW).plan())
    assert {(one.limit, one.rule) for one in breaches} == {
        ("changes_per_rule", "low"), ("changes_per_tick", ""),
    }  # fmt: skip


def test_rules_in_mode_plan_count_for_no_limit() -> None:
    shown = rule("shown", priority("Low"), mode="plan")
    plan = tick(found(30, shown), Limits(changes_per_rule=1, changes_per_tick=1))
    assert len(plan.changes) == 30
    assert plan.breaches == ()


def test_what_a_person_did_and_agreed_to_breaks_no_limit_of_the_service() -> None:
    some = found(30, LOW)
    by_hand = Past(everything=Spent(changes=3000))
    assert rules_of(tick(some, Limits(), by_hand)) == {"low"}
    full = Past(taken=Spent(changes=3000), everything=Spent(changes=3000))
    plan = tick(some, Limits(), full)
    assert (plan.breaches, plan.changes, len(plan.waiting)) == ((), (), 30)


def test_what_was_spent_counts_what_is_destructive_by_the_portals_statuses() -> None:
    def write(field: str, after: Scalar, **flags: bool) -> Written:
        return Written("r", "T1", field, after, **{"unattended": True, "charged": True, **flags})

    past = spent(
        [
            write("status", "Done"),
            write("status", "Waiting"),
            write("spam", "true", charged=False),
            write("reply", None, charged=False, unattended=False),
        ],
        PORTAL.statuses,
    )
    assert (past.charged["r"].changes, past.charged["r"].destructive) == (2, 1)
    assert (past.taken.changes, past.taken.destructive) == (3, 2)
    assert (past.everything.changes, past.everything.destructive) == (4, 3)
    assert past.charge(frozenset()).tickets == {"T1"}
    assert past.charge(frozenset({"r"})) == Spent()
