"""The truth about writes."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.changes.test_decide import priority
from tests.changes.world import Mirror, planned, rule, ticket
from tests.conftest import FakeClock
from zdsync.changes.journal import GROUP, Journal
from zdsync.errors import MirrorFailed
from zdsync.model import Change, Receipt
from zdsync.rules.compiled import Const, SetField
from zdsync.sql import Sql


def changes(count: int = 1) -> tuple[Change, ...]:
    mirror = Mirror([ticket(number) for number in range(1, count + 1)])
    return planned(mirror, rule("r", priority("Low"))).changes


def intend(journal: Journal, some: tuple[Change, ...], run_id: str = "run1") -> None:
    journal.intend(some, run_id=run_id, plan_id="p", rules_digest="d")


def receipt(change: Change, clock: FakeClock, outcome: str = "applied") -> Receipt:
    return Receipt(change.change_id, outcome, clock.now())  # type: ignore[arg-type]


def test_an_intent_and_its_receipt_are_read_back(tmp_path: Path, clock: FakeClock) -> None:
    journal, (one,) = Journal(tmp_path / "journal", clock), changes()
    intend(journal, (one,))
    assert [entry.outcome for entry in journal.entries()] == [None]
    journal.settle([receipt(one, clock)], run_id="run1")
    (entry,) = Journal(tmp_path / "journal", clock).entries()
    assert (entry.ticket_id, entry.field, entry.before, entry.after) == (
        "T1",
        "priority",
        None,
        "Low",
    )
    assert (entry.rule_id, entry.plan_id, entry.run_id, entry.outcome) == (
        "r",
        "p",
        "run1",
        "applied",
    )
    assert entry.intended_at == entry.settled_at == clock.now()


def test_promise_5_an_intent_has_at_most_one_receipt(tmp_path: Path, clock: FakeClock) -> None:
    journal, (one,) = Journal(tmp_path, clock), changes()
    with pytest.raises(ValueError, match="no open intent"):
        journal.settle([receipt(one, clock)], run_id="run1")
    intend(journal, (one,))
    journal.settle([receipt(one, clock, "unknown")], run_id="run1")
    with pytest.raises(ValueError, match="no open intent"):
        journal.settle([receipt(one, clock)], run_id="run1")
    assert [entry.outcome for entry in journal.entries()] == ["unknown"]


def test_promise_5_a_group_is_on_disk_before_intend_returns(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size if stat.S_ISREG(os.fstat(handle).st_mode) else -1)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    journal, some = Journal(tmp_path, clock), changes(GROUP)
    intend(journal, some)
    size = (tmp_path / "2026-03.ndjson").stat().st_size
    # the whole group at once, then the names of the file and of the folders that zdsync made
    assert synced == [size, -1, -1, -1]
    intend(Journal(tmp_path, clock), changes(2), "run2")
    assert synced[4:] == [(tmp_path / "2026-03.ndjson").stat().st_size, -1, -1, -1]
    intend(journal, changes(2), "run3")
    assert len(synced) == 9  # the names are sure by now
    with pytest.raises(ValueError, match="at most 25"):
        intend(journal, changes(GROUP + 1))


def test_a_torn_last_line_is_passed_over_and_the_next_stands_alone(
    tmp_path: Path, clock: FakeClock
) -> None:
    journal, some = Journal(tmp_path, clock), changes(2)
    intend(journal, some[:1])
    path = tmp_path / "2026-03.ndjson"
    path.write_bytes(path.read_bytes() + b'{"kind":"receipt","run_id":"run1","chan')
    again = Journal(tmp_path, clock)
    assert [entry.outcome for entry in again.unsettled()] == [None]
    intend(again, some[1:])
    assert len(again.entries()) == 2


def test_promise_10_the_journal_holds_no_customer_text_and_is_private(
    tmp_path: Path, clock: FakeClock
) -> None:
    secret = "my diagnosis is private " * 10
    setting = SetField("cf.cf_note", Const(secret), Sql("NULL"), Sql("TRUE"))
    quoting = rule("r", setting, evidence=(("subject", Sql("t.subject")),))
    plan = planned(Mirror([ticket(1, subject="refill of my pills")]), quoting)
    journal = Journal(tmp_path / "journal", clock)
    intend(journal, plan.changes)
    (path,) = (tmp_path / "journal").iterdir()
    text = path.read_text()
    assert "pills" not in text
    assert "diagnosis" not in text
    assert '"evidence":["subject"]' in text
    assert "sha256:" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_full_disk_stops_before_the_call(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, blob: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(MirrorFailed, match="No space left"):
        intend(Journal(tmp_path, clock), changes())


def test_a_group_that_did_not_fit_was_never_intended(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, some = Journal(tmp_path, clock), changes(5)
    intend(journal, some[:1])
    before, real = (tmp_path / "2026-03.ndjson").read_bytes(), os.write

    def half(handle: int, blob: bytes) -> int:
        monkeypatch.setattr(os, "write", full)
        return real(handle, blob[: len(blob) // 2])

    def full(handle: int, blob: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(MirrorFailed):
        intend(journal, some[1:])
    assert (tmp_path / "2026-03.ndjson").read_bytes() == before
    monkeypatch.setattr(os, "write", real)
    monkeypatch.setattr(os, "fsync", lambda handle: full(handle, b""))
    with pytest.raises(MirrorFailed):
        intend(journal, some[1:])
    assert (tmp_path / "2026-03.ndjson").read_bytes() == before


def test_a_tail_of_zeros_after_a_power_cut_is_passed_over(tmp_path: Path, clock: FakeClock) -> None:
    journal, some = Journal(tmp_path, clock), changes(2)
    intend(journal, some[:1])
    path = tmp_path / "2026-03.ndjson"
    path.write_bytes(path.read_bytes() + b"\0" * 500)
    intend(journal, some[1:], "run2")
    assert len(journal.entries()) == 2


def test_what_is_said_is_announced_on_disk_and_tells_if_it_was_called(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, (one,) = Journal(tmp_path, clock), changes()
    note = replace(one, change_id="note", field="comment", text="hello")
    intend(journal, (one, note))
    assert [entry.called for entry in journal.entries()] == [None, False]
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal.announce(note, run_id="run1")
    assert len(synced) == 1
    assert [entry.called for entry in journal.entries()] == [None, True]


def test_a_receipt_of_the_next_month_finds_its_intent(tmp_path: Path, clock: FakeClock) -> None:
    journal, (one,) = Journal(tmp_path, clock), changes()
    intend(journal, (one,))
    clock.sleep(40 * 86400)
    journal.settle([receipt(one, clock)], run_id="run1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03.ndjson", "2026-04.ndjson"]
    assert [entry.outcome for entry in journal.entries()] == ["applied"]
