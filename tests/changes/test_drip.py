"""A backlog that a person agreed to is written within the limits, oldest first, whole tickets."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.world import NOW, PORTAL
from zdsync.changes.drip import Room, fit
from zdsync.changes.plan import Plan
from zdsync.changes.spent import Past, Spent, is_destructive
from zdsync.model import Change, Scalar


@dataclass(frozen=True)
class Limits:
    changes_per_tick: int = 500
    changes_per_rule: int = 200
    changes_per_day: int = 3000
    share_of_open_tickets: float = 0.25
    destructive_per_tick: int = 20
    destructive_per_day: int = 50


def change(ticket: int, rule: str, field: str, after: Scalar = "x") -> Change:
    """One change of a rule in mode apply."""
    name = f"{ticket} {rule} {field}"
    return Change(name, f"T{ticket}", str(ticket), rule, field, None, after, {}, "apply", {}, {})


def closing(ticket: int, rule: str = "close") -> list[Change]:
    return [change(ticket, rule, "status", "Done"), change(ticket, rule, "cf.cf_outcome")]


def plan(*changes: Change) -> Plan:
    return Plan("p", NOW, "d", changes)


def room(limits: Limits, past: Past | None = None, open_tickets: int = 50) -> Room:
    return Room(limits, past or Past(), PORTAL.statuses, open_tickets)


def tickets(some: Plan) -> list[str]:
    return [one.ticket_number for one in some.writes]


def agreed(*numbers: int, rule: str = "close") -> dict[tuple[str, str], int]:
    return {(rule, f"T{number}"): place for place, number in enumerate(numbers)}


def test_the_oldest_go_first_and_a_close_goes_with_its_outcome() -> None:
    some = plan(*closing(1), *closing(2), *closing(3))
    found = fit(some, room(Limits(destructive_per_tick=2)), agreed(3, 1, 2))
    assert tickets(found) == ["1", "1", "3", "3"]
    assert [one.ticket_number for one in found.waiting] == ["2", "2"]
    narrow = fit(some, room(Limits(changes_per_rule=3)), agreed(3, 1, 2))
    assert tickets(narrow) == ["3", "3"], "no half of a ticket"


def test_what_comes_anew_goes_first_and_a_part_of_the_day_is_kept_for_it() -> None:
    old = [one for number in range(10, 70) for one in closing(number)]
    some = plan(*closing(1), *closing(2), *old)
    limits = Limits(destructive_per_tick=100, destructive_per_day=10)
    found = fit(some, room(limits), agreed(*range(10, 70)))
    assert len(set(tickets(found)) - {"1", "2"}) == 6
    assert {"1", "2"} <= set(tickets(found))
    full = Past(taken=Spent(changes=16, destructive=8))
    found = fit(some, room(limits, full), agreed(*range(10, 70)))
    assert set(tickets(found)) == {"1", "2"}


def test_a_ticket_is_given_away_with_its_move_and_not_before() -> None:
    moved = [change(1, "move", "department", "IT"), change(1, "give", "assignee", "ivy")]
    full = Past(taken=Spent(destructive=50))
    found = fit(
        plan(*moved, change(1, "look", "category")), room(Limits(), full), agreed(1, rule="move")
    )
    assert [one.rule for one in found.writes] == ["look"]


def test_a_ticket_that_is_too_much_for_a_limit_does_not_keep_others_back() -> None:
    wide = [change(1, "tag", f"tag:{number}") for number in range(6)]
    some = plan(*wide, change(2, "tag", "tag:a"))
    found = fit(some, room(Limits(changes_per_rule=5)), agreed(1, 2, rule="tag"))
    assert tickets(found) == ["2"]


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["status", "cf.cf_outcome", "category", "department", "assignee", "spam"]),
    ),
    unique=True,
    max_size=40,
)


@given(
    CHANGES,
    st.sets(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 12).map("T{}".format))),
    st.builds(
        Limits,
        *(st.integers(1, 12), st.integers(1, 12), st.integers(1, 20)),
        *(st.sampled_from([0.02, 0.05, 0.1]), st.integers(1, 4), st.integers(1, 8)),
    ),
    st.integers(0, 10),
    st.integers(0, 4),
)
@settings(max_examples=300, deadline=None)
def test_no_tick_goes_beyond_a_limit_by_what_was_agreed_to(
    some: list[tuple[int, str, str]],
    old: set[tuple[str, str]],
    limits: Limits,
    before: int,
    harsh_before: int,
) -> None:
    changes = [change(ticket, rule, field, "Done") for ticket, rule, field in some]
    backlog = {pair: place for place, pair in enumerate(sorted(old))}
    taken = Spent(before, harsh_before, frozenset(f"X{number}" for number in range(before)))
    found = fit(plan(*changes), room(limits, Past(taken=taken), 200), backlog)
    writes = found.writes

    def harsh(some: tuple[Change, ...]) -> int:
        return sum(is_destructive(one.field, one.after, PORTAL.statuses) for one in some)

    assert sorted((*writes, *found.waiting), key=str) == sorted(changes, key=str)
    if not writes:
        return
    assert len(writes) <= limits.changes_per_tick
    assert before + len(writes) <= limits.changes_per_day
    if harsh(writes):
        assert harsh(writes) <= limits.destructive_per_tick
        assert harsh_before + harsh(writes) <= limits.destructive_per_day
    for rule in "abc":
        assert sum(one.rule == rule for one in writes) <= limits.changes_per_rule
    new = {one.ticket_id for one in writes} | taken.tickets
    assert len(new) <= max(limits.share_of_open_tickets * 200, before)

    def dripped(some: tuple[Change, ...]) -> set[str]:
        return {one.ticket_id for one in some if (one.rule, one.ticket_id) in backlog}

    assert not dripped(writes) & dripped(found.waiting), "a part of a ticket"
