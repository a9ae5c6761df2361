"""Promises 1 and 4, tombstones, tags, and what survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, at, batch, one, ticket
from zdsync.errors import Vanishing
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Shape, Span
from zdsync.sql import Sql

_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.mirror.records import at, batch, ticket
from zdsync.clock import SystemClock
from zdsync.mirror import Mirror, cursors
from zdsync.model import Cursor
mirror = Mirror.open(Path(sys.argv[1]), memory="256MB", options={}, clock=SystemClock())
mirror.checkpoint([batch(ticket("1"))], Cursor("desk.tickets", at(1)))
save = cursors.save
def die(*arguments):
    save(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
cursors.save = die
mirror.checkpoint([batch(ticket("2"))], Cursor("desk.tickets", at(2)))
"""


def test_cursor_comes_back_as_it_was_saved(mirror: Mirror) -> None:
    cursor = Cursor(TICKETS, at(1), (Span(at(2), at(3.5)),), False, at(4), at(5))
    mirror.save_cursor(cursor)
    assert mirror.cursor(TICKETS) == cursor
    assert mirror.cursor("desk.agents") == Cursor("desk.agents")


def test_promise_1_cursor_never_passes_uncommitted_rows(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = Cursor(TICKETS, at(1))
    mirror.checkpoint([batch(ticket("1"))], cursor)
    with pytest.raises(KeyError):
        mirror.checkpoint([batch(ticket("2")), batch(ticket("3", no=1))], replace(cursor))
    monkeypatch.setattr("zdsync.mirror.cursors.stamp", _broken)
    with pytest.raises(RuntimeError):
        mirror.checkpoint([batch(ticket("4"))], Cursor(TICKETS, at(9)))
    assert mirror.cursor(TICKETS) == cursor
    assert mirror.rows(Sql("select id from desk.tickets")) == [("1",)]


def _broken(_: object) -> str:
    raise RuntimeError("the cursor could not be written")


def test_promise_1_kill_in_the_middle_of_a_checkpoint_leaves_the_last_one(
    private: Path, clock: FakeClock
) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(private)],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with Mirror.open(private, memory="256MB", options={}, clock=clock) as mirror:
        assert mirror.rows(Sql("select id from desk.tickets")) == [("1",)]
        assert mirror.cursor(TICKETS).value == at(1)


def _agents(mirror: Mirror, count: int, read: float) -> RecordBatch:
    rows = [{"id": str(number), "name": "x"} for number in range(count)]
    return batch(*rows, shape=Shape.LIST, read=read, stream="desk.agents")


def test_promise_4_stream_that_lists_nothing_is_a_fault(mirror: Mirror) -> None:
    mirror.upsert(_agents(mirror, 12, 1))
    with pytest.raises(Vanishing, match=r"desk\.agents lists 0 of 12"):
        mirror.replace_missing("desk.agents", [], at(9))
    assert mirror.rows(Sql("select distinct presence from desk.agents")) == [("live",)]


def test_row_left_out_of_a_full_listing_gets_a_tombstone_and_comes_back(mirror: Mirror) -> None:
    mirror.upsert(_agents(mirror, 12, 1))
    kept = [str(number) for number in range(11)]
    assert mirror.replace_missing("desk.agents", kept, at(9)) == 1
    assert mirror.replace_missing("desk.agents", kept, at(9)) == 0
    where = "desk.agents"
    assert one(mirror, "presence, deleted_at", where, "11") == ("gone", at(9).replace(tzinfo=None))
    mirror.upsert(_agents(mirror, 12, 5))  # an older reading proves nothing
    assert one(mirror, "presence", where, "11") == "gone"
    mirror.upsert(_agents(mirror, 12, 20))
    assert one(mirror, "presence, deleted_at", where, "11") == ("live", None)


def test_tombstone_spares_a_row_that_was_read_later(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1"), read=10))
    assert mirror.bury(TICKETS, ["1"], at(9)) == 0
    assert mirror.bury(TICKETS, ["1", "unknown"], at(11), "trashed") == 1
    assert one(mirror, "presence") == "trashed"


def test_tags_of_a_later_reading_stay(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1"), ticket("2")))
    mirror.set_tags({"1": ["b", "a", "a"], "2": []}, at(20))
    mirror.set_tags({"1": ["old"]}, at(15))
    tags = Sql("select ticket_id, tags from zdsync.rule_tickets order by 1")
    assert mirror.rows(tags) == [("1", ["a", "b"]), ("2", [])]
    assert one(mirror, "tags_read_at") == at(20).replace(tzinfo=None)


def test_tags_never_read_are_empty_and_survive_an_upsert(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1")))
    tags = Sql("select tags from zdsync.rule_tickets")
    assert mirror.rows(tags) == [(None,)]
    mirror.set_tags({"1": ["a"]}, at(20))
    mirror.upsert(batch(ticket("1", modified=30), read=40))
    assert mirror.rows(tags) == [(["a"],)]


def test_changed_tags_are_kept_as_changes(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1")))
    mirror.set_tags({"1": ["a"]}, at(20))  # the first reading is no change
    mirror.set_tags({"1": ["b"]}, at(30), actor="zdsync")
    sql = "select field, before, after, actor from zdsync.ticket_changes order by 1"
    assert mirror.rows(Sql(sql)) == [
        ("tag:a", "true", "false", "zdsync"),
        ("tag:b", "false", "true", "zdsync"),
    ]


def test_sweep_empties_tags_that_no_list_names(mirror: Mirror) -> None:
    old = {"department_id": "d", "created_time": "2026-01-01 00:00:00"}
    mirror.upsert(batch(*(ticket(id, **old) for id in "12"), ticket("3", department_id="e")))
    mirror.set_tags({"1": ["a"], "3": ["x"]}, at(20))
    mirror.tags_swept({"2": ["b"]}, ["d"], at(30))
    tags = Sql("select tags from zdsync.rule_tickets order by ticket_id")
    assert mirror.rows(tags) == [([],), (["b"],), (["x"],)]


def test_links_that_no_answer_carried_are_asked_for_once(mirror: Mirror) -> None:
    stream = "desk.accounts"
    searched = [
        {"id": id, "account_name": "A", "modified_time": "2026-01-01 00:00:00"} for id in "123"
    ]
    mirror.upsert(batch(*searched, stream=stream))
    assert mirror.unlinked(stream) == ["1", "2", "3"]
    linked = {"id": "1", "zoho_crm_account_id": "9"}
    listed = {"id": "2", "account_name": "A"}  # a list row without the key: no link
    mirror.upsert(batch(linked, listed, shape=Shape.LIST, read=20, stream=stream))
    assert mirror.unlinked(stream) == ["3"]
    mirror.upsert(batch(*searched, read=30, stream=stream))
    assert mirror.unlinked(stream) == ["3"]
    assert one(mirror, "zoho_crm_account_id", stream) == "9"
