"""Promise 2 on the file: versions, shapes, absent keys, duplicates, types."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.mirror.records import TICKETS, at, batch, one, stamp, ticket
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Shape
from zdsync.sql import Sql
from zdsync.streams import STREAMS, StreamSpec


def test_promise_2_older_page_never_overwrites_newer_row(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=5, subject="new", priority="High"), read=10))
    changed = mirror.upsert(batch(ticket(modified=4, subject="old", priority="Low"), read=11))
    assert one(mirror, "subject, priority") == ("new", "High")
    assert changed == 0


def test_promise_2_detail_beats_search_beats_list_at_equal_time(mirror: Mirror) -> None:
    for shape, read in ((Shape.DETAIL, 1), (Shape.SEARCH, 2), (Shape.LIST, 3)):
        mirror.upsert(batch(ticket(subject=shape.name), shape=shape, read=read))
    assert one(mirror, "subject") == "DETAIL"


def test_promise_2_key_absent_from_a_shape_never_clears_a_column(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, task_count=3, subject="a"), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket(modified=2, subject="b"), read=20))
    assert one(mirror, "task_count, subject") == (3, "b")


def test_promise_2_null_in_a_newer_row_clears_a_column(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, assignee_id="7", due_date=stamp(1), cf={"a": 1})))
    mirror.upsert(batch(ticket(modified=2, assignee_id=None, due_date=None, cf=None), read=20))
    assert one(mirror, "assignee_id, due_date, cf") == (None, None, None)


def test_promise_2_list_row_without_modified_time_fills_only_what_others_lack(
    mirror: Mirror,
) -> None:
    mirror.upsert(batch(ticket(modified=1, subject="search", status="Open"), read=10))
    listed = ticket(modified=None, subject="list", channel_code="X", last_thread={"id": "9"})
    mirror.upsert(batch(listed, shape=Shape.LIST, read=99))
    assert one(mirror, "subject, status, channel_code") == ("search", "Open", "X")
    assert json.loads(one(mirror, "last_thread")) == {"id": "9"}


def test_promise_2_streams_without_modified_time_follow_the_reading(mirror: Mirror) -> None:
    for read, name in ((10, "new"), (5, "old")):
        row = {"id": "1", "name": name}
        mirror.upsert(batch(row, shape=Shape.LIST, read=read, stream="desk.agents"))
    assert one(mirror, "name", "desk.agents") == "new"


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["", "a", "ü\u2028\x00", "\U0001f600"]),
    "int": st.integers(-2, 2),
    "float": st.sampled_from([0.5, -1.0]),
    "bool": st.booleans(),
    "instant": st.sampled_from(["2026-01-01 00:00:00", "2026-01-02 00:00:00.123"]),
    "date": st.sampled_from(["2026-01-01", "2026-01-02"]),
    "json": st.sampled_from([{"a": 1}, [1, None], "text", {}]),
    "list": st.lists(st.sampled_from("ab"), max_size=2),
}
_EXTRA = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([None, 1, {"a": []}]))


@st.composite
def _reads(draw: st.DrawFn, spec: StreamSpec) -> list[RecordBatch]:
    """Reads of two records of a stream, a batch each: any shape, any keys, any order."""
    items = [item for item in spec.fields if item.column not in ("id", "modified_time")]
    reads = []
    for _ in range(draw(st.integers(1, 5))):
        row: dict[str, Any] = {"id": draw(st.sampled_from("12"))}
        for item in draw(st.lists(st.sampled_from(items), max_size=6, unique=True)):
            row[item.column] = draw(st.one_of(st.none(), _VALUES[item.type]))
        modified = draw(st.sampled_from([None, 1, 2, 3]))
        if spec.timed and modified:
            row["modified_time"] = stamp(modified)
        if extra := draw(_EXTRA):
            row["extra"] = extra
        read = draw(st.sampled_from([1, 2, 3, 4, 30, 40]))
        reads.append(batch(row, shape=draw(st.sampled_from(Shape)), read=read, stream=spec.name))
    return reads


def _state(mirror: Mirror, spec: StreamSpec) -> list[Any]:
    """The whole table but the bookkeeping, which may differ in form; emptied then."""
    since = "status_since, status_since_source, assigned_since, assigned_since_source"
    plain = f"* exclude (seen, extra_seen, extra, {since}, tags_read_at)"
    columns = plain if spec.name == TICKETS else "* exclude (seen, extra_seen, extra)"
    rows = mirror.rows(Sql(f"select extra, {columns} from {spec.name} order by id"))
    mirror.run(Sql(f"delete from {spec.name}"))
    return [(json.loads(extra or "{}"), *rest) for extra, *rest in rows]


@pytest.mark.parametrize("spec", STREAMS, ids=lambda spec: spec.name)
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_promise_2_result_does_not_depend_on_order_or_duplicates(
    mirror: Mirror, spec: StreamSpec, data: st.DataObject
) -> None:
    reads = data.draw(_reads(spec))
    other = data.draw(st.permutations(reads))
    for some in reads:
        mirror.upsert(some)
    first = _state(mirror, spec)
    doubled = [replace(some, rows=some.rows * 2) for some in [*other, other[0]]]
    if data.draw(st.booleans()):
        mirror.checkpoint(doubled, None)
    else:
        for some in doubled:
            mirror.checkpoint([some], None)
    assert _state(mirror, spec) == first


def test_promise_2_a_late_search_row_beats_a_detail_of_the_same_second(mirror: Mirror) -> None:
    """An automation edits in the second in which zdsync wrote: Zoho's times are whole seconds."""
    mirror.upsert(batch(ticket(modified=0, status="Open"), shape=Shape.DETAIL, read=0))
    mirror.upsert(batch(ticket(modified=0, status="lagging"), read=14))
    assert one(mirror, "status") == "Open"
    mirror.upsert(batch(ticket(modified=0, status="Escalated"), read=16))
    assert one(mirror, "status") == "Escalated"
    mirror.upsert(batch(ticket(modified=0, status="Open"), shape=Shape.DETAIL, read=1))
    assert one(mirror, "status") == "Escalated"


