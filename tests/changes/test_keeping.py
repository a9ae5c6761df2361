"""What a hold does to a plan: nothing is written or counted, and the plan says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.test_decide import IT_MOVE, agent, priority
from tests.changes.test_giving import ANA, BO, DESK, among
from tests.changes.world import Mirror, brief, evaluated, planned, rule, ticket
from zdsync.changes.decide import decide
from zdsync.changes.drafts import Decision
from zdsync.changes.holds import Hold, Holds
from zdsync.changes.keeping import unheld
from zdsync.changes.plan import Plan
from zdsync.rules.compiled import Assign as AssignAction
from zdsync.rules.compiled import Close, CompiledRule, Nobody, Spam, Tags


@dataclass
class Reader:
    """Holds by ticket: field → reason; notes what it was asked for."""

    held: dict[str, dict[str, str]]
    asked: set[str] = field(default_factory=set)

    def of(self, tickets: Iterable[str]) -> Holds:
        self.asked |= set(tickets)
        return holds({one: self.held[one] for one in self.asked if one in self.held})


def holds(held: dict[str, dict[str, str]]) -> Holds:
    return Holds(
        {
            one: "\x1e".join("\x1f".join((name, why, "agent", "now")) for name, why in some.items())
            for one, some in held.items()
        }
    )


def kept(mirror: Mirror, held: dict[str, dict[str, str]], *rules: CompiledRule) -> Plan:
    reader: Any = Reader(held)
    return replace(evaluated(mirror, *rules), holds=reader).plan()


def told(plan: Plan) -> list[tuple[Any, ...]]:
    return [(one.rule, one.field, one.value, one.wanted) for one in plan.held]


GIVEN = {"T1": {"priority": "given", "assignee": "given", "department": "given"}}


def test_a_held_field_is_neither_written_nor_counted_and_the_plan_says_so() -> None:
    mirror = Mirror([ticket(1, priority="Medium"), ticket(2, priority="Medium")])
    plan = kept(mirror, GIVEN, rule("r", priority("High")))
    assert brief(plan) == [("T2", "priority", "Medium", "High")]
    assert told(plan) == [("r", "priority", "Medium", "High")]
    assert plan.held[0].ticket_number == "1"
    assert plan.held[0].reason == "an agent gave it, now UTC"


def test_what_stands_as_the_rule_wants_it_is_not_told_as_held() -> None:
    plan = kept(Mirror([ticket(1, priority="High")]), GIVEN, rule("r", priority("High")))
    assert plan.held == plan.changes == ()


def test_every_rule_that_a_hold_keeps_away_is_named_those_in_mode_plan_too() -> None:
    rules = [rule("one", priority("High")), rule("two", priority("Low"), mode="plan")]
    plan = kept(Mirror([ticket(1, priority="Medium")]), GIVEN, *rules)
    assert [one.rule for one in plan.held] == ["one", "two"]
    assert plan.shadowed == ()


def test_a_rule_that_reasserts_ignores_holds_but_not_quarantine() -> None:
    mirror = Mirror([ticket(1, priority="Medium")])
    again = rule("r", priority("High"), reassert=True)
    assert len(kept(mirror, GIVEN, again).changes) == 1
    loop = kept(mirror, {"T1": {"priority": "flipped"}}, again)
    assert (loop.changes, loop.held[0].kind) == ((), "flipped")


@pytest.mark.parametrize("value", ["Medium", "Low"])
def test_a_rule_above_that_is_held_still_decides_against_one_that_reasserts(value: str) -> None:
    mirror = Mirror([ticket(1, priority="Medium")])
    rules = rule("above", priority(value)), rule("below", priority("High"), reassert=True)
    plan = kept(mirror, GIVEN, *rules)
    assert plan.changes == ()
    assert [(one.rule, one.by) for one in plan.shadowed] == [("below", "above")]


def test_a_held_department_is_not_left_and_nobody_of_the_other_one_is_chosen() -> None:
    mirror = Mirror([ticket(1)])
    plan = kept(mirror, GIVEN, rule("go", IT_MOVE), rule("give", agent("it@clinic.example")))
    assert plan.changes == ()
    assert [one.field for one in plan.held] == ["department"]
    assert [one.reason for one in plan.unresolved] == [
        "it@clinic.example is no agent of the ticket's department"
    ]


def test_a_move_of_this_plan_frees_whom_a_person_gave_the_ticket_to() -> None:
    mirror = Mirror([ticket(1, assignee_id="a2")])
    go, give = rule("go", IT_MOVE), rule("give", agent("it@clinic.example"))
    plan = kept(mirror, {"T1": {"assignee": "given"}}, go, give)
    assert [one.field for one in plan.changes] == ["department", "assignee"]
    loop = kept(mirror, {"T1": {"assignee": "flipped"}}, go, give)
    assert [one.field for one in loop.changes] == ["department"]


def test_one_who_is_not_given_a_held_ticket_is_not_busier_for_it() -> None:
    mirror = Mirror([ticket(n) for n in (1, 2, 3)])
    plan = kept(mirror, {"T1": {"assignee": "undone"}}, rule("r", among(ANA, BO)))
    assert [(one.ticket_id, one.after) for one in plan.changes] == [("T2", ANA), ("T3", BO)]
    assert told(plan)[0][:2] == ("r", "assignee")


def test_a_team_is_not_set_without_the_agent() -> None:
    plan = kept(Mirror([ticket(1)]), {"T1": {"assignee": "undone"}}, rule("r", DESK))
    assert plan.changes == ()


def test_a_close_that_is_held_leaves_its_outcome_and_its_spam_mark_undone() -> None:
    actions = Close("Spam", None), Spam()
    for some in (actions, actions[::-1]):
        plan = kept(Mirror([ticket(1)]), {"T1": {"status": "reversed"}}, rule("r", *some))
        assert plan.changes == ()
        assert {one.field for one in plan.held} == {"status", "spam"}


def test_tags_are_held_one_by_one_whatever_their_spelling() -> None:
    mirror = Mirror([ticket(1, tags=["Red"])])
    held = {"T1": {"tag:red": "given", "tag:blue": "given"}}
    plan = kept(mirror, held, rule("r", Tags(("Blue", "Green"), ("Red",), None)))
    assert brief(plan) == [("T1", "tag:Green", False, True)]
    assert {one.field for one in plan.held} == {"tag:Blue", "tag:Red"}


def test_an_assignee_is_held_against_being_taken_away() -> None:
    mirror = Mirror([ticket(1, assignee_id="a1")])
    plan = kept(mirror, GIVEN, rule("r", AssignAction((Nobody(),))))
    assert (plan.changes, told(plan)) == ((), [("r", "assignee", ANA, None)])


def test_a_rule_that_wants_what_stands_keeps_those_below_from_it_before_any_hold() -> None:
    mirror = Mirror([ticket(1, assignee_id="a1")])
    plan = kept(mirror, GIVEN, rule("fill", among(ANA, BO)), rule("give", agent(BO)))
    assert (plan.changes, plan.held) == ((), ())
    assert [(one.rule, one.by) for one in plan.shadowed] == [("give", "fill")]


def test_tickets_that_nobody_would_change_are_not_asked_about() -> None:
    reader: Any = Reader(GIVEN)
    mirror = Mirror([ticket(1, priority="High"), ticket(2)])
    replace(evaluated(mirror, rule("r", priority("High"))), holds=reader).plan()
    assert reader.asked == {"T2"}


_FIELDS = ("priority", "assignee", "department", "team", "tag:a", "status", "spam")
_RULES = (
    rule("go", IT_MOVE), rule("give", agent(BO)), rule("fill", among(ANA, BO)), rule("desk", DESK),
    rule("low", priority("Low")), rule("high", priority("High"), reassert=True),
    rule("tag", Tags(("a",), (), None)), rule("end", Close("Spam", None), Spam()),
    rule("shown", priority("Medium"), mode="plan"),
)  # fmt: skip


@settings(max_examples=60)
@given(
    st.permutations(_RULES),
    st.integers(1, len(_RULES)),
    st.dictionaries(
        st.sampled_from(["T1", "T2", "T3"]),
        st.dictionaries(
            st.sampled_from(_FIELDS), st.sampled_from(["given", "undone", "flipped"]), max_size=4
        ),
    ),
)
def test_asking_only_for_tickets_that_would_change_decides_the_same(
    order: list[CompiledRule], many: int, held: dict[str, dict[str, str]]
) -> None:
    held = {one: some for one, some in held.items() if some}
    mirror = Mirror(
        [ticket(1), ticket(2, assignee_id="a1", priority="High"), ticket(3, assignee_id="a2")]
    )
    reader: Any = Reader(held)
    found = replace(evaluated(mirror, *order[:many]), holds=reader)
    plan = found.plan()
    every = decide(found.ground, found.resolver, holds=holds(held))
    assert brief(plan) == [(d.ticket.id, d.field, d.before, d.after) for d in _ordered(every, plan)]
    assert sorted(plan.held, key=str) == sorted(every.held, key=str)
    for one in plan.changes:
        why = held.get(one.ticket_id, {}).get(one.field)
        moved = any(o.ticket_id == one.ticket_id and o.field == "department" for o in plan.changes)
        assert why is None or why != "flipped"
        assert why is None or one.rule == "high" or (one.field in {"assignee", "team"} and moved)


def _ordered(decision: Decision, plan: Plan) -> list[Any]:
    place = {(c.ticket_id, c.field, c.rule): n for n, c in enumerate(plan.changes)}
    return sorted(decision.drafts, key=lambda d: place.get((d.ticket.id, d.field, d.rule.id), -1))


def test_a_kept_plan_loses_a_held_close_with_all_that_belongs_to_it() -> None:
    mirror = Mirror([ticket(1), ticket(2)])
    plan = planned(mirror, rule("r", Close("Spam", None), Spam()), rule("p", priority("High")))
    left = unheld(plan, holds({"T1": {"status": "reversed"}}), ())
    assert [one.field for one in left.changes if one.ticket_id == "T1"] == ["priority"]
    assert [one.field for one in left.held] == ["status"]
    assert unheld(plan, holds({"T1": {"status": "reversed"}}), {"r"}) is plan
    flipped = unheld(plan, holds({"T1": {"priority": "flipped"}}), {"p"})
    assert [one.field for one in flipped.held] == ["priority"]


def test_a_hold_says_in_words_who_and_since_when() -> None:
    words = {
        "given": "the customer gave it, at 9 UTC",
        "reversed": "what zdsync set at at 9 UTC was replaced",
    }
    for reason, said in words.items():
        assert Hold("status", reason, "customer", "at 9").told == said
