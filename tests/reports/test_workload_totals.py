"""Rows add up to groups, groups to the total, and the parts of a row to its sum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.desk import AS_OF, PRIORITIES, SINCE, STATUSES, Desk, ago
from zdsync.reports import build
from zdsync.reports.report import Cell, Table

_TIMES = st.floats(-20, 120).map(ago)
_TICKETS = st.fixed_dictionaries(
    {
        "department": st.sampled_from(["Support", "IT", None]),
        "agent": st.sampled_from(["Ana", "Bo", None]),
        "status": st.sampled_from([*(name for name, _ in STATUSES), "Odd", None]),
        "presence": st.sampled_from(["live", "live", "archived", "spam"]),
        "priority": st.sampled_from([*PRIORITIES, None]),
        "created": _TIMES,
        "closed": st.none() | _TIMES,
        "due": st.none() | _TIMES,
    }
)


def adding(table: Table) -> list[str]:
    return [column.key for column in table.columns if column.kind == "int"]


def sums(records: Iterable[dict[str, Cell]], keys: list[str]) -> dict[str, Any]:
    rows = list(records)
    return {key: sum(int(str(row[key])) for row in rows) for key in keys}


@settings(max_examples=30, deadline=None)
@given(st.lists(_TICKETS, max_size=25))
def test_rows_add_up_to_groups_and_to_the_total(tickets: list[dict[str, Any]]) -> None:
    report = build("workload", Desk().options().bulk(tickets).query, AS_OF, SINCE)
    for table in report.tables:
        keys, records = adding(table), table.records()
        total = {key: records[-1][key] for key in keys}
        assert records[-1]["level"] == "total"
        assert sums((each for each in records if each["level"] == "row"), keys) == total
    main = report.tables[0].records()
    keys = adding(report.tables[0])
    assert sums((each for each in main if each["level"] == "group"), keys) == {
        key: main[-1][key] for key in keys
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(_TICKETS, max_size=25))
def test_statuses_and_priorities_each_add_up_to_open(tickets: list[dict[str, Any]]) -> None:
    report = build("workload", Desk().options().bulk(tickets).query, AS_OF, SINCE)
    for row in report.tables[0].records():
        statuses = [key for key in row if key.startswith("status:")] + ["closed_since"]
        priorities = [key for key in row if key.startswith("priority:")]
        for parts in (statuses, priorities):
            assert sums([row], parts) and sum(sums([row], parts).values()) == row["open"]


@settings(max_examples=30, deadline=None)
@given(st.lists(_TICKETS, max_size=25))
def test_tables_and_figures_tell_the_same_numbers(tickets: list[dict[str, Any]]) -> None:
    report = build("workload", Desk().options().bulk(tickets).query, AS_OF, SINCE)
    main, agents, days, ages = (table.records()[-1] for table in report.tables)
    figures = {figure.key: figure.value for figure in report.figures}
    assert {key: main[key] for key in figures} == {key: agents[key] for key in figures} == figures
    assert (days["opened"], days["closed"]) == (figures["opened"], figures["closed"])
    assert ages["open"] == figures["open"]
