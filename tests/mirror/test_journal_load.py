"""The journal's files and their table: whole again, once, whatever happened to the files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import FakeClock
from zdsync.errors import MirrorFailed
from zdsync.mirror import Mirror, journal_files, journal_load
from zdsync.sql import Sql

ALL = "select * from zdsync.journal order by run_id, change_id"


def intent(number: int, **more: Any) -> dict[str, Any]:
    at = f"2026-03-02T10:{number % 60:02d}:00+00:00"
    return {
        "kind": "intent", "run_id": "r", "change_id": f"c{number}", "plan_id": "p",
        "rule_id": "x", "rules_digest": "d", "rule_digest": "e", "command": "run",
        "ticket_id": str(number), "field": "priority", "action": "set", "before": None,
        "after": "High", "evidence": ["subject", "tags"], "wire": {"a": {"b": [1]}},
        "intended_at": at, **more,
    }  # fmt: skip


def receipt(number: int, outcome: str = "applied", **more: Any) -> dict[str, Any]:
    return {
        "kind": "receipt", "run_id": "r", "change_id": f"c{number}", "outcome": outcome,
        "http_status": 200, "error": "", "settled_at": "2026-03-02T11:00:00+00:00", **more,
    }  # fmt: skip


def write(folder: Path, name: str, *lines: Mapping[str, Any] | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("ab") as file:
        for line in lines:
            file.write(line if isinstance(line, bytes) else orjson.dumps(line) + b"\n")
    return folder / name


def look(mirror: journal_files.Notes, folder: Path, *, trust: bool = False) -> str:
    journal_files.look(mirror, folder, lambda: (), trust=trust)
    return journal_files.lost(mirror, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_every_column_is_loaded_and_instants_are_utc(mirror: Mirror, folder: Path) -> None:
    odd = intent(1, before=5.5, after="5", intended_at="2026-03-02T12:00:00+02:00")
    write(folder, "2026-03.ndjson", odd, receipt(1, "rejected", error="No.", http_status=422))
    journal_load.load(mirror, folder)
    names = (
        "plan_id, rule_id, rules_digest, rule_digest, command, ticket_id, field, action, before,"
        " after, evidence, outcome, http_status, error, intended_at, settled_at"
    )
    assert mirror.rows(Sql(f"select {names} from zdsync.journal")) == [
        (
            *("p", "x", "d", "e", "run", "1", "priority", "set", "5.5", "5", ["subject", "tags"]),
            *("rejected", 422, "No.", datetime(2026, 3, 2, 10), datetime(2026, 3, 2, 11)),  # noqa: DTZ001 - naive in the mirror
        )
    ]


def test_a_line_is_loaded_once_and_again_without_harm(mirror: Mirror, folder: Path) -> None:
    path = write(folder, "2026-03.ndjson", *(intent(n) for n in range(5)))
    assert journal_load.load(mirror, folder).lines == 5
    assert journal_load.load(mirror, folder).lines == 0
    write(folder, path.name, receipt(1), receipt(1, "rejected"))
    write(folder, "2026-04.ndjson", receipt(2, "unknown"))
    assert journal_load.load(mirror, folder).lines == 3
    write(folder, "2026-04.ndjson", receipt(2, "rejected") | {"kind": "found"})
    write(folder, "2026-04.ndjson", receipt(1, "unknown") | {"kind": "found"})  # it is applied
    journal_load.load(mirror, folder)
    held = mirror.rows(Sql(ALL))
    assert [row[9] for row in held] == [None, "applied", "rejected", None, None]
    journal_load.again(mirror)
    assert journal_load.load(mirror, folder).lines == 10
    assert mirror.rows(Sql(ALL)) == held


def test_a_load_that_was_cut_off_goes_on(
    mirror: Mirror, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_load, "_BATCH", 1000)
    path = write(folder, "2026-03.ndjson", *(intent(n) for n in range(40)))
    load, calls = mirror.load_journal, []

    def failing(lines: Any) -> int:
        calls.append(lines)
        if len(calls) == 5:
            raise MirrorFailed("the disk is full")
        return load(lines)

    monkeypatch.setattr(mirror, "load_journal", failing)
    with pytest.raises(MirrorFailed):
        journal_load.load(mirror, folder)
    monkeypatch.undo()
    held = len(mirror.rows(Sql(ALL)))
    assert 0 < held < 40
    assert journal_load.load(mirror, folder).lines == 40 - held
    assert len(mirror.rows(Sql(ALL))) == 40
    assert path.stat().st_size > 10_000


INSIDE = len(orjson.dumps(intent(0)).partition(b"}}")[0]) + 2


class Kept:
    """Stands for a mirror: the words and lines that it was given."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.lines: list[bytes] = []

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def load_journal(self, lines: Iterable[Mapping[str, Any] | bytes]) -> int:
        some = [line for line in lines if isinstance(line, bytes)]
        self.lines += some
        return len(some)

    def note(self, name: str, value: str) -> None:
        self.words[name] = value

    def noted(self, name: str) -> str | None:
        return self.words.get(name)

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]:
        return []


