"""Readers in processes of their own: none waits, none fails, none breaks or blocks anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, at, batch, ticket
from zdsync.mirror import Mirror, Reader, Shield
from zdsync.model import Cursor
from zdsync.sql import Sql
from zdsync.streams import CHILDREN, STREAMS

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# A reader that asks the same question each time it gets a line, over one connection.
_HELD = """
import sys, duckdb
mirror = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(mirror.execute("select list(subject order by subject) from tickets").fetchone()[0],
          flush=True)
"""
# Opens, asks and closes until its input ends; a half state is a count that does not agree.
_HASTY = """
import os, sys, threading, duckdb
os.nice(15)  # many readers must not starve the one that publishes
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
seen = []
while not ended.is_set():
    with duckdb.connect(sys.argv[1], read_only=True) as mirror:
        told, found, views, named = mirror.execute('''
            select (select max(rows) from zdsync.published where stream = 'desk.tickets'),
                (select count(*) from desk.tickets), (select count(*) from tickets),
                (select count(*) from duckdb_columns() where comment is null and not internal)
        ''').fetchone()
        assert told == found == views and named == 0, (told, found, views, named)
        assert not seen or found >= seen[-1], "an older copy came back"
        seen.append(found)
print(len(seen), len(set(seen)))
"""
# Opens for writing as by mistake, and writes when it gets a line.
_WRITER = """
import sys, duckdb
mirror = duckdb.connect(sys.argv[1])
mirror.execute("set wal_autocheckpoint = '1GB'")
print("open", flush=True)
for line in sys.stdin:
    mirror.execute("update desk.tickets set subject = 'scribbled'")
    print("written", flush=True)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "mirror.duckdb"


@contextmanager
def _process(script: str, target: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, str(target)]
    pipe = subprocess.PIPE
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def _read(target: Path) -> list[tuple[Any, ...]]:
    """What a new process sees, read as an analyst would."""
    ask = "import sys, duckdb; print(duckdb.connect(sys.argv[1], read_only=True).execute("
    ask += "'select subject from tickets order by 1').fetchall())"
    done = subprocess.run(
        [sys.executable, "-c", ask, str(target)], capture_output=True, text=True, check=False
    )
    return eval(done.stdout) if done.returncode == 0 else [(done.stderr.splitlines()[-1],)]


def _let_write(target: Path) -> None:
    """Give the right that root has anyway."""
    target.chmod(0o640)


