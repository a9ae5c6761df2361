"""Time in conditions and examples: the calendar of the ticket's department, and moving instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.clockwork import DAYS, Office
from tests.rules.test_worktime import chicago
from tests.rules.world import NOW, PORTAL, duck
from zdsync.rules import CompiledRule, compile_rule, load_rules, run_examples
from zdsync.rules.examples import _relation
from zdsync.rules.fields import FIELDS
from zdsync.rules.given import Example, Expected
from zdsync.rules.nodes import Node
from zdsync.rules.worktime import OFFICE
from zdsync.sql import Sql, join

QUERY = duck()
HEAD = """
settings:
  calendars:
    office: {timezone: America/Chicago, hours: {mon-fri: "09:00-12:00, 13:00-18:00", sat: "10:00-14:00"}, holidays: US}
    island: {timezone: Australia/Lord_Howe, hours: {mon-sun: "08:00-20:00"}, holidays: [2026-04-06]}
    hotline: {timezone: UTC, hours: always}
  departments: {PAID support: hotline, Trials: island, Support: office}
"""  # noqa: E501  # one calendar a line, as people write it
OFFICES = {
    "Paid Support": Office("UTC", dict.fromkeys(DAYS, "00:00-24:00")),
    "Trials": Office("Australia/Lord_Howe", dict.fromkeys(DAYS, "08:00-20:00"), {date(2026, 4, 6)}),
}
FIRST = Office(
    "America/Chicago",
    dict.fromkeys(DAYS[:5], "09:00-12:00, 13:00-18:00") | {"sat": "10:00-14:00"},
    {date(2026, 2, 16), date(2026, 5, 25)},  # the holidays of the United States within reach
)
START = datetime(2026, 2, 20, tzinfo=UTC)


def compiled(when: str, now: datetime, head: str = HEAD) -> CompiledRule:
    loaded = load_rules(f"{head}rules: [{{id: r, when: {when}, then: [spam]}}]", "r.yaml")
    assert not loaded.problems, loaded.problems
    return compile_rule(loaded.rules.rules[0], loaded.rules, None, now)


def holds(rule: CompiledRule, **record: Any) -> bool:
    given_ = {name: (FIELDS[name], value) for name, value in record.items() if value is not None}
    relation = _relation(rule, [Example(given_, Expected({}), None, Node())])
    select = join(" ", [Sql("SELECT"), rule.where, Sql("FROM"), relation])
    return bool(QUERY(select)[0][0])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(("Paid Support", "paid support", "Trials", "Support", "IT", None)),
    st.integers(0, 99 * 24 * 60),
    st.integers(0, 5000),
    st.sampled_from((1, 45, 240, 600)),
)
def test_older_than_is_working_time_in_the_calendar_of_the_department(
    department: str | None, since: int, age: int, minutes: int
) -> None:
    now = START + timedelta(minutes=since)
    created = now - timedelta(minutes=age)
    office = OFFICES.get((department or "").title(), FIRST)
    passed, at = 0, created
    while at < now:
        passed += office.open_at(at)
        at += timedelta(minutes=1)
    record = {"department": department, "created": created}
    span = f"{minutes} business minutes"
    assert holds(compiled(f"{{created: {{older_than: {span}}}}}", now), **record) is (
        passed >= minutes
    )
    assert holds(compiled(f"{{created: {{newer_than: {span}}}}}", now), **record) is (
        passed < minutes
    )


def test_one_calendar_asks_for_no_department() -> None:
    head = "settings: {calendars: {office: {timezone: UTC, hours: {mon: '09:00-18:00'}}}}\n"
    rule = compiled("{created: {older_than: 1 business day}}", NOW, head)
    assert [field.name for field in rule.reads] == ["created"]
    assert "CASE" not in rule.where.text
    plain = compiled("{created: {older_than: 1d}}", NOW)
    assert [field.name for field in plain.reads] == ["created"]


def test_without_a_calendar_an_office_in_utc_is_meant() -> None:
    assert (
        load_rules(
            "rules: [{id: r, when: {status: Open}, then: [spam]}]", "r"
        ).rules.calendars.first
        == OFFICE
    )
    now = datetime(2026, 6, 15, 10, tzinfo=UTC)  # a Monday
    rule = compiled("{created: {older_than: 2 business hours}}", now, "")
    assert holds(rule, created=datetime(2026, 6, 12, 17, tzinfo=UTC))
    assert not holds(rule, created=datetime(2026, 6, 12, 17, 1, tzinfo=UTC))


def test_holidays_of_a_country_and_of_its_parts_are_no_working_days() -> None:
    head = (
        "settings: {calendars: {o: {timezone: Europe/Berlin, hours: {mon-fri: '09:00-18:00'}%s}}}\n"
    )
    now = datetime(2026, 6, 5, 10, tzinfo=UTC)  # the day after Corpus Christi, kept in Bavaria
    when = "{created: {older_than: 1 business day}}"
    for holidays, back in (("", 4), (", holidays: DE", 4), (", holidays: DE-BY", 3)):
        rule = compiled(when, now, head % holidays)
        assert rule.where.params == (datetime(2026, 6, back, 10),)  # noqa: DTZ001  # naive UTC
    observed = head.replace("Europe/Berlin", "UTC") % ", holidays: US"  # the 4th is a Saturday
    rule = compiled(when, datetime(2026, 7, 6, 10, tzinfo=UTC), observed)
    assert rule.where.params == (datetime(2026, 7, 2, 10),)  # noqa: DTZ001  # naive UTC


def test_always_open_with_holidays_rests_on_them() -> None:
    head = "settings: {calendars: {o: {timezone: UTC, hours: always, holidays: [2026-06-04]}}}\n"
    rule = compiled(
        "{created: {older_than: 12 business hours}}", datetime(2026, 6, 5, 6, tzinfo=UTC), head
    )
    assert rule.where.params == (datetime(2026, 6, 3, 18),)  # noqa: DTZ001  # naive UTC


@pytest.mark.parametrize(
    ("when", "hours", "expected"),
    [
        ("{before: in 2h}", 1.9, True),
        ("{before: in 2h}", 2, False),
        ("{before: now}", -0.1, True),
        ("{after: 2h ago}", -1, True),
        ("{after: 2 hours ago}", -1, None),
        ("{gt: 1d ago, lte: now}", 0, True),
        ("{between: [1h ago, in 1h]}", 1, True),
        ("{between: [1h ago, in 1h]}", 1.1, False),
        ("{before: in  2 Business Hours}", 2, False),
        ("{before: in 999999 business hours}", 0, None),
        ("{is: now}", 0, None),
        ("{older_than: in 2h}", 0, None),
        ("{before: in}", 0, None),
        ("{before: in -2h}", 0, None),
    ],
)
def test_instants_that_move_with_the_clock(when: str, hours: float, expected: bool | None) -> None:
    if expected is None:
        loaded = load_rules(f"rules: [{{id: r, when: {{due: {when}}}, then: [spam]}}]", "r.yaml")
        assert loaded.problems
        return
    rule = compiled(f"{{due: {when}}}", NOW)
    due = NOW + timedelta(hours=hours)
    assert holds(rule, due=due, department="Paid Support") is expected
    assert not holds(rule, department="Paid Support"), "an empty instant is before nothing"


def failing(rule: str, given_: str, expect: str, at: str = "") -> list[str]:
    text = (
        f"{HEAD}rules: [{{id: r, {rule}, examples: [{{given: {given_}, expect: {expect}{at}}}]}}]"
    )
    loaded = load_rules(text, "r.yaml", PORTAL)
    return [p.what for p in loaded.problems or run_examples(loaded.rules, PORTAL, QUERY, NOW)]


OLD = "when: {created: {older_than: 4 business hours}}, then: [spam]"
AT = ", at: 2026-06-15 11:00-05:00"  # a Monday


def test_an_example_has_its_own_time_and_the_calendar_of_its_department() -> None:
    saturday = "created: 2026-06-13 12:00-05:00"
    assert not failing(OLD, f"{{{saturday}, department: Support}}", "{spam: true}", AT)
    late = "created: 2026-06-13 12:01-05:00"
    assert not failing(OLD, f"{{{late}, department: Support}}", "nothing", AT)
    assert not failing(OLD, f"{{{late}, department: Paid Support}}", "{spam: true}", AT)
    assert failing(OLD, f"{{{late}, department: Support}}", "{spam: true}", AT)


def test_an_example_may_give_instants_relative_to_its_time() -> None:
    assert not failing(OLD, "{created: 4 business hours ago, department: Support}", "{spam: true}")
    assert not failing(OLD, "{created: 239 business minutes ago, department: Trials}", "nothing")


def test_an_example_too_far_away_is_refused() -> None:
    for at in ("0001-01-01", "9999-12-31"):
        assert "too far" in failing(OLD, "{created: 2026-01-01}", "nothing", f", at: {at}")[0]


DUE = "when: {channel: Phone}, then: [{set: {due: %s}}]"
PHONE = "channel: Phone, department: Support"
HOTLINE = "channel: Phone, department: Paid Support"
WHEN = "cf.cf_when: 2026-07-01 10:00"
TIER = "{lookup: account.sla_tier, in: {Gold: in 4h}}"


@pytest.mark.parametrize(
    ("due", "given_", "expect"),
    [
        ("in 3 business days", PHONE, "{due: 2026-06-18 11:00-05:00}"),
        ("in 3 business days", PHONE, "{due: in 3 business days}"),
        ("in 3 business days", HOTLINE, "{due: 2026-06-18 16:00}"),
        ("in 90m", PHONE, "{due: 2026-06-15 12:30-05:00}"),
        ("in 90m", f"{PHONE}, due: 2026-09-01", "nothing"),
        ("2026-07-01 10:00+02:00", f"{PHONE}, due: 2026-09-01", "{due: 2026-07-01 08:00}"),
        ("2026-07-01", f"{PHONE}, due: 2026-07-01 00:00", "nothing"),
        ("{field: cf.cf_when}", f"{PHONE}, {WHEN}", "{due: 2026-07-01 10:00}"),
        ("{field: cf.cf_when}", f"{PHONE}, due: 2026-07-01", "nothing"),
        ("null", f"{PHONE}, due: 2026-07-01", "{due: null}"),
        ("null", PHONE, "nothing"),
        (
            "{lookup: account.sla_tier, in: {Gold: in 4 business hours, Tin: null}, else: in 2d}",
            f"{PHONE}, account.sla_tier: GOLD",
            "{due: 2026-06-15 16:00-05:00}",
        ),
        (
            "{lookup: account.sla_tier, in: {Gold: in 4 business hours}, else: in 2d}",
            f"{PHONE}, account.sla_tier: none",
            "{due: 2026-06-17 11:00-05:00}",
        ),
        (TIER, f"{PHONE}, account.sla_tier: x", "nothing"),
        (TIER, PHONE, "nothing"),
    ],
)  # fmt: skip
def test_a_due_date_is_set(due: str, given_: str, expect: str) -> None:
    assert not failing(DUE % due, f"{{{given_}}}", expect, AT)


def test_a_due_date_relative_to_now_is_a_whole_minute_not_too_early() -> None:
    now = datetime(2026, 6, 15, 10, 0, 30, 5, tzinfo=UTC)
    text = "rules: [{id: r, when: {status: Open}, then: [{set: {due: in 1h}}]}]"
    loaded = load_rules(text, "r.yaml")
    rule = compile_rule(loaded.rules.rules[0], loaded.rules, None, now)
    relation = _relation(rule, [Example({}, Expected({}), None, Node())])
    select = join(" ", [Sql("SELECT"), rule.actions[0].wanted, Sql("FROM"), relation])  # type: ignore[union-attr]  # a SetField
    assert QUERY(select) == [("2026-06-15 11:01:00",)]


@pytest.mark.parametrize(
    "due",
    [
        *("soon", "12:30", "[a]", "{field: subject}", "{field: nothing_here}", "true"),
        *("{lookup: created, in: {a: in 1h}}", "{lookup: subject, in: {a: High}}"),
        *("{lookup: subject, in: {a: now}, never_lower: true}", "in 3 busines days"),
    ],
)
def test_a_due_date_that_is_none_is_refused_at_its_place(due: str) -> None:
    text = f"rules:\n  - {{id: r, when: {{status: Open}}, then: [{{set: {{due: {due}}}}}]}}"
    problems = load_rules(text, "r.yaml").problems
    assert problems
    assert all(problem.where.startswith("r.yaml:2:") for problem in problems)


def test_only_due_takes_an_instant_relative_to_now() -> None:
    then = "[{set: {cf.cf_when: in 2h, cf.cf_note: now}}]"
    text = f"rules: [{{id: r, when: {{status: Open}}, then: {then}}}]"
    (problem,) = load_rules(text, "r.yaml", PORTAL).problems
    assert problem.what == "`cf.cf_when` takes no instant relative to now"


def test_holidays_that_the_moon_decides_are_known_of_a_few_decades_and_nobody_is_warned() -> None:
    office = "{timezone: UTC, hours: {mon-fri: '09:00-18:00'}, holidays: IN}"
    head = f"settings: {{calendars: {{o: {office}}}}}\n"
    now = datetime(1980, 6, 5, tzinfo=UTC)
    rule = compiled("{created: {older_than: 1 business day}}", now, head)
    assert rule.where.params == (datetime(1980, 6, 4, 9),)  # noqa: DTZ001  # naive UTC


def test_a_day_in_chicago_is_told_in_its_own_clock() -> None:
    rule = compiled("{created: {older_than: 1 business day}}", chicago("2026-03-09 10:00"))
    assert datetime(2026, 3, 7, 16) in rule.where.params  # noqa: DTZ001  # Saturday, in CST
