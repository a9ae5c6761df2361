"""Explaining, end to end: the plan's own changes, read as a plan reads, wherever the ticket is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loop.portal import ROOT, Portal, environment, portal
from tests.loop.talk import EVERYTHING, open_tickets, reading_calls
from zdsync.cli import main


def test_explain_tells_the_changes_of_the_plan_of_every_ticket(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=120) as place:
        shipped = place.settings.rules.read_text(encoding="utf-8")
        # Every open ticket of this portal waits for too long: without this rule some are quiet.
        place.rules(re.sub(r"(?ms)^  - id: no-reply-after-a-day$.*?(?=^  - id: )", "", shipped))
        place.pull()
        app = place.app(child_credits=10_000.0)
        whole = app.plan()
        assert not whole.needs
        tickets = {change.ticket_id for change in whole.changes}
        quiet = [one.id for one in open_tickets(place) if one.id not in tickets]
        assert tickets
        assert quiet
        for ticket in [*sorted(tickets)[:12], *quiet[:3]]:
            found = app.explain(ticket)
            told = [change for one in found.rules for change in one.changes]
            assert told == [one for one in whole.changes if one.ticket_id == ticket]
            assert {one.rule for one in found.rules if one.fates} >= {one.rule for one in told}


def test_explain_reads_what_a_plan_of_the_ticket_reads_and_no_more(tmp_path: Path) -> None:
    read = []
    for folder in ("plan", "explain"):
        (tmp_path / folder).mkdir()
        with portal(tmp_path / folder, tickets=60) as place:
            place.rules(EVERYTHING)
            place.pull()
            app, before = place.app(child_credits=10_000.0), len(place.box.calls)
            ticket = open_tickets(place)[0].id
            if folder == "plan":
                app.plan(ticket=ticket)
            else:
                found = app.explain(ticket)
                assert found.rules[0].matched is True
            read.append([call.endpoint for call in reading_calls(place, before)])
            before = len(place.box.calls)
            assert app.explain(ticket).rules[0].matched is True
            every = place.box.state.tickets.values()
            closed = next(t for t in every if t.status_type == "Closed" and not t.archived)
            told = app.explain(str(closed.number))
            assert "closed" in told.ignored[0]
            assert told.rules[0].matched is None
            assert not reading_calls(place, before), "what is known, or not needed, was read"
    assert read[0] == read[1] != []
    assert found.read_credits > 0


def test_without_an_allowance_nothing_is_read_and_the_verdict_is_open(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        place.rules(EVERYTHING)
        place.pull()
        before = len(place.box.calls)
        found = place.app(child_credits=0.0).explain(str(open_tickets(place)[0].number))
        assert not reading_calls(place, before)
        assert found.rules[0].matched is None
        assert "not read" in found.rules[0].why_not[0]


def test_tickets_in_the_bin_among_spam_and_in_the_archive_are_explained(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        gone, spam = (one.id for one in open_tickets(place)[:2])
        place.pull()
        place.box.edit(spam, spam=True)
        place.box.trash(gone)
        place.app().reconcile()
        assert "spam" in place.app().explain(spam).ignored[0]
        assert "recycle bin" in place.app().explain(gone).ignored[0]


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:  # type: ignore[misc]
    with portal(tmp_path, tickets=60) as place:
        for name, value in environment(place.settings).items():
            if name.startswith("ZDSYNC_"):
                monkeypatch.setenv(name, value)
        place.pull()
        yield place


def test_the_command_prints_one_document_and_refuses_strangers(
    settled: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(open_tickets(settled)[0].number)
    assert main(["explain", number, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ticket_number"] == number
    assert len(document["rules"]) > 5
    one = document["rules"][0]["rule"]
    assert main(["explain", number, "--rule", one, "--json"]) == 0
    assert [r["rule"] for r in json.loads(capsys.readouterr().out)["rules"]] == [one]
    for words in (["explain", "777777777"], ["explain", number, "--rule", "no-such"]):
        assert main(words) == 2
        said = capsys.readouterr()
        assert not said.out
        assert "Traceback" not in said.err


def test_a_plan_without_a_change_of_the_ticket_points_to_explain(
    settled: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = next(t for t in settled.box.state.tickets.values() if t.status_type == "Closed")
    assert main(["plan", "--ticket", str(closed.number)]) == 0
    assert f"zdsync explain {closed.number}" in capsys.readouterr().err


def test_a_terminal_without_unicode_is_no_reason_to_fail(settled: Portal) -> None:
    for words in (["explain", str(open_tickets(settled)[0].number)], ["plan"]):
        env = {**environment(settled.settings), "PYTHONIOENCODING": "ascii"}
        done = subprocess.run(
            [sys.executable, "-m", "zdsync", *words],
            env={**os.environ, **env}, cwd=ROOT, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
