"""Who may open the file, what errors say, locks, schema versions, memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, at, batch, one, ticket
from zdsync.errors import MirrorBusy, MirrorFailed, MirrorNewer, Misconfigured
from zdsync.mirror import SERVICE, WORK, Mirror, Reader, hold, tables
from zdsync.mirror.database import ROW_GROUP, Database
from zdsync.sql import Sql
from zdsync.streams import BY_NAME, Field, StreamSpec

_OPENER = """
import sys
from pathlib import Path
from zdsync.clock import SystemClock
from zdsync.errors import MirrorBusy
from zdsync.mirror import Mirror, WORK, hold
path = Path(sys.argv[1])
try:
    if sys.argv[2] == "lock":
        with hold(path.parent, WORK, command="zdsync apply", clock=SystemClock()):
            pass
    else:
        Mirror.open(path, memory="128MB", options={}, clock=SystemClock())
except MirrorBusy as busy:
    print(busy.what)
"""


def _elsewhere(private: Path, what: str) -> str:
    """What another process hears that opens the mirror or takes its lock."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _OPENER, str(private), what],
        env={"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_second_process_that_opens_the_mirror_hears_who_holds_it(
    mirror: Mirror, private: Path, clock: FakeClock
) -> None:
    import os

    assert f"process {os.getpid()}" in _elsewhere(private, "open")
    with hold(private.parent, WORK, command="zdsync pull", clock=clock):
        said = f"zdsync pull (process {os.getpid()}, since 2026-03-02T09:00:00+00:00)"
        assert said in _elsewhere(private, "open")
        assert said in _elsewhere(private, "lock")
    assert _elsewhere(private, "lock") == ""


def test_lock_waits_as_long_as_told_then_names_the_holder(tmp_path: Path, clock: FakeClock) -> None:
    directory = tmp_path / "data" / "private"
    with (
        hold(directory, SERVICE, command="zdsync run", clock=clock),
        pytest.raises(MirrorBusy, match=r"the service of .*data is held by zdsync run"),
        hold(directory, SERVICE, command="zdsync run", clock=clock, wait=3),
    ):
        pass
    assert sum(clock.slept) == pytest.approx(3, abs=0.3)
    with hold(directory, SERVICE, command="zdsync run", clock=clock):
        pass


def test_mirror_of_a_newer_zdsync_is_refused_untouched(
    mirror: Mirror, private: Path, clock: FakeClock
) -> None:
    mirror.run(Sql("insert into zdsync.schema_version values (99)"))
    mirror.close()
    with pytest.raises(MirrorNewer, match="schema 99"):
        Mirror.open(private, memory="128MB", options={}, clock=clock)
    with Database.open(private, memory="128MB") as database:
        assert database.count(Sql("select max(version) from zdsync.schema_version")) == 99


def test_file_that_is_no_mirror_is_said_so(private: Path, clock: FakeClock) -> None:
    private.parent.mkdir(parents=True)
    private.write_bytes(b"x" * 9000)
    with pytest.raises(MirrorFailed, match="no DuckDB file"):
        Mirror.open(private, memory="128MB", options={}, clock=clock)


def test_missing_published_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MirrorFailed) as raised:
        Reader.open(tmp_path / "mirror.duckdb", memory="128MB")
    assert "pull" in raised.value.hint


def test_wrong_sql_is_the_users_to_mend_and_names_the_place(mirror: Mirror) -> None:
    with pytest.raises(Misconfigured, match="colour"):
        mirror.rows(Sql("select colour from tickets"))


def test_promise_10_no_error_repeats_a_customers_text(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(subject="my-secret-diagnosis")))
    with pytest.raises(MirrorFailed) as raised:
        mirror.rows(Sql("select subject::integer from desk.tickets"))
    assert "secret" not in raised.value.what + raised.value.hint


def test_mirror_reaches_nothing_outside_its_file(mirror: Mirror) -> None:
    with pytest.raises((MirrorFailed, Misconfigured)):
        mirror.rows(Sql("from read_text('/etc/passwd')"))


def test_file_is_readable_by_older_duckdb(mirror: Mirror) -> None:
    tags = mirror.rows(Sql("select tags from duckdb_databases() where not internal"))[0][0]
    assert "v1.4.0" in str(tags)


def test_new_field_becomes_a_column_and_old_bits_stay(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(subject="a")))
    spec = BY_NAME[TICKETS]
    colour = Field("colour", "colour", "text")
    wider = StreamSpec(spec.name, spec.module, spec.walk, (colour, *spec.fields))
    database = mirror._database
    before = database.rows(Sql("from zdsync.columns order by all"))
    made = tables.prepare(database, (wider,))
    after = database.rows(Sql("from zdsync.columns order by all"))
    assert set(after) - set(before) == {(TICKETS, "colour", made[TICKETS].bits["colour"])}
    assert one(mirror, "subject, colour") == ("a", None)
    mirror._tables = {**mirror._tables, **made}
    mirror.upsert(batch(ticket(modified=5, subject="b", colour="red"), read=20))
    assert one(mirror, "subject, colour") == ("b", "red")


