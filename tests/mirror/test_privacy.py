"""What the mirror must not hold: old texts, excluded columns, forgotten persons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import FakeClock
from tests.mirror.records import TICKETS, at, batch, one, stamp, ticket
from zdsync import personal
from zdsync.mirror import Mirror, Policy, Reader
from zdsync.mirror.emptying import tables
from zdsync.model import RecordBatch, Shape
from zdsync.personal import Retention
from zdsync.sql import Sql, ident

NEEDLE = "needle-in-a-haystack-4711"
DAY = 24 * 60.0
MONTH = Retention(days=30)


@contextmanager
def opened(private: Path, clock: FakeClock, **policy: Any) -> Iterator[Mirror]:
    with Mirror.open(
        private, memory="256MB", options={}, clock=clock, policy=Policy(**policy)
    ) as mirror:
        yield mirror


def closed(days_ago: float, id: str = "1", **columns: Any) -> dict[str, Any]:
    """A ticket closed so long before noon of the tests, with a text of its own everywhere."""
    when = -days_ago * DAY
    texts = {"subject": "s", "description": "d", "resolution": "r", "extra": {"x": "e"}}
    custom = {"cf_a": "text", "cf_n": 7, "cf_outcome": "Solved"}
    shut = {"status": "Closed", "status_type": "Closed", "closed_time": stamp(when)}
    return ticket(id, when, **{**texts, "cf": custom, **shut, **columns})


_TEXTS = "subject, description, resolution, extra"


# -- retention ---------------------------------------------------------------------------------


def test_texts_of_tickets_closed_before_the_cutoff_are_emptied_and_numbers_stay(
    private: Path, clock: FakeClock
) -> None:
    clock.at = at(0)
    with opened(private, clock) as mirror:
        mirror.upsert(batch(closed(31, "1"), closed(29, "2"), ticket("3", subject="open")))
    with opened(private, clock, retention=MONTH) as mirror:
        assert mirror.privacy.retire() == 1
        assert one(mirror, _TEXTS) == (None,) * 4
        assert json.loads(one(mirror, "cf")) == {"cf_n": 7, "cf_outcome": "Solved"}
        assert one(mirror, "status, emptied_at is not null") == ("Closed", True)
        assert one(mirror, "subject", id="2") == "s"
        assert one(mirror, "subject", id="3") == "open"
        assert mirror.privacy.retire() == 0


def test_reading_an_old_ticket_again_does_not_bring_its_texts_back(
    private: Path, clock: FakeClock
) -> None:
    clock.at = at(0)
    with opened(private, clock, retention=MONTH) as mirror:
        for shape in Shape:
            mirror.upsert(batch(closed(31), shape=shape, read=20 + shape))
        assert one(mirror, "subject, description, emptied_at is null") == (None, None, False)
        mirror.upsert(batch(ticket(modified=5, status="Open", status_type="Open", subject="again",
                                   description="anew", closed_time=None), read=40))  # fmt: skip
        assert one(mirror, "subject, description, emptied_at") == ("again", "anew", None)


def test_a_row_that_hides_when_it_was_closed_is_judged_by_what_is_held(
    private: Path, clock: FakeClock
) -> None:
    clock.at = at(0)
    with opened(private, clock, retention=MONTH) as mirror:
        mirror.upsert(batch(closed(31), read=1))
        mirror.upsert(batch(ticket(modified=-30.5 * DAY, subject="late"), read=2))
        assert one(mirror, "subject, emptied_at is null") == (None, False)


def test_a_longer_retention_gives_texts_back_by_a_full_read(
    private: Path, clock: FakeClock
) -> None:
    clock.at = at(0)
    with opened(private, clock, retention=MONTH) as mirror:
        mirror.upsert(batch(closed(31)))
    with opened(private, clock, retention=Retention(months=24)) as mirror:
        mirror.upsert(batch(closed(31), read=50))
        assert one(mirror, "subject, emptied_at") == ("s", None)


def test_the_service_empties_old_texts_once_a_day(private: Path, clock: FakeClock) -> None:
    clock.at = at(0)
    with opened(private, clock, retention=MONTH) as mirror:
        mirror.upsert(batch(closed(29.9)))
        assert mirror.privacy.retire(daily=True) == 0
        clock.at += timedelta(hours=23)
        assert mirror.privacy.retire(daily=True) == 0
        clock.at += timedelta(hours=1)
        assert mirror.privacy.retire(daily=True) == 1


_steps = st.tuples(
    st.sampled_from([Shape.SEARCH, Shape.DETAIL]),
    st.sampled_from([1, 2, 3]),  # version
    st.integers(1, 3),  # read
    st.booleans(),  # closed long ago
    st.sampled_from(["a", "b", None]),
)


def _rows(steps: Sequence[Any], shift: float) -> list[RecordBatch]:
    made = []
    for shape, version, read, old, text in steps:
        when = -40 * DAY + version
        shut = {"status_type": "Closed" if old else "Open", "closed_time": stamp(when)}
        row = ticket("1", when, subject=text, description=text, **shut)
        made.append(batch(row, shape=shape, read=read + shift))
    return made


@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_steps, min_size=1, max_size=5), data=st.data())
def test_promise_2_order_does_not_matter_behind_the_gate_either(
    private: Path, clock: FakeClock, steps: list[Any], data: st.DataObject
) -> None:
    clock.at = at(0)
    # One version is one record: what differs between two reads of it is not the order's doing.
    steps = [*{(step[0], step[1], step[2]): step for step in steps}.values()]
    other = data.draw(st.permutations(steps))
    states = []
    with opened(private, clock, retention=MONTH) as mirror:
        for some in (_rows(steps, 0), _rows([*other, other[0]], 0)):
            for each in some:
                mirror.upsert(each)
            states.append(one(mirror, "subject, description, status_type, modified_time"))
            mirror.run(Sql("delete from desk.tickets"))
    assert states[0] == states[1]
    if states[0][2] == "Closed":
        assert states[0][:2] == (None, None)


# -- excluded columns --------------------------------------------------------------------------

NAMES = ("desk.tickets.description", "desk.tickets.cf.cf_diagnosis", "desk.tickets.status_x")


def test_excluded_columns_and_keys_are_stored_by_no_way_of_writing(
    private: Path, clock: FakeClock
) -> None:
    secret = {"description": NEEDLE, "cf": {"cf_diagnosis": NEEDLE, "cf_b": "kept"}}
    misfit = {"extra": {"description": {"html": NEEDLE}, "cf_diagnosis": NEEDLE, "y": 1}}
    with opened(private, clock, exclude=NAMES[:2]) as mirror:
        mirror.upsert(batch(ticket("1", **secret, **misfit)))
        mirror.checkpoint([batch(ticket("2", **secret), shape=Shape.DETAIL)], None)
        assert json.loads(one(mirror, "cf")) == {"cf_b": "kept"}
        assert json.loads(one(mirror, "extra")) == {"y": 1}
    assert NEEDLE.encode() not in private.read_bytes()


def test_excluding_a_column_later_empties_what_is_stored_to_the_last_byte(
    private: Path, clock: FakeClock, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "mirror.duckdb"
    with opened(private, clock) as mirror:
        row = ticket("1", description=NEEDLE, status=NEEDLE, cf={"cf_diagnosis": NEEDLE, "cf_b": 1})
        mirror.upsert(batch(row))
        mirror.upsert(batch(ticket("1", modified=1, priority=NEEDLE + "p"), read=20))
        mirror.upsert(batch(ticket("1", modified=2, priority="Low", status="Open"), read=30))
        mirror.run(Sql("insert into zdsync.folded values ('1', 'd', 's', ?)", (NEEDLE,)))
        mirror.run(Sql("insert into zdsync.text_hits values ('1', 'd', 1, ?, ?)", (NEEDLE, NEEDLE)))
        mirror.publish(target)
    assert NEEDLE.encode() in private.read_bytes()
    names = (*NAMES[:2], "desk.tickets.priority", "desk.tickets.status")
    with opened(private, clock, exclude=names) as mirror:
        assert mirror.privacy.excluded_anew
        assert mirror.privacy.rewrite_if_due()
        assert one(mirror, "description, cf, modified_time is not null") == (
            None, '{"cf_b":1}', True,
        )  # fmt: skip
        assert mirror.publish(target)
    for file in (private, target):
        assert NEEDLE.encode() not in file.read_bytes()
    with opened(private, clock, exclude=names) as mirror:
        assert not mirror.privacy.excluded_anew


def test_publish_excluded_values_leave_the_private_file_by_no_way(
    mirror: Mirror, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "mirror.duckdb"
    mirror.upsert(
        batch(
            ticket(
                "1",
                contact_id="7",
                subject="s",
                description=NEEDLE,
                priority=NEEDLE,
                cf={"cf_a": NEEDLE, "cf_b": "x"},
                extra={"description": {"v": NEEDLE}, "z": 1},
            )
        )
    )
    mirror.upsert(batch(ticket("1", modified=3, priority="Low"), read=20))
    person = {"id": "7", "modified_time": stamp(1), "last_name": NEEDLE, "email": "a@b.example"}
    mirror.upsert(batch(person, stream="desk.contacts"))
    mirror.run(Sql("insert into zdsync.folded values ('1', 'd', 's', ?)", (NEEDLE,)))
    mirror.run(Sql("insert into zdsync.text_hits values ('1', 'd', 1, ?, ?)", (NEEDLE, NEEDLE)))
    mirror.run(
        Sql(
            "insert into zdsync.journal (change_id, ticket_id, field, before) "
            "values ('1', '1', 'cf.cf_a', ?)",
            (NEEDLE,),
        )
    )
    names = ["description", "priority", "cf.cf_a"]
    exclude = [f"desk.tickets.{name}" for name in names] + ["desk.contacts.last_name"]
    mirror.publish(target, exclude=exclude)
    assert NEEDLE.encode() not in target.read_bytes()
    with Reader.open(target, memory="128MB") as reader:
        named = "select schema_name || '.' || view_name from duckdb_views() where not internal"
        views = [row[0] for row in reader.rows(Sql(named))]
        assert "main.tickets" in views
        for view in views:
            reader.rows(Sql(f"select * from {ident(view)}"))
        assert reader.rows(Sql("select subject, contact, contact_email from tickets")) == [
            ("s", None, "a@b.example")
        ]
        assert reader.rows(Sql("select cf, extra from desk.tickets")) == [
            ('{"cf_b":"x"}', '{"z":1}')
        ]


# -- forgotten persons -------------------------------------------------------------------------


def _fill_every_text(mirror: Mirror) -> None:
    """Put the needle into every personal column of every table, of one person's records."""
    for table, kinds in tables(mirror.privacy.database).items():
        if table in personal.FORGETTABLE or "ticket_id" not in kinds:
            continue
        columns = personal.personal(table, kinds)
        values = ["1", *("cf.x" if c == "field" else NEEDLE for c in columns)]
        names = ["ticket_id", *columns]
        if "field" in kinds:
            names, values = [*names, "field"], [*values, "cf.x"]
        cells = ", ".join(
            f"['{NEEDLE}']" if kinds.get(n, "").endswith("[]")
            else f"'\"{NEEDLE}\"'" if kinds.get(n) == "JSON" else "?"
            for n in names
        )  # fmt: skip
        bound = [v for n, v in zip(names, values, strict=True)
                 if not kinds.get(n, "").endswith("[]") and kinds.get(n) != "JSON"]  # fmt: skip
        mirror.run(
            Sql(
                f"insert into {ident(table)} ({', '.join(map(ident, names))}) values ({cells})",
                tuple(bound),
            )
        )


