"""Publishing: readers never wait, the old copy stays on failure, excluded columns never leave."""

from __future__ import annotations

import errno
import os
import stat
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
