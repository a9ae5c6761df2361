"""What lasts between ticks: pauses, agreements, and what the journal says of both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.changes.world import NOW
from zdsync.changes import pauses
from zdsync.changes.pauses import REFUSALS, paused_by
from zdsync.changes.plan import Breach
from zdsync.mirror import scratch
from zdsync.mirror.database import Database
from zdsync.mirror.migrate import migrate
from zdsync.rules.instants import naive
from zdsync.sql import Sql

DIGESTS = {"r": "1", "s": "1"}
HOUR = timedelta(hours=1)
WRITE = """
insert into zdsync.journal (change_id, run_id, rule_id, rules_digest, ticket_id, field, after,
    outcome, error, intended_at, settled_at)
values (?, ?, ?, 'file', ?, 'category', 'x', ?, ?, ?, ?)
"""


@pytest.fixture
def mirror() -> Iterator[Database]:
    with scratch() as empty:
        migrate(empty)
        empty.run(Sql("create table desk.tickets (id varchar, created_time timestamp)"))
        yield empty


def run(mirror: Database, run_id: str, command: str = "run") -> None:
    mirror.run(Sql("insert into zdsync.runs (run_id, command) values (?, ?)", (run_id, command)))


def wrote(
    mirror: Database,
    ticket: str,
    at: datetime,
    outcome: str = "applied",
    *,
    rule: str = "r",
    run_id: str = "tick",
    error: str = "",
) -> None:
    cells = (f"{ticket} {at}", run_id, rule, ticket, outcome, error, naive(at), naive(at))
    mirror.run(Sql(WRITE, cells))


def charged(mirror: Database, now: datetime) -> set[str]:
    return {one.ticket_id for one in pauses.written(mirror, now) if one.charged}


def pause(mirror: Database, at: datetime, rule: str = "r") -> None:
    pauses.begin(mirror, [paused_by(Breach("changes_per_rule", rule, 5, 9), "1", at)])


def test_a_pause_holds_for_the_rule_as_it_was(mirror: Database) -> None:
    pause(mirror, NOW)
    found = pauses.standing(mirror, DIGESTS)
    assert found["r"].reason == "changes_per_rule allows 5, found 9"
    assert found["r"].at == NOW
    assert not pauses.standing(mirror, {"r": "2"})
    pauses.lapse(mirror, DIGESTS, DIGESTS, NOW + HOUR)
    pauses.lapse(mirror, {"s": "1"}, {"r", "s"}, NOW + HOUR)  # it rests: a name is lacking
    assert pauses.standing(mirror, DIGESTS)
    pauses.lapse(mirror, {"r": "2"}, {"r"}, NOW + HOUR)
    assert not pauses.standing(mirror, DIGESTS)
    assert mirror.rows(Sql("select ended_by from zdsync.pauses")) == [("changed",)]


def test_what_is_charged_is_unattended_and_not_agreed_to(mirror: Database) -> None:
    run(mirror, "tick")
    run(mirror, "hand", "apply")
    wrote(mirror, "old", NOW - 25 * HOUR)
    wrote(mirror, "fresh", NOW - HOUR)
    wrote(mirror, "by hand", NOW - HOUR, run_id="hand")
    wrote(mirror, "of a lost mirror", NOW - HOUR, run_id="lost")
    wrote(mirror, "refused", NOW - HOUR, "rejected")
    assert charged(mirror, NOW) == {"fresh", "of a lost mirror"}
    every = {one.ticket_id: one.unattended for one in pauses.written(mirror, NOW)}
    assert every == {"fresh": True, "by hand": False, "of a lost mirror": True}
    pause(mirror, NOW)
    pauses.accept(mirror, [("r", "one"), ("r", "two")], DIGESTS, NOW)
    pauses.end(mirror, ["r"], "resumed", NOW)
    assert not charged(mirror, NOW), "a person agreed to all that was before"
    wrote(mirror, "one", NOW + HOUR)
    wrote(mirror, "new", NOW + HOUR)
    assert charged(mirror, NOW + HOUR) == {"new"}
    pauses.note_done(mirror, NOW + HOUR)
    wrote(mirror, "one", NOW + 2 * HOUR)
    assert charged(mirror, NOW + 2 * HOUR) == {"new", "one"}, "an agreement is used up"


def test_a_backlog_is_oldest_first_and_what_was_refused_comes_last(mirror: Database) -> None:
    for place, ticket in enumerate(["c", "a", "d", "b"]):
        at = naive(NOW - place * HOUR)
        mirror.run(Sql("insert into desk.tickets values (?, ?)", (ticket, at)))
    pauses.accept(mirror, [("r", one) for one in "abcd"], DIGESTS, NOW)
    pauses.accept(mirror, [("r", "a"), ("gone", "a")], DIGESTS, NOW + HOUR)
    assert list(pauses.backlog(mirror, DIGESTS)) == [("r", one) for one in "bdac"]
    wrote(mirror, "b", NOW + HOUR, "rejected")
    wrote(mirror, "d", NOW + HOUR, "unknown")
    wrote(mirror, "a", NOW + HOUR, rule="s")
    pauses.note_done(mirror, NOW + HOUR)
    assert list(pauses.backlog(mirror, DIGESTS)) == [("r", one) for one in "acb"]
    assert not pauses.backlog(mirror, {"r": "2"})
    pauses.finish(mirror, ["r"], NOW + HOUR)
    assert not pauses.backlog(mirror, DIGESTS)
    pauses.note_done(mirror, NOW + timedelta(days=3))
    assert mirror.rows(Sql("select count(*) from zdsync.accepted")) == [(0,)]


def refusals(mirror: Database, *, ticks: int, a_tick: int, since: datetime = NOW) -> None:
    for tick in range(ticks):
        run(mirror, f"tick {tick} {since}")
        for number in range(a_tick):
            at = since + tick * HOUR + number * timedelta(seconds=1)
            said = f"locked {tick}"
            wrote(mirror, f"T{number}", at, "rejected", run_id=f"tick {tick} {since}", error=said)


def test_refusals_in_a_row_over_two_ticks_pause_a_rule_with_zohos_words(mirror: Database) -> None:
    now = NOW + 10 * HOUR

    def found() -> list[str]:
        return [one.rule for one in pauses.refused(mirror, DIGESTS, "file", now)]

    refusals(mirror, ticks=1, a_tick=2 * REFUSALS)
    assert not found(), "one tick alone"
    wrote(mirror, "T1", NOW + timedelta(seconds=30))
    refusals(mirror, ticks=3, a_tick=REFUSALS // 3, since=NOW + HOUR)
    assert not found(), "not enough since the last that was done"
    refusals(mirror, ticks=2, a_tick=REFUSALS, since=NOW + 5 * HOUR)
    assert found() == ["r"]
    assert not pauses.refused(mirror, DIGESTS, "another file", now)
    pauses.begin(mirror, pauses.refused(mirror, DIGESTS, "file", now))
    told = pauses.standing(mirror, DIGESTS)["r"]
    assert "refused 29 of its writes in a row" in told.reason
    assert "last: locked 1; zdsync apply, or zdsync resume r" in told.told
    assert "locked" not in told.brief + told.news
    pauses.end(mirror, ["r"], "resumed", now)
    assert not found(), "a person let it try again"
