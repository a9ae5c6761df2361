"""Each definition at the top of queries/workload.sql has one test named for it."""

from __future__ import annotations

from datetime import timedelta

from tests.reports.desk import AS_OF, SINCE, Desk, ago
from zdsync.reports import Report, build
from zdsync.reports.report import Cell


def report_of(desk: Desk) -> Report:
    return build("workload", desk.query, AS_OF, SINCE)


def total(report: Report, key: str) -> Cell:
    return report.tables[0].records()[-1][key]


def row(report: Report, agent: str, department: str = "Support") -> dict[str, Cell]:
    wanted = ("row", department, agent)
    return next(
        each
        for each in report.tables[0].records()
        if (each["level"], each["department"], each["agent"]) == wanted
    )


def test_on_hold_is_open_and_closed_is_not() -> None:
    desk = Desk().options().ticket().ticket(status="On Hold")
    desk.ticket(status="Closed", closed=ago(days=9))
    assert total(report_of(desk), "open") == 2


def test_status_without_a_class_is_open() -> None:
    report = report_of(Desk().ticket(status="Odd").ticket(status=None))
    assert total(report, "open") == 2
    assert total(report, "status:Odd") == total(report, "status:") == 1


def test_open_tickets_stand_under_the_portals_own_status_names_in_its_order() -> None:
    desk = Desk().options().ticket(status="Escalated").ticket(status="Waiting on Customer")
    keys = [column.key for column in report_of(desk).tables[0].columns]
    found = [key for key in keys if key.startswith("status:")]
    assert found == [
        "status:Open",
        "status:Waiting on Customer",
        "status:Escalated",
        "status:On Hold",
    ]
    assert total(report_of(desk), "status:Escalated") == 1


def test_statuses_unknown_to_the_portal_follow_by_class_then_name() -> None:
    desk = Desk().ticket(status="Zeta", kind="Open").ticket(status="Alpha", kind="On Hold")
    labels = [column.label for column in report_of(desk).tables[0].columns]
    assert labels[3:5] == ["Zeta", "Alpha"]


def test_overdue_is_open_and_due_before_as_of() -> None:
    desk = Desk().options()
    desk.ticket(due=ago(minutes=1)).ticket(due=AS_OF).ticket(due=ago(days=-1)).ticket(due=None)
    desk.ticket(status="Closed", closed=ago(days=2), due=ago(days=3))
    assert total(report_of(desk), "overdue") == 1


def test_tickets_on_hold_are_overdue_like_any_open_ticket() -> None:
    desk = Desk().options().ticket(status="On Hold", due=ago(days=3))
    assert total(report_of(desk), "overdue") == 1


def test_unassigned_counts_open_tickets_without_agent() -> None:
    desk = Desk().ticket(agent=None).ticket(agent=None, kind="Closed", closed=ago(days=1)).ticket()
    report = report_of(desk)
    assert total(report, "unassigned") == 1
    assert row(report, "Unassigned")["unassigned"] == 1
    assert row(report, "Ana")["unassigned"] == 0


def test_oldest_is_the_age_of_the_first_created_open_ticket() -> None:
    desk = Desk().options().ticket(created=ago(hours=30)).ticket(created=ago(hours=50))
    desk.ticket(status="Closed", created=ago(days=90), closed=ago(days=80))
    assert total(report_of(desk), "oldest_hours") == 50


def test_opened_counts_the_half_open_period_whatever_became_of_the_ticket() -> None:
    desk = Desk().options().ticket(created=SINCE).ticket(created=SINCE - timedelta(seconds=1))
    desk.ticket(created=AS_OF).ticket(created=AS_OF - timedelta(microseconds=1))
    desk.ticket(status="Closed", created=ago(days=2), closed=ago(days=1))
    assert total(report_of(desk), "opened") == 3


def test_closed_counts_the_half_open_period() -> None:
    desk = Desk().options()
    for closed in (SINCE, SINCE - timedelta(seconds=1), AS_OF, AS_OF - timedelta(seconds=1)):
        desk.ticket(status="Closed", created=ago(days=20), closed=closed)
    assert total(report_of(desk), "closed") == 2


def test_a_ticket_opened_again_is_open_and_not_closed() -> None:
    report = report_of(Desk().options().ticket(status="Open", closed=ago(days=1)))
    assert (total(report, "open"), total(report, "closed")) == (1, 0)


def test_a_ticket_created_after_as_of_is_not_there_yet() -> None:
    assert total(report_of(Desk().ticket(created=ago(days=-1))), "open") == 0


def test_open_tickets_by_priority_in_the_portals_order_with_none_last() -> None:
    desk = Desk().options().ticket(priority=None).ticket(priority="Low").ticket(priority="Urgent")
    columns = report_of(desk).tables[0].columns
    labels = [column.label for column in columns if column.key.startswith("priority:")]
    assert labels == ["High", "Medium", "Low", "Urgent", "No priority"]
    assert total(report_of(desk), "priority:") == total(report_of(desk), "priority:Low") == 1


