"""main.backlog_daily against counting by hand, day by day and ticket by ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import FakeClock
from tests.mirror.records import batch, ticket
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Shape
from zdsync.sql import Sql

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 6
LAST = START + timedelta(days=DAYS, hours=9)
CHOICES = {
    "status": ("Open", "On Hold", "Closed", "Done"),
    "assignee_id": ("7", "8", None),
    "department_id": ("d1", "d2"),
}
CLOSED = ("Closed", "Done")
_later = st.integers(61, DAYS * 24 * 60).map(lambda m: START + timedelta(minutes=m))
_moments = st.integers(0, DAYS * 24 * 60 + 500).map(lambda m: START + timedelta(minutes=m))


@dataclass
class Life:
    """One ticket: its creation and what became of it since."""

    id: str
    created: datetime
    first: dict[str, Any]
    events: list[tuple[datetime, str, Any]] = field(default_factory=list)

    def at(self, moment: datetime) -> dict[str, Any] | None:
        """The ticket as it was; None before its creation."""
        if moment < self.created:
            return None
        state, modified, closed = dict(self.first), self.created, None
        if state["status"] in CLOSED:
            closed = self.created
        for when, name, value in self.events:
            if when > moment:
                break
            modified = when
            if name == "status":
                fresh = value in CLOSED and state["status"] not in CLOSED
                closed = when if fresh else closed if value in CLOSED else None
            state[name] = value
        return {**state, "modified": modified, "closed": closed}


@dataclass
class Count:
    opened: int = 0
    closed: int = 0
    reopened: int = 0
    open: int = 0
    unassigned: int = 0

    def row(self) -> tuple[int, ...]:
        return (self.opened, self.closed, self.reopened, self.open, self.unassigned)


@st.composite
def _lives(draw: st.DrawFn) -> tuple[list[Life], list[datetime]]:
    """Tickets and the moments of pulls; between two pulls no field of a ticket changes twice."""
    pulls = sorted({START + timedelta(hours=1), LAST, *draw(st.lists(_later, max_size=25))})
    lives = []
    for number in range(draw(st.integers(1, 4))):
        old = draw(st.booleans())
        created = START - timedelta(days=3) if old else draw(_moments)
        first = {name: draw(st.sampled_from(some)) for name, some in CHOICES.items()}
        life = Life(str(number), created, first)
        seen = next((pull for pull in pulls if pull >= created), LAST)
        changes = draw(
            st.lists(st.tuples(_moments, st.sampled_from(sorted(CHOICES)), st.data()), max_size=8)
        )
        used = set()
        for when, name, data in sorted(changes, key=lambda change: change[0]):
            window = next((pull for pull in pulls if pull >= when), LAST)
            value = data.draw(st.sampled_from(CHOICES[name]))
            if when > seen and (name, window) not in used:
                used.add((name, window))
                life.events.append((when, name, value))
        lives.append(life)
    return lives, pulls


def _snapshot(lives: Iterable[Life], since: datetime | None, at: datetime) -> RecordBatch:
    rows = []
    for life in lives:
        state = life.at(at)
        if state is None or (since is not None and state["modified"] <= since):
            continue
        row = ticket(life.id, None, created_time=_text(life.created), status=state["status"])
        row |= {name: state[name] for name in ("assignee_id", "department_id")}
        row["status_type"] = "Closed" if state["status"] in CLOSED else "Open"
        row["closed_time"] = state["closed"] and _text(state["closed"])
        row["modified_time"] = _text(state["modified"])
        rows.append(row)
    return RecordBatch("desk.tickets", Shape.SEARCH, tuple(rows), at)


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _play(mirror: Mirror, clock: FakeClock, lives: Sequence[Life], pulls: list[datetime]) -> None:
    last = None
    for pull in pulls:
        clock.at = pull
        cursor = Cursor("desk.tickets", pull, (), True, pull)
        mirror.checkpoint([_snapshot(lives, last, pull)], cursor)
        last = pull


def _by_hand(lives: Sequence[Life], day: date, until: datetime) -> dict[str, Count]:
    """Count one day by looking at every minute of every ticket's life."""
    counts: dict[str, Count] = {"d1": Count(), "d2": Count()}
    low = datetime(day.year, day.month, day.day, tzinfo=UTC)
    high = min(low + timedelta(days=1) - timedelta(seconds=1), until)
    for life in lives:
        if low <= life.created <= high:
            counts[life.first["department_id"]].opened += 1
            was = life.first["status"] in CLOSED
            counts[life.first["department_id"]].closed += was
        for when, name, value in life.events:
            if name == "status" and low <= when <= high:
                before, now = life.at(when - timedelta(seconds=1)), life.at(when)
                assert before and now
                was, closed = before["status"] in CLOSED, value in CLOSED
                # Of events in one minute the last decides; the others are told one by one.
                counts[now["department_id"]].closed += closed and not was
                counts[now["department_id"]].reopened += was and not closed
        state = life.at(high)
        if state and state["status"] not in CLOSED:
            counts[state["department_id"]].open += 1
            counts[state["department_id"]].unassigned += state["assignee_id"] is None
    return counts


def _statuses(mirror: Mirror) -> None:
    kinds = {name: "Closed" if name in CLOSED else "Open" for name in CHOICES["status"] if name}
    choices = [{"value": name, "statusType": kind} for name, kind in kinds.items()]
    row = {"id": "f", "module": "tickets", "api_name": "status", "pick_list_values": choices}
    mirror.upsert(batch(row, shape=Shape.LIST, stream="desk.fields"))


def _forget(mirror: Mirror) -> None:
    for table in ("desk.tickets", "zdsync.ticket_changes", "zdsync.cursors"):
        mirror.run(Sql(f"delete from {table}"))
    mirror.run(Sql("delete from zdsync.options where name = 'tickets_known_from'"))


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=_lives())
def test_known_days_are_exact(
    mirror: Mirror, clock: FakeClock, case: tuple[list[Life], list[datetime]]
) -> None:
    lives, pulls = case
    _forget(mirror)
    _statuses(mirror)
    _play(mirror, clock, lives, pulls)
    rows = mirror.rows(
        Sql(
            "select day, department_id, opened, closed, reopened, open, unassigned, unsure, known "
            "from backlog_daily order by 1, 2"
        )
    )
    found = {(day, place): (cells, unsure, known) for day, place, *cells, unsure, known in rows}
    assert len(found) == len(rows)
    for (day, place), (cells, unsure, known) in found.items():
        truth = _by_hand(lives, day, LAST)[place].row()
        if known:
            assert tuple(cells) == truth
        elif day < START.date():
            assert cells[0] == truth[0]
            assert cells[1:] == [None] * 4
        elif day > START.date():
            assert unsure
    shown = Counter(place for _, place in found)
    for place in ("d1", "d2"):  # a department's days have no holes, and none is left out
        days = [day for day, one in found if one == place]
        assert not days or shown[place] == (LAST.date() - min(days)).days + 1
        for day in range(DAYS + 1):
            when = (START + timedelta(days=day)).date()
            if (when, place) not in found:
                assert _by_hand(lives, when, LAST)[place].row() == (0,) * 5
