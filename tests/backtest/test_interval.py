"""Wilson's interval against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zdsync.backtest.interval import wilson

# Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
PUBLISHED = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("good", "of", "low", "high"), PUBLISHED)
def test_the_interval_is_the_published_one(good: int, of: int, low: float, high: float) -> None:
    assert wilson(good, of) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_has_no_interval() -> None:
    assert wilson(0, 0) is None


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_it_holds_the_share_and_stays_within_nought_and_one(pair: tuple[int, int]) -> None:
    good, of = pair
    low, high = wilson(good, of) or (2, 2)
    assert 0 <= low <= good / of + 1e-12
    assert good / of - 1e-12 <= high <= 1
