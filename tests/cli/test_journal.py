"""`zdsync journal`: every write and refusal, honestly counted, harmless on a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FakeClock
from tests.mirror.records import batch, ticket
from tests.mirror.test_journal_load import intent, receipt, write
from zdsync.app import App
from zdsync.cli import main
from zdsync.mirror import WORK, hold
from zdsync.settings import load_settings

RULES = """
version: 1
rules:
  - id: quiet-rule
    why: It never finds anything.
    when: {subject: x}
    then: [{tag: [seen]}]
"""
ESC = "\x1b[31m\x9b2J\u202e"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with three runs in its journal."""
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(tmp_path / "data"))
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    monkeypatch.setenv("ZDSYNC_RULES", str(rules))
    folder = tmp_path / "data" / "private" / "journal"
    write(
        folder,
        "2026-02.ndjson",
        *(intent(n, run_id="20260201T100000-aaa", rule_id="by-tier") for n in range(1, 4)),
        *(receipt(n, run_id="20260201T100000-aaa") for n in range(1, 3)),
        receipt(3, "rejected", run_id="20260201T100000-aaa", error=f"Zoho {ESC}says no",
                http_status=422),
    )  # fmt: skip
    write(
        folder,
        "2026-03.ndjson",
        intent(4, run_id="20260302T100000-bbb", command="apply", field="tag:b\x1b]0;x\x07",
               after=True),
        intent(5, run_id="20260302T100000-bbb", command="apply", field="comment", rule_id="say",
               after="text:abc", action="comment"),
        receipt(5, "unknown", run_id="20260302T100000-bbb"),
        receipt(9, run_id="20260303T100000-ccc"),
    )  # fmt: skip
    with App(load_settings()).place.work("test") as mirror:
        mirror.upsert(batch(*(ticket(str(n), ticket_number=str(100 + n)) for n in range(1, 8))))
    return tmp_path / "data"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["journal", *words])
    said = capsys.readouterr()
    assert not {letter for letter in said.out + said.err if letter < " " and letter != "\n"}
    assert not set("\x9b\u202e\x7f") & set(said.out + said.err)
    return code, said.out, said.err


def records(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_without_a_filter_it_tells_runs_with_their_outcomes(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == [
        "run", "by", "when", "tickets", "applied", "rejected", "unknown", "unresolved",
    ]  # fmt: skip
    assert [line[0] for line in lines[2:]] == [
        "20260303T100000-ccc", "20260302T100000-bbb", "20260201T100000-aaa",
    ]  # fmt: skip
    assert lines[3][1:2] + lines[3][4:] == ["apply", "2", "·", "·", "1", "1"]
    assert lines[4][1:2] + lines[4][4:] == ["service", "3", "2", "1", "·", "·"]
    assert "3 runs wrote something" in err


def test_a_filter_lists_writes_and_says_how_many(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "--ticket", "103")
    assert code == 0 and "1 write found." in err
    assert "priority: – → High" in out and "rejected" in out and "by-tier" in out
    assert "says no" in out and "service" in out and "c3" in out
    for words, many in {
        ("--ticket", "#103"): 1,
        ("--ticket", "3"): 1,
        ("--run", "20260201T100000-aaa"): 3,
        ("--run", "202602"): 3,
        ("--rule", "say"): 1,
        ("--unresolved",): 2,
        ("--since", "2026-03-01"): 6,
        ("--rule", "by-tier", "--ticket", "101"): 1,
    }.items():
        assert len(records(capsys, *words)) == many, words
    assert len(records(capsys)) == 6


def test_every_column_that_is_promised_is_in_the_document(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = records(capsys, "--ticket", "103")
    assert one == {
        "change_id": "c3", "run_id": "20260201T100000-aaa", "plan_id": "p",
        "rule_id": "by-tier", "rules_digest": "d", "rule_digest": "e", "command": "run",
        "ticket_id": "3", "ticket_number": "103", "action": "set", "field": "priority",
        "before": None, "after": "High", "evidence": ["subject", "tags"], "outcome": "rejected",
        "http_status": 422, "error": f"Zoho {ESC}says no",
        "intended_at": "2026-03-02T10:03:00+00:00", "settled_at": "2026-03-02T11:00:00+00:00",
    }  # fmt: skip


def test_what_is_asked_wrongly_is_told_all_at_once_with_near_names(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "--ticket", "9999", "--rule", "by-teir", "--run", "2026", "--since", "soon"
    )
    assert (code, out) == (2, "")
    for word in ("'9999' is no ticket", "mean by-tier?", "begins 3 runs", "not an instant"):
        assert word in err
    code, _, err = run(capsys, "--rule", "quiet-rul")
    assert code == 2 and "did you mean quiet-rule?" in err


def test_a_rule_or_ticket_that_wrote_nothing_is_no_mistake(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("--rule", "quiet-rule"), ("--ticket", "107")):
        code, out, err = run(capsys, *words)
        assert (code, out) == (0, "") and "Nothing of that kind" in err
        assert records(capsys, *words) == []


def test_a_receipt_without_its_intent_is_shown_for_what_it_is(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "--run", "20260303")
    assert code == 0 and "its intent is lost" in out


def test_more_than_fits_is_counted(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zdsync.cli.journaled._CHANGES", 2)
    monkeypatch.setattr("zdsync.cli.journaled._RUNS", 1)
    monkeypatch.setattr("zdsync.reports.journal._PAGE", 2)
    _, out, err = run(capsys, "--rule", "by-tier")
    assert "3 writes found; the newest 2 are shown, --json gives all." in err
    assert len(out.splitlines()) == 4
    _, _, err = run(capsys)
    assert "3 runs wrote something; the newest 1 are shown." in err
    assert len(records(capsys)) == 6


@pytest.mark.parametrize("columns", [40, 80, 139])
def test_a_narrow_terminal_gets_lines_that_fit(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setattr("zdsync.cli.journaled.width", lambda: columns)
    monkeypatch.setattr("zdsync.cli.output.width", lambda: columns)
    code, out, _ = run(capsys, "--since", "2026-01-01")
    assert code == 0 and max(map(len, out.splitlines())) <= columns
    assert "by-tier" in out and "rejected" in out


def test_while_the_service_works_the_published_copy_answers_and_says_so(
    data: Path, capsys: pytest.CaptureFixture[str], clock: FakeClock
) -> None:
    private = data / "private"
    with hold(private, WORK, command="zdsync run", clock=clock):
        code, _, err = run(capsys)
        assert code != 0 and "zdsync pull" in err  # nothing was published yet
    with App(load_settings()).place.run("plan"):
        pass
    write(private / "journal", "2026-03.ndjson", intent(6, run_id="20260304T100000-ddd"))
    with hold(private, WORK, command="zdsync run", clock=clock):
        code, out, err = run(capsys)
    assert code == 0 and "ddd" not in out and "last published" in err and "zdsync run" in err
    code, out, err = run(capsys)
    assert "ddd" in out and "published" not in err


def test_the_view_for_people_tells_the_same(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from zdsync.sql import Sql

    app = App(load_settings())
    with app.journal() as (ask, _):
        rows = ask(Sql("select ticket, action, command, outcome from journal order by change_id"))[
            1
        ]
        bare = ask(Sql("""
            select column_name from duckdb_columns()
            where table_name = 'journal' and comment is null and not internal
        """))[1]  # fmt: skip
    assert ("103", "set", "run", "rejected") in rows
    assert ("105", "comment", "apply", "unknown") in rows
    assert ("104", "set", "apply", "unresolved") in rows
    assert bare == []
