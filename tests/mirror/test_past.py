"""ticket_changes, status_since and assigned_since: what they say, and what they never invent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import FakeClock
from tests.mirror.records import at, batch, one, stamp, ticket
from zdsync.mirror import Mirror
from zdsync.mirror.past import Step
from zdsync.model import Cursor, Shape
from zdsync.sql import Sql, load

_SINCE = "assigned_since, assigned_since_source"


def _bare(minutes: float) -> datetime:
    return at(minutes).replace(tzinfo=None)


def test_the_agent_has_it_since_the_first_sight_then_since_the_change_then_nobody(
    mirror: Mirror,
) -> None:
    mirror.upsert(batch(ticket(modified=1, assignee_id="7")))
    assert one(mirror, _SINCE) == (_bare(1), "first_seen")
    mirror.upsert(batch(ticket(modified=2, assignee_id="7", subject="x"), read=20))
    assert one(mirror, _SINCE) == (_bare(1), "first_seen")
    mirror.upsert(batch(ticket(modified=3, assignee_id="8"), read=30))
    assert one(mirror, _SINCE) == (_bare(3), "observed")
    mirror.upsert(batch(ticket(modified=4, assignee_id=None), read=40))
    assert one(mirror, _SINCE) == (None, None)
    mirror.upsert(batch(ticket(modified=5, assignee_id="8"), read=50))
    assert one(mirror, _SINCE) == (_bare(5), "observed")


def test_a_value_that_is_read_for_the_first_time_did_not_change(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, subject="x"), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket(modified=2, status="Open", assignee_id="7"), read=20))
    both = "status_since, status_since_source, assigned_since, assigned_since_source"
    seen = one(mirror, both)
    assert seen[1::2] == ("first_seen", "first_seen")
    assert mirror.rows(Sql("select count(*) from zdsync.ticket_changes")) == [(0,)]


def test_first_sight_is_kept(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, status="Open"), read=10))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=20))
    assert one(mirror, "first_seen_at") == _bare(10)


def test_a_change_came_after_the_last_version_and_after_all_that_was_read(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1", 1, status="Open"), ticket("2", 1, status="Open")))
    mirror.upsert(batch(ticket("1", 50, status="Closed"), read=60))
    mirror.checkpoint([], Cursor("desk.tickets", at(40), (), True, at(55)))
    mirror.upsert(batch(ticket("2", 50, status="Closed"), read=60))
    kept = "select not_before, changed_at from zdsync.ticket_changes order by ticket_id"
    assert mirror.rows(Sql(kept)) == [(_bare(1), _bare(50)), (_bare(40), _bare(50))]


def test_only_what_was_written_is_the_actors_own(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, status="Open", priority="Low")))
    mirror.set_tags({"1": ["a"]}, at(11))
    answer = ticket(modified=2, status="Closed", priority="High")
    own = {("1", "status"), ("1", "tag:b"), ("2", "priority")}
    mirror.upsert(batch(answer, shape=Shape.DETAIL, read=20), actor="zdsync", own=own)
    mirror.set_tags({"1": ["b"]}, at(21), actor="zdsync", own=own)
    rows = mirror.rows(Sql("select field, actor from zdsync.ticket_changes order by 1"))
    assert rows == [
        ("priority", "unknown"),
        ("status", "zdsync"),
        ("tag:a", "unknown"),
        ("tag:b", "zdsync"),
    ]


def _told(mirror: Mirror, **more: Any) -> None:
    step = {"before": "Open", "after": "Closed", "actor": "agent", "seq": 0, **more}
    some = Step("1", "status", changed_at=at(1.5), seen_at=at(20), **step)
    gone = [row[0] for row in mirror.rows(Sql("select rowid from zdsync.ticket_changes"))]
    mirror.past.save(["1"], gone, [some], at(30))


def test_since_follows_history_only_where_it_leads_to_the_value(mirror: Mirror) -> None:
    since = "status_since, status_since_source, history_read_at"
    mirror.upsert(batch(ticket(modified=1, status="Open")))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=20))
    _told(mirror, after="On Hold")
    assert one(mirror, since) == (_bare(2), "observed", _bare(30))
    _told(mirror)
    assert one(mirror, since) == (_bare(1.5), "history", _bare(30))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=40))
    assert one(mirror, since) == (_bare(1.5), "history", _bare(30))
    mirror.upsert(batch(ticket(modified=3, status="Open"), read=50))
    assert one(mirror, since) == (_bare(3), "observed", _bare(30))


def test_an_unexplained_change_is_asked_for_once_more_an_hour_later(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, status="Open")))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=20))
    wanted = lambda minutes: [one for one, _ in mirror.past.wanted(at(minutes), 9)]  # noqa: E731
    assert wanted(21) == ["1"]
    mirror.past.save(["1"], [], [], at(21))
    assert wanted(22) == wanted(79) == []
    assert wanted(81) == ["1"]
    mirror.past.save(["1"], [], [], at(81))
    assert wanted(82) == wanted(600) == []
    mirror.upsert(batch(ticket(modified=600, status="Open"), read=601))
    assert wanted(602) == ["1"]
    assert wanted(601 + 25 * 60) == []  # too old: it waits until the ticket moves again


def test_the_day_from_which_all_is_known_never_moves(mirror: Mirror, clock: FakeClock) -> None:
    asked = Sql("select value from zdsync.options where name = 'tickets_known_from'")
    mirror.checkpoint([], Cursor("desk.tickets", at(0), (), False))
    assert mirror.rows(asked) == []
    first = clock.at
    for _ in range(2):
        mirror.checkpoint([], Cursor("desk.tickets", at(0), (), True, at(0)))
        clock.sleep(1000)
    assert mirror.rows(asked) == [(first.replace(tzinfo=None).isoformat(sep=" "),)]


def test_days_before_the_first_sight_are_not_known_and_not_zero(
    mirror: Mirror, clock: FakeClock
) -> None:
    old = {"created_time": "2026-02-27 10:00:00", "status_type": "Closed", "department_id": "d"}
    mirror.upsert(batch(ticket("1", 1, status="Closed", closed_time=stamp(-60 * 24), **old)))
    clock.at = at(30)
    mirror.checkpoint([], Cursor("desk.tickets", at(0), (), True, at(30)))
    rows = mirror.rows(
        Sql(
            "select opened, closed, reopened, open, unassigned, known from backlog_daily "
            "order by day"
        )
    )
    nobody = (None, None, None, None, False)
    assert rows == [(1, *nobody), (0, *nobody), (0, *nobody), (0, None, None, 0, 0, False)]


def test_a_mirror_of_before_keeps_its_changes(private: Path, clock: FakeClock) -> None:
    private.parent.mkdir(parents=True)
    with duckdb.connect(str(private)) as old:
        for schema in ("zdsync", "desk", "crm"):
            old.execute(f"create schema {schema}")
        old.execute("create table zdsync.schema_version (version integer)")
        old.execute(load("zdsync.mirror.migrations", "001_base.sql"))
        old.execute("insert into zdsync.schema_version values (1)")
        old.execute(
            "insert into zdsync.ticket_changes values "
            "('1', 'status', 'Open', 'Closed', '2026-01-01', '2026-01-02', 'zdsync')"
        )
    with Mirror.open(private, memory="256MB", options={}, clock=clock) as mirror:
        rows = mirror.rows(Sql("select after, actor, source, seq from zdsync.ticket_changes"))
        assert rows == [("Closed", "zdsync", "observed", 0)]