def test_duplicates_in_a_batch_leave_one_row(mirror: Mirror) -> None:
    rows = [ticket(modified=minute, subject=str(minute)) for minute in (2, 3, 1)]
    mirror.upsert(batch(*rows))
    assert one(mirror, "subject") == "3"


def test_types_arrive_as_declared(mirror: Mirror) -> None:
    row = ticket(
        is_spam=False,
        thread_count=3,
        created_time="2026-01-02 03:04:05.678",
        cf={"cf_a": "ü", "cf_b": None},
        entity_skills=["a", "b"],
        subject='line\nbreak "quoted" \u0000 \U0001f600 \\',
    )
    mirror.upsert(batch(row))
    columns = "is_spam, thread_count, created_time, entity_skills, subject"
    assert one(mirror, columns) == (
        False,
        3,
        datetime.fromisoformat("2026-01-02 03:04:05.678"),
        ["a", "b"],
        row["subject"],
    )
    assert json.loads(one(mirror, "cf")) == row["cf"]


def test_json_null_is_empty_not_the_word_null(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(cf=None, product=None)))
    assert one(mirror, "cf is null, product is null") == (True, True)


def test_unmodelled_keys_of_several_shapes_stay_side_by_side(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, extra={"a": 1, "both": 1}), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket(modified=2, extra={"b": 2, "both": 2}), read=20))
    mirror.upsert(batch(ticket(modified=0, extra={"c": 3, "both": 0}), read=30))
    assert json.loads(one(mirror, "extra")) == {"a": 1, "b": 2, "c": 3, "both": 2}


def test_unknown_column_is_a_fault_not_a_loss(mirror: Mirror) -> None:
    with pytest.raises(KeyError):
        mirror.upsert(batch(ticket(colour="red")))


