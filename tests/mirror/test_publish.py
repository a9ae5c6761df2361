"""Publishing: readers never wait, the old copy stays on failure, excluded columns never leave."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, at, batch, ticket
from zdsync.errors import MirrorFailed, Misconfigured
from zdsync.mirror import Mirror, Reader, publish
from zdsync.model import Cursor
from zdsync.sql import Sql

_SUBJECTS = Sql("select subject from tickets order by 1")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "mirror.duckdb"


def _read(target: Path, sql: Sql = _SUBJECTS) -> list[tuple[Any, ...]]:
    with Reader.open(target, memory="128MB") as reader:
        return reader.rows(sql)


def _left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_published_copy_holds_what_was_committed_and_its_lag(
    mirror: Mirror, target: Path, clock: FakeClock
) -> None:
    clock.at = at(60)
    mirror.checkpoint([batch(ticket(subject="a"))], Cursor(TICKETS, at(0), last_pull_at=at(30)))
    assert mirror.publish(target)
    assert _read(target) == [("a",)]
    lag = Sql("select rows, lag_seconds from zdsync.published where stream = 'desk.tickets'")
    assert _read(target, lag) == [(1, 1800)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o440
    assert _left(target) == ["mirror.duckdb", "private"]
    assert stat.S_IMODE(mirror.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(mirror.path.parent.stat().st_mode) == 0o700


def test_publishing_happens_only_when_something_changed(mirror: Mirror, target: Path) -> None:
    row = batch(ticket(subject="a"))
    mirror.upsert(row)
    done = [mirror.publish(target)]
    mirror.upsert(row)  # nothing new
    done.append(mirror.publish(target))
    mirror.set_tags({"1": ["x"]}, at(30))
    done.append(mirror.publish(target))
    target.unlink()
    done.append(mirror.publish(target))
    assert done == [True, False, True, True]


def test_reader_of_the_old_copy_keeps_it(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    with Reader.open(target, memory="128MB") as old:
        mirror.upsert(batch(ticket("2", subject="b"), read=20))
        assert mirror.publish(target)
        assert old.rows(_SUBJECTS) == [("a",)]
    assert _read(target) == [("a",), ("b",)]


def test_private_file_stays_usable_and_whole_after_publishing(
    mirror: Mirror, private: Path, target: Path, clock: FakeClock
) -> None:
    for number in range(3):
        mirror.upsert(batch(ticket(str(number), subject=str(number))))
        mirror.publish(target)
    mirror.upsert(batch(ticket("9", subject="9")))
    mirror.close()
    with Mirror.open(private, memory="256MB", options={}, clock=clock) as again:
        assert again.rows(_SUBJECTS) == [("0",), ("1",), ("2",), ("9",)]


def _full(private: Path, temporary: Path, wishes: Mapping[str, Any]) -> None:
    temporary.write_bytes(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_leaves_the_old_copy_and_no_temporary_file(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    mirror.upsert(batch(ticket("2", subject="b")))
    with monkeypatch.context() as patched, pytest.raises(MirrorFailed, match="No space left"):
        patched.setattr("zdsync.mirror.publishing.copy_in_child", _full)
        mirror.publish(target)
    assert _read(target) == [("a",)]
    assert _left(target) == ["mirror.duckdb", "private"]
    assert mirror.publish(target)  # the failed one does not count as published
    assert _read(target) == [("a",), ("b",)]


def test_failing_child_says_why_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "private" / "work.duckdb"
    broken.parent.mkdir()
    broken.write_bytes(b"x" * 9000)
    target = tmp_path / "mirror.duckdb"
    with pytest.raises(MirrorFailed, match="no DuckDB file") as raised:
        publish(broken, target)
    assert "\n" not in raised.value.what
    assert _left(target) == ["private"]


def test_excluded_columns_never_reach_the_copy(mirror: Mirror, target: Path) -> None:
    secret = "needle-in-a-haystack-4711"
    mirror.upsert(batch(ticket("1", subject="a", description=secret, cf={"cf_a": "x"})))
    mirror.run(Sql("insert into zdsync.folded values ('1', 'd', 'a', ?)", (secret,)))
    mirror.run(Sql("insert into zdsync.text_hits values ('1', 'd', 1, ?, ?)", (secret, secret)))
    mirror.publish(target, exclude=["desk.tickets.description"])
    assert _read(target, Sql("select description, subject, cf from desk.tickets")) == [
        (None, "a", '{"cf_a":"x"}')
    ]
    assert secret.encode() not in target.read_bytes()
    missing = "select count(*) from duckdb_columns() where comment is null and not internal"
    assert _read(target, Sql(missing)) == [(0,)]
    assert _left(target) == ["mirror.duckdb", "private"]
    private = {path.name for path in mirror.path.parent.iterdir()}
    assert private <= {"work.duckdb", "work.duckdb.wal"}


def test_unknown_excluded_column_is_said(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1")))
    with pytest.raises((MirrorFailed, Misconfigured), match=r"desk\.tickets\.colour"):
        mirror.publish(target, exclude=["desk.tickets.colour"])
    assert _left(target) == ["private"]


def test_stale_wal_beside_the_target_is_removed(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    target.parent.mkdir(exist_ok=True)
    target.with_name("mirror.duckdb.wal").write_bytes(b"stale")
    mirror.publish(target)
    assert _read(target) == [("a",)]


def test_reader_cannot_write_nor_reach_outside(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    with Reader.open(target, memory="128MB") as reader:
        for sql in (
            "delete from desk.tickets",
            "copy tickets to '/tmp/zdsync-leak.csv'",
            "from read_csv('/etc/passwd')",
            "attach '/tmp/zdsync-other.duckdb'",
            "set enable_external_access = true",
        ):
            with pytest.raises((MirrorFailed, Misconfigured)):
                reader.rows(Sql(sql))


_LIMITED = """#!{python}
import os, resource, runpy, sys
if "{what}" == "bytes":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
else:
    def full(handle):
        raise OSError(28, "No space left on device")
    os.fsync = full
