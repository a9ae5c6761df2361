"""Business time against a clock that counts minutes one by one, in zones that change theirs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.rules.clockwork import DAYS, Office
from zdsync.rules import load_rules
from zdsync.rules.instants import Business, Span
from zdsync.rules.worktime import OFFICE, Calendar

ZONES = ("America/Chicago", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
SHIFTS = (
    *("09:00-18:00", "09:00-12:00, 13:00-18:00", "00:00-24:00", "10:00-14:00"),
    *("00:30-02:15, 22:00-24:00", "02:00-03:00", "06:00-06:10"),
)
# Around the changes of the clock of all those zones in 2026, and a quiet week.
SEASONS = (
    *(datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    *(datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)),
    *(datetime(2026, 4, 4, 14, tzinfo=UTC), datetime(2026, 10, 3, 14, tzinfo=UTC)),
    datetime(2026, 6, 17, tzinfo=UTC),
)


@st.composite
def offices(draw: st.DrawFn) -> Office:
    hours = draw(st.dictionaries(st.sampled_from(DAYS), st.sampled_from(SHIFTS), min_size=1))
    days = st.dates(date(2026, 2, 20), date(2026, 11, 10))
    return Office(draw(st.sampled_from(ZONES)), hours, draw(st.frozensets(days, max_size=20)))


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    return draw(st.sampled_from(SEASONS)) + timedelta(minutes=draw(st.integers(-6000, 6000)))


def calendar(office: Office) -> Calendar:
    """Read an office the way a file tells of it."""
    told = {
        "timezone": office.zone,
        "hours": "always" if office.hours is None else dict(office.hours),
        "holidays": [str(day) for day in sorted(office.off)],
    }
    rule = {"id": "r", "when": {"status": "Open"}, "then": ["spam"]}
    file = {"version": 1, "settings": {"calendars": {"office": told}}, "rules": [rule]}
    loaded = load_rules(json.dumps(file), "rules.yaml")
    assert not loaded.problems
    return loaded.rules.calendars.first


@settings(max_examples=60, deadline=None)
@given(offices(), moments(), st.integers(0, 700))
def test_business_minutes_are_those_that_a_clock_counts(
    office: Office, moment: datetime, count: int
) -> None:
    span = Business(count, "minute")
    assert calendar(office).back(moment, span) == office.minutes_back(moment, count)
    assert calendar(office).ahead(moment, span) == office.minutes_ahead(moment, count)


@settings(max_examples=60, deadline=None)
@given(offices(), moments(), st.integers(1, 6))
def test_a_business_day_back_is_the_same_clock_time_moved_into_the_hours(
    office: Office, moment: datetime, count: int
) -> None:
    zone = ZoneInfo(office.zone)
    local = moment.astimezone(zone)
    assume(office.spans(local.date()))
    found = calendar(office).back(moment, Business(count, "day"))
    for day in (local, found.astimezone(zone)):  # the odd hours have a test of their own
        around = [(day + timedelta(hours=hours)).utcoffset() for hours in (-26, 0, 26)]
        assume(len(set(around)) == 1)
    assert found == office.day_back(moment, count)


spans = st.one_of(
    st.builds(Business, st.integers(0, 8), st.just("day")),
    st.builds(Business, st.integers(0, 30), st.just("hour")),
    st.builds(Business, st.integers(0, 500), st.just("minute")),
)


@settings(max_examples=300, deadline=None)
@given(offices(), moments(), st.integers(0, 4000), spans)
def test_a_later_start_never_gives_an_earlier_end(
    office: Office, moment: datetime, later: int, span: Span
) -> None:
    """What was older than a span once stays so, or a rule would fire, rest and fire again."""
    found, then = calendar(office), moment + timedelta(minutes=later)
    assert found.back(moment, span) <= found.back(then, span) <= then
    assert found.ahead(moment, span) <= found.ahead(then, span)
    assert found.ahead(moment, span) >= moment


@settings(max_examples=100, deadline=None)
@given(offices(), moments(), spans)
def test_what_is_back_by_a_span_is_never_younger_than_the_next_longer_one(
    office: Office, moment: datetime, span: Business
) -> None:
    found, longer = calendar(office), Business(span.count + 1, span.unit)
    assert found.back(moment, longer) <= found.back(moment, span)
    assert found.ahead(moment, longer) >= found.ahead(moment, span)


@given(moments(), st.integers(0, 9), st.sampled_from(ZONES))
def test_always_open_counts_plain_time(moment: datetime, count: int, zone: str) -> None:
    always = calendar(Office(zone, None))
    assert always.back(moment, Business(count, "day")) == moment - timedelta(days=count)
    assert always.ahead(moment, Business(count, "hour")) == moment + timedelta(hours=count)


@given(offices(), moments())
def test_nothing_back_is_now_and_plain_time_is_plain(office: Office, moment: datetime) -> None:
    found = calendar(office)
    for unit in ("day", "hour", "minute"):
        assert (
            found.back(moment, Business(0, unit))
            == moment
            == found.ahead(moment, Business(0, unit))
        )
    assert found.back(moment, timedelta(hours=5)) == moment - timedelta(hours=5)


def chicago(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Chicago"))


WEEK = dict.fromkeys(DAYS[:5], "09:00-12:00, 13:00-18:00") | {"sat": "10:00-14:00"}


@pytest.mark.parametrize(
    ("moment", "span", "back"),
    [
        ("2026-06-17 10:30", Business(1, "day"), "2026-06-16 10:30"),
        ("2026-06-15 10:30", Business(1, "day"), "2026-06-13 10:30"),  # Monday → Saturday
        ("2026-06-15 16:00", Business(1, "day"), "2026-06-13 14:00"),  # after its close
        ("2026-06-15 07:00", Business(1, "day"), "2026-06-13 10:00"),  # before its opening
        ("2026-06-16 12:30", Business(1, "day"), "2026-06-15 12:00"),  # inside the break
        ("2026-06-14 12:00", Business(1, "day"), "2026-06-12 18:00"),  # Sunday: Saturday's end
        ("2026-07-06 10:00", Business(1, "day"), "2026-07-02 10:00"),  # the 3rd and 4th are off
        ("2026-06-17 10:30", Business(90, "minute"), "2026-06-17 09:00"),
        ("2026-06-17 10:30", Business(2, "hour"), "2026-06-16 17:30"),
        ("2026-06-17 14:00", Business(2, "hour"), "2026-06-17 11:00"),  # across the break
    ],
)
def test_worked_examples_back(moment: str, span: Business, back: str) -> None:
    office = Office("America/Chicago", WEEK, {date(2026, 7, 3), date(2026, 7, 4)})
    assert calendar(office).back(chicago(moment), span) == chicago(back)


@pytest.mark.parametrize(
    ("moment", "span", "ahead"),
    [
        ("2026-06-12 10:30", Business(3, "day"), "2026-06-16 10:30"),
        ("2026-06-14 12:00", Business(1, "day"), "2026-06-16 09:00"),  # Sunday is Monday's opening
        ("2026-06-15 12:30", Business(1, "day"), "2026-06-16 13:00"),
        ("2026-06-15 20:00", Business(1, "day"), "2026-06-16 18:00"),
        ("2026-06-15 16:00", Business(2, "hour"), "2026-06-15 18:00"),
        ("2026-06-15 16:30", Business(2, "hour"), "2026-06-16 09:30"),
    ],
)
def test_worked_examples_ahead(moment: str, span: Business, ahead: str) -> None:
    office = Office("America/Chicago", WEEK)
    assert calendar(office).ahead(chicago(moment), span) == chicago(ahead)


def test_skipped_and_doubled_clock_times_are_settled() -> None:
    night = calendar(
        Office("America/Chicago", dict.fromkeys(DAYS, "00:00-24:00"), {date(2026, 1, 1)})
    )
    day = Business(1, "day")
    # 02:30 of the 8th of March is skipped: the instant of the leap, 03:00 CDT.
    assert night.back(chicago("2026-03-09 02:30"), day) == datetime(2026, 3, 8, 8, tzinfo=UTC)
    # 01:30 of the 1st of November comes twice: the first, in CDT.
    assert night.back(chicago("2026-11-02 01:30"), day) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    # While the clock shows 01:30 again, it stands still at 02:00.
    again = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert night.back(again, day) == chicago("2026-10-31 02:00")
    hour = Business(2, "hour")
    early = calendar(Office("America/Chicago", dict.fromkeys(DAYS, "01:00-03:00")))
    # That night has three hours between one and three, the one in March a single hour.
    assert early.ahead(chicago("2026-11-01 00:00"), hour) == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert early.ahead(chicago("2026-03-08 00:00"), hour) == chicago("2026-03-09 02:00")


def test_a_calendar_that_is_always_off_ends_somewhere_far() -> None:
    class Always:
        def __contains__(self, day: object, /) -> bool:
            return True

    never = Calendar(OFFICE.zone, OFFICE.week, Always())
    now = datetime(2026, 6, 17, tzinfo=UTC)
    for unit in ("day", "hour"):
        assert now - never.back(now, Business(1, unit)) > timedelta(days=14_000)
        assert never.ahead(now, Business(1, unit)) - now > timedelta(days=14_000)
