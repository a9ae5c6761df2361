"""The contract of a stream: every StreamSpec keeps every one of these laws.

One portal serves all laws of one stream, one after the other; `Stream` knows what a person does
to a record of that kind, everything else follows from the Catalog. Answers are tampered with on
their way (`Office.tamper`), so that a key may appear, vanish, or hold what nobody expects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pull import truth
from tests.pull.office import Office, office
from zdsync.errors import Vanishing, ZohoFailed
from zdsync.mirror import Mirror
from zdsync.model import RecordBatch, Shape
from zdsync.pull import Quiet, StreamOutcome
from zdsync.sql import Sql
from zdsync.streams import STREAMS, Field, StreamSpec

_KEPT_BY_MERGE = "pulled_at, seen, extra_seen"
LISTED = [spec for spec in STREAMS if spec.walk in ("pages", "fields", "users")]


@dataclass
class Stream:
    """One stream of one portal, and how people touch its records."""

    spec: StreamSpec
    place: Office
    mirror: Mirror

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def listed(self) -> bool:
        """Whether each read is a whole list."""
        return self.spec in LISTED

    def pull(self, *, full: bool = False, accept: bool = False) -> StreamOutcome:
        """Read this stream alone."""
        (outcome,) = self.pull_all([self.name], full=full, accept=accept)
        return outcome

    def pull_all(
        self, names: Sequence[str] = (), *, full: bool = False, accept: bool = False
    ) -> list[StreamOutcome]:
        """Read streams, a minute later."""
        self.place.clock.sleep(60)
        puller = self.place.app.place.zoho.puller(
            self.mirror, "test", Quiet(), accept_deletes=accept
        )
        return puller.pull(names, full=full)

    def good(self) -> StreamOutcome:
        """Read this stream; nothing may go wrong."""
        outcome = self.pull()
        assert outcome.error is None, outcome.error
        return outcome

    def ids(self) -> list[str]:
        """Records that are there, as the mirror names them."""
        found = truth.records(self.place.box, self.name)
        return [one for one, record in found.items() if record.presence == "live"]

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        return self.mirror.rows(Sql(query, params))

    def cells(self, one: str, columns: str = f"* exclude ({_KEPT_BY_MERGE})") -> tuple[Any, ...]:
        query = f"select {columns} from {self.name} where id = ?"
        rows = self.rows(query, one)
        assert len(rows) == 1, (one, rows)
        return rows[0]

    def table(self) -> list[tuple[Any, ...]]:
        return self.rows(f"select * exclude ({_KEPT_BY_MERGE}) from {self.name} order by id")

    def touch(self, one: str) -> None:
        """Somebody edits the record, so that a walk sees it."""
        box = self.place.box
        match self.name:
            case "desk.tickets":
                box.edit(one, category=f"touched {self.place.clock.at}")
            case "desk.contacts":
                box.edit_contact(one, country="touched")
            case "desk.accounts":
                box.edit_account(one, industry="touched")
            case "crm.contacts" | "crm.accounts" | "crm.leads":
                box.crm_edit(self.spec.module, one, Phone="touched")

    def change(self, one: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """From now on answers tell this of the record, which was touched."""
        self.place.clock.sleep(2)
        self.touch(one)

        def rows(rows: list[Any]) -> list[Any]:
            for row in rows:
                if self.is_row(row, one):
                    edit(row)
            return rows

        self.place.tamper[self.name] = rows

    def is_row(self, row: Any, one: str) -> bool:
        own = one.partition(".")[2] or one  # fields go by names
        return own in (str(row.get("id")), row.get("apiName"), row.get("api_name"))

    def create(self) -> str:
        """A new record appears."""
        box = self.place.box
        match self.name:
            case "desk.tickets":
                return box.create(subject="made").id
            case "desk.contacts":
                return box.create_contact("made").id
            case "desk.accounts":
                return box.create_account("made").id
            case "crm.accounts":
                return box.crm_create("Accounts", Account_Name="made").id
            case "crm.contacts" | "crm.leads":
                return box.crm_create(self.spec.module, Last_Name="made").id
        key = {"desk.fields": "apiName", "crm.fields": "api_name"}.get(self.name, "id")
        self.place.tamper[self.name] = lambda rows: [*rows, {**rows[0], key: "987"}]
        return {"desk.fields": "tickets.987", "crm.fields": "Leads.987"}.get(self.name, "987")

    def delete(self, one: str) -> None:
        """The record is deleted."""
        box = self.place.box
        match self.name:
            case "desk.tickets":
                box.trash(one)
            case "desk.contacts":
                box.edit_contact(one, trashed=True)
            case "desk.accounts":
                box.edit_account(one, trashed=True)
            case "crm.contacts" | "crm.accounts" | "crm.leads":
                box.crm_delete(self.spec.module, one)
            case _:
                self.place.tamper[self.name] = lambda rows: [
                    row for row in rows if not self.is_row(row, one)
                ]

    def restore(self, one: str) -> None:
        """The record comes back."""
        box = self.place.box
        match self.name:
            case "desk.tickets":
                box.restore(one)
            case "desk.contacts":
                box.edit_contact(one, trashed=False)
            case "desk.accounts":
                box.edit_account(one, trashed=False)
            case "crm.contacts" | "crm.accounts" | "crm.leads":
                box.crm_restore(self.spec.module, one)
        self.place.tamper.clear()

    def fields(self) -> list[Field]:
        """Columns that the walk's answers carry and that are no identity and no axis of a walk."""
        letter = "S" if self.spec.walk == "time" else "L"
        record = next(iter(truth.records(self.place.box, self.name).values()))
        axes = ("id", "module", "api_name", "field_id", "created_time", "modified_time")
        return [
            item
            for item in self.spec.fields
            if letter in item.shapes and item.column not in axes
            and item.path.partition(".")[0] in record.walked
        ]  # fmt: skip


