"""Loads what the journal's files hold beyond what the mirror has loaded, file by file, in batches.

Promises that a batch and how far it reached are committed together, so a load that was cut off
goes on; that a line is loaded once, and again without harm; that no line is known to the mirror
before it is on disk; and that a damaged line is told and passed over. Must not write the files.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

log = logging.getLogger(__name__)

FILES = "????-??.ndjson"
_REACHED = "journal_reached"  # name → [bytes that were loaded, digest of the last of them]
_BATCH = 8 << 20  # bytes that are read at once
_END = 256  # bytes before the end of what was loaded, by which a file is known again


class Table(Protocol):
    """A mirror, as far as it takes lines of the journal."""

    def transaction(self) -> AbstractContextManager[None]: ...

    def load_journal(self, lines: Iterable[Mapping[str, Any] | bytes]) -> int: ...

    def note(self, name: str, value: str) -> None: ...

    def noted(self, name: str) -> str | None: ...


@dataclass(slots=True)
class Loaded:
    """What a load found: lines, file → damaged lines, files that are not what was loaded before."""

    lines: int = 0
    damaged: dict[str, int] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)


def sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file of the journal."""
    return {path.name: path.stat().st_size for path in sorted(folder.glob(FILES))}


def load(mirror: Table, folder: Path) -> Loaded:
    """Load what is new in the files of `folder`. Raises OSError, MirrorFailed."""
    found = Loaded()
    reached: dict[str, tuple[int, str]] = {
        name: (int(at), str(end))
        for name, (at, end) in json.loads(mirror.noted(_REACHED) or "{}").items()
    }
    for path in sorted(folder.glob(FILES)):
        at, end = reached.get(path.name, (0, ""))
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if at > size or _end(file.fileno(), at) != end:
                at, end = 0, ""
                found.replaced.add(path.name)
            if size > at:  # a mirror that outlives what it was told would look like a lost journal
                os.fsync(file.fileno())
            for batch, whole in _batches(file.fileno(), at):
                good = _good(batch, path, at, found)
                at = whole
                with mirror.transaction():
                    mirror.load_journal(good)
                    if reached.get(path.name) != (at, end):
                        end = _end(file.fileno(), at)
                        reached[path.name] = (at, end)
                        mirror.note(_REACHED, json.dumps(reached))
                found.lines += len(good)
    return found


def again(mirror: Table) -> None:
    """Let the next load read every file from its beginning."""
    mirror.note(_REACHED, "{}")


def _end(handle: int, at: int) -> str:
    """Stand for the bytes right before `at`."""
    if not at:
        return ""
    start = max(0, at - _END)
    return hashlib.sha256(os.pread(handle, at - start, start)).hexdigest()[:16]


def _batches(handle: int, at: int) -> Iterator[tuple[list[bytes], int]]:
    """Cut a file into lists of lines, each with the place behind the last whole one.

    A last line without its end comes too: it may be a whole one all the same.
    """
    while True:
        chunk = os.pread(handle, _BATCH, at)
        length = _BATCH
        while len(chunk) == length and b"\n" not in chunk:  # a line of many megabytes
            length *= 2
            chunk = os.pread(handle, length, at)
        last = len(chunk) < length
        whole = chunk.rfind(b"\n") + 1
        lines = (chunk if last else chunk[:whole]).split(b"\n")
        if any(lines):
            yield [line for line in lines if line], at + whole
        if last:
            return
        at += whole


def _good(lines: list[bytes], path: Path, at: int, found: Loaded) -> list[bytes]:
    """The lines that hold something; the damaged ones are told."""
    good = []
    for line in lines:
        if _is_entry(line):
            good.append(line)
        elif not _torn(line):
            found.damaged[path.name] = found.damaged.get(path.name, 0) + 1
    if len(good) < len(lines) and path.name in found.damaged:
        many = found.damaged[path.name]
        log.warning("journal=%s damaged_lines=%d after_byte=%d: passed over", path.name, many, at)
    return good


def _is_entry(line: bytes) -> bool:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, Mapping) and isinstance(told.get("kind"), str)


def _torn(line: bytes) -> bool:
    """Whether a crash may have left this: the beginning of a line, or zeros where one was to be.

    Such a line was never on disk as a whole, so nothing was sent because of it.
    """
    left = line.strip(b"\0\r ")
    return not left or (left.startswith(b"{") and (not left.endswith(b"}") or _ends_early(left)))


def _ends_early(line: bytes) -> bool:
    """Whether nothing is wrong with the line but that more should come."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(error.doc)
    except ValueError:  # no UTF-8
        return False
    return False
