"""One test a trap of DuckDB that was tried and stepped into (architecture section 4).

Those that live where their subject lives:

- the offset of an instant is applied before it is a TIMESTAMP: connectors/test_decode.py
  (test_an_instant_is_read_in_every_form); instants come back naive: test_views.py
- storage version: test_database.py (test_file_is_readable_by_older_duckdb)
- duplicates in a batch, order of batches: test_upsert.py; ids stay unique: there and pull/
- a reader has a cursor of its own and sees committed rows: test_database.py
- a stale WAL beside the published file, no write through it, a full disk: test_publish.py
- ticket_changes after a full re-pull, status_since and its source: test_upsert.py
- modes 0700, 0600, 0750, 0440: pull/test_puller.py
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import zdsync
from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, batch, one, ticket
from tests.mirror.test_database import _elsewhere
from zdsync.mirror import Mirror, Reader, doubles
from zdsync.sql import Sql
from zdsync.streams import STREAMS

_ROOT = Path(inspect.getfile(zdsync)).parent
_ZONE = Sql("select current_setting('TimeZone')")


def _sources() -> list[tuple[Path, ast.Module]]:
    files = [path for path in _ROOT.rglob("*.py") if "sandbox" not in path.parts]
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files]


def test_every_connection_thinks_in_utc(mirror: Mirror, tmp_path: Path) -> None:
    target = tmp_path / "mirror.duckdb"
    mirror.upsert(batch(ticket()))
    mirror.publish(target)
    with mirror.reader() as lent, Reader.open(target, memory="128MB") as published:
        for where in (mirror, lent, published):
            assert where.rows(_ZONE) == [("UTC",)]


def test_no_column_needs_a_time_zone_to_be_read(mirror: Mirror) -> None:
    query = (
        "select table_name, column_name from duckdb_columns() "
        "where data_type like '%ZONE%' and not internal"
    )
    assert mirror.rows(Sql(query)) == []


def test_a_cast_of_an_offset_drops_it_so_no_standing_sql_casts_what_zoho_wrote(
    mirror: Mirror,
) -> None:
    """The trap itself: should DuckDB mend it one day, this test says so."""
    shifted = Sql("select cast('2026-01-01 00:00:00+05:00' as timestamp)::varchar")
    assert mirror.rows(shifted) in ([("2026-01-01 00:00:00",)], [("2025-12-31 19:00:00",)])
    mirror.upsert(batch(ticket(created_time="2025-12-31 19:00:00")))
    assert str(one(mirror, "created_time")) == "2025-12-31 19:00:00"


def test_comments_outlive_views_that_are_replaced_at_every_opening(
    mirror: Mirror, private: Path, clock: FakeClock
) -> None:
    query = Sql(
        "select view_name, comment from duckdb_views() where not internal union all "
        "select table_name || '.' || column_name, comment from duckdb_columns() "
        "where not internal and database_name <> 'temp' order by 1, 2"
    )
    before = mirror.rows(query)
    mirror.close()
    with Mirror.open(private, memory="128MB", options={}, clock=clock) as again:
        assert again.rows(query) == before
    assert all(comment for name, comment in before if "." not in str(name))


def test_nothing_is_written_row_by_row() -> None:
    found = [
        path
        for path, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "executemany"
    ]
    assert not found


def test_no_merge_statement_is_used(mirror: Mirror) -> None:
    found = [path for path, _ in _sources() if "merge into" in path.read_text("utf-8").lower()]
    assert not found


def test_tables_of_streams_have_no_key_and_no_index(mirror: Mirror) -> None:
    assert mirror.rows(Sql("select index_name from duckdb_indexes()")) == []
    keys = (
        "select table_name, constraint_type from duckdb_constraints() "
        "where schema_name in ('desk', 'crm') and constraint_type in ('PRIMARY KEY', 'UNIQUE')"
    )
    assert mirror.rows(Sql(keys)) == []


@pytest.mark.parametrize("stream", [spec.name for spec in STREAMS])
def test_an_id_that_stands_twice_is_found_and_one_row_is_kept(mirror: Mirror, stream: str) -> None:
    mirror.upsert(batch({"id": "1"}, {"id": "2"}, stream=stream))
    assert doubles.mend(mirror.rows, stream) == 0
    mirror.run(Sql(f"insert into {stream} select * from {stream} where id = '1'"))
    assert doubles.mend(mirror.rows, stream) == 1
    assert mirror.rows(Sql(f"select id from {stream} order by id")) == [("1",), ("2",)]


def test_publishing_never_lets_go_of_the_private_file(
    mirror: Mirror, private: Path, tmp_path: Path
) -> None:
    """A copy made within the process drops DuckDB's lock, and a committed row was lost."""
    mirror.upsert(batch(ticket()))
    mirror.publish(tmp_path / "mirror.duckdb")
    assert "in use" in _elsewhere(private, "open")
    assert one(mirror, "id", TICKETS) == "1"


def test_only_the_copying_child_reads_a_database_file_by_other_means_than_duckdb() -> None:
    """shutil and Path.read_bytes stay away from the mirror's room, but for the child's module."""
    found = {
        path.name
        for path, tree in _sources()
        if path.parent.name == "mirror"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(a.name == "shutil" for a in node.names))
        or (isinstance(node, ast.Attribute) and node.attr in ("read_bytes", "copyfile"))
    }
    # rewriting removes a folder by shutil; forgotten reads a text of its own
    assert found <= {"copying.py", "rewriting.py", "forgotten.py"}