@pytest.fixture(scope="module", params=[spec.name for spec in STREAMS])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    spec = next(spec for spec in STREAMS if spec.name == request.param)
    folder: Path = tmp_path_factory.mktemp("stream")
    with office(folder, tickets=60) as place, place.app.place.work("test") as mirror:
        stream = Stream(spec, place, mirror)
        if spec.walk == "crm":
            stream.pull_all(["crm.fields"])
        yield stream


@pytest.fixture
def stream(shared: Stream) -> Iterator[Stream]:
    shared.place.tamper.clear()
    shared.place.served.look(shared.place.box)
    shared.pull(full=True, accept=True)
    yield shared
    shared.place.tamper.clear()


def _differences(stream: Stream) -> list[Any]:
    """Where the mirror is not as it should be, but for what no walk shows."""
    box = stream.place.box
    stream.place.served.look(box)
    shown = {one for one, record in truth.records(box, stream.name).items() if record.shown}
    found = [one for one in stream.place.differences(stream.mirror) if one[0] == stream.name]
    return [one for one in found if one[1] in shown or one[2] in ("presence", "deleted_at")]


def test_the_first_read_brings_every_record_and_says_so(stream: Stream) -> None:
    assert not _differences(stream)
    assert stream.ids()
    assert stream.mirror.cursor(stream.name).complete


def test_the_second_read_is_cheap_and_changes_nothing(stream: Stream) -> None:
    stream.good()
    before, calls = stream.table(), len(stream.place.box.calls)
    assert stream.good().changed == 0
    assert stream.table() == before
    assert len(stream.place.box.calls) - calls <= 3


def test_an_edit_is_seen(stream: Stream) -> None:
    one, item = stream.ids()[0], next(f for f in stream.fields() if f.type == "text")

    def edit(row: dict[str, Any]) -> None:
        outer, _, inner = item.path.partition(".")
        row[outer] = {**(row[outer] or {}), inner: "edited"} if inner else "edited"

    stream.change(one, edit)
    assert stream.good().changed >= 1
    assert stream.cells(one, item.column) == ("edited",)


def test_a_create_is_seen(stream: Stream) -> None:
    one = stream.create()
    stream.good()
    assert stream.cells(one, "presence") == ("live",)


def test_a_delete_gives_a_tombstone_that_keeps_the_values_and_comes_back(stream: Stream) -> None:
    one = stream.ids()[-1]
    before = stream.cells(one, f"* exclude ({_KEPT_BY_MERGE}, presence, deleted_at)")
    stream.place.clock.sleep(3700)
    stream.good()
    stream.delete(one)
    stream.place.clock.sleep(3700)
    stream.good()
    (presence, deleted_at) = stream.cells(one, "presence, deleted_at")
    assert presence == ("gone" if stream.listed else "trashed")
    assert deleted_at is not None
    kept = stream.cells(one, f"* exclude ({_KEPT_BY_MERGE}, presence, deleted_at)")
    lost = [(old, new) for old, new in zip(before, kept, strict=True) if new is None is not old]
    assert not lost
    stream.restore(one)
    stream.place.clock.sleep(3700)
    stream.good()
    assert stream.cells(one, "presence, deleted_at") == ("live", None)
    assert not _differences(stream)


def test_promise_4_an_empty_answer_is_a_fault_and_no_mass_deletion(stream: Stream) -> None:
    stream.place.tamper[stream.name] = lambda rows: []
    before = stream.table()
    for full in (False, True):
        outcome = stream.pull(full=full)
        if stream.listed:
            assert isinstance(outcome.error, Vanishing), outcome
            assert stream.name in outcome.error.what
            assert f"{stream.name} --accept-deletes" in outcome.error.hint
    assert stream.table() == before
    stream.place.tamper.clear()
    stream.good()
    assert not _differences(stream)


