"""What the command line says about credits: the price before, the rest after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_bad_input import _name, _run
from tests.loop.portal import Portal, portal
from zdsync.clock import SystemClock


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    with portal(tmp_path, tickets=60) as made:
        _name(made, monkeypatch)
        yield made


def test_an_estimate_is_data_on_stdout_and_reads_nothing(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run(capsys, "pull", "--full", "--estimate")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["desk.tickets"] in [line[:1] for line in lines]
    assert ["total"] in [line[:1] for line in lines]
    code, out, _ = _run(capsys, "pull", "desk.tickets", "--estimate", "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["stream"] for one in told["streams"]] == ["desk.tickets"]
    assert told["cost"]["credits"] > 0
    assert place.rows("select count(*) from desk.tickets") == [(0,)]


def test_json_without_an_estimate_is_exit_2(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull", "--json")[0] == 2


def test_spent_credits_are_exit_4_and_say_until_when_once(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(capsys, "pull")[0] == 0
    place.box.fail_next(r"GET /api/v1/", kind="credits429", times=1)
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    code, _, err = _run(capsys, "pull")
    assert code == 4
    assert err.count("rests until") == 1
    code, _, err = _run(capsys, "run", "--once")
    assert code == 4
    assert "rests until" in err
    for words in (("status",), ("report", "workload"), ("sql", "select 1 as one"), ("plan",)):
        assert _run(capsys, *words)[0] == 0, words
    code, out, _ = _run(capsys, "status", "--json")
    assert json.loads(out)["credits"]["resting_until"]
