"""Business time in conditions against the second implementation, minute by minute."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.oracle.bench import asked
from tests.rules.oracle.business import Office, Offices, back
from tests.rules.oracle.evaluate import World, holds
from tests.rules.oracle.spelling import rules_file
from tests.rules.world import duck
from zdsync.rules import compile_rule, load_rules

QUERY = duck()
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = (
    *("UTC", "America/New_York", "Europe/Berlin", "Europe/London", "Asia/Kolkata"),
    *("Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Pacific/Apia", "Asia/Tehran"),
)
NAMES = ("Support", "Paid Support", "Crédits", "IT's")
HOUR = timedelta(hours=1)


def leaps(zone: str) -> list[datetime]:
    """The hours of 2026 in which a clock is put forward or back."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + place * HOUR for place in range(365 * 24)]
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in hours]
    return [at for at, old, new in zip(hours[1:], offsets, offsets[1:], strict=False) if old != new]


LEAPS = [(zone, at) for zone in ZONES for at in leaps(zone)]
points = st.sampled_from((0, 30, 90, 120, 150, 180, 540, 547, 720, 780, 1020, 1080, 1380, 1440))
shifts = st.sampled_from((2, 4, 4, 6)).flatmap(
    lambda many: st.lists(points, min_size=many, max_size=many, unique=True).map(
        lambda found: tuple(zip(sorted(found)[::2], sorted(found)[1::2], strict=True))
    )
)
weeks = st.one_of(
    shifts.map(lambda hours: (hours,) * 5 + ((),) * 2),
    st.tuples(shifts, shifts).map(lambda two: (two[0],) * 5 + (two[1], ())),
    st.sampled_from((((0, 1440),), ((0, 180), (540, 1080)), ((1320, 1440),))).map(
        lambda h: (h,) * 7
    ),
    st.lists(st.one_of(shifts, st.just(())), min_size=7, max_size=7).map(tuple).filter(any),
)
away = st.one_of(
    st.integers(-180, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(-12, 80).map(lambda halves: halves * HOUR / 2),
    st.integers(-86_400, 300_000).map(lambda s: timedelta(seconds=s, microseconds=7)),
)
days = st.integers(0, 364).map(lambda place: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(place))
spans = st.one_of(
    st.just("1 business day"),
    st.integers(1, 6).map(lambda n: f"{n} business day{'s' * (n > 1)}"),
    st.integers(0, 30).map(lambda n: f"{n} business hour{'s' * (n != 1)}"),
    st.integers(0, 700).map(lambda n: f"{n} business minutes"),
)


@st.composite
def offices(draw: st.DrawFn, now: datetime, zone: str) -> Office:
    near = st.integers(-12, 1).map(lambda days: (now + timedelta(days)).date())
    off = frozenset(draw(st.lists(near, max_size=4)))
    place = draw(st.one_of(st.just(zone), st.just(zone), st.sampled_from(ZONES)))
    return Office(place, draw(st.one_of(weeks, weeks, weeks, st.none())), off)


@st.composite
def cases(draw: st.DrawFn) -> tuple[datetime, Offices, list[str], list[dict[str, Any]]]:
    zone, leap = draw(st.one_of(st.sampled_from(LEAPS), st.tuples(st.sampled_from(ZONES), days)))
    now = leap + draw(away)
    known = draw(st.lists(offices(now, zone), max_size=3))
    names = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)) if known else []
    places = [draw(st.sampled_from(known)) for _ in names]
    found = Offices(known[0], dict(zip(names, places, strict=True))) if known else Offices()
    asked_spans = draw(st.lists(spans, min_size=1, max_size=4))
    chance = random.Random(draw(st.integers(0, 2**32)))
    return now, found, asked_spans, [record(now, found, asked_spans, chance) for _ in range(40)]


def record(
    now: datetime, found: Offices, asked_spans: list[str], chance: random.Random
) -> dict[str, Any]:
    """A ticket created close to where a duration ends, in its department or in another."""
    department = chance.choice((*NAMES, "SUPPORT", "credits", "Other", None))
    other = department if chance.random() < 0.8 else chance.choice(NAMES)
    edge = back(chance.choice(asked_spans), now, found.at(other))
    edge = chance.choice([edge, edge, edge, *(at for _, at in LEAPS if abs(at - now) < 60 * HOUR)])
    beside = chance.choice(
        (0, 0, 1, -1, 60 * 10**6, -60 * 10**6, chance.randint(-(10**11), 10**11))
    )
    return {"department": department, "created": edge + timedelta(microseconds=beside)}


