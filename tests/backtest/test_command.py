"""`zdsync backtest` as people and programs meet it; hostile names stay text."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.backtest.world import HOUR, world
from zdsync.backtest.interval import wilson
from zdsync.backtest.outcomes import Agreement, Seen
from zdsync.backtest.report import backtest_report
from zdsync.backtest.run import Backtest, Tried
from zdsync.backtest.wanted import Decision
from zdsync.cli.main import main
from zdsync.model import Agent, Portal
from zdsync.reports import render

EVIL = "<script>alert(1)</script>\x1b[31m\u202e"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _hostile() -> Backtest:
    agent = Agent("a1", None, EVIL, None, True, frozenset())
    decision = Decision(
        "r", "1", EVIL, f"tag:{EVIL}", "tag:x", EVIL, EVIL, NOW.replace(tzinfo=None), ("a",)
    )
    seen = Seen(decision, "differed", "a1", NOW.replace(tzinfo=None))
    tried = Tried(
        EVIL, "d", "plan", None, 3, 1, seen=(seen,), agreement=Agreement({"differed": 1}),
        reason=EVIL, today=(EVIL,), blind=(EVIL,), apart=(EVIL,),
    )  # fmt: skip
    return Backtest(NOW - timedelta(days=90), NOW, 5, 4, (tried,), None, Portal(agents=(agent,)))


def test_hostile_names_are_text_on_the_page_and_on_the_terminal() -> None:
    page = render(backtest_report(_hostile()), "html")
    assert "<script" not in page
    assert "&lt;script" in page
    for text in (
        page,
        render(backtest_report(_hostile())),
        render(backtest_report(_hostile(), every=True), "json"),
    ):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert re.search(r"(?:src|href)=", page) is None


def _environment(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    from tests.loop.portal import environment

    for name, value in environment(settings).items():  # type: ignore[arg-type]  # the portal's settings
        monkeypatch.setenv(name, value)


def test_the_command_tells_each_rule_and_writes_one_file_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with world(tmp_path) as here:
        made = [here.ticket(subject="a planted one") for _ in range(3)]
        here.wait(HOUR)
        for one, value in zip(made, ("High", "High", "Low"), strict=True):
            here.edit(one, priority=value)
        here.learn()
        here.place.rules(
            "version: 1\nrules:\n  - id: high\n    when: {subject: a planted one}\n"
            "    then: [{set: {priority: High}}]\n"
        )
        _environment(monkeypatch, here.place.settings)
        assert main(["backtest", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        (row,) = found["tables"]["rules"]["rows"]
        low, high = wilson(2, 3) or (0, 0)
        assert (row["rule"], row["judged"], row["unknown"]) == ("high", 3, 0)
        assert (row["agreed"], row["differed"], row["nothing"], row["compared"]) == (2, 1, 0, 3)
        assert (row["agreement"], row["low"]) == (66.7, round(100 * low, 1))
        assert row["high"] == round(100 * high, 1)
        decided = {one["ticket"]: one for one in found["tables"]["decisions"]["rows"]}
        assert len(decided) == 3
        other = next(one for one in decided.values() if one["outcome"] == "differed")
        assert (other["wanted"], other["people"]) == ("High", "Low")
        page = tmp_path / "back.html"
        assert main(["backtest", "--format", "html", "-o", str(page)]) == 0
        text = page.read_text(encoding="utf-8")
        assert text.count("<svg") >= 2
        assert "default-src 'none'" in text
        assert main(["backtest"]) == 0
        assert "67 %" in capsys.readouterr().out
        assert main(["backtest", "--rule", "hihg"]) == 2
        assert "high" in capsys.readouterr().err
        assert main(["backtest", "--since", "soon"]) == 2


def test_without_a_mirror_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(tmp_path / "none"))
    assert main(["backtest"]) == 1
    assert "zdsync pull" in capsys.readouterr().err
