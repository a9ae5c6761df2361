"""The workload over the mirror's own views: what the queries name is there and means the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import FakeClock
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Row, Shape
from zdsync.reports import Report, build, render

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ticket(id: str, **more: object) -> Row:
    row: Row = {
        "id": id,
        "ticket_number": id,
        "subject": "s",
        "status": "Open",
        "status_type": "Open",
        "priority": "High",
        "department_id": "d1",
        "assignee_id": "a1",
        "created_time": "2026-02-27 10:00:00",
        "modified_time": "2026-03-01 10:00:00",
    }
    return row | more


def fill(mirror: Mirror) -> None:
    options = [{"value": "Open", "statusType": "OPEN"}, {"value": "Done", "statusType": "CLOSED"}]
    rows: dict[str, tuple[Row, ...]] = {
        "desk.departments": ({"id": "d1", "name": "Support"},),
        "desk.agents": (
            {"id": "a1", "name": "Ana", "email_id": "ana@x.org", "status": "ACTIVE"},
            {"id": "a2", "name": "Ana", "email_id": "ana2@x.org", "status": "DISABLED"},
        ),
        "desk.fields": (
            {"id": "f1", "module": "tickets", "api_name": "status", "pick_list_values": options},
            {
                "id": "f2",
                "module": "tickets",
                "api_name": "priority",
                "pick_list_values": ["-None-", "High", "Low"],
            },
        ),
        "desk.tickets": (
            ticket("1", due_date="2026-03-01 00:00:00"),
            ticket("2", assignee_id="a2", priority=None),
            ticket("3", assignee_id=None),
            ticket("4", assignee_id="a9"),
            ticket("5", status="Done", status_type="Closed", closed_time="2026-03-01 10:00:00"),
            ticket("6", is_spam=True),
            ticket("7", status="Waiting", status_type="On Hold", due_date="2026-03-01 00:00:00"),
        ),
    }
    for stream, found in rows.items():
        batch = RecordBatch(stream, Shape.SEARCH, found, NOW)
        cursor = Cursor(stream, value=NOW, complete=True, last_pull_at=NOW)
        mirror.checkpoint([batch], cursor)


@pytest.fixture
def report(tmp_path: Path, clock: FakeClock) -> Iterator[Report]:
    path = tmp_path / "private" / "mirror.duckdb"
    with Mirror.open(path, memory="256MB", options={}, clock=clock) as mirror:
        fill(mirror)
        yield build("workload", mirror.columns_and_rows, NOW)


def test_the_numbers_of_the_mirror_are_the_numbers_of_the_report(report: Report) -> None:
    figures = {figure.key: figure.value for figure in report.figures}
    assert figures == {"open": 5, "overdue": 2, "unassigned": 1, "opened": 6, "closed": 1}
    assert {each["agent"]: each["open"] for each in report.tables[1].records()} == {
        "Unassigned": 1,
        "Ana (ana@x.org)": 2,
        "Ana (ana2@x.org)": 1,
        "Agent a9": 1,
        None: 5,
    }
    keys = [column.key for column in report.tables[0].columns]
    assert [key for key in keys if key.startswith("status:")] == ["status:Open", "status:Waiting"]
    assert [key for key in keys if key.startswith("prio")] == [
        "priority:High", "priority:Low", "priority:",
    ]  # fmt: skip


def test_its_people_and_its_age_are_known(report: Report) -> None:
    assert report.lag is not None
    assert not report.lag
    assert report.notes == (
        "Disabled or deleted agents still hold open tickets: Agent a9 (1), Ana (ana2@x.org) (1).",
    )


def test_every_format_draws_it(report: Report) -> None:
    assert "Support" in render(report, "table", width=100)
    assert "Support" in render(report, "csv")
    assert "Support" in render(report, "json")


def test_a_new_mirror_gives_an_empty_report(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "private" / "mirror.duckdb"
    with Mirror.open(path, memory="256MB", options={}, clock=clock) as mirror:
        report = build("workload", mirror.columns_and_rows, NOW)
    assert report.notes == ("The mirror holds no tickets yet: run zdsync pull.",)
