"""The share left to others is never touched, however little Zoho tells; a rest is no hot loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import FakeClock
from zdsync.errors import CreditsSpent
from zdsync.transport.account import Account, Standing
from zdsync.transport.window import Day, Rolling, day_of

DAILY = 1_000
MONDAY = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)


def account(clock: FakeClock, *, crm: bool = False, daily: int | None = DAILY) -> Account:
    window = Rolling() if crm else Day(UTC)
    return Account("crm" if crm else "desk", clock, window, daily=daily, reserve=0.2, half_told=crm)


def read(at: Account, price: float = 3, left: int | None = None) -> None:
    """One call: booked, answered, given back."""
    at.book(price)
    at.note(price, left, good=True)
    at.release(price)


@given(
    told=st.booleans(),
    prices=st.lists(st.sampled_from([1, 3, 10, 50, 100]), max_size=60),
    others=st.integers(0, 400),
    in_flight=st.integers(1, 8),
)
def test_the_reserve_holds_with_headers_and_without_and_with_calls_in_flight(
    told: bool, prices: list[int], others: int, in_flight: int
) -> None:
    at = account(FakeClock())
    spent, left = 0, DAILY - (others if told else 0)
    waiting: list[int] = []
    for price in prices:
        if told and spent:
            at.note(0, left - spent, good=True)
        try:
            at.book(price)
        except CreditsSpent:
            break
        waiting.append(price)
        if len(waiting) >= in_flight or not spent:
            for one in waiting:
                spent += one
                at.note(one, left - spent if told else None, good=True)
                at.release(one)
            waiting = []
    if spent > 100:  # the first answer tells that others were here before
        assert left - spent >= DAILY * 0.2 or spent == prices[0]


def test_a_rest_lasts_until_the_day_ends_and_is_no_hot_loop() -> None:
    clock = FakeClock(MONDAY)
    at = account(clock)
    at.resume(Standing(spent=799))
    for _ in range(3):
        with pytest.raises(CreditsSpent) as caught:
            at.book(3)
        assert caught.value.retry_at == datetime(2026, 3, 3, tzinfo=UTC)
    assert at.resting() == caught.value.retry_at
    assert "2026-03-03 00:00 UTC" in caught.value.hint
    clock.at = caught.value.retry_at
    read(at)
    assert at.resting() is None
    assert at.room() == DAILY * 0.8 - 3


def test_only_one_call_looks_whether_credits_are_back() -> None:
    clock = FakeClock(MONDAY)
    at = account(clock)
    read(at, left=100)
    with pytest.raises(CreditsSpent) as caught:
        at.book(3)
    clock.at = caught.value.retry_at
    read(at, left=99)
    with pytest.raises(CreditsSpent) as again:
        at.book(3)
    assert again.value.retry_at - clock.at >= timedelta(hours=1)


def test_the_day_may_begin_at_another_hour_than_that_of_the_data_centre() -> None:
    clock = FakeClock(MONDAY)
    at = Account("desk", clock, day_of("com"), daily=DAILY, reserve=0.2)
    read(at, left=100)
    with pytest.raises(CreditsSpent) as caught:
        at.book(3)
    assert caught.value.retry_at == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    clock.at = caught.value.retry_at
    read(at, left=DAILY - 3)
    read(at, left=DAILY - 6)


def test_our_own_counting_follows_the_day_of_the_data_centre() -> None:
    clock = FakeClock(datetime(2026, 3, 3, 7, 0, tzinfo=UTC))  # 23:00 in California
    at = Account("desk", clock, day_of("com"), daily=DAILY, reserve=0.2)
    at.resume(Standing(spent=799))
    with pytest.raises(CreditsSpent) as caught:
        at.book(3)
    assert caught.value.retry_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_what_was_told_yesterday_counts_no_more() -> None:
    clock = FakeClock(MONDAY)
    at = account(clock)
    at.resume(Standing(left=10, told_at=MONDAY - timedelta(days=1)))
    assert at.left is None
    read(at)


def test_a_run_goes_on_resting_where_another_began_to() -> None:
    clock = FakeClock(MONDAY)
    first, second = account(clock), account(clock)
    until = first.exhausted(7200)
    second.resume(first.standing())
    with pytest.raises(CreditsSpent) as caught:
        second.book(1)
    assert caught.value.retry_at == until == MONDAY + timedelta(hours=2)


@pytest.mark.parametrize("wait", [0, 0.001, None])
def test_a_refusal_for_want_of_credits_rests_at_least_a_minute(wait: float | None) -> None:
    clock = FakeClock(MONDAY)
    assert account(clock).exhausted(wait) >= MONDAY + timedelta(minutes=1)


def test_after_a_refusal_nothing_is_said_to_be_left() -> None:
    at = account(FakeClock())
    read(at, left=700)
    at.exhausted(7200)
    with pytest.raises(CreditsSpent, match=r"^0 Desk API credits are left"):
        at.book(1)
    assert at.left == 0


def test_credits_beyond_the_editions_are_believed() -> None:
    at = account(FakeClock())
    read(at, left=4_999)
    assert at.daily == 4_999
    assert at.room() == pytest.approx(4_999 * 0.8)


def test_an_unknown_edition_takes_what_zoho_tells() -> None:
    at = account(FakeClock(), daily=None)
    assert at.daily == 50_000
    read(at, left=4_997)
    read(at, left=4_994)
    assert at.daily == 4_997


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    at = account(FakeClock())
    read(at, left=500)
    read(at, left=503)
    assert at.left == 500


def test_the_header_of_the_crm_appears_at_one_half_and_tells_the_whole() -> None:
    at = account(FakeClock(), crm=True, daily=50_000)
    read(at, 1)
    read(at, 1, left=2_500)
    read(at, 1, left=2_499)
    assert at.daily == 5_000
    assert at.room() == 2_499 - 1_000


def test_credits_of_the_crm_come_back_bit_by_bit() -> None:
    clock = FakeClock()
    at = account(clock, crm=True)
    until = at.exhausted(None)
    assert timedelta(minutes=1) <= until - clock.now() <= timedelta(hours=1)
    clock.at = until
    read(at, 1)


@pytest.mark.parametrize("dc", ["com", "eu", "in", "au", "jp", "cn", "ca", "sa", "uk", "sg", "ae"])
def test_a_day_follows_the_next_whatever_the_clocks_do(dc: str) -> None:
    day, now = day_of(dc), datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    for _ in range(370):
        start, end = day.start(now), day.end(now)
        assert start <= now < end
        assert timedelta(hours=23) <= end - start <= timedelta(hours=25)
        assert day.start(end) == end
        now = end


def test_calls_in_flight_count_before_they_are_answered() -> None:
    at = account(FakeClock())
    read(at, left=300)
    for _ in range(33):
        at.book(3)
    with pytest.raises(CreditsSpent):
        at.book(3)