def test_a_past_as_of_tells_what_closed_since_without_inventing_its_status() -> None:
    desk = Desk().options().ticket(status="Closed", closed=AS_OF, due=ago(days=1))
    report = report_of(desk)
    assert (total(report, "open"), total(report, "closed_since")) == (1, 1)
    assert any("changed after this instant" in note for note in report.notes)


def test_a_present_as_of_needs_no_note() -> None:
    assert report_of(Desk().ticket()).notes == ()


def test_a_ticket_closed_at_an_unknown_time_is_closed_and_said() -> None:
    report = report_of(Desk().options().ticket(status="Closed", closed=None))
    assert (total(report, "open"), total(report, "closed")) == (0, 0)
    assert any("unknown time" in note for note in report.notes)


def test_a_disabled_agent_who_holds_open_tickets_is_named() -> None:
    desk = Desk().options().agents(Ana=False, Bo=False, Cy=True)
    desk.ticket(agent="Ana").ticket(agent="Bo", status="Closed", closed=ago(days=1))
    notes = report_of(desk).notes
    assert notes == (
        "Disabled or deleted agents still hold open tickets: Ana (1).",
        "Active agents without open tickets: Cy.",
    )


def test_an_agent_who_is_gone_still_holds_tickets_and_is_named() -> None:
    desk = Desk().agents(Bo=True).ticket(agent="Bo").ticket(agent=None, agent_id="77")
    report = report_of(desk)
    assert (total(report, "unassigned"), row(report, "Agent 77")["open"]) == (0, 1)
    assert report.notes == ("Disabled or deleted agents still hold open tickets: Agent 77 (1).",)


def test_two_agents_of_one_name_keep_their_own_rows() -> None:
    desk = Desk().ticket(agent_id="1", agent_email="ana@x.org").ticket(agent_id="2")
    report = report_of(desk)
    assert row(report, "Ana (ana@x.org)")["open"] == row(report, "Ana (2)")["open"] == 1


def test_spam_and_trashed_tickets_do_not_count() -> None:
    desk = Desk().ticket(presence="spam").ticket(presence="trashed").ticket(presence="gone")
    assert [figure.value for figure in report_of(desk).figures] == [0] * 5


def test_archived_tickets_were_opened_and_closed_but_are_not_open() -> None:
    when = {"created": ago(days=3), "presence": "archived"}
    desk = Desk().options().ticket(**when).ticket(status="Closed", closed=ago(days=1), **when)
    report = report_of(desk)
    assert [total(report, key) for key in ("open", "opened", "closed")] == [0, 2, 1]
    assert report.tables[3].records()[-1]["open"] == 0


def test_days_are_utc_and_empty_days_are_there() -> None:
    desk = Desk().options().ticket(created=ago(days=1)).ticket(created=ago(days=7, minutes=-1))
    desk.ticket(status="Closed", created=ago(days=30), closed=ago(days=3))
    days = [tuple(line.cells[1:]) for line in report_of(desk).tables[2].rows]
    assert days == [(1, 0), (0, 0), (0, 0), (0, 0), (0, 1), (0, 0), (1, 0), (0, 0), (2, 1)]


def test_ages_fall_into_half_open_buckets() -> None:
    desk = Desk()
    for days in (0.5, 1, 2.9, 3, 7, 29, 30, 90, 400):
        desk.ticket(created=ago(days=days))
    ages = report_of(desk).tables[3].rows[0].cells
    assert ages == ("Support", 9, 1, 2, 1, 2, 1, 2)


def test_departments_and_agents_stand_with_nobody_first_then_the_heaviest() -> None:
    desk = Desk().ticket(agent="Ana").ticket(agent="Bo").ticket(agent="Bo").ticket(agent=None)
    for _ in range(5):
        desk.ticket("IT", "Cy")
    names = [(line.level, line.cells[:2]) for line in report_of(desk).tables[0].rows]
    assert names == [
        ("group", ("IT", None)),
        ("row", ("IT", "Cy")),
        ("group", ("Support", None)),
        ("row", ("Support", "Unassigned")),
        ("row", ("Support", "Bo")),
        ("row", ("Support", "Ana")),
        ("total", (None, None)),
    ]


def test_the_age_of_the_data_is_that_of_the_last_pull() -> None:
    assert report_of(Desk().pulled(ago(minutes=4))).lag == timedelta(minutes=4)
    assert report_of(Desk().pulled(ago(minutes=-4))).lag == timedelta()
    assert report_of(Desk()).lag is None


def test_an_unfinished_backfill_is_said() -> None:
    report = report_of(Desk().ticket().pulled(AS_OF, complete=False))
    assert "not finished" in report.notes[0]


def test_an_empty_mirror_gives_a_report_that_says_so() -> None:
    report = report_of(Desk())
    assert [figure.value for figure in report.figures] == [0] * 5
    assert report.charts == ()
    assert report.notes == ("The mirror holds no tickets yet: run zdsync pull.",)
