"""Whose turn it is: refused by name, never blocked by the dead, never stopped by a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FakeClock
from zdsync.errors import MirrorBusy, MirrorUnusable
from zdsync.mirror import WORK, Mirror, hold
from zdsync.sql import Sql

_HOLD = """
import sys
from pathlib import Path
from zdsync.clock import SystemClock
from zdsync.mirror import WORK, hold
with hold(Path(sys.argv[1]), WORK, command="zdsync pull", clock=SystemClock()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_one_is_told_who_holds_it_and_the_dead_hold_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    private = tmp_path / "data" / "private"
    command = [sys.executable, "-c", _HOLD, str(private)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        said = rf"zdsync pull \(process {other.pid}, since 20"
        with (
            pytest.raises(MirrorBusy, match=said),
            hold(private, WORK, command="x", clock=clock, wait=1),
        ):
            pass
        assert sum(clock.slept) == pytest.approx(1)
        other.kill()
        other.wait()
    assert (private / WORK).read_text()
    with hold(private, WORK, command="x", clock=clock):
        pass


def test_lock_holds_though_its_note_cannot_be_written(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with (
        hold(tmp_path, WORK, command="one", clock=clock),
        pytest.raises(MirrorBusy, match="another process"),
        hold(tmp_path, WORK, command="two", clock=clock),
    ):
        pass


def test_lock_that_cannot_be_made_is_said(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MirrorUnusable, match=r"work\.lock cannot be opened"),
        hold(tmp_path / "file", WORK, command="x", clock=clock),
    ):
        pass


def test_new_file_is_born_whole_or_not_at_all(
    private: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WAL without its file, and what a killed birth left, are in nobody's way."""
    private.parent.mkdir(parents=True)
    for name in ("work.duckdb.wal", "work.duckdb.new", "work.duckdb.new.wal"):
        (private.parent / name).write_bytes(b"left")
    with monkeypatch.context() as patched, pytest.raises(MirrorUnusable, match="No space"):
        patched.setattr(Path, "rename", _full)
        Mirror.open(private, memory="128MB", options={}, clock=clock)
    assert list(private.parent.iterdir()) == []
    with Mirror.open(private, memory="128MB", options={}, clock=clock) as mirror:
        assert mirror.rows(Sql("select count(*) from tickets")) == [(0,)]
    assert [path.name for path in private.parent.iterdir()] == ["work.duckdb"]


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")
