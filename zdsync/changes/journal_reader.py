"""Reads the journal's files as they grow, and holds of them only what can still matter.

That is what has no receipt, what is of unknown outcome, whatever else was written to such tickets,
and the last two days. Promises that this is what reading every file anew would tell, whoever
appended: a file that is not the one that was read, grown, makes it read all again. Relies on that
a run intends a change once. Must not write the files. For one thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from zdsync.changes import journal_mark
from zdsync.changes.journal_file import FILES
from zdsync.changes.journal_mark import Line, Mark, Place, Spot

Key = tuple[str, str]  # run and change
Fold = Callable[[dict[Key, Line], Line], Key]  # adds a line to what is known; returns whose it is

HELD = timedelta(days=2)  # a plan asks for the day before it began, and may take long to ask
IDLE = timedelta(hours=1)  # where nothing was written, what is old is let go as seldom
MARKED = 4 << 20  # bytes after whose reading it is kept how far that came
_CHUNK = 4 << 20  # bytes that are read at once
_END = 4096  # bytes before the end of what was read, by which a file is known again


class Reader:
    """The journal of one folder, as far as it matters to who plans and recovers."""

    def __init__(self, folder: Path, fold: Fold) -> None:
        self._folder, self._fold = folder, fold
        self._fresh = True  # nothing was read by this process
        self._unmarked = 0  # bytes read since it was kept how far
        self._known: dict[Key, Line] = {}
        self._places: dict[Key, list[Place]] = {}
        self._spots: dict[str, Spot] = {}
        self._told: list[Line] = []
        self._told_at: datetime | None = None  # None: something was read since

    def read(self, now: datetime) -> list[Line]:
        """Return the intents that matter, merged with their receipts, oldest first.

        The same list as before where nothing was written since.
        """
        found = _found(self._folder)
        if self._fresh:
            self._resume(found)
            self._fresh = False
        elif not self._goes_on(found):
            self._forget()
        for name, stat in found.items():
            spot = self._spots.get(name)
            if spot is None or not spot.is_of(stat):
                self._take(name, spot or Spot(), now)
        if self._told_at is None or abs(now - self._told_at) > IDLE:
            self._let_go(now)
            self._mark()
            self._told, self._told_at = list(self._known.values()), now
        return self._told

    def _goes_on(self, found: Mapping[str, os.stat_result]) -> bool:
        """Whether the files are those that were read, and only the last of them has grown."""
        if not self._spots:
            return True
        *older, last = sorted(self._spots)
        if not self._spots.keys() <= found.keys():
            return False
        if any(name < last for name in found.keys() - self._spots.keys()):
            return False
        if not all(self._spots[name].is_of(found[name]) for name in older):
            return False
        spot, stat = self._spots[last], found[last]
        return spot.is_of(stat) or (
            spot.inode == stat.st_ino and _grew(self._folder / last, spot, stat.st_size)
        )

    def _forget(self) -> None:
        self._known, self._places, self._spots, self._told_at = {}, {}, {}, None

    def _take(self, name: str, spot: Spot, now: datetime) -> None:
        """Read what a file holds beyond what was read of it."""
        self._told_at = None
        with (self._folder / name).open("rb") as file:
            handle, stat = file.fileno(), os.fstat(file.fileno())
            at, tail = spot.at, b""
            for chunk, whole in _chunks(handle, at, stat.st_size):
                self._lines(name, at, chunk[:whole])
                self._let_go(now)
                at, tail = at + whole, chunk[whole:]
            # A last line without its end may be a whole one; it is read again when that has come.
            held = tail if tail and self._lines(name, at, tail) else b""
            self._spots[name] = Spot(
                *(stat.st_ino, stat.st_size, stat.st_mtime_ns, at, _end(handle, at)), held
            )
        self._unmarked += at - spot.at

    def _lines(self, name: str, at: int, blob: bytes) -> int:
        """Fold whole lines; returns how many said something. Torn ones are passed over."""
        many = 0
        for raw in blob.splitlines(keepends=True):
            try:
                line = orjson.loads(raw)
            except orjson.JSONDecodeError:
                line = None
            if isinstance(line, dict):
                many += 1
                key = self._fold(self._known, line)
                if key in self._known:
                    self._places.setdefault(key, []).append((name, at, len(raw)))
            at += len(raw)
        return many

    def _let_go(self, now: datetime) -> None:
        """Drop what is settled and old, but for tickets of which something is in doubt."""
        edge = now - HELD
        doubtful = {
            line.get("ticket_id")
            for line in self._known.values()
            if line.get("outcome") in (None, "unknown")
        }
        gone = [
            key
            for key, line in self._known.items()
            if line.get("ticket_id") not in doubtful and not _lately(line, edge)
        ]
        for key in gone:
            del self._known[key], self._places[key]

    def _resume(self, found: Mapping[str, os.stat_result]) -> None:
        """Go on where another process was, if the files are still those that it read."""
        mark = journal_mark.read(self._folder)
        self._spots = mark.spots
        if not self._goes_on(found):
            self._forget()
            return
        for name, start, raw in journal_mark.lines(self._folder, mark):
            if not self._lines(name, start, raw):
                self._forget()
                return

    def _mark(self) -> None:
        """Keep how far this came, now and then; not in the midst of a line."""
        if self._unmarked < MARKED or any(spot.tail for spot in self._spots.values()):
            return
        places = sorted(place for some in self._places.values() for place in some)
        journal_mark.keep(self._folder, Mark(self._spots, places))
        self._unmarked = 0


def _found(folder: Path) -> dict[str, os.stat_result]:
    """The files by name, oldest first."""
    return {path.name: path.stat() for path in sorted(folder.glob(FILES))}


def _grew(path: Path, spot: Spot, size: int) -> bool:
    """Whether a file begins as it did when it was read, its last line now ended."""
    if size < spot.at + len(spot.tail):
        return False
    with path.open("rb") as file:
        if _end(file.fileno(), spot.at) != spot.end:
            return False
        more = os.pread(file.fileno(), len(spot.tail) + 1, spot.at)
    return not spot.tail or more in (spot.tail, spot.tail + b"\n")


def _end(handle: int, at: int) -> str:
    """Stand for the bytes right before `at`."""
    start = max(0, at - _END)
    return hashlib.sha256(os.pread(handle, at - start, start)).hexdigest()[:16]


def _chunks(handle: int, at: int, size: int) -> Iterator[tuple[bytes, int]]:
    """Cut a file into pieces, each with the length of its whole lines."""
    length = _CHUNK
    while at < size:
        chunk = os.pread(handle, min(length, size - at), at)
        if not chunk:  # cut short meanwhile
            return
        whole = chunk.rfind(b"\n") + 1
        if not whole and at + len(chunk) < size:  # a line of many megabytes
            length *= 2
            continue
        yield chunk, whole
        if at + len(chunk) >= size:
            return
        at += whole


def _lately(line: Mapping[str, Any], edge: datetime) -> bool:
    """Whether something became of a write lately; what cannot be told counts."""
    try:
        times = [line[name] for name in ("intended_at", "settled_at") if line.get(name)]
        return any(datetime.fromisoformat(at) >= edge for at in times) or not times
    except (TypeError, ValueError):
        return True