sys.argv = sys.argv[2:]
runpy.run_module("zdsync.mirror.copying", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("what", ["bytes", "fsync"])
@pytest.mark.parametrize("exclude", [(), ("desk.tickets.description",)])
def test_disk_that_fills_up_under_the_copying_child_leaves_the_old_copy(
    what: str,
    exclude: tuple[str, ...],
    mirror: Mirror,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    mirror.upsert(batch(ticket("2", subject="b")))
    program = target.parent.parent / "python"
    program.write_text(_LIMITED.format(python=sys.executable, what=what))
    program.chmod(0o755)
    with monkeypatch.context() as patched, pytest.raises(MirrorFailed, match=_FULL) as raised:
        patched.setattr(sys, "executable", str(program))
        mirror.publish(target, exclude=exclude)
    assert "the old copy stays" in raised.value.hint
    assert _read(target) == [("a",)]
    assert _left(target) == ["mirror.duckdb", "private"]
    assert mirror.publish(target, exclude=exclude)
    assert _read(target) == [("a",), ("b",)]


_FULL = "is full|No space left|File too large"


def test_killed_publisher_leaves_nothing_that_counts(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    left = target.with_name(".mirror.duckdb.77-abcdef.tmp")
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    left.with_name(left.name + ".wal").write_bytes(b"half")
    assert mirror.publish(target)
    assert _left(target) == ["mirror.duckdb", "private"]


def test_copying_child_ends_with_its_parent(mirror: Mirror, tmp_path: Path) -> None:
    """Killed while the child waits: nobody writes the temporary file after that."""
    command = [sys.executable, "-c", _ORPHAN, str(mirror.path), str(tmp_path / "copy")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    # The pipe closes only when the child is gone, too: it is the last to hold it.
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""


_ORPHAN = """
import json, os, signal, subprocess, sys
slow = "import time; from zdsync.mirror import copying; copying.copy = lambda *_: time.sleep(600);"
slow += "import sys; copying.main()"
child = subprocess.Popen([sys.executable, "-c", slow, "a", "b"], stdin=subprocess.PIPE)
child.stdin.write(json.dumps({"exclude": []}).encode() + b"\\n")
child.stdin.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_another_wish_or_another_view_is_published_though_no_row_changed(
    mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("1", description="secret")))
    assert mirror.publish(target)
    assert not mirror.publish(target)
    assert mirror.publish(target, exclude=["desk.tickets.description"])
    assert _read(target, Sql("select description from desk.tickets")) == [(None,)]
    assert not mirror.publish(target, exclude=["desk.tickets.description"])
    mirror.run(Sql("update zdsync.options set value = 'other' where name = 'views'"))
    assert mirror.publish(target, exclude=["desk.tickets.description"])


def test_kill_before_the_rename_makes_the_next_run_publish(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    mirror.upsert(batch(ticket("2", subject="b")))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("zdsync.mirror.target.swap", _interrupted)
        mirror.publish(target)
    assert mirror.publish(target)
    assert _read(target) == [("a",), ("b",)]


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