def test_promise_4_half_a_list_is_a_fault_too_until_a_person_accepts_it(stream: Stream) -> None:
    if not stream.listed:
        pytest.skip("walked by time: what a walk leaves out is never buried")
    many = len(stream.ids())
    stream.place.tamper[stream.name] = lambda rows: rows[:: max(2, len(rows))]
    outcome = stream.pull()
    assert isinstance(outcome.error, Vanishing), outcome
    assert len(stream.ids()) == many
    assert stream.pull(accept=True).error is None
    query = f"select count(*) from {stream.name} where presence = 'live'"
    assert stream.rows(query)[0][0] < many


def test_one_odd_listing_leaves_the_other_streams_alone(stream: Stream) -> None:
    stream.place.tamper[stream.name] = lambda rows: []
    outcomes = stream.pull_all()
    assert len(outcomes) == len(STREAMS)
    assert {one.stream for one in outcomes if one.error} <= {stream.name}


def test_an_unknown_key_lands_in_extra(stream: Stream) -> None:
    one = stream.ids()[0]
    stream.change(one, lambda row: row.update(brandNew={"a": [1, None, "ü"]}))
    stream.good()
    (extra,) = stream.cells(one, "extra")
    assert json.loads(extra)["brandNew"] == {"a": [1, None, "ü"]}
    stream.place.tamper.clear()
    stream.place.clock.sleep(2)
    stream.touch(one)
    stream.good()
    assert json.loads(stream.cells(one, "extra")[0])["brandNew"], "a vanished key keeps its value"


ODD = ({"odd": 1}, [{"odd": 1}], 10**15, 2**63, 1.5, "odd \x00 text", True, "9" * 30)


def test_a_value_of_the_wrong_type_is_kept_and_the_row_too(stream: Stream) -> None:
    for odd in ODD:
        _odd(stream, odd)


def _odd(stream: Stream, odd: Any) -> None:
    one, items = stream.ids()[0], stream.fields()
    plain = [item for item in items if "." not in item.path]

    def edit(row: dict[str, Any]) -> None:
        row.update({item.path: odd for item in plain})

    stream.change(one, edit)
    stream.good()
    extra = json.loads(stream.cells(one, "extra")[0] or "{}")
    for item in plain:
        (cell,) = stream.cells(one, f'"{item.column}"')
        kept = extra.get(item.path) == odd or str(cell).lower() == str(odd).lower()
        if item.type in ("json", "list"):
            kept = kept or json.loads(json.dumps(cell) if item.type == "list" else cell) == odd
        assert kept, (item, odd, cell, extra.get(item.path))


def test_null_clears_and_an_absent_key_clears_nothing(stream: Stream) -> None:
    one = stream.ids()[0]
    items = [item for item in stream.fields() if item.type == "text" and "." not in item.path]

    def fill(row: dict[str, Any]) -> None:
        row.update({item.path: "filled" for item in items})

    def leave_out(row: dict[str, Any]) -> None:
        for item in items:
            row.pop(item.path, None)

    def empty(row: dict[str, Any]) -> None:
        row.update({item.path: None for item in items})

    columns = ", ".join(f'"{item.column}"' for item in items)
    for edit, wanted in ((fill, "filled"), (leave_out, "filled"), (empty, None)):
        stream.change(one, edit)
        stream.good()
        assert stream.cells(one, columns) == (wanted,) * len(items), edit


def test_promise_2_an_older_page_never_overwrites(stream: Stream) -> None:
    one, item = stream.ids()[0], next(f for f in stream.fields() if f.type == "text")
    first = ", first_seen_at" if stream.name == "desk.tickets" else ""  # that is the earlier one
    columns = f"* exclude ({_KEPT_BY_MERGE}{first})"
    before = stream.cells(one, columns)
    old: dict[str, Any] = {"id": one, item.column: "older"}
    if stream.spec.timed:
        old["modified_time"] = "2001-01-01 00:00:00"
    shape = Shape.SEARCH if stream.spec.walk == "time" else Shape.LIST
    read_at = truth.datetime(2001, 1, 1, tzinfo=truth.UTC)
    assert stream.mirror.upsert(RecordBatch(stream.name, shape, (old,), read_at)) == 0
    assert stream.cells(one, columns) == before


def test_promise_1_a_fault_in_the_midst_leaves_a_cursor_that_goes_on(stream: Stream) -> None:
    one = stream.ids()[0]
    for answers in range(3):
        stream.place.clock.sleep(2)
        stream.touch(one)
        left = [answers]

        def fail(rows: list[Any], left: list[int] = left) -> list[Any]:
            left[0] -= 1
            if left[0] < 0:
                raise ZohoFailed("Zoho is down")
            return rows

        stream.place.tamper[stream.name] = fail
        stream.pull(full=answers == 1)
        stream.place.tamper.clear()
        stream.good()
        assert not _differences(stream)


def test_no_id_stands_twice(stream: Stream) -> None:
    for full in (True, False, True):
        stream.pull(full=full)
    ((many, distinct),) = stream.rows(f"select count(*), count(distinct id) from {stream.name}")
    assert many == distinct
