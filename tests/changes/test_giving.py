"""`among` and `team`: the least busy agent, whatever the order of rules and rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.world import IT, PORTAL, SUPPORT, Mirror, brief, evaluated, planned, rule, ticket
from zdsync.model import Agent, Named
from zdsync.rules.compiled import (
    AgentChoice,
    AmongChoice,
    Assign,
    FieldChoice,
    Move,
    Nobody,
    TeamChoice,
)
from zdsync.sql import Sql

ANA, BO, OFF, IVY = (
    "ana@clinic.example",
    "bo@clinic.example",
    "off@clinic.example",
    "it@clinic.example",
)
OWNER = FieldChoice("contact.owner", Sql("t.contact_owner"))
DESK = Assign((TeamChoice("Front Desk", None),))
IT_MOVE = Move("IT", Named(IT, "IT"))


def among(*names: str) -> Assign:
    return Assign((AmongChoice(tuple((name, None) for name in names)),))


def agents(plan: Any, mode: str = "apply") -> dict[str, Any]:
    return {c.ticket_id: c.after for c in plan.changes if c.field == "assignee" and c.mode == mode}


def one(number: int) -> str:
    return f"t.ticket_id = 'T{number}'"


def test_among_gives_to_the_least_busy_counting_what_this_tick_gave() -> None:
    busy = [ticket(n, assignee_id="a1") for n in (7, 8)]
    plan = planned(Mirror([*(ticket(n) for n in range(1, 6)), *busy]), rule("r", among(ANA, BO)))
    assert agents(plan) == {"T1": BO, "T2": BO, "T3": ANA, "T4": BO, "T5": ANA}
    assert not [c for c in plan.changes if c.field == "team"]


def test_tickets_are_given_in_order_of_creation_not_of_rules_rows_or_numbers() -> None:
    old = ticket(9, created="2026-01-01 00:00:00")
    mirror = Mirror([ticket(2), old, ticket(1, created="2026-01-20 00:00:00")])
    middle = rule("middle", among(ANA, BO), where=one(1))
    plan = planned(mirror, middle, rule("rest", among(ANA, BO)))
    assert agents(plan) == {"T9": ANA, "T1": BO, "T2": ANA}


def test_what_any_rule_gives_counts_even_one_further_down() -> None:
    mirror = Mirror([ticket(1), ticket(2), ticket(3, contact_owner=ANA)])
    pool = rule("pool", among(ANA, BO), where="t.ticket_id <> 'T3'")
    for fixed in (Assign((AgentChoice(ANA, None),)), Assign((OWNER,))):
        plan = planned(mirror, pool, rule("fixed", fixed, where=one(3)))
        assert agents(plan) == {"T1": BO, "T2": ANA, "T3": ANA}
    closed = Mirror([ticket(1), ticket(2), ticket(3, assignee_id="a1", status_type="Closed")])
    assert agents(planned(closed, pool)) == {"T1": ANA, "T2": BO}


def test_equal_counts_go_to_the_one_named_first_and_in_a_team_to_the_lowest_id() -> None:
    assert agents(planned(Mirror([ticket(1)]), rule("r", among(BO, ANA)))) == {"T1": BO}
    assert agents(planned(Mirror([ticket(1)]), rule("r", DESK))) == {"T1": ANA}


def test_only_active_agents_of_the_department_are_taken_after_a_move_the_new_one() -> None:
    plan = planned(Mirror([ticket(1), ticket(2)]), rule("r", among(OFF, IVY, BO)))
    assert agents(plan) == {"T1": BO, "T2": BO}
    moved = planned(
        Mirror([ticket(1), ticket(2)]), rule("r", among(ANA, BO, IVY)), rule("move", IT_MOVE)
    )
    assert agents(moved) == {"T1": BO, "T2": IVY}


def test_nobody_who_fits_is_unresolved_with_every_reason() -> None:
    plan = planned(Mirror([ticket(1)]), rule("r", among(OFF, IVY, "who")))
    assert plan.changes == ()
    assert [u.reason for u in plan.unresolved] == [
        "off@clinic.example is not an active agent; "
        "it@clinic.example is no agent of the ticket's department; no agent is who"
    ]


def test_a_filled_place_stays_and_is_decided_so() -> None:
    mirror = Mirror([ticket(1, assignee_id="a5")])
    plan = planned(mirror, rule("r", among(ANA, BO)), rule("low", Assign((AgentChoice(BO, None),))))
    assert plan.changes == ()
    assert [(s.rule, s.value) for s in plan.shadowed] == [("low", BO)]


def test_else_chains_may_hold_among_and_team() -> None:
    choices = (OWNER, *among(OFF).choices, TeamChoice("Empty", None), *among(BO).choices)
    plan = planned(Mirror([ticket(1), ticket(2, contact_owner=ANA)]), rule("r", Assign(choices)))
    assert agents(plan) == {"T1": BO, "T2": ANA}
    assert not [c for c in plan.changes if c.field == "team"]


def test_a_rule_above_that_gave_to_one_of_them_is_no_conflict_and_sets_no_team() -> None:
    top = rule("top", Assign((AgentChoice(ANA, None),)))
    plan = planned(Mirror([ticket(1)]), top, rule("desk", DESK))
    assert (brief(plan), plan.shadowed) == ([("T1", "assignee", None, ANA)], ())
    empty = planned(Mirror([ticket(1, assignee_id="a1")]), rule("no", Assign((Nobody(),))))
    assert agents(empty) == {"T1": None}
    low = planned(Mirror([ticket(1)]), rule("no", Assign((Nobody(),))), rule("desk", DESK))
    assert (low.changes, [s.rule for s in low.shadowed]) == ((), ["desk"])


def test_what_is_only_shown_fills_nobodys_desk() -> None:
    shown = rule("shown", among(ANA, BO), mode="plan")
    plan = planned(Mirror([ticket(1), ticket(2)]), shown, rule("real", among(ANA, BO)))
    assert agents(plan) == {"T1": ANA, "T2": BO}
    # the shown rule sees what the real one gives, and its own
    assert agents(plan, "plan") == {"T1": ANA, "T2": BO}


def test_a_paused_rule_keeps_its_tickets_and_fills_nobodys_desk() -> None:
    mirror = Mirror([ticket(1), ticket(2)])
    some = evaluated(
        mirror, rule("over", among(ANA, BO), where=one(1)), rule("rest", among(ANA, BO))
    )
    assert agents(some.plan(frozenset({"over"}))) == {"T2": ANA}
    assert agents(some.plan()) == {"T1": ANA, "T2": BO}


PEOPLE = tuple(
    Agent(
        f"a{n}", f"p{n}@x.example", f"P{n}", None, n != 3, frozenset({SUPPORT} if n % 4 else {IT})
    )
    for n in range(1, 8)
)
MAILS = [one.email for one in PEOPLE]
HOME = replace(PORTAL, agents=PEOPLE)
_TICKET = st.tuples(
    st.sampled_from([*[None] * 12, *(one.id for one in PEOPLE)]),
    st.sampled_from([SUPPORT, SUPPORT, IT]),
    st.integers(0, 20),
    st.sampled_from([False, False, False, True]),
)
_RULES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(MAILS), min_size=1, max_size=4, unique=True),
        st.integers(1, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_TICKET, min_size=1, max_size=12), _RULES)
def test_the_least_busy_law_holds_and_the_next_plan_is_empty(some: Any, wanted: Any) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        ticket(
            n,
            assignee_id=who,
            department_id=where,
            created=f"{start + timedelta(hours=age):%F %T}",
            status_type="Closed" if closed else "Open",
        )
        for n, (who, where, age, closed) in enumerate(some, 1)
    ]
    rules = [
        rule(
            f"r{n}",
            Assign((AmongChoice(tuple((name, None) for name in names)),)),
            where=f"CAST(t.ticket_number AS INTEGER) % {modulus} = 0",
            mode="apply" if real else "plan",
        )
        for n, (names, modulus, real) in enumerate(wanted)
    ]
    mirror = Mirror(rows)
    plan = planned(mirror, *rules, portal=HOME)
    load = Counter(r["assignee_id"] for r in rows if r["status_type"] != "Closed")
    by_mail = {one.email: one for one in PEOPLE}
    written = {c.ticket_id: c for c in plan.changes if c.mode == "apply"}
    for row in sorted(rows, key=lambda r: (r["created"], len(r["ticket_id"]), r["ticket_id"])):
        change = written.get(row["ticket_id"])
        if change is None:
            continue
        assert row["assignee_id"] is None
        names = wanted[int(change.rule[1:])][0]
        fit = [by_mail[n] for n in names]
        fit = [a for a in fit if a.active and row["department_id"] in a.departments]
        assert change.after == min(fit, key=lambda a: load[a.id]).email
        load[by_mail[change.after].id] += 1
    for row in rows:
        if change := written.get(row["ticket_id"]):
            mirror.tickets[row["ticket_id"]]["assignee_id"] = by_mail[change.after].id
            mirror.tickets[row["ticket_id"]]["assignee"] = change.after
    mirror._load()
    again = planned(mirror, *rules, portal=HOME)
    assert not [c for c in again.changes if c.mode == "apply"]