def test_reader_that_keeps_the_file_open_sees_its_snapshot_and_a_new_one_the_new_copy(
    mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    with _process(_HELD, target) as reader:
        assert _ask(reader) == "['a']"
        for number in range(2, 5):
            mirror.upsert(batch(ticket(str(number), subject="b"), read=20))
            assert mirror.publish(target)
            assert _ask(reader) == "['a']"
    assert _read(target) == [("a",), ("b",), ("b",), ("b",)]


def test_reader_that_is_killed_leaves_nothing_behind(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    with _process(_HELD, target) as reader:
        _ask(reader)
        reader.send_signal(signal.SIGKILL)
        reader.wait()
    mirror.upsert(batch(ticket("2", subject="b")))
    assert mirror.publish(target)
    assert _read(target) == [("a",), ("b",)]
    assert sorted(path.name for path in target.parent.iterdir()) == ["mirror.duckdb", "private"]


def test_no_query_fails_or_sees_half_a_state_during_fifty_publishes(
    mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("0")))
    mirror.save_cursor(Cursor(TICKETS, at(0), last_pull_at=at(0)))
    mirror.publish(target)
    with _process(_HASTY, target) as reader:
        for number in range(1, 51):
            mirror.upsert(batch(ticket(str(number))))
            assert mirror.publish(target)
        out, said = reader.communicate(timeout=60)
    assert reader.returncode == 0, said
    assert int(out.split()[1]) > 5, f"{out}: too few copies were seen to prove anything"


def test_writer_by_mistake_is_refused_by_the_mode(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    with _folder_of_nobody() as folder:
        mine = folder / "mirror.duckdb"
        mine.write_bytes(target.read_bytes())
        mine.chmod(0o440)
        if os.geteuid() == 0:
            os.chown(mine, NOBODY, NOBODY)
        with _process("import duckdb\n" + _DROP + _WRITER, mine) as writer:
            said = writer.communicate(timeout=30)[1]
    assert "Permission denied" in said


def test_nobody_opens_for_writing_while_the_shield_is_up(mirror: Mirror, target: Path) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    _let_write(target)
    with Shield() as shield:
        assert shield.cover(target)
        with _process(_WRITER, target) as writer:
            said = writer.communicate(timeout=30)[1]
        assert "lock" in said
        assert _read(target) == [("a",)]


@pytest.mark.parametrize("changed", [True, False])
def test_what_a_dead_writer_left_is_gone_after_the_next_publish(
    changed: bool, mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    _let_write(target)
    with _process(_WRITER, target) as writer:
        assert _ask(writer) == "open"
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == "written"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert _read(target) == [("scribbled",)]  # from the WAL: the trap is real
    if changed:
        mirror.upsert(batch(ticket("2", subject="b")))
    assert mirror.publish(target)
    assert _read(target) == [("a",), ("b",)][: 1 + changed]
    assert not target.with_name("mirror.duckdb.wal").exists()
    assert not mirror.publish(target)


def test_writer_that_closes_in_peace_altered_the_copy_and_the_next_publish_mends_it(
    mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    _let_write(target)
    with _process(_WRITER, target) as writer:
        writer.communicate("\n", timeout=30)
    assert _read(target) == [("scribbled",)]
    assert mirror.publish(target)
    assert _read(target) == [("a",)]


def test_live_writer_blocks_readers_only_until_the_next_publish(
    mirror: Mirror, target: Path
) -> None:
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    _let_write(target)
    with _process(_WRITER, target) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert "lock" in str(_read(target))  # the trap is real
        assert mirror.publish(target)
        assert _read(target) == [("a",)]
        _ask(writer)  # writes a WAL by name, beside a file that is not its own
        assert "WAL" in str(_read(target))  # the trap is real
        assert mirror.publish(target)
        assert _read(target) == [("a",)]
    assert _read(target) == [("a",)]


def test_new_file_never_stands_beside_an_old_wal(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any step of the exchange, what lies there is the old file or the new one, alone."""
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    wal = target.with_name("mirror.duckdb.wal")
    for number, step in enumerate(("unlink", "rename", "fsync")):
        mirror.upsert(batch(ticket("2", subject=step), read=20 + number))
        wal.write_bytes(b"of another file")
        old = target.stat().st_ino
        with monkeypatch.context() as patched, pytest.raises(_Killed):
            patched.setattr(os if step == "fsync" else Path, step, _kill)
            mirror.publish(target)
        assert target.stat().st_ino == old or not wal.exists()
        assert mirror.publish(target)
        assert not wal.exists()


def test_wal_made_in_the_middle_of_the_exchange_is_removed(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that still has the old file open makes its WAL by name, whenever it likes."""
    mirror.upsert(batch(ticket("1", subject="a")))
    mirror.publish(target)
    mirror.upsert(batch(ticket("2", subject="b")))
    wal, inner = target.with_name("mirror.duckdb.wal"), Path.rename

    def rename(path: Path, to: Path) -> Path:
        wal.write_bytes(b"of another file")
        return inner(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    mirror.publish(target)
    assert not wal.exists()


class _Killed(BaseException):
    pass


def _kill(*_: object, **__: object) -> None:
    raise _Killed


def test_published_tells_as_of_and_lag_of_each_stream(
    mirror: Mirror, target: Path, clock: FakeClock
) -> None:
    mirror.checkpoint(
        [batch(ticket("1"), ticket("2"), ticket("3"))],
        Cursor(TICKETS, at(5), complete=True, last_pull_at=at(40)),
    )
    mirror.bury(TICKETS, ["3"], at(50))
    mirror.save_cursor(Cursor("desk.agents", at(1), complete=True, last_pull_at=at(10)))
    clock.at = at(70)
    mirror.publish(target)
    with Reader.open(target, memory="128MB") as reader:
        found = reader.rows(
            Sql(
                "select stream, as_of, rows, cursor, last_pull_at, lag_seconds "
                "from zdsync.published"
            )
        )
    rows = {row[0]: row[1:] for row in found}
    assert len(found) == len(rows) == len(STREAMS) + len(CHILDREN)
    naive = {number: at(number).replace(tzinfo=None) for number in (1, 5, 10, 40, 70)}
    assert rows[TICKETS] == (naive[70], 2, naive[5], naive[40], 30 * 60)
    assert rows["desk.agents"] == (naive[70], 0, naive[1], naive[10], 60 * 60)
    assert rows["crm.leads"] == (naive[70], 0, None, None, None)


def test_published_in_another_filesystem_than_the_private_file(mirror: Mirror) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == mirror.path.stat().st_dev:
        pytest.skip("one filesystem only")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        target = Path(folder) / "mirror.duckdb"
        mirror.upsert(batch(ticket("1", subject="a")))
        assert mirror.publish(target)
        assert _read(target) == [("a",)]
        assert list(Path(folder).iterdir()) == [target]


# Gives root's rights away once all is imported: another user may not run this Python.
_DROP = f"""
import os
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
"""
_PUBLISH = f"""
import sys
from pathlib import Path
from zdsync.errors import MirrorFailed
from zdsync.mirror import publish
{_DROP}
folder = Path(sys.argv[1])
(folder / "shown").mkdir(mode=0o555)
try:
    copy = lambda private, temporary, wishes: temporary.write_bytes(b"x")
    publish(folder / "private", folder / "shown" / "mirror.duckdb", copy=copy)
except MirrorFailed as error:
    print(error.exit_code, error.what, error.hint)
"""


def test_folder_that_may_not_be_written_is_said() -> None:
    with _folder_of_nobody() as folder:
        with _process(_PUBLISH, folder) as process:
            out, said = process.communicate(timeout=30)
        assert out.startswith("1 "), said
        assert "Permission denied" in out
        assert "the old copy stays" in out
        assert not list((folder / "shown").iterdir())


@contextmanager
def _folder_of_nobody() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
