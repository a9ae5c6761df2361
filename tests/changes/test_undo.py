"""Undo against an oracle: random runs and people over a desk in memory, then back again."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.changes.world import PORTAL, Desk, ticket
from tests.conftest import FakeClock
from zdsync.changes.apply import Applied, apply_plan
from zdsync.changes.journal import Journal
from zdsync.changes.plan import Plan, change_id
from zdsync.changes.undo import Undo, undo_plan
from zdsync.changes.undo_hands import Hand
from zdsync.changes.undo_look import look
from zdsync.changes.undo_target import find
from zdsync.changes.wire import GIVEN, seen, whom, wire
from zdsync.model import Change, RecordBatch, Scalar

VALUES: dict[str, tuple[Any, ...]] = {
    "department": ("d1", "d2"),
    "assignee": (None, "a1", "a2", "a4"),
    "team": (None, "t1", "t2"),
    "status": ("Open", "Waiting", "Closed"),
    "priority": (None, "Low", "High"),
    "category": (None, "x", "y"),
    "cf.cf_outcome": (None, "Spam", "Done"),
    "tag:VIP": (False, True),
    "spam": (False, True),
}
SEEN = GIVEN | {"department", "status", "priority", "tag:VIP"}  # what ticket_changes tells of
NAMES = {None: None} | {one.id: one.email for one in PORTAL.agents}
TICKETS = ("T1", "T2")
State = dict[tuple[str, str], Scalar]


class Sink:
    """A mirror that takes everything and keeps nothing."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def upsert(self, batch: RecordBatch, **_: Any) -> int:
        return len(batch.rows)

    def carry(self, before: Mapping[str, str]) -> None: ...

    def wrote(self, written: Mapping[str, tuple[str, datetime]]) -> None: ...

    def set_tags(self, tags_of: Mapping[str, Sequence[str]], *_: Any, **__: Any) -> None: ...

    def rows(self, sql: Any) -> list[Any]:
        return []

    def run(self, sql: Any) -> None: ...


