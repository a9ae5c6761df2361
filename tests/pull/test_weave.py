"""Weaving History into what was observed: exact, in any order, twice, and never a guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from zdsync.mirror.past import Kept, Step
from zdsync.model import Actor
from zdsync.pull.weave import Event, Values, weave

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Row = tuple[str | None, str | None, datetime, Actor]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def values(*some: str | None) -> Values:
    return frozenset(some)


def event(before: str | None, after: str | None, seconds: float, actor: Actor = "agent") -> Event:
    return Event(values(before), values(after), at(seconds), actor)


class Table:
    """The rows of one field, as the mirror keeps them."""

    def __init__(self) -> None:
        self.rows: dict[int, Kept] = {}
        self.next = 0

    def observe(
        self,
        change: tuple[str | None, str | None],
        window: tuple[datetime | None, datetime],
        seen: datetime,
        actor: Actor = "unknown",
    ) -> None:
        low, high = window
        self._put(Kept(0, *change, high, seen, actor, "observed", low, 0))

    def _put(self, row: Kept) -> None:
        self.next += 1
        self.rows[self.next] = replace(row, rowid=self.next)

    def read(
        self, told: list[Event], current: tuple[str | None, datetime] | None, read_at: datetime
    ) -> None:
        rows = sorted(self.rows.values(), key=lambda r: (r.seen_at, r.changed_at, r.seq))
        woven = weave("1", "status", rows, told, current=current, read_at=read_at)
        for rowid in woven.gone:
            del self.rows[rowid]
        for step in woven.steps:
            self._put(_kept(step))

    def shown(self) -> list[Row]:
        rows = sorted(self.rows.values(), key=lambda r: (r.changed_at, r.seq, r.seen_at))
        return [(row.before, row.after, row.changed_at, row.actor) for row in rows]


def _kept(step: Step) -> Kept:
    return Kept(
        0, step.before, step.after, step.changed_at, step.seen_at, step.actor, "history",
        step.changed_at, step.seq,
    )  # fmt: skip


@st.composite
def _past(draw: st.DrawFn) -> list[Event]:
    told, value, when = [], "A", 0
    for _ in range(draw(st.integers(1, 8))):
        when += draw(st.sampled_from((0, 0, 1, 7, 300)))
        after = draw(st.sampled_from([one for one in ("A", "B", None) if one != value]))
        actor: Actor = draw(st.sampled_from(("agent", "customer", "automation", "unknown")))
        told.append(event(value, after, when, actor))
        value = after
    return told


@settings(max_examples=300)
@given(told=_past(), data=st.data())
def test_however_it_was_seen_and_read_the_table_is_what_happened(
    told: list[Event], data: st.DataObject
) -> None:
    """Pulls see the first so many events, readings of History may be ahead of them."""
    table, seen, clock = Table(), data.draw(st.integers(0, len(told))), 1000.0

    def version(count: int) -> tuple[str | None, datetime]:
        last = told[count - 1] if count else None
        return (next(iter(last.after)), last.at) if last else ("A", at(0))

    for _ in range(data.draw(st.integers(0, 5))):
        clock += 10
        before, low = version(seen)
        if data.draw(st.booleans()):
            seen = data.draw(st.integers(seen, len(told)))
            after, high = version(seen)
            if after != before:
                table.observe((before, after), (low, high), at(clock))
        else:
            table.read(told[: data.draw(st.integers(seen, len(told)))], version(seen), at(clock))
    before, low = version(seen)
    after, high = version(len(told))
    if after != before:
        table.observe((before, after), (low, high), at(clock + 10))
    for again in (20, 30):
        table.read(told, (after, high), at(clock + again))
        assert table.shown() == [
            (next(iter(one.before)), next(iter(one.after)), one.at, one.actor) for one in told
        ]


def test_a_row_that_history_does_not_explain_stays_as_it_was_seen() -> None:
    for told in (
        [],
        [event("A", "B", 5), event("X", "C", 7)],  # a break
        [event("X", "C", 7)],  # from elsewhere
        [event("A", "B", 5)],  # to elsewhere
        [event("A", "C", 500)],  # after the window
    ):
        table = Table()
        table.observe(("A", "C"), (at(0), at(10)), at(60))
        table.read(told, ("C", at(10)), at(70))
        assert table.shown() == [("A", "C", at(10), "unknown")]


def test_a_name_that_two_agents_share_explains_only_where_the_ends_decide() -> None:
    both = values("7", "8")
    table = Table()
    table.observe(("1", "7"), (at(0), at(10)), at(60))
    single = Event(values("1"), both, at(5), "agent")
    table.read([single], ("7", at(10)), at(70))
    assert table.shown() == [("1", "7", at(5), "agent")]
    table = Table()
    table.observe(("1", "2"), (at(0), at(10)), at(60))
    there = [single, Event(both, values("2"), at(6), "agent")]
    table.read(there, ("2", at(10)), at(70))
    assert table.shown() == [("1", "2", at(10), "unknown")]


def test_what_zdsync_wrote_stays_its_own_though_history_names_the_tokens_user() -> None:
    table = Table()
    table.observe(("A", "B"), (at(0), at(5)), at(60), "zdsync")
    table.read([event("A", "B", 4)], ("B", at(5)), at(70))
    assert table.shown() == [("A", "B", at(4), "zdsync")]
    table = Table()
    table.observe(("A", "C"), (at(0), at(8)), at(60), "zdsync")
    table.read([event("A", "B", 4, "customer"), event("B", "C", 8)], ("C", at(8)), at(70))
    assert [row[3] for row in table.shown()] == ["customer", "zdsync"]


def test_what_lay_before_the_first_sight_is_told_as_far_as_it_chains() -> None:
    table = Table()
    told = [event("X", "Y", 1), event("Z", "A", 2), event("A", "B", 3), event("B", "C", 400)]
    table.observe(("B", "C"), (at(100), at(400)), at(500))
    table.read(told, ("C", at(400)), at(600))
    assert [row[:2] for row in table.shown()] == [("Z", "A"), ("A", "B"), ("B", "C")]


def test_history_that_runs_ahead_of_the_mirror_waits_for_the_next_sight() -> None:
    table = Table()
    table.observe(("A", "B"), (at(0), at(10)), at(60))
    table.read([event("A", "B", 9), event("B", "C", 65)], ("B", at(10)), at(70))
    assert [row[:2] for row in table.shown()] == [("A", "B")]


def test_there_and_back_is_kept_if_it_chains_and_else_left_out() -> None:
    for middle, kept in (("C", 3), ("X", 1)):
        table = Table()
        table.observe(("A", "B"), (at(0), at(10)), at(60))
        told = [event("A", "B", 9), event("B", "C", 80), event(middle, "B", 90)]
        table.read(told, ("B", at(90)), at(100))
        assert len(table.shown()) == kept
