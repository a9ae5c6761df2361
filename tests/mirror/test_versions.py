"""The merge law by itself, against the plainest model: each column keeps its newest version."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zdsync.mirror.versions import Seen, is_current, merge, merge_extra, pack, unpack, version
from zdsync.model import Shape

_versions = st.builds(
    version,
    st.sampled_from([None, "2026-01-01 00:00:00", "2026-01-01 00:00:00.5", "2026-01-02 00:00:00"]),
    st.sampled_from(list(Shape)),
    st.integers(0, 3),
    st.integers(0, 3),
)
_reads = st.lists(st.tuples(_versions, st.integers(1, 31)), max_size=8)


def _replay(reads: list[tuple[tuple[str, int, int, int], int]]) -> tuple[Seen, dict[int, object]]:
    seen: Seen = ()
    columns: dict[int, object] = {}
    for at, mask in reads:
        verdict = merge(seen, at, mask)
        columns |= {bit: at for bit in range(5) if verdict.take >> bit & 1}
        seen = verdict.seen
    return seen, columns


@given(_reads)
def test_promise_2_each_column_keeps_the_newest_version_that_carried_it(
    reads: list[tuple[tuple[str, int, int, int], int]],
) -> None:
    _, columns = _replay(reads)
    for bit in range(5):
        carried = [at for at, mask in reads if mask >> bit & 1]
        assert columns.get(bit) == (max(carried) if carried else None)


@given(_reads, st.randoms(use_true_random=False))
def test_promise_2_order_and_duplicates_do_not_matter(reads, random) -> None:  # type: ignore[no-untyped-def]
    again = [*reads, *reads[:3]]
    random.shuffle(again)
    assert _replay(again) == _replay(reads)


@given(_reads)
def test_bookkeeping_survives_writing_and_reading(reads) -> None:  # type: ignore[no-untyped-def]
    seen, _ = _replay(reads)
    assert unpack(pack(seen)) == seen


def test_at_equal_modified_time_detail_beats_search_beats_list() -> None:
    at = "2026-01-01 00:00:00"
    order = [version(at, shape, read, 0) for shape, read in [(Shape.LIST, 9), (Shape.SEARCH, 8)]]
    order.append(version(at, Shape.DETAIL, 7, 0))
    assert order == sorted(order)
    assert version("2026-01-01 00:00:00.000001", Shape.LIST, 0, 0) > order[-1]


def test_a_reading_a_quarter_of_an_hour_later_beats_every_sooner_one_of_the_same_second() -> None:
    at, noon, minute = "2026-01-01 12:00:00", 1_767_268_800_000_000, 60_000_000
    soon = version(at, Shape.DETAIL, noon + 14 * minute, 9)
    late = version(at, Shape.SEARCH, noon + 15 * minute, 0)
    later = version(at, Shape.LIST, noon + 16 * minute, 0)
    assert soon < late < later
    assert version("2026-01-01 12:00:01", Shape.LIST, noon, 0) > later


def test_rows_without_modified_time_are_ordered_by_reading() -> None:
    assert version(None, Shape.LIST, 2, 0) > version(None, Shape.DETAIL, 1, 0)
    assert version("2020-01-01 00:00:00", Shape.LIST, 0, 0) > version(None, Shape.DETAIL, 9, 0)


def test_fractions_of_a_second_compare_as_numbers() -> None:
    at = [version(f"2026-01-01 00:00:00{tail}", Shape.LIST, 0, 0) for tail in ("", ".100", ".1")]
    assert at[0] < at[1] == at[2]


def test_a_trash_flag_counts_only_while_nothing_newer_was_seen() -> None:
    detail = merge((), version("2026-01-01 00:00:00", Shape.DETAIL, 1, 0), 0b11)
    assert is_current(detail, 0b10)
    search = merge(detail.seen, version("2026-01-02 00:00:00", Shape.SEARCH, 2, 0), 0b01)
    assert not is_current(search, 0b10)


_extras = st.lists(
    st.tuples(_versions, st.dictionaries(st.sampled_from("abc"), st.none(), min_size=1)),
    min_size=1,
    max_size=6,
    unique_by=lambda read: read[0],
)


@given(_extras)
def test_unmodelled_keys_keep_their_newest_version(extras) -> None:  # type: ignore[no-untyped-def]
    merged: dict[str, object] = {}
    marks: dict[str, tuple[str, int, int, int]] = {}
    base = extras[0][0]
    for at, keys in extras:
        merged, marks, base = merge_extra(merged, marks, base, dict.fromkeys(keys, at), at)
    for key in "abc":
        carried = [at for at, keys in extras if key in keys]
        assert merged.get(key) == (max(carried) if carried else None)