def test_every_table_with_a_ticket_id_is_emptied_whoever_made_it(
    private: Path, clock: FakeClock
) -> None:
    with opened(private, clock) as mirror:
        mirror.run(
            Sql("create table desk.letters (ticket_id varchar, words varchar, files varchar[])")
        )
        person = {"id": "7", "modified_time": stamp(1), "last_name": NEEDLE, "cf": {"a": NEEDLE}}
        mirror.upsert(batch(person, stream="desk.contacts"))
        mirror.upsert(batch(ticket("1", contact_id="7", subject=NEEDLE, extra={"k": NEEDLE})))
        _fill_every_text(mirror)
        mirror.privacy.forget("7")
        touched = mirror.privacy.empty()
        assert {"desk.letters", "zdsync.journal", "zdsync.ticket_changes"} <= {*touched}
        mirror.privacy.rewrite()
        assert one(mirror, "contact_id, subject") == ("7", None)
    assert NEEDLE.encode() not in private.read_bytes()


def test_a_ticket_that_comes_to_a_forgotten_person_is_emptied_in_any_order(
    private: Path, clock: FakeClock
) -> None:
    with opened(private, clock) as mirror:
        mirror.upsert(batch({"id": "7", "modified_time": stamp(1)}, stream="desk.contacts"))
        mirror.privacy.forget("7")
        mirror.privacy.empty()
        rows = [
            ticket("1", modified=1, contact_id="8", subject="theirs"),
            ticket("1", modified=2, contact_id="7", subject="ours"),
            ticket("1", modified=3, contact_id="8", subject="theirs again"),
        ]
        for order in (rows, rows[::-1], [rows[1], rows[2], rows[0]]):
            for number, row in enumerate(order):
                mirror.upsert(batch(row, read=20 + number))
            assert one(mirror, "subject, contact_id, emptied_at is null") == (None, "8", False)
            mirror.run(Sql("delete from desk.tickets"))
            mirror.run(Sql("delete from zdsync.forgotten where id = '1'"))
            mirror.privacy.begin()


