"""The workload report: who holds which open work, and what came and went in a period.

Turns standing queries into tables, figures, charts and notes. Every number is defined at the top
of queries/workload.sql; sums are made here, so that rows add up to groups and groups to totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from zdsync.reports import charts
from zdsync.reports.ground import Ground, read_ground
from zdsync.reports.load import Load, Slice, grouped, weigh
from zdsync.reports.notes import notes_on
from zdsync.reports.report import (
    Cell,
    Column,
    Figure,
    Level,
    Line,
    Query,
    Report,
    Standing,
    Table,
)

NOBODY = "Unassigned"
NOWHERE = "No department"
AGES = ("under 1 day", "1–3 days", "3–7 days", "7–30 days", "30–90 days", "over 90 days")


def build_workload(query: Query, as_of: datetime, since: datetime) -> Report:
    """Build the report at `as_of` over [since, as_of), both aware."""
    ground = read_ground(query, as_of, since)
    by_department, by_agent = _by_department(ground), _by_agent(ground)
    by_day, by_age = _by_day(ground), _by_age(ground)
    drawn = (charts.by_status(by_agent), charts.per_day(by_day), charts.by_age(by_age))
    return Report(
        name="workload",
        title="Workload",
        as_of=ground.as_of,
        since=ground.since,
        fresh_at=ground.fresh_at,
        figures=_figures(weigh(ground.slices), ground.as_of - ground.since),
        tables=(by_department, by_agent, by_day, by_age),
        charts=tuple(chart for chart in drawn if chart),
        notes=tuple(notes_on(ground)),
    )


_READS = "status priority department_id assignee_id due_date"
STANDING = Standing("workload", "Workload", build_workload, reads=frozenset(_READS.split()))


def _by_department(ground: Ground) -> Table:
    lines: list[Line] = []
    for department, inside in grouped(ground.slices, lambda each: each.department):
        name = department or NOWHERE
        lines.append(_line(ground, "group", (name, None), inside))
        for agent, slices in grouped(inside, lambda each: each.agent):
            lines.append(_line(ground, "row", (name, agent or NOBODY), slices))
    lines.append(_line(ground, "total", (None, None), ground.slices))
    names = (Column("department", "Department", "text"), Column("agent", "Agent", "text"))
    columns = (*names, *_columns(ground))
    return Table("workload", "By department and agent", columns, tuple(lines), outline=True)


def _by_agent(ground: Ground) -> Table:
    lines = [
        _line(ground, "row", (agent or NOBODY,), slices)
        for agent, slices in grouped(ground.slices, lambda each: each.agent)
    ]
    lines.append(_line(ground, "total", (None,), ground.slices))
    columns = (Column("agent", "Agent", "text"), *_columns(ground))
    return Table("agents", "By agent, over all departments", columns, tuple(lines))


def _columns(ground: Ground) -> tuple[Column, ...]:
    period = f"Last {span(ground.as_of - ground.since)}"
    return (
        Column("open", "All open"),
        *(
            Column(f"status:{name or ''}", name or "No status", group="Open by status", quiet=True)
            for name in ground.statuses
        ),
        Column("closed_since", "Closed since", group="Open by status", quiet=True),
        Column("overdue", "Overdue", group="Needs a look", alarm=True),
        Column("unassigned", NOBODY, group="Needs a look", alarm=True),
        Column("oldest_hours", "Oldest", "hours", group="Needs a look"),
        Column("opened", "Opened", group=period),
        Column("closed", "Closed", group=period),
        *(
            Column(
                f"priority:{name or ''}",
                name or "No priority",
                group="Open by priority",
                quiet=True,
            )
            for name in ground.priorities
        ),
    )


def _line(ground: Ground, level: Level, names: tuple[Cell, ...], slices: Sequence[Slice]) -> Line:
    load = weigh(slices)
    cells = (
        load.open,
        *(load.statuses[name] for name in ground.statuses),
        load.closed_since,
        load.overdue,
        load.unassigned,
        _hours(load, ground.as_of),
        load.opened,
        load.closed,
        *(load.priorities[name] for name in ground.priorities),
    )
    return Line((*names, *cells), level)


def _hours(load: Load, as_of: datetime) -> float | None:
    if load.oldest is None:
        return None
    return round((as_of - load.oldest.replace(tzinfo=UTC)) / timedelta(hours=1), 2)


def _by_day(ground: Ground) -> Table:
    lines = [Line((day.replace(tzinfo=UTC), opened, closed)) for day, opened, closed in ground.days]
    opened, closed = sum(day[1] for day in ground.days), sum(day[2] for day in ground.days)
    columns = (
        Column("day", "Day (UTC)", "day"),
        Column("opened", "Opened"),
        Column("closed", "Closed"),
    )
    rows = (*lines, Line((None, opened, closed), "total"))
    return Table("days", "Opened and closed per day", columns, rows, detail=True)


def _by_age(ground: Ground) -> Table:
    departments: dict[str, Counter[int]] = {}
    for name, bucket, tickets in ground.ages:
        departments.setdefault(name or NOWHERE, Counter())[bucket] += tickets
    total: Counter[int] = Counter()
    for ages in departments.values():
        total.update(ages)
    ranked = sorted(departments.items(), key=lambda item: (-item[1].total(), item[0]))
    lines = [_aged(name, ages, "row") for name, ages in ranked]
    columns = (
        Column("department", "Department", "text"),
        Column("open", "Open"),
        *(Column(f"age:{bucket}", label, group="Age") for bucket, label in enumerate(AGES)),
    )
    rows = (*lines, _aged(None, total, "total"))
    return Table("ageing", "Age of open tickets", columns, rows, detail=True)


def _aged(name: str | None, ages: Counter[int], level: Level) -> Line:
    return Line((name, ages.total(), *(ages[bucket] for bucket in range(len(AGES)))), level)


def _figures(total: Load, period: timedelta) -> tuple[Figure, ...]:
    last = f"in the last {span(period)}"
    return (
        Figure("open", "Open", total.open, "on hold included"),
        Figure("overdue", "Overdue", total.overdue, _share(total.overdue, total.open), alarm=True),
        Figure(
            "unassigned", NOBODY, total.unassigned, _share(total.unassigned, total.open), alarm=True
        ),
        Figure("opened", "Opened", total.opened, last),
        Figure("closed", "Closed", total.closed, last),
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} % of open" if whole else "nothing is open"


def span(length: timedelta) -> str:
    """Write a length of time in the largest unit that divides it."""
    seconds = int(length.total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and (seconds % unit == 0 or unit == 60):
            count = seconds // unit
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{seconds} seconds"
