"""Span arithmetic: nothing that was not taken is ever lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zdsync.model import Span
from zdsync.pull.spans import subtract

START = datetime(2026, 1, 1, tzinfo=UTC)


def _at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


spans = st.tuples(st.integers(0, 50), st.integers(1, 20)).map(
    lambda pair: Span(_at(pair[0]), _at(pair[0] + pair[1]))
)


def _seconds(of: list[Span] | tuple[Span, ...]) -> set[int]:
    return {second for second in range(80) for span in of if span.low <= _at(second) < span.high}


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_what_is_left_is_exactly_what_was_not_taken(whole: list[Span], taken: list[Span]) -> None:
    left = subtract(whole, taken)
    assert _seconds(left) == _seconds(whole) - _seconds(taken)
    assert all(span.low < span.high for span in left)
    assert list(left) == sorted(left, key=lambda span: span.low)
