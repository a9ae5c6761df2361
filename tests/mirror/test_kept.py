"""Custom fields that vanished, and values that fitted no column: nothing is lost in any order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.mirror.records import at, batch, one, ticket
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Shape
from zdsync.sql import Sql

GONE = "cf_gone"


@pytest.fixture
def fields(mirror: Mirror) -> Iterator[Mirror]:
    """A mirror whose metadata had a custom field that is gone, and one that is there."""
    rows = [
        {"id": f"tickets.{name}", "module": "tickets", "api_name": name, "is_custom_field": True}
        for name in (GONE, "cf_there")
    ]
    mirror.upsert(batch(*rows, shape=Shape.LIST, read=1, stream="desk.fields"))
    mirror.bury("desk.fields", [f"tickets.{GONE}"], at(2))
    yield mirror


_cf = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from([GONE, "cf_there", "cf_other"]),
        st.one_of(st.none(), st.integers(0, 3)),
        max_size=3,
    ),
)
_rows = st.tuples(
    st.sampled_from([Shape.SEARCH, Shape.DETAIL]),
    st.integers(1, 3),  # modified
    st.integers(3, 6),  # read
    st.one_of(st.just("absent"), _cf),
    st.sampled_from(["fits", "misfit", "absent"]),
)


def _batches(reads: list[Any]) -> list[RecordBatch]:
    made = []
    for shape, modified, read, cf, count in reads:
        row = ticket("1", modified)
        if cf != "absent":
            row["cf"] = cf
        if count == "fits":
            row["task_count"] = 7
        if count == "misfit":
            row |= {"task_count": None, "extra": {"taskCount": "many"}}
        made.append(batch(row, shape=shape, read=read))
    return made


def _state(mirror: Mirror) -> dict[str, Any]:
    columns = ("cf", "cf_kept", "extra", "task_count")
    found = dict(zip(columns, one(mirror, ", ".join(columns)), strict=True))
    mirror.run(Sql("delete from desk.tickets"))
    return {
        name: json.loads(text) if name != "task_count" and text else text
        for name, text in found.items()
    }


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(reads=st.lists(_rows, min_size=1, max_size=5), data=st.data())
def test_promise_2_what_stays_does_not_depend_on_order_or_duplicates(
    fields: Mirror, reads: list[Any], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(reads))
    for some in _batches(reads):
        fields.upsert(some)
    first = _state(fields)
    fields.checkpoint(_batches([*other, other[0]]), None)
    again = _state(fields)
    assert again == first
    told = [read for read in reads if isinstance(read[3], dict) and GONE in read[3]]
    if told:
        newest = max((modified, shape, read) for shape, modified, read, _, _ in told)
        last = [r[3][GONE] for r in told if (r[1], r[0], r[2]) == newest]
        assert (first["cf"] or {}).get(GONE) in last


def test_an_empty_object_over_keys_that_were_emptied_is_the_same_in_any_order(
    fields: Mirror,
) -> None:
    empty = batch(ticket(modified=1, cf={}), shape=Shape.DETAIL, read=6)
    nulls = batch(ticket(modified=1, cf={GONE: None, "cf_there": None}), read=3)
    states = []
    for order in ((empty, nulls), (nulls, empty)):
        for some in order:
            fields.upsert(some)
        states.append(_state(fields))
    assert states[0] == states[1]


def test_a_key_that_is_still_a_field_goes_when_answers_leave_it_out(fields: Mirror) -> None:
    fields.upsert(batch(ticket(modified=1, cf={"cf_there": "x", GONE: "y"})))
    fields.upsert(batch(ticket(modified=2, cf={"cf_new": "z"}), read=20))
    assert json.loads(one(fields, "cf")) == {"cf_new": "z", GONE: "y"}


def test_an_emptied_value_stays_empty_after_its_field_vanished(fields: Mirror) -> None:
    for minute, cf in enumerate(({GONE: "y"}, {GONE: None}, {"cf_there": "x"})):
        fields.upsert(batch(ticket(modified=minute, cf=cf), read=20 + minute))
    assert json.loads(one(fields, "cf")) == {"cf_there": "x"}


def test_rows_show_and_hide_kept_values_as_the_metadata_says(fields: Mirror) -> None:
    fields.upsert(batch(ticket(modified=1, cf={"cf_there": "x", "cf_a": 1})))
    fields.upsert(batch(ticket(modified=2, cf={"cf_a": 2}), read=20))
    assert json.loads(one(fields, "cf")) == {"cf_a": 2}
    fields.bury("desk.fields", ["tickets.cf_there"], at(30))
    fields.show_kept("desk")
    assert json.loads(one(fields, "cf")) == {"cf_a": 2, "cf_there": "x"}
    back = {"id": "tickets.cf_there", "module": "tickets", "api_name": "cf_there"}
    again = batch(
        {**back, "is_custom_field": True}, shape=Shape.LIST, read=40, stream="desk.fields"
    )
    fields.upsert(again)
    fields.show_kept("desk")
    assert json.loads(one(fields, "cf")) == {"cf_a": 2}


def test_a_value_that_fits_again_leaves_extra(mirror: Mirror) -> None:
    misfit = {"task_count": None, "extra": {"taskCount": "many", "unknown": 1}}
    mirror.upsert(batch(ticket(modified=1, **misfit), shape=Shape.DETAIL))
    assert json.loads(one(mirror, "extra"))["taskCount"] == "many"
    mirror.upsert(batch(ticket(modified=2, subject="a"), read=20))
    assert json.loads(one(mirror, "extra"))["taskCount"] == "many", "no word on the key"
    assert mirror.upsert(batch(ticket(modified=3, task_count=4), shape=Shape.DETAIL, read=30)) == 1
    assert json.loads(one(mirror, "extra")) == {"unknown": 1}
    assert one(mirror, "task_count") == 4


def test_extra_is_empty_again_when_its_last_key_left(mirror: Mirror) -> None:
    misfit = {"task_count": None, "extra": {"taskCount": "many"}}
    mirror.upsert(batch(ticket(modified=1, **misfit), shape=Shape.DETAIL))
    mirror.upsert(batch(ticket(modified=2, task_count=4), shape=Shape.DETAIL, read=20))
    assert one(mirror, "extra, task_count") == (None, 4)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_last_value_of_a_vanished_field_is_the_newest_one(
    fields: Mirror, order: tuple[int, ...]
) -> None:
    told: dict[int, dict[str, Any]] = {1: {GONE: "old"}, 2: {GONE: "new"}, 3: {"cf_there": "x"}}
    for minute in order:
        fields.upsert(batch(ticket(modified=minute, cf=told[minute]), read=20 + minute))
    assert json.loads(one(fields, "cf")) == {"cf_there": "x", GONE: "new"}
