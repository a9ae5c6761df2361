"""The walk hands out every row once, under every unknown of desk-tickets.md 5."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.fake import START, FakeSearch
from zdsync.connectors.decode import moment_of
from zdsync.connectors.spans import Ground
from zdsync.connectors.walk import walk
from zdsync.connectors.windows import Axis, Fetch, Page, Query, WalkPage
from zdsync.errors import ZohoFailed
from zdsync.model import Span

DAY = timedelta(days=1)
BOUNDS = Span(START - 4000 * DAY, START + 4000 * DAY)


def ground(fake: FakeSearch, axis: Axis = "created", fetch: Fetch | None = None) -> Ground:
    departments: Sequence[str] = [str(n) for n in range(fake.departments)]
    return Ground(fetch or fake.fetch, axis, lambda: departments, BOUNDS)


def ids(pages: Sequence[WalkPage]) -> list[str]:
    return [row["id"] for page in pages for row in page.rows]


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Rows in clumps: single ones, and many that share a second (and perhaps both times)."""
    rows: list[tuple[float, float]] = []
    at = 0
    for size in draw(st.lists(st.sampled_from([1, 1, 2, 40, 99, 100, 101, 180, 450]), max_size=12)):
        at += draw(st.sampled_from([0, 1, 1, 2, 60, 86_400]))
        part = draw(st.sampled_from([0.0, 0.0, 0.25]))
        # No more than a search reaches share both seconds: those nobody could tell apart.
        if draw(st.booleans()) and not any(row[1] == at + 7.0 for row in rows):
            rows += [(at + part, at + 7.0)] * size
        else:
            rows += [(at + part, at + 5.0 + n) for n in range(size)]
    return rows


@st.composite
def servers(draw: st.DrawFn) -> FakeSearch:
    return FakeSearch(
        draw(crowds()),
        base=draw(st.sampled_from([0, 1])),
        start_inclusive=draw(st.booleans()),
        end_inclusive=draw(st.booleans()),
        whole_seconds=draw(st.booleans()),
        cap=draw(st.sampled_from([50, 99, 100])),
        depth=draw(st.sampled_from([999, 4999])),
        count=draw(st.sampled_from(["true", "absent", "capped"])),
        departments=draw(st.sampled_from([1, 4])),
    )


@settings(max_examples=100, deadline=None)
@given(servers(), st.sampled_from([1, 3]), st.sampled_from(["created", "modified"]), st.data())
def test_every_row_of_the_span_is_handed_out_once(
    fake: FakeSearch, workers: int, axis: Axis, data: st.DataObject
) -> None:
    low = START + timedelta(seconds=data.draw(st.integers(-5, 5)))
    high = START + timedelta(seconds=data.draw(st.sampled_from([6, 200, 90_000, 9_000_000])))
    pages = list(walk(ground(fake, axis), Span(low, high), workers))
    wanted = [row["id"] for row in fake.data if low <= moment_of(row[f"{axis}_time"]) < high]
    assert sorted(ids(pages)) == sorted(wanted)
    spans = sorted((span.low, span.high) for page in pages for span in page.covers)
    assert spans[0][0] == low
    assert spans[-1][1] == high
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert len(fake.calls) <= 30 + 6 * len(fake.data) // fake.cap


@settings(max_examples=40, deadline=None)
@given(servers(), st.integers(0, 40))
def test_covers_never_claim_a_row_that_was_not_handed_out(fake: FakeSearch, stop: int) -> None:
    span = Span(START - DAY, START + 20 * DAY)
    handed: set[str] = set()
    pages = walk(ground(fake), span, 1)
    for number, page in enumerate(pages):
        handed.update(row["id"] for row in page.rows)
        for covered in page.covers:
            for row in fake.data:
                if covered.low <= moment_of(row["created_time"]) < covered.high:
                    assert row["id"] in handed
        if number == stop:
            pages.close()
            break


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("cuts", [False, True])
@pytest.mark.parametrize("count", ["true", "absent", "capped"])
def test_more_rows_in_one_second_than_a_search_reaches_are_all_read(
    base: int, cuts: bool, count: str
) -> None:
    rows = [(float(n * 11), 500_000.0) for n in range(3_000)]
    fake = FakeSearch(rows, base=base, cuts=cuts, count=count)
    pages = list(walk(ground(fake, "modified"), Span(START, START + 30 * DAY), 1))
    assert sorted(ids(pages)) == sorted(row["id"] for row in fake.data)
    assert len(fake.calls) < 60


