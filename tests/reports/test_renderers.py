"""Table, CSV and JSON: the same numbers, in the manners of each medium."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.reports.desk import AS_OF, SINCE, Desk, ago
from zdsync.errors import Misconfigured
from zdsync.reports import Report, build, render, save, standing
from zdsync.reports.listing import listing, render_listing

HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "x" * 1000,
    '=HYPERLINK("http://evil.example")',
    "two\r\nlines",
    "\t@SUM(1)",
    "",
    "田中 博史",
)


def small() -> Report:
    desk = Desk().options().pulled(ago(minutes=4))
    desk.ticket("Support", "Ana", priority="High", due=ago(days=1))
    desk.ticket("Support", None, "On Hold", priority="Low", created=ago(hours=5))
    desk.ticket("IT", "Bo", "Closed", created=ago(days=3), closed=ago(days=1))
    return build("workload", desk.query, AS_OF, SINCE)


def hostile() -> Report:
    desk = Desk().options()
    for name in HOSTILE:
        desk.ticket(name, name, name, kind="Open", priority=name)
    return build("workload", desk.query, AS_OF, SINCE)


def test_the_table_reads_at_a_glance() -> None:
    assert (
        render(small(), "table", width=80) == (Path(__file__).parent / "workload.txt").read_text()
    )


def test_the_csv_is_the_main_table_by_keys() -> None:
    assert render(small(), "csv").split("\r\n") == [
        "level,department,agent,open,status:Open,status:Waiting on Customer,status:Escalated,"
        "status:On Hold,closed_since,overdue,unassigned,oldest_hours,opened,closed,"
        "priority:High,priority:Medium,priority:Low",
        "group,Support,,2,1,0,0,1,0,1,1,240.0,1,0,1,0,1",
        "row,Support,Unassigned,1,0,0,0,1,0,0,1,5.0,1,0,0,0,1",
        "row,Support,Ana,1,1,0,0,0,0,1,0,240.0,0,0,1,0,0",
        "group,IT,,0,0,0,0,0,0,0,0,,1,1,0,0,0",
        "row,IT,Bo,0,0,0,0,0,0,0,0,,1,1,0,0,0",
        "total,,,2,1,0,0,1,0,1,1,240.0,2,1,1,0,1",
        "",
    ]


def test_the_json_has_stable_keys() -> None:
    document = json.loads(render(small(), "json"))
    keys = "report title as_of since fresh_at lag_seconds figures tables notes"
    assert list(document) == keys.split()
    assert document["as_of"] == "2026-11-22T09:30:00Z"
    assert document["lag_seconds"] == 240
    assert document["figures"] == {
        "open": 2, "overdue": 1, "unassigned": 1, "opened": 2, "closed": 1,
    }  # fmt: skip
    assert list(document["tables"]) == ["workload", "agents", "days", "ageing"]
    assert document["tables"]["agents"]["rows"][-1]["open"] == 2


def test_the_json_keeps_names_exact_and_escapes_what_a_terminal_would_obey() -> None:
    text = render(hostile(), "json")
    assert {row["agent"] for row in json.loads(text)["tables"]["agents"]["rows"]} >= set(
        HOSTILE
    ) - {""}
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for report in (small(), hostile()):
        text = render(report, "table", width=width)
        assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 100, 160, None])
def test_folding_a_table_loses_no_column(width: int | None) -> None:
    words = render(small(), "table", width=width).split()
    for label in ("Open", "Overdue", "Unassigned", "Oldest", "Opened", "Closed", "High", "Low"):
        assert words.count(label) >= 2


def test_a_pipe_gets_one_line_a_row_and_no_colour() -> None:
    text = render(small(), "table")
    assert "\x1b" not in text
    assert sum(line.startswith("Total") for line in text.splitlines()) == 2


def test_a_terminal_gets_colour() -> None:
    assert "\x1b[" in render(small(), "table", width=80, colour=True)


@pytest.mark.parametrize("form", ["table", "csv"])
def test_hostile_names_reach_no_terminal(form: str) -> None:
    text = render(hostile(), form, width=100)  # type: ignore[arg-type]  # a parameter is a str
    assert not {"\x1b", "\x07", "\u202e", "\t"} & set(text)


def test_the_csv_runs_no_formula_and_keeps_its_shape() -> None:
    rows = list(csv.reader(StringIO(render(hostile(), "csv"), newline="")))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert '\'=HYPERLINK("http://evil.example")' in cells
    assert "'@SUM(1)" in cells


def test_an_empty_mirror_is_drawn_in_every_format() -> None:
    report = build("workload", Desk().query, AS_OF, SINCE)
    for form in ("table", "html", "csv", "json"):
        assert render(report, form)  # type: ignore[arg-type]  # a parameter is a str


@pytest.mark.parametrize("width", [None, 80])
def test_an_answer_without_rows_is_drawn_with_its_headings(width: int | None) -> None:
    table = listing("Answer", ["number", "subject"], [])
    drawn = render_listing(table, "table", width=width)
    assert "number" in drawn and "subject" in drawn


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "workload.csv"
    save("a\r\nü\r\n", target)
    assert target.read_bytes() == "a\r\nü\r\n".encode()
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(Misconfigured, match="Cannot write"):
        save("x", tmp_path / "nowhere" / "workload.csv")


def test_an_unknown_report_gets_the_near_name() -> None:
    with pytest.raises(Misconfigured) as caught:
        standing("worklod")
    assert caught.value.problems[0].hint == "did you mean workload?"


def test_drawing_libraries_are_imported_only_where_they_draw() -> None:
    code = (
        "import sys, zdsync.reports;"
        "print({'rich', 'jinja2', 'vl_convert', 'duckdb'} & set(sys.modules))"
    )
    here = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
