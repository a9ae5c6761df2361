"""The truth about writes: append-only NDJSON under `private/journal/YYYY-MM.ndjson`, mode 0600.

Promise 5: an intent is on disk before its call (`journal_file`), and gets at most one receipt.
What is said leaves no value to compare, so its call is announced by a line of its own, on disk too:
an intent without one was never sent. Promise 10: ids, field names, the values that zdsync sets and
digests; no customer text. Must not call Zoho.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from zdsync.changes.journal_file import FILES, JournalFile
from zdsync.changes.journal_mark import Line
from zdsync.changes.journal_reader import Key, Reader
from zdsync.changes.journal_search import about, lines
from zdsync.changes.signature import Signature
from zdsync.changes.wire import is_speech, lasting
from zdsync.clock import Clock
from zdsync.model import Change, Receipt, Scalar
from zdsync.text import printable

FOUND = "found"  # kind of a line, beside intent and receipt: what a look told of an unknown outcome
CALL = "call"  # kind of a line: something is about to be said
GROUP = 25  # intents per fsync, at most
_SAID = 600  # cells of a receipt's text: Zoho's words, what was not done, what to do
_LONG = 100  # a longer value is written as its digest


@dataclass(frozen=True, slots=True)
class Entry:
    """One intent with its receipt (`outcome` None: none yet); columns of `zdsync.journal`.

    `called`: of something said, whether its call was announced; None where calls are not.
    """

    change_id: str
    run_id: str
    plan_id: str
    rule_id: str
    rules_digest: str
    ticket_id: str
    field: str
    before: Scalar
    after: Scalar
    intended_at: datetime
    wire: Mapping[str, Any]
    wire_before: Mapping[str, Any]
    outcome: str | None = None
    http_status: int | None = None
    error: str = ""
    settled_at: datetime | None = None
    called: bool | None = None


class Journal:
    """The journal of one data directory. Threads may settle; one thread intends."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._open: set[tuple[str, str]] = set()
        self._file = JournalFile(folder, clock)
        self._reader = Reader(folder, _fold)
        self._recent: tuple[list[Line], list[Entry]] = [], []  # read and told last
        self.by = Signature()  # who writes, and why

    def intend(
        self, changes: Sequence[Change], *, run_id: str, plan_id: str, rules_digest: str
    ) -> None:
        """Write the intents of a group and wait until they are on disk. Raises MirrorFailed."""
        if len(changes) > GROUP:
            raise ValueError(f"a group holds at most {GROUP} intents")
        at = self._clock.now().isoformat()
        shared = {"kind": "intent", "run_id": run_id, "plan_id": plan_id, "intended_at": at}
        lines = [
            {**shared, "rules_digest": rules_digest, **_intent(one), **signed}
            for one, signed in zip(changes, self.by.under(changes), strict=True)
        ]
        self._append(lines, durable=True)
        with self._lock:
            self._open.update((run_id, change.change_id) for change in changes)

    def announce(self, change: Change, *, run_id: str) -> None:
        """Write that something is about to be said and wait until that is on disk."""
        line = {"kind": CALL, "run_id": run_id, "change_id": change.change_id}
        self._append([line], durable=True)

    def settle(self, receipts: Iterable[Receipt], *, run_id: str) -> None:
        """Write receipts; one whose intent is unknown here or settled already is refused."""
        some = list(receipts)
        with self._lock:
            for receipt in some:
                if (run_id, receipt.change_id) not in self._open:
                    raise ValueError(f"no open intent {receipt.change_id} of run {run_id}")
                self._open.discard((run_id, receipt.change_id))
        self._append([_receipt(receipt, run_id) for receipt in some], durable=False)

    def find(self, receipts: Iterable[Receipt], *, run_id: str) -> None:
        """Write what a look told of writes of unknown outcome. It is no second receipt."""
        self._append([_receipt(one, run_id) | {"kind": FOUND} for one in receipts], durable=False)

    def sync(self) -> None:
        """Wait until the receipts are on disk, so that no reader knows more than they tell."""
        self._file.sync()

    def entries(self, months: int | None = None) -> list[Entry]:
        """Read intents with their receipts, oldest first; torn lines are passed over.

        `months`: only so many of the newest files.
        """
        return self._entries(self.lines(months))

    def _entries(self, told: Iterable[Line]) -> list[Entry]:
        intents: dict[Key, Line] = {}
        for line in told:
            _fold(intents, line)
        return [_entry(line) for line in intents.values()]

    def recent(self) -> Sequence[Entry]:
        """Read, oldest first, what may still matter: see journal_reader. Costs what was appended.

        Every intent without a receipt or of unknown outcome is there, however old.
        """
        lines = self._reader.read(self._clock.now())
        if lines is not self._recent[0]:
            self._recent = lines, [_entry(line) for line in lines]
        return self._recent[1]

    def unsettled(self) -> list[Entry]:
        """List intents without a receipt: a crash came between, their outcome must be looked up.

        Opens them again, so that they may be settled.
        """
        found = [entry for entry in self.recent() if entry.outcome is None]
        with self._lock:
            self._open.update((entry.run_id, entry.change_id) for entry in found)
        return found

    def about(self, word: str) -> list[Entry]:
        """Read what was written to the tickets that a run, change or plan leads to, oldest first.

        `word`: its id, or how that begins. Nothing where the journal has none.
        """
        return self._entries(about(self._folder, word))

    def lines(self, months: int | None = None) -> Iterator[Line]:
        """Yield the decoded lines of the files, or of so many of the newest, oldest first."""
        paths = sorted(self._folder.glob(FILES))
        return lines(paths[-months:] if months else paths)

    def _append(self, lines: Sequence[Mapping[str, Any]], *, durable: bool) -> None:
        if lines:
            blob = b"".join(orjson.dumps(line) + b"\n" for line in lines)
            self._file.append(blob, durable=durable, more=bool(self._open))


