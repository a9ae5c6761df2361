"""The pause stretches so that the day's credits last, and not before they run short."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import FakeClock
from zdsync.pull.pace import LONGEST, paced, stretched
from zdsync.transport import Account, Standing, day_of

EVERY = timedelta(minutes=5)


@given(cost=st.floats(1, 200), room=st.floats(1, 50_000), left=st.integers(600, 86_400))
def test_at_the_stretched_pause_the_credits_last_to_the_end_of_the_day(
    cost: float, room: float, left: int
) -> None:
    time = timedelta(seconds=left)
    pause = stretched(EVERY, cost, room, time)
    assert EVERY <= pause <= LONGEST
    assert pause == LONGEST or time / pause * cost <= room * 1.001
    if time / EVERY * cost <= room:
        assert pause == EVERY


def test_the_pause_stays_as_set_until_a_quarter_of_the_allowance_is_left() -> None:
    clock = FakeClock()
    account = Account("desk", clock, day_of("eu"), daily=1_000, reserve=0.2)
    often = timedelta(seconds=1)
    for spent, far in ((599, True), (601, False)):
        account.resume(Standing(spent=spent))
        assert (paced(account, often, 10.0, clock) == often) is far


def test_a_service_that_rests_looks_again_within_the_hour() -> None:
    clock = FakeClock()
    account = Account("desk", clock, day_of("eu"), daily=1_000, reserve=0.2)
    account.resume(Standing(spent=100))
    assert paced(account, EVERY, 1.0, clock) == EVERY
    account.exhausted(7200)
    assert paced(account, EVERY, 1.0, clock) == LONGEST
    clock.sleep(7000)
    assert paced(account, EVERY, 1.0, clock) == EVERY