def settings_of(found: Offices) -> str:
    """The calendars of a file as an admin writes them."""
    every = list(dict.fromkeys((found.first, *found.of.values())))
    if every == [Offices().first]:
        return ""
    calendars = ", ".join(f"c{place}: {spelt(office)}" for place, office in enumerate(every))
    of = ", ".join(f'"{name}": c{every.index(office)}' for name, office in found.of.items())
    return f"settings: {{calendars: {{{calendars}}}, departments: {{{of}}}}}"


def spelt(office: Office) -> str:
    if office.week is None:
        hours = "always"
    else:
        days = [(name, spans) for name, spans in zip(DAYS, office.week, strict=True) if spans]
        hours = "{" + ", ".join(f'{name}: "{clock(spans)}"' for name, spans in days) + "}"
    off = ", ".join(map(date.isoformat, sorted(office.off)))
    return f"{{timezone: {office.zone}, hours: {hours}" + (f", holidays: [{off}]}}" if off else "}")


def clock(spans: tuple[tuple[int, int], ...]) -> str:
    return ", ".join("-".join(f"{at // 60:02}:{at % 60:02}" for at in span) for span in spans)


@hypothesis.settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "80")),
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(cases())
def test_business_time_equals_the_second_implementation(
    case: tuple[datetime, Offices, list[str], list[dict[str, Any]]],
) -> None:
    now, found, asked_spans, records = case
    conditions = [
        {"created": {op: span}} for span in asked_spans for op in ("older_than", "newer_than")
    ]
    loaded = load_rules(rules_file(conditions, {}, head=settings_of(found)), "r.yaml")
    assert not loaded.problems, loaded.problems
    rules = [compile_rule(rule, loaded.rules, None, now) for rule in loaded.rules.rules]
    world = World(
        now, {"created": "instant"}.get, back=lambda s, r: back(s, now, found.at(r["department"]))
    )
    for row, cells in zip(records, asked(rules, records, QUERY, None), strict=True):
        for condition, said in zip(conditions, cells, strict=True):
            expected = holds(condition, row, world)
            assert said is expected, (now, found.at(row["department"]), condition, row)


@pytest.mark.parametrize("hours", [((0, 1440),), ((150, 720), (780, 1440))], ids=str)
@pytest.mark.parametrize(("zone", "leap"), LEAPS, ids=str)
def test_a_business_day_around_each_leap_of_a_clock(
    zone: str, leap: datetime, hours: tuple[tuple[int, int], ...]
) -> None:
    office = Office(zone, (hours,) * 7)
    text = rules_file(
        [{"created": {"older_than": "1 business day"}}], {}, head=settings_of(Offices(office))
    )
    loaded = load_rules(text, "r.yaml").rules
    for away in (*range(-100, 160, 26), *range(22 * 60, 26 * 60, 26), 31 * 60 + 7, 35 * 60):
        now = leap + timedelta(minutes=away)
        (bound,) = compile_rule(loaded.rules[0], loaded, None, now).where.params
        assert bound.replace(tzinfo=UTC) == back("1 business day", now, office), now


# The law: 5 U.S.C. 6103 and its days in lieu (a Saturday's on Friday, a Sunday's on Monday), and
# the feasts of North Rhine-Westphalia (Feiertagsgesetz NW), Easter of 2026 being the 5th of April.
COUNTRIES = {
    "US": "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25",
    "DE-NW": "01-01 04-03 04-06 05-01 05-14 05-25 06-04 10-03 11-01 12-25 12-26",
}


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_holidays_of_a_country_are_those_of_its_law(country: str) -> None:
    off = frozenset(date.fromisoformat(f"2026-{day}") for day in COUNTRIES[country].split())
    week = (((540, 1080),),) * 5 + ((),) * 2
    office = Office("America/New_York" if country == "US" else "Europe/Berlin", week, off)
    head = settings_of(Offices(replace(office, off=frozenset())))
    head = head.replace(f"timezone: {office.zone}", f"timezone: {office.zone}, holidays: {country}")
    spans = ("1 business day", "5 business hours")
    text = rules_file([{"created": {"older_than": span}} for span in spans], {}, head=head)
    loaded = load_rules(text, "r.yaml").rules
    for day in range(12, 360):
        now = datetime(2026, 1, 1, 15, 30, tzinfo=UTC) + timedelta(days=day)
        for rule, span in zip(loaded.rules, spans, strict=True):
            (bound,) = compile_rule(rule, loaded, None, now).where.params
            assert bound.replace(tzinfo=UTC) == back(span, now, office), (now, span)