def _fold(intents: dict[Key, Line], line: Line) -> Key:
    """Add a line to the intents that are known; returns whose it is."""
    key = (str(line.get("run_id")), str(line.get("change_id")))
    if line.get("kind") == "intent":
        intents.setdefault(key, line)
    elif line.get("kind") == CALL:
        intents.get(key, {})["called"] = True
    elif key in intents and _settles(line, intents[key].get("outcome")):
        intents[key] |= {name: line.get(name) for name in _RECEIPT}
    return key


def _settles(line: Mapping[str, Any], outcome: object) -> bool:
    """Whether a line tells an intent's outcome: its receipt, or that an unknown one was found."""
    return outcome == "unknown" if line.get("kind") == FOUND else outcome is None


_RECEIPT = ("outcome", "http_status", "error", "settled_at")


def _intent(change: Change) -> dict[str, Any]:
    announced = {"called": False} if is_speech(change.field) else {}
    return {
        **announced,
        "change_id": change.change_id,
        "rule_id": change.rule,
        "ticket_id": change.ticket_id,
        "field": change.field,
        "before": brief(change.before),
        "after": brief(change.after),
        "wire": _brief_wire(lasting(change)),
        "wire_before": _brief_wire(change.wire_before),
        "evidence": sorted(change.evidence),  # names of fields: their values are customers' text
    }


def brief(value: Any) -> Any:
    """Write a long text as its digest."""
    if isinstance(value, str) and len(value) > _LONG:
        return "sha256:" + hashlib.sha256(value.encode()).hexdigest()
    return value


def _brief_wire(wire: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _brief_wire(value) if isinstance(value, Mapping) else brief(value)
        for key, value in wire.items()
    }


def _receipt(receipt: Receipt, run_id: str) -> dict[str, Any]:
    return {
        "kind": "receipt",
        "run_id": run_id,
        "change_id": receipt.change_id,
        "outcome": receipt.outcome,
        "http_status": receipt.http_status,
        "error": printable(receipt.error, _SAID),
        "settled_at": receipt.settled_at.isoformat(),
    }


def _entry(line: Mapping[str, Any]) -> Entry:
    settled = line.get("settled_at")
    return Entry(
        **{name: str(line.get(name, "")) for name in _TEXTS},
        before=line.get("before"),
        after=line.get("after"),
        intended_at=datetime.fromisoformat(line["intended_at"]),
        wire=line.get("wire") or {},
        wire_before=line.get("wire_before") or {},
        outcome=line.get("outcome"),
        http_status=line.get("http_status"),
        error=line.get("error") or "",
        settled_at=datetime.fromisoformat(settled) if settled else None,
        called=line.get("called"),
    )


_TEXTS = ("change_id", "run_id", "plan_id", "rule_id", "rules_digest", "ticket_id", "field")