def test_inner_transaction_joins_the_outer_one(mirror: Mirror) -> None:
    with pytest.raises(RuntimeError), mirror.transaction():
        mirror.upsert(batch(ticket("1")))
        raise RuntimeError
    assert mirror.rows(Sql("select count(*) from desk.tickets")) == [(0,)]
    mirror.upsert(batch(ticket("2")))
    assert mirror.rows(Sql("select id from desk.tickets")) == [("2",)]


def test_reader_of_another_thread_sees_committed_rows_only(mirror: Mirror) -> None:
    count = Sql("select count(*) from desk.tickets")
    with mirror.reader() as reader, mirror.transaction():
        mirror.upsert(batch(ticket("1")))
        assert reader.rows(count) == [(0,)]


def test_memory_stays_bounded_over_many_batches(mirror: Mirror) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    before = peak()
    for start in range(0, 5000, 1000):
        rows = [ticket(str(n), description="x" * 2000) for n in range(start, start + 1000)]
        mirror.checkpoint([batch(*rows)], None)
    assert peak() - before < 200


def test_runs_and_calls_are_kept(mirror: Mirror, clock: FakeClock) -> None:
    from zdsync.model import Call

    mirror.start_run("r1", "zdsync pull")
    clock.sleep(5)
    call = Call(at(0), TICKETS, "desk", "GET", "/tickets/search", 200, 3.0, 120)
    mirror.record_calls("r1", [call])
    mirror.record_calls("r1", [])
    mirror.finish_run("r1", "done", {"pulled": 4})
    sql = "select outcome, pulled, date_diff('second', started_at, finished_at) from zdsync.runs"
    assert mirror.rows(Sql(sql)) == [("done", 4, 5)]
    assert mirror.rows(Sql("select run_id, stream, credits from zdsync.calls")) == [
        ("r1", TICKETS, 3.0)
    ]


def test_promise_5_journal_loads_any_number_of_times_with_one_receipt(mirror: Mirror) -> None:
    intent = {
        "kind": "intent", "run_id": "r", "change_id": "c", "plan_id": "p", "rule_id": "x",
        "rules_digest": "d", "ticket_id": "1", "field": "tag:a", "before": False, "after": True,
        "intended_at": "2026-03-02T12:00:00+02:00", "wire": {"a": 1},
    }  # fmt: skip
    receipt = {
        "kind": "receipt", "run_id": "r", "change_id": "c", "outcome": "applied",
        "http_status": 200, "error": "", "settled_at": "2026-03-02T10:00:01+00:00",
    }  # fmt: skip
    assert mirror.load_journal([intent]) == 1
    mirror.load_journal([receipt])
    mirror.load_journal([intent, receipt, {**receipt, "outcome": "rejected"}])
    columns = "ticket_id, before, after, outcome, http_status, intended_at, settled_at"
    rows = mirror.rows(Sql(f"select {columns} from zdsync.journal"))
    noon = at(-120).replace(tzinfo=None)
    assert rows[0][:6] == ("1", "false", "true", "applied", 200, noon)
    assert len(rows) == 1


_GROUPS = """
select max(rows) from (
    select sum(count) as rows from pragma_storage_info('t')
    where column_name = 'n' and segment_type = 'BIGINT' group by row_group_id)
"""


def test_row_groups_are_small_so_that_a_checkpoint_merges_little_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "small.duckdb"
    for low in (0, 3 * ROW_GROUP):  # the second opening knows the size too
        with Database.open(path, memory="256MB") as database:
            database.run(Sql("create table if not exists t (n bigint)"))
            insert = "insert into t select n from range(?, ?) r(n)"
            database.run(Sql(insert, (low, low + 3 * ROW_GROUP)))
            database.run(Sql("checkpoint"))
            assert database.count(Sql(_GROUPS)) <= ROW_GROUP
            assert database.reader().count(Sql("select count(*) from t")) == low + 3 * ROW_GROUP


def test_a_file_of_larger_row_groups_is_changed_like_any_other(tmp_path: Path) -> None:
    import duckdb

    path, many = tmp_path / "large.duckdb", 5 * ROW_GROUP
    with duckdb.connect(str(path)) as plain:
        plain.execute("create table t as select n, 0 as k from range(?) r(n)", [many])
    with Database.open(path, memory="256MB") as database:
        database.run(Sql("delete from t where n % 7 = 3"))
        database.run(Sql("insert into t select n, 1 from range(?) r(n) where n % 7 = 3", (many,)))
        database.run(Sql("checkpoint"))
    with duckdb.connect(str(path)) as plain:
        told = plain.execute("select count(distinct n), sum(k), sum(n) from t").fetchone()
    assert told == (many, len(range(3, many, 7)), many * (many - 1) // 2)
