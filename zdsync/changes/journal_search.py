"""Finds in the journal's files what was written to the tickets that a word leads to.

A word is a run, change or plan, or how its id begins. Promises the lines in the order of the files;
reads a file that does not have the word as bytes only. Must not write the files.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import orjson

from zdsync.changes.journal_file import FILES
from zdsync.changes.journal_mark import Line

_IDS = ("run_id", "change_id", "plan_id")


def about(folder: Path, word: str) -> Iterator[Line]:
    """Yield the intents of the tickets that `word` leads to, and every line that is no intent.

    From the first file on that has the word or a run that it leads to; nothing where none has.
    """
    paths = sorted(folder.glob(FILES))
    tickets: set[str] = set()
    runs: set[str] = set()
    first = len(paths)
    for place, path in enumerate(paths):
        found = [line for line in _having(path, word) if _named(line, word)]
        if found:
            first = min(first, place)
            tickets |= {str(line.get("ticket_id")) for line in found}
            runs |= {str(line.get("run_id")) for line in found}
    # A run that goes on past the end of a month has what belongs together in two files.
    while any(_has(path, run) for path in paths[:first] for run in runs):
        first -= 1
    return _of(paths[first:], tickets)


def lines(paths: Iterable[Path]) -> Iterator[Line]:
    """Yield the decoded lines of files, a torn one left out."""
    for path in paths:
        with path.open("rb") as file:
            for some in file:
                for raw in some.splitlines():
                    line = _decoded(raw)
                    if line is not None:
                        yield line


def _of(paths: Iterable[Path], tickets: Collection[str]) -> Iterator[Line]:
    for line in lines(paths):
        if line.get("kind") != "intent" or str(line.get("ticket_id")) in tickets:
            yield line


def _named(line: Line, word: str) -> bool:
    ids = (str(line.get(name, "")) for name in _IDS)
    return line.get("kind") == "intent" and any(one.startswith(word) for one in ids)


def _having(path: Path, word: str) -> Iterator[Line]:
    """Yield the lines of a file that have a text that begins so."""
    wanted = orjson.dumps(word)[:-1]
    with path.open("rb") as file:
        if not path.stat().st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            at = text.find(wanted)
            while at >= 0:
                start, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
                end = len(text) if end < 0 else end
                for raw in text[start:end].splitlines():
                    line = _decoded(raw)
                    if line is not None:
                        yield line
                at = text.find(wanted, end)


def _has(path: Path, word: str) -> bool:
    return next(_having(path, word), None) is not None


def _decoded(raw: bytes) -> Line | None:
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None  # torn by a crash: its call was never made, or is looked up
    return line if isinstance(line, dict) else None
