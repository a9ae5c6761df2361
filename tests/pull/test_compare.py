"""What counts prove, and what they do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zdsync.connectors import FieldCounts
from zdsync.errors import Vanishing
from zdsync.model import Span
from zdsync.pull import compare
from zdsync.pull.compare import Reading, Window

SPAN = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
TYPES = {
    "live": {"OPEN": 5, "CLOSED": 7},
    "spam": {"OPEN": 2},
    "archived": {"CLOSED": 3},
}


@pytest.mark.parametrize(
    ("held", "remote", "cap", "step"),
    [
        (500, 500, None, "equal"),
        (500, 499, None, "halve"),
        (80, 90, None, "read"),
        (80, None, None, "read"),
        (1000, 1000, None, "halve"),
        (5000, 5000, None, "halve"),
        (300, 300, 300, "halve"),
        (300, 299, 300, "halve"),
        (20_000, 100, 100, "read"),
    ],
)
def test_equal_is_only_what_no_cap_could_fake(
    held: int, remote: int | None, cap: int | None, step: str
) -> None:
    assert compare.step(Window(SPAN, held, remote), cap) == step


def test_a_count_whose_halves_come_to_more_is_capped() -> None:
    assert compare.cap_shown(100, 60, 60) == 100
    assert compare.cap_shown(100, 60, 40) is None


@given(st.integers(0, 500), st.integers(0, 2000))
def test_promise_4_more_than_ten_and_a_tenth_is_refused(vanishing: int, rows: int) -> None:
    if vanishing > 10 and vanishing > rows / 10:
        with pytest.raises(Vanishing, match=r"desk\.tickets"):
            compare.refuse_to_bury("desk.tickets", vanishing, rows)
    else:
        compare.refuse_to_bury("desk.tickets", vanishing, rows)


def test_readings_of_counts_are_learned_and_survive_as_text() -> None:
    plain = FieldCounts({"OPEN": 5, "ONHOLD": 0, "CLOSED": 7}, 2, 1)
    assert compare.readings(plain, TYPES) == [Reading(False)]
    with_all = FieldCounts({"OPEN": 7, "ONHOLD": 0, "CLOSED": 10}, 2, 1)
    (found,) = compare.readings(with_all, TYPES)
    assert found == Reading(True, frozenset({"archived"}))
    assert Reading.of(str(found)) == found
    assert Reading.of(str(Reading(False))) == Reading(False)


def test_counts_of_spam_that_search_hides_are_set_apart() -> None:
    told = FieldCounts({"OPEN": 5 + 40, "ONHOLD": 0, "CLOSED": 7}, 40, 1)
    assert Reading(True).agrees(told, TYPES)
    assert not Reading(False).agrees(told, TYPES)