def test_only_rows_with_another_value_count_as_changed(mirror: Mirror) -> None:
    rows = [ticket(str(number), subject="a") for number in range(5)]
    assert mirror.upsert(batch(*rows)) == 5
    assert mirror.upsert(batch(*rows, read=20)) == 0
    rows[3] = ticket("3", modified=9, subject="b")
    assert mirror.upsert(batch(*rows, read=30)) == 1
    assert one(mirror, "pulled_at") == at(30).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("flags", "presence"),
    [
        ({}, "live"),
        ({"is_spam": True}, "spam"),
        ({"is_archived": True}, "archived"),
        ({"is_trashed": True, "is_spam": True}, "trashed"),
        ({"is_deleted": True}, "gone"),
    ],
)
def test_presence_follows_the_flags(mirror: Mirror, flags: dict[str, bool], presence: str) -> None:
    mirror.upsert(batch(ticket("1", **flags), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket("2"), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket("2", modified=3, **flags), shape=Shape.DETAIL, read=20))
    assert [one(mirror, "presence", id=id) for id in "12"] == [presence, presence]
    dead = presence in ("trashed", "gone")  # an answer that says so is a tombstone
    wanted = [(at(10) if dead else None), (at(20) if dead else None)]
    found = [one(mirror, "deleted_at", id=id) for id in "12"]
    assert found == [moment and moment.replace(tzinfo=None) for moment in wanted]


def test_restored_ticket_is_live_again_once_search_shows_a_newer_version(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, is_trashed=True), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket(modified=1), read=20))
    assert one(mirror, "presence") == "trashed"
    mirror.upsert(batch(ticket(modified=2), read=30))
    assert one(mirror, "presence, deleted_at, is_trashed") == ("live", None, True)


def test_bin_tells_since_when_a_ticket_is_trashed_that_its_detail_called_so(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, is_trashed=True), shape=Shape.DETAIL))
    assert mirror.bury(TICKETS, ["1"], at(30), "trashed", since={"1": at(20)}) == 1
    assert one(mirror, "presence, deleted_at") == ("trashed", at(20).replace(tzinfo=None))
    assert mirror.bury(TICKETS, ["1"], at(40), "trashed") == 0


def test_ticket_changes_keep_what_changed_and_by_whom(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, status="Open", assignee_id=None)))
    mirror.upsert(batch(ticket(modified=2, status="Open", assignee_id="7"), read=20))
    answer = ticket(modified=3, status="Closed", assignee_id="7", priority="High")
    mirror.upsert(batch(answer, shape=Shape.DETAIL, read=30), actor="zdsync")
    mirror.upsert(batch(ticket(modified=1, status="Open", assignee_id=None), read=40))
    kept = "select field, before, after, changed_at, seen_at, actor from zdsync.ticket_changes"
    naive = [moment.replace(tzinfo=None) for moment in (at(2), at(20), at(3), at(30))]
    assert mirror.rows(Sql(kept + " order by changed_at, field")) == [
        ("assignee_id", None, "7", naive[0], naive[1], "unknown"),
        ("status", "Open", "Closed", naive[2], naive[3], "zdsync"),
    ]
    assert one(mirror, "status_since, status_since_source") == (naive[2], "observed")


def test_full_re_pull_keeps_ticket_changes(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, status="Open")))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=20))
    mirror.upsert(batch(ticket(modified=2, status="Closed"), read=30))
    assert mirror.rows(Sql("select count(*) from zdsync.ticket_changes")) == [(1,)]


def test_ids_stay_unique_over_many_batches(mirror: Mirror) -> None:
    for start in (0, 50, 100):
        rows = [ticket(str(number), modified=start) for number in range(start, start + 120)]
        mirror.checkpoint([batch(*rows, read=start)], None)
    sql = f"select count(*), count(distinct id) from {TICKETS}"
    assert mirror.rows(Sql(sql)) == [(220, 220)]
