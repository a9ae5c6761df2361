"""How far the journal's files were read, and where the lines stand that still matter.

Kept beside the folder, so that a new process need not read years. Holds names, sizes and places,
no line: who is forgotten in the journal is forgotten here. May be lost, old or damaged at any time:
then more is read. Must not decide what matters (journal_reader does).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

Line = dict[str, Any]
Place = tuple[str, int, int]  # file, first byte, bytes

NAME = "journal.read"  # beside the folder
_HOW = 1  # raised where other lines matter than before


@dataclass(frozen=True, slots=True)
class Spot:
    """How far a file was read, and by what it is known again.

    `at`: bytes of whole lines that were read; `end` stands for the last of them. `tail`: a line
    without its end that said something all the same. `modified`: nanoseconds.
    """

    inode: int = 0
    size: int = 0
    modified: int = 0
    at: int = 0
    end: str = ""
    tail: bytes = b""

    def is_of(self, stat: os.stat_result) -> bool:
        """Whether the file is as it was read."""
        return (self.inode, self.size, self.modified) == (
            *(stat.st_ino, stat.st_size, stat.st_mtime_ns),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """The files that were read, and the places of the lines that matter, in their order."""

    spots: dict[str, Spot] = field(default_factory=dict)
    places: Sequence[Place] = ()


def read(folder: Path) -> Mark:
    """Read the mark of a journal; an empty one where none can be read."""
    try:
        told = orjson.loads((folder.parent / NAME).read_bytes())
        if told["how"] != _HOW:
            return Mark()
        spots = {
            str(name): Spot(int(inode), int(size), int(modified), int(at), str(end))
            for name, (inode, size, modified, at, end) in told["files"].items()
        }
        places = [(str(name), int(at), int(many)) for name, at, many in told["places"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Mark()
    return Mark(spots, places)


def keep(folder: Path, mark: Mark) -> None:
    """Keep a mark; a disk that refuses costs only time."""
    files = {
        name: [one.inode, one.size, one.modified, one.at, one.end]
        for name, one in mark.spots.items()
    }
    path = folder.parent / NAME
    draft = path.with_name(f".{NAME}.new")
    with suppress(OSError):
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps({"how": _HOW, "files": files, "places": mark.places}))
        draft.replace(path)


def lines(folder: Path, mark: Mark) -> Iterator[tuple[str, int, bytes]]:
    """Yield the lines of a mark as their files have them: file, first byte, line."""
    for name, some in groupby(mark.places, key=lambda place: place[0]):
        with (folder / name).open("rb") as file:
            for _, at, many in some:
                yield name, at, os.pread(file.fileno(), many, at)
