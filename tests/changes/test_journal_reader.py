"""The journal read as it grows tells what reading all of it anew tells, whatever became of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.conftest import FakeClock
from zdsync.changes import journal_mark, journal_reader
from zdsync.changes.journal import Entry, Journal
from zdsync.changes.journal_search import about
from zdsync.changes.recover import _heirs, _key, _worth
from zdsync.changes.tails import cut_off
from zdsync.changes.undo_target import find
from zdsync.errors import Misconfigured

RUNS, FIELDS = ("run1", "run2"), ("priority", "status", "comment")
OUTCOMES = ("applied", "already", "unsent", "unknown", "stale", "rejected")
WAITS = (1, 3_600, 90_000, 26 * 86_400, 40 * 86_400)  # seconds


def intent(number: int, at: datetime, run: str = "run1", ticket: int = 1, **more: Any) -> bytes:
    told = {
        "kind": "intent", "run_id": run, "change_id": f"c{number}", "plan_id": f"p{number % 3}",
        "rule_id": "x", "rules_digest": "d", "ticket_id": f"t{ticket}", "field": "priority",
        "before": None, "after": "High", "wire": {"priority": "High"}, "wire_before": {},
        "intended_at": at.isoformat(), **more,
    }  # fmt: skip
    return orjson.dumps(told) + b"\n"


def receipt(
    number: int, at: datetime, outcome: str = "applied", run: str = "run1", kind: str = "receipt"
) -> bytes:
    told = {
        "kind": kind, "run_id": run, "change_id": f"c{number}", "outcome": outcome,
        "http_status": None, "error": "", "settled_at": at.isoformat(),
    }  # fmt: skip
    return orjson.dumps(told) + b"\n"


def matter(entries: Sequence[Entry], now: datetime) -> set[tuple[str, str]]:
    """What may not be missing: in doubt, of a day, or written after what is in doubt there."""
    edge = now - timedelta(days=1)
    found, doubt = set(), set()
    for one in entries:
        if one.outcome in (None, "unknown"):
            doubt.add(one.ticket_id)
        if one.ticket_id in doubt or edge <= max(one.intended_at, one.settled_at or edge):
            found.add(_key(one))
    return found


def same(journal: Journal, now: datetime) -> None:
    """What is held is what the files say, in their order, and nothing that matters is missing."""
    whole, held = journal.entries(), journal.recent()
    kept = {_key(one) for one in held}
    assert [one for one in whole if _key(one) in kept] == list(held)
    assert matter(whole, now) <= kept
    told = [one for one in whole if one.outcome is None]
    assert journal.unsettled() == told
    as_of = now - timedelta(hours=20)  # a plan that was long in the making
    for moment in (as_of, now):
        assert cut_off(held, "d", moment) == cut_off(whole, "d", moment)
    worth = {_key(one) for one in whole if _worth(one, now)}
    assert {_key(one) for one in held if _worth(one, now)} == worth
    heirs, those = _heirs(whole), _heirs(list(held))
    assert {one: heirs.get(one) for one in worth} == {one: those.get(one) for one in worth}


class Files(RuleBasedStateMachine):
    """A journal's folder to which anything may happen between two readings."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.journal_dir = Path(self.folder.name) / "journal"
        self.journal_dir.mkdir()
        self.clock = FakeClock()
        self.journal = Journal(self.journal_dir, self.clock)
        self.number = 0
        self.said: list[tuple[int, str]] = []
        self.copies: list[tuple[str, bytes]] = []
        self.limits = journal_reader.MARKED, journal_reader._CHUNK, journal_reader.IDLE
        journal_reader.MARKED, journal_reader._CHUNK = 500, 350

    def teardown(self) -> None:
        journal_reader.MARKED, journal_reader._CHUNK, journal_reader.IDLE = self.limits
        self.folder.cleanup()

    @property
    def path(self) -> Path:
        return self.journal_dir / f"{self.clock.now():%Y-%m}.ndjson"

    def add(self, blob: bytes, path: Path | None = None) -> None:
        with (path or self.path).open("ab") as file:
            file.write(blob)

    def next_intent(self, ticket: int, field: str, run: str) -> bytes:
        self.number += 1
        self.said.append((self.number, run))
        return intent(self.number, self.clock.now(), run, ticket, field=field)

    @rule(
        ticket=st.integers(1, 4),
        fields=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4),
        run=st.sampled_from(RUNS),
    )
    def intend(self, ticket: int, fields: list[str], run: str) -> None:
        self.add(b"".join(self.next_intent(ticket, field, run) for field in fields))

    @precondition(lambda self: self.said)
    @rule(
        back=st.integers(0, 9),
        outcome=st.sampled_from(OUTCOMES),
        kind=st.sampled_from(["receipt", "receipt", "found", "call"]),
    )
    def settle(self, back: int, outcome: str, kind: str) -> None:
        number, run = self.said[-1 - min(back, len(self.said) - 1)]
        self.add(receipt(number, self.clock.now(), outcome, run, kind))

    @precondition(lambda self: self.said)
    @rule(outcome=st.sampled_from(OUTCOMES))
    def settle_all(self, outcome: str) -> None:
        now = self.clock.now()
        self.add(b"".join(receipt(number, now, outcome, run) for number, run in self.said))

    @rule(cut=st.integers(1, 400), ticket=st.integers(1, 4))
    def tear(self, cut: int, ticket: int) -> None:
        """A part of a line, or all of it but its end; what comes next may stand on its own."""
        self.add(self.next_intent(ticket, "status", "run1")[:cut])

    @rule(rest=st.sampled_from([b"\n", b"\0\0\n", b"x\n", b"\r\n", b" "]))
    def complete(self, rest: bytes) -> None:
        self.add(rest)

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: int) -> None:
        self.clock.sleep(seconds)

    @rule(mark=st.sampled_from(["kept", "lost", "damaged"]))
    def another_process(self, mark: str) -> None:
        self.journal = Journal(self.journal_dir, self.clock)
        path = self.journal_dir.parent / journal_mark.NAME
        if mark == "lost":
            path.unlink(missing_ok=True)
        elif mark == "damaged" and path.exists():
            path.write_bytes(path.read_bytes()[:-30])

    @rule()
    def back_up(self) -> None:
        self.copies += [(path.name, path.read_bytes()) for path in self.journal_dir.glob("*")]

    @precondition(lambda self: self.copies)
    @rule(which=st.integers(0, 9), more=st.binary(max_size=5), anew=st.booleans())
    def restore(self, which: int, more: bytes, *, anew: bool) -> None:
        name, blob = self.copies[which % len(self.copies)]
        path = self.journal_dir / name
        if anew:
            path.with_suffix(".tmp").write_bytes(blob + more)
            path.with_suffix(".tmp").replace(path)
        else:
            path.write_bytes(blob + more)

    @rule(which=st.integers(0, 3))
    def lose_a_file(self, which: int) -> None:
        paths = sorted(self.journal_dir.glob("*"))
        if which < len(paths) - 1:
            paths[which].unlink()

    @rule(which=st.integers(0, 3), ticket=st.integers(1, 4))
    def write_to_any_month(self, which: int, ticket: int) -> None:
        paths = sorted(self.journal_dir.glob("*"))
        if which < len(paths):
            self.add(self.next_intent(ticket, "priority", "run2"), paths[which])

    @rule(which=st.integers(0, 3))
    def forget_somebody(self, which: int) -> None:
        """Values are emptied in place of others, by way of a file that takes the name."""
        paths = sorted(self.journal_dir.glob("*"))
        if which < len(paths):
            draft = paths[which].with_suffix(".new")
            draft.write_bytes(paths[which].read_bytes().replace(b'"High"', b"null"))
            draft.replace(paths[which])

    @rule()
    def read(self) -> None:
        same(self.journal, self.clock.now())

    @rule()
    def read_by_another(self) -> None:
        Journal(self.journal_dir, self.clock).recent()

    @invariant()
    def ends_the_same(self) -> None:
        if self.number % 3 == 0:
            same(self.journal, self.clock.now())

    @rule(word=st.sampled_from(["", "run1", "run", "c", "c3", "p1", "nothing"]))
    def look_for(self, word: str) -> None:
        """What an undo finds is what it would find in all of the journal."""
        whole = self.journal.entries()
        some = self.journal.about(word)
        try:
            wanted = find(whole, word)
        except Misconfigured as error:
            with pytest.raises(Misconfigured) as told:
                find(some or whole, word)
            assert told.value.what == error.what
        else:
            assert find(some, word) == wanted