@pytest.mark.parametrize("cuts", [False, True])
def test_a_mass_import_within_one_second_is_split_by_department(cuts: bool) -> None:
    fake = FakeSearch([(50.0, 60.0)] * 3_000, departments=5, cuts=cuts)
    pages = list(walk(ground(fake), Span(START, START + DAY), 1))
    assert sorted(ids(pages)) == sorted(row["id"] for row in fake.data)


def test_a_second_that_no_split_can_reach_is_an_error_and_not_a_gap() -> None:
    fake = FakeSearch([(50.0, 60.0)] * 3_000)
    with pytest.raises(ZohoFailed, match="share the"):
        list(walk(ground(fake), Span(START, START + DAY), 1))


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("every", [1, 2, 5])
def test_rows_that_leave_while_a_second_is_read_hide_no_others(base: int, every: int) -> None:
    fake = FakeSearch([(float(n), 1_000.0) for n in range(900)], base=base)
    moved: set[str] = set()

    def fetch(query: Query) -> Page:
        page = fake.fetch(query)
        if len(fake.calls) % every == 0:
            moved.add(fake.touch(len(moved)))
        return page

    pages = list(walk(ground(fake, "modified", fetch), Span(START, START + DAY), 1))
    stayed = {row["id"] for row in fake.data} - moved
    assert stayed <= set(ids(pages))
    assert len(ids(pages)) == len(set(ids(pages)))


@pytest.mark.parametrize("workers", [1, 4])
def test_rows_that_move_during_the_walk_are_neither_lost_nor_doubled(workers: int) -> None:
    fake = FakeSearch([(float(n), float(n * 50)) for n in range(2_500)])
    moved: set[str] = set()
    lock = threading.Lock()

    def fetch(query: Query) -> Page:
        with lock:
            page = fake.fetch(query)
            moved.add(fake.touch((len(fake.calls) * 37) % len(fake.data)))
            return page

    high = START + timedelta(seconds=2_500 * 50)
    pages = list(walk(ground(fake, "modified", fetch), Span(START, high), workers))
    stayed = {row["id"] for row in fake.data} - moved
    assert stayed <= set(ids(pages))
    assert len(ids(pages)) == len(set(ids(pages)))


def test_a_page_out_of_order_stops_the_walk() -> None:
    fake = FakeSearch([(float(n), 0.0) for n in range(300)])

    def fetch(query: Query) -> Page:
        page = fake.fetch(query)
        return Page(page.rows[::-1], page.count)

    with pytest.raises(ZohoFailed, match="order"):
        list(walk(ground(fake, fetch=fetch), Span(START, START + DAY), 1))


def test_rows_without_the_time_stop_the_walk() -> None:
    def fetch(query: Query) -> Page:
        return Page(({"id": "1"},), 1)

    with pytest.raises(ZohoFailed, match="without created_time"):
        list(walk(ground(FakeSearch([]), fetch=fetch), Span(START, START + DAY), 1))


def test_a_server_that_ignores_the_range_stops_the_walk() -> None:
    fake = FakeSearch([(float(n * 60), 0.0) for n in range(300)])

    def fetch(query: Query) -> Page:
        return Page(tuple(fake.data[:100]), 300)

    with pytest.raises(ZohoFailed, match="outside of the range"):
        list(walk(ground(fake, fetch=fetch), Span(START, START + DAY), 1))


def test_an_error_of_a_worker_is_raised_in_the_caller_and_ends_all_threads() -> None:
    fake = FakeSearch([(float(n * 60), 0.0) for n in range(5_000)])

    def fetch(query: Query) -> Page:
        if len(fake.calls) > 9:
            raise ZohoFailed("down")
        return fake.fetch(query)

    with pytest.raises(ZohoFailed, match="down"):
        list(walk(ground(fake, fetch=fetch), Span(START, START + 10 * DAY), 4))
    assert not [t for t in threading.enumerate() if t.name == "zdsync-walk"]


def test_leaving_a_walk_early_leaves_no_thread_behind() -> None:
    fake = FakeSearch([(float(n * 60), 0.0) for n in range(5_000)])
    pages = walk(ground(fake), Span(START, START + 10 * DAY), 4)
    for _ in range(3):
        next(pages)
    with pytest.raises(KeyboardInterrupt):
        pages.throw(KeyboardInterrupt())
    assert not [t for t in threading.enumerate() if t.name == "zdsync-walk"]


def test_a_quiet_pull_costs_one_call() -> None:
    fake = FakeSearch([(5.0, 5.0)])
    assert not ids(list(walk(ground(fake), Span(START + DAY, START + 2 * DAY), 5)))
    assert len(fake.calls) == 1