@example(cut=INSIDE, batch=2000)
@given(cut=st.integers(0, 900), batch=st.integers(1, 2000))
def test_wherever_a_crash_tore_the_file_whole_lines_are_loaded_and_nothing_is_missed(
    cut: int, batch: int
) -> None:
    """The torn line is passed over, also when the next run has written behind it."""
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_load, "_BATCH", batch)
        folder, mirror = Path(place) / "journal", Kept()
        path = write(folder, "2026-03.ndjson", *(intent(n) for n in range(3)))
        torn = path.read_bytes()[:cut]
        path.write_bytes(torn)
        whole = sum(map(_is_whole, torn.split(b"\n")))
        assert not look(mirror, folder)
        assert len(set(mirror.lines)) == whole
        if torn and not torn.endswith(b"\n"):
            write(folder, path.name, b"\n")
        write(folder, path.name, intent(7))
        assert not look(mirror, folder)
        assert len(set(mirror.lines)) == whole + 1
        assert not journal_load.load(mirror, folder).lines


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@pytest.mark.parametrize(
    "damaged",
    [b"garbage\n", b'{"kind": "intent", "run\xff\xfe": }\n', b"[1]\n", b'{"a": 1}\n', b"}\n"],
)
def test_damaged_lines_are_told_and_passed_over_and_silence_what_cannot_be_unsaid(
    mirror: Mirror, folder: Path, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "2026-03.ndjson", intent(1), damaged, damaged, intent(2))
    with caplog.at_level(logging.WARNING):
        assert look(mirror, folder) == "2026-03.ndjson (2 damaged lines)"
    assert "journal=2026-03.ndjson damaged_lines=2" in caplog.text
    assert len(mirror.rows(Sql(ALL))) == 2
    assert journal_files.adopt(mirror, folder)
    assert journal_files.lost(mirror, folder) == ""


def test_zeros_that_a_power_cut_left_are_no_damage(mirror: Mirror, folder: Path) -> None:
    half = orjson.dumps(intent(2))[:40]
    write(folder, "2026-03.ndjson", intent(1), half + bytes(4096) + b"\n", bytes(64) + b"\n")
    write(folder, "2026-03.ndjson", intent(3))
    assert look(mirror, folder) == ""
    assert len(mirror.rows(Sql(ALL))) == 2


def test_a_file_in_another_files_place_is_loaded_and_missed(mirror: Mirror, folder: Path) -> None:
    path = write(folder, "2026-03.ndjson", intent(1), receipt(1))
    assert look(mirror, folder) == ""
    path.unlink()
    write(folder, path.name, *(intent(n) for n in range(5, 9)))
    assert look(mirror, folder) == "2026-03.ndjson (another file)"
    assert len(mirror.rows(Sql(ALL))) == 5


def test_what_zdsync_itself_rewrote_is_not_missed(mirror: Mirror, folder: Path) -> None:
    path = write(folder, "2026-03.ndjson", intent(1), receipt(1))
    assert look(mirror, folder) == ""
    path.write_bytes(orjson.dumps(intent(1, wire={})) + b"\n" + orjson.dumps(receipt(1)) + b"\n")
    assert look(mirror, folder, trust=True) == ""  # cut off before it could be noted
    path.write_bytes(orjson.dumps(intent(1, wire=1)) + b"\n" + orjson.dumps(receipt(1)) + b"\n")
    journal_files.rewritten(mirror, folder)
    assert look(mirror, folder) == ""


def test_the_words_of_an_older_mirror_are_kept(tmp_path: Path, clock: FakeClock) -> None:
    """Until schema 13 three words told of the files."""
    from zdsync.mirror.database import Database
    from zdsync.sql import load

    path = tmp_path / "m.duckdb"
    with Database.open(path, memory="256MB") as database:
        database.run(Sql("create schema zdsync"))
        database.run(Sql("create table zdsync.journal (change_id varchar)"))
        database.run(Sql("create table zdsync.options (name varchar, value varchar)"))
        for name, value in {
            "journal_files": '{"2026-01.ndjson": 7}',
            "journal_lost": "2025-11.ndjson, 2025-12.ndjson",
            "journal_adopted": '["2025-10.ndjson"]',
            "crm": "on",
        }.items():
            database.run(Sql("insert into zdsync.options values (?, ?)", (name, value)))
        database.run(Sql(load("zdsync.mirror.migrations", "013_audit.sql")))
        rows = dict(database.rows(Sql("select name, value from zdsync.options")))
    assert set(rows) == {"crm", "journal_known"}
    known = journal_files.Known.read(rows["journal_known"])
    assert known.files == {"2026-01.ndjson": 7}
    assert known.lost == {"2025-11.ndjson": "gone", "2025-12.ndjson": "gone"}
    assert known.given_up == {"2025-10.ndjson"}


def test_a_new_mirror_gets_no_word(mirror: Mirror) -> None:
    assert mirror.noted("journal_known") is None


def test_the_file_beside_the_folder_is_private_and_only_there_once_something_was_written(
    mirror: Mirror, folder: Path
) -> None:
    look(mirror, folder)
    witness = folder.parent / journal_files.WITNESS
    assert not witness.exists()
    write(folder, "2026-03.ndjson", intent(1))
    look(mirror, folder)
    assert witness.stat().st_mode & 0o777 == 0o600
    witness.write_bytes(b"\xff{nonsense")
    assert look(mirror, folder) == ""
    assert journal_files.Known.read(witness.read_text()).files


def test_months_are_of_utc(mirror: Mirror) -> None:
    late = intent(1, intended_at=datetime(2026, 4, 1, 1, 0, tzinfo=UTC).isoformat())
    mirror.load_journal([late, intent(2, intended_at="2026-04-01T01:00:00+02:00")])
    found = sorted(journal_files.served_months(mirror.rows))
    assert found == ["2026-03.ndjson", "2026-04.ndjson"]