TestFiles = Files.TestCase
TestFiles.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def quiet(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes that one more reading reads."""
    many: list[int] = []
    real = journal_reader.os.pread

    def pread(handle: int, length: int, at: int) -> bytes:
        blob = real(handle, length, at)
        many.append(len(blob))
        return blob

    with monkeypatch.context() as patch:
        patch.setattr(journal_reader.os, "pread", pread)
        journal.recent()
    return sum(many)


@pytest.fixture
def year(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A journal of a year with one intent that nobody settled in its first month."""
    folder = tmp_path / "journal"
    folder.mkdir()
    monkeypatch.setattr(journal_reader, "MARKED", 1_000)
    for month in range(12):
        lines, run = [intent(0, clock.now(), "lost")] if not month else [], f"m{month:02d}"
        for number in range(month * 100 + 1, month * 100 + 101):
            lines += [
                intent(number, clock.now(), run, ticket=number + 1),
                receipt(number, clock.now(), run=run),
            ]
        with (folder / f"{clock.now():%Y-%m}.ndjson").open("ab") as file:
            file.write(b"".join(lines))
        clock.sleep(30.5 * 86_400)
    clock.sleep(3 * 86_400)
    return Journal(folder, clock)


def test_what_was_read_is_not_read_again(
    year: Journal, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quiet(year, monkeypatch) > 200_000
    assert quiet(year, monkeypatch) == 0
    clock.sleep(7_200)
    assert quiet(year, monkeypatch) == 0
    again = Journal(year._folder, clock)
    assert quiet(again, monkeypatch) < 10_000
    assert [one.run_id for one in again.recent()] == ["lost"]


def test_an_intent_of_years_ago_is_held_until_it_is_settled(
    year: Journal, clock: FakeClock
) -> None:
    assert [one.change_id for one in year.unsettled()] == ["c0"]
    with (year._folder / "2027-04.ndjson").open("ab") as file:
        file.write(receipt(0, clock.now(), run="lost"))
    assert not year.unsettled()
    clock.sleep(3 * 86_400)
    assert not year.recent()


def outcomes(journal: Journal) -> list[tuple[str, str | None]]:
    return [(one.change_id, one.outcome) for one in journal.recent()]


@pytest.mark.parametrize("anew", [False, True], ids=["running", "started anew"])
@pytest.mark.parametrize("month", ["2026-03", "2026-07", "2026-01"])
def test_a_month_of_old_that_tells_more_is_read(
    year: Journal, clock: FakeClock, month: str, *, anew: bool
) -> None:
    """Put back from a backup, or written by a clock that was behind."""
    assert outcomes(year) == [("c0", None)]
    with (year._folder / f"{month}.ndjson").open("ab") as file:
        file.write(intent(9_999, clock.now() - timedelta(days=99), ticket=9_999))
        file.write(receipt(0, clock.now(), run="lost"))
    journal = Journal(year._folder, clock) if anew else year
    assert sorted(outcomes(journal)) == [
        ("c0", None if month == "2026-01" else "applied"),  # a receipt comes after its intent
        ("c9999", None),
    ]


@pytest.mark.parametrize("anew", [False, True], ids=["running", "started anew"])
def test_a_month_of_old_that_is_another_now_is_read(
    year: Journal, clock: FakeClock, *, anew: bool
) -> None:
    assert outcomes(year) == [("c0", None)]
    path = year._folder / "2026-03.ndjson"
    path.write_bytes(intent(8_000, clock.now()) + b"\n" * path.stat().st_size)
    journal = Journal(year._folder, clock) if anew else year
    assert outcomes(journal) == [("c8000", None)]


@pytest.mark.parametrize("anew", [False, True], ids=["running", "started anew"])
def test_a_file_in_which_values_were_emptied_is_read_again(
    year: Journal, clock: FakeClock, *, anew: bool
) -> None:
    path = year._folder / "2027-04.ndjson"
    lines = [intent(5_000, clock.now())]
    lines += [receipt(number, clock.now()) for number in range(6_000, 6_100)]
    path.write_bytes(b"".join(lines))
    assert [one.after for one in year.recent()] == ["High", "High"]
    draft = path.with_suffix(".new")
    draft.write_bytes(path.read_bytes().replace(b'"High"', b'"****"'))
    draft.replace(path)
    journal = Journal(year._folder, clock) if anew else year
    assert [one.after for one in journal.recent()] == ["High", "****"]


@pytest.mark.parametrize("anew", [False, True], ids=["running", "started anew"])
@pytest.mark.parametrize(
    ("more", "told"),
    [(b"", "applied"), (b"\n", "applied"), (b"\r\n", "applied"), (b"x\n", None), (b"x", None)],
)
def test_a_line_without_its_end_counts_while_it_says_something(
    year: Journal, clock: FakeClock, more: bytes, told: str | None, *, anew: bool
) -> None:
    path = year._folder / "2027-04.ndjson"
    path.write_bytes(intent(5_000, clock.now()) + receipt(5_000, clock.now()).rstrip())
    assert ("c5000", "applied") in outcomes(year)
    with path.open("ab") as file:
        file.write(more)
    journal = Journal(year._folder, clock) if anew else year
    assert ("c5000", told) in outcomes(journal)
    assert ("c5000", told) in [(one.change_id, one.outcome) for one in journal.entries()]


def test_a_line_that_is_longer_than_what_is_read_at_once_is_read(
    year: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reader, "_CHUNK", 100)
    assert outcomes(year) == [("c0", None)]


def test_a_plan_that_began_long_ago_finds_its_last_day(year: Journal, clock: FakeClock) -> None:
    with (year._folder / "2027-04.ndjson").open("ab") as file:
        file.write(intent(5_000, clock.now(), ticket=5) + receipt(5_000, clock.now(), "unsent"))
        file.write(intent(5_001, clock.now(), ticket=5, field="status"))
        file.write(receipt(5_001, clock.now()))
    began = clock.now() + timedelta(hours=23)
    clock.sleep(40 * 3_600)
    assert [tail.change_id for tail in cut_off(year.recent(), "d", began)] == ["c5000"]


def test_an_undo_finds_what_a_run_wrote_before_the_month_ended(
    tmp_path: Path, clock: FakeClock
) -> None:
    for month, number in (("2026-02", 1), ("2026-03", 2)):
        path = tmp_path / f"{month}.ndjson"
        path.write_bytes(intent(number, clock.now(), field=FIELDS[number]))
    journal = Journal(tmp_path, clock)
    assert [one.change_id for one in journal.about("c2")] == ["c1", "c2"]


def test_an_undo_finds_all_months_that_a_word_is_of(year: Journal) -> None:
    assert len(year.about("p2")) == 400
    assert year.about("m03") == [one for one in year.entries() if one.run_id == "m03"]
    assert year.about("") == year.entries()


def test_a_mark_that_cannot_be_kept_costs_nothing_else(year: Journal, tmp_path: Path) -> None:
    (tmp_path / f".{journal_mark.NAME}.new").mkdir()
    assert len(year.recent()) == 1
    assert not (tmp_path / journal_mark.NAME).exists()


def test_the_mark_holds_no_line_and_is_private(year: Journal, tmp_path: Path) -> None:
    year.recent()
    path = tmp_path / journal_mark.NAME
    assert path.stat().st_mode & 0o777 == 0o600
    for word in (b"High", b"priority", b"lost", b"t1"):
        assert word not in path.read_bytes()


@pytest.mark.parametrize("mark", [b"", b"[]", b"{}", b"nonsense", b'{"how":1,"files":[]}'])
def test_a_damaged_mark_is_no_mark(year: Journal, tmp_path: Path, mark: bytes) -> None:
    (tmp_path / journal_mark.NAME).write_bytes(mark)
    assert len(year.recent()) == 1


def test_a_mark_of_another_journal_is_no_mark(
    year: Journal, tmp_path: Path, clock: FakeClock
) -> None:
    year.recent()
    other = tmp_path / "other" / "journal"
    shutil.copytree(year._folder, other)
    shutil.copy(tmp_path / journal_mark.NAME, other.parent / journal_mark.NAME)
    (other / "2026-03.ndjson").write_bytes(intent(7, clock.now(), "another"))
    assert [one.run_id for one in Journal(other, clock).recent()] == ["another"]


def test_an_undo_reads_no_month_before_the_one_it_is_of(
    year: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0
    real = orjson.loads

    def loads(raw: bytes) -> Any:
        nonlocal parsed
        parsed += 1
        return real(raw)

    monkeypatch.setattr("zdsync.changes.journal_search.orjson.loads", loads)
    assert [one.change_id for one in year.about("c1150")] == ["c1150"]
    assert parsed < 500
    assert list(about(year._folder, "nobody")) == []