def test_tags_of_a_forgotten_persons_ticket_are_not_stored(private: Path, clock: FakeClock) -> None:
    with opened(private, clock) as mirror:
        mirror.upsert(batch(ticket("1", contact_id="7"), ticket("2", contact_id="8")))
        mirror.set_tags({"1": ("x",), "2": ("y",)}, at(20))
        mirror.privacy.forget("7")
        mirror.privacy.empty()
        mirror.set_tags({"1": ("x",), "2": ("y", "z")}, at(30))
        assert mirror.rows(Sql("select * from desk.ticket_tags order by all")) == [
            ("2", "y"), ("2", "z"),
        ]  # fmt: skip


def test_what_came_past_the_gate_is_emptied_within_a_day(private: Path, clock: FakeClock) -> None:
    with opened(private, clock) as mirror:
        mirror.upsert(batch(ticket("1", contact_id="7")))
        mirror.privacy.forget("7")
        mirror.privacy.empty()
        mirror.run(Sql("update desk.tickets set subject = ?", (NEEDLE,)))
        mirror.privacy.sweep()
        assert one(mirror, "subject") is None
        assert mirror.privacy.rewrite_if_due()
    assert NEEDLE.encode() not in private.read_bytes()


def test_rewriting_keeps_rows_views_and_comments(private: Path, clock: FakeClock) -> None:
    described = Sql(
        "select table_name, column_name, comment from duckdb_columns() where not internal "
        "and database_name = current_database() order by all"
    )
    with opened(private, clock) as mirror:
        mirror.upsert(batch(*[ticket(str(n), subject=f"s{n}") for n in range(3000)]))
        before = mirror.rows(described), mirror.rows(Sql("from desk.tickets order by id"))
        mirror.privacy.rewrite()
        after = mirror.rows(described), mirror.rows(Sql("from desk.tickets order by id"))
        assert after == before
        mirror.upsert(batch(ticket("9999")))
        mirror.rows(Sql("from tickets"))
    assert sorted(path.name for path in private.parent.iterdir()) == [private.name]
    with opened(private, clock) as mirror:
        assert mirror.rows(Sql("select count(*) from desk.tickets")) == [(3001,)]


def test_a_stream_that_is_unknown_here_is_personal_by_default() -> None:
    kinds = {
        "id": "VARCHAR", "ticket_id": "VARCHAR", "author_id": "VARCHAR", "direction": "VARCHAR",
        "summary": "VARCHAR", "to": "VARCHAR[]", "extra": "JSON", "sent_time": "TIMESTAMP",
        "is_draft": "BOOLEAN", "size": "BIGINT",
    }  # fmt: skip
    assert set(personal.personal("desk.letters", kinds)) == {"summary", "to", "extra"}


@pytest.mark.parametrize("column", ["status", "assignee_id", "created_time", "thread_count"])
def test_what_workload_counts_by_is_kept(mirror: Mirror, column: str) -> None:
    kinds = tables(mirror.privacy.database)[TICKETS]
    assert column in kinds
    assert column not in personal.personal(TICKETS, kinds)