@dataclass
class Office:
    """A desk, its journal, and what everybody did to each field, in order."""

    folder: Path
    empties: bool = False
    clock: FakeClock = field(default_factory=FakeClock)
    hands: dict[tuple[str, str], list[Hand]] = field(default_factory=dict)
    deeds: list[tuple[str, dict[tuple[str, str], tuple[Scalar, Scalar]]]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        empty = dict.fromkeys(("priority", "category", "assignee_id", "team_id"))
        rows = {
            f"T{n}": {**ticket(n), **empty, "id": f"T{n}", "is_spam": False, "tags": []}
            for n in (1, 2)
        }
        for row in rows.values():
            row |= {"cf": {"cf_outcome": None}, "modified_time": "2026-03-02 08:00:00"}
        self.desk = Desk(rows, empties=self.empties)
        self.journal = Journal(self.folder, self.clock)

    def state(self) -> State:
        found: State = {}
        for name, row in self.desk.tickets.items():
            for one in VALUES:
                tag = one.startswith("tag:")
                found[name, one] = "VIP" in row["tags"] if tag else seen(row, one)
        return found

    def run(self, name: str, wanted: Mapping[tuple[str, str], Scalar]) -> Applied:
        state = self.state()
        changes = [
            self.change(name, place, state, after)
            for place, after in wanted.items()
            if state[place] != after
        ]
        return self.apply(name, Plan("p" + name, self.clock.now(), "digest", tuple(changes)))

    def change(self, run: str, place: tuple[str, str], state: State, after: Scalar) -> Change:
        where, what = place
        before = state[place]
        then = wire(what, before, before if what in GIVEN | {"department"} else None)  # type: ignore[arg-type]  # ids are text
        if what == "department":
            then = {**then, **whom(state[where, "assignee"], state[where, "team"])}
        return Change(
            change_id(where, what, before, after, f"rule-{run}"),
            where,
            where[1:],
            f"rule-{run}",
            what,
            NAMES.get(before, before),  # type: ignore[arg-type]  # only text is a name
            NAMES.get(after, after),  # type: ignore[arg-type]  # only text is a name
            {},
            "apply",
            wire(what, after, after if what in GIVEN | {"department"} else None),  # type: ignore[arg-type]  # ids are text
            then,
            was_open=False,
        )

    def apply(self, name: str, plan: Plan, calls: int = 99) -> Applied:
        """Apply a plan; the brake is pulled after so many questions."""
        self.clock.sleep(60)
        left = iter(range(calls))
        before = self.state()
        applied = apply_plan(
            plan,
            desk=self.desk,
            mirror=Sink(),
            journal=self.journal,
            clock=self.clock,
            run_id=name,
            workers=1,
            paused=lambda: next(left, None) is None,
        )
        self.deed(name, before)
        return applied

    def deed(self, who: str, before: State) -> None:
        after = self.state()
        moved = {place: (before[place], after[place]) for place in before}
        self.deeds.append((who, {p: two for p, two in moved.items() if two[0] != two[1]}))

    def person(self, place: tuple[str, str], value: Scalar) -> None:
        self.clock.sleep(60)
        before, (where, what) = self.state(), place
        row = self.desk.tickets[where]
        if what == "department":
            self.desk.move_ticket(where, str(value))
        elif what == "spam":
            row["is_spam"] = value
        elif what.startswith("tag:"):
            row["tags"] = ["VIP"] if value else []
        else:
            self.desk.patch_ticket(where, wire(what, value, value), notify=True)  # type: ignore[arg-type]  # ids are text
        self.deed("person", before)
        for one, (was, now) in self.deeds[-1][1].items():
            if one[1] in SEEN:
                hand = Hand(_text(was), _text(now), self.clock.now(), "agent", "a5")
                self.hands.setdefault((one[0], one[1].casefold() if ":" in one[1] else one[1]), [])
                self.hands[place_named(one)].append(hand)

    def undo(self, word: str) -> Undo:
        asked = find(self.journal.entries(), word)
        looks = look(self.desk, asked.entries, 1)
        return undo_plan(asked, looks, self.hands, PORTAL, self.clock.now())


def place_named(place: tuple[str, str]) -> tuple[str, str]:
    return (place[0], place[1].casefold()) if place[1].startswith("tag:") else place


def _text(value: Scalar) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value  # type: ignore[return-value]  # text or nothing


def expected(office: Office, run: str, before: State) -> State:
    """What must stand after the undo of a run: what it wrote and nobody touched is as before."""
    now = office.state()
    index = next(n for n, (who, _) in enumerate(office.deeds) if who == run)
    written = {
        (one.ticket_id, one.field): one
        for one in office.journal.entries()
        if one.run_id == run and one.outcome == "applied"
    }
    ours = office.deeds[index][1]
    left = dict(now)

    def touched(place: tuple[str, str]) -> bool:
        after = ours[place][1] if place in ours else before[place]
        hands = any(
            place in what and (who != "person" or place[1] in SEEN)
            for who, what in office.deeds[index + 1 :]
        )
        return now[place] != before[place] and (hands or now[place] != after)

    for where in TICKETS:
        mark = (where, "spam")
        if now[mark] and (mark not in written or written[mark].after is False or touched(mark)):
            continue
        fields = {what for one, what in written if one == where}
        given: Collection[str] = ()
        if "department" in fields:
            given = GIVEN
            handed = any(touched((where, one)) and now[where, one] is not None for one in GIVEN)
            home = now[where, "department"] == before[where, "department"]
            if not home and not touched((where, "department")) and not handed:
                left[where, "department"] = before[where, "department"]
                for one in GIVEN:
                    if not touched((where, one)):
                        left[where, one] = before[where, one]
            elif home:
                given = ()
        for what in fields - set(given) - {"department"}:
            if not touched((where, what)):
                left[where, what] = before[where, what]
    return left


MOST = ("department", "assignee", "team", "spam")  # what hangs together, more often
place = st.tuples(st.sampled_from(TICKETS), st.sampled_from([*sorted(VALUES), *MOST]))
deed = place.flatmap(lambda one: st.tuples(st.just(one), st.sampled_from(VALUES[one[1]])))
deeds = st.lists(deed, max_size=5)


MOVED, GIVEN_TO, URGENT = ("T1", "department"), ("T1", "assignee"), ("T1", "priority")


@settings(max_examples=300, deadline=None)
@example([[(GIVEN_TO, "a1")]], [(MOVED, "d2")], [], 0, False)
@example([], [(MOVED, "d2"), (GIVEN_TO, "a4")], [], 0, False)
@example([], [(URGENT, "High")], [(False, [(URGENT, "Low")]), (False, [(URGENT, "High")])], 9, True)
@example([[(GIVEN_TO, "a1")]], [(MOVED, "d2"), (GIVEN_TO, "a4")], [], 2, False)
@example([[(GIVEN_TO, "a1")]], [(MOVED, "d2"), (GIVEN_TO, "a4")], [], 3, False)
@example(
    [[(GIVEN_TO, "a2")]], [(MOVED, "d2"), (GIVEN_TO, "a4")], [(True, [(GIVEN_TO, "a2")])], 9, True
)
@given(
    st.lists(deeds, max_size=1),
    deeds,
    st.lists(st.tuples(st.booleans(), deeds), max_size=3),
    st.one_of(st.just(0), st.integers(0, 12)),
    st.booleans(),
)
def test_an_undo_restores_the_state_before_but_for_what_others_touched(
    early: list[list[Any]],
    wanted: list[Any],
    since: list[tuple[bool, list[Any]]],
    brake: int,
    empties: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), empties)
        for some in early:
            office.run("early", dict(some))
        before = office.state()
        if not office.run("asked", dict(wanted)).outcomes:
            return
        for number, (by_person, some) in enumerate(since):
            if by_person:
                for one, value in some:
                    office.person(one, value)
            else:
                office.run(f"later{number}", dict(some))
        stood = office.state()
        right = expected(office, "asked", before)
        planned = office.undo("asked")
        assert not {one.field for one in planned.plan.changes} - set(VALUES)
        office.apply("undo1", planned.plan, calls=brake)  # the brake stops it somewhere
        done = office.apply("undo2", office.undo("asked").plan)
        assert set(done.outcomes) <= {"applied", "already"}, done.failures
        assert office.state() == right
        assert not office.undo("asked").plan.changes
        if brake == 0 and done.outcomes:  # the first wrote nothing: the second is all of it
            office.apply("redo", office.undo("undo2").plan)
            assert office.state() == stood
            office.apply("undo3", office.undo("asked").plan)
            assert office.state() == right
