"""Which files the journal had, and what of them is lost.

The journal is the truth about what was said (changes/journal.py). Where some of it is lost although
the portal was served before, rules must say nothing until a person takes it as it is. What is known
stands in the mirror and in a file beside the journal's folder, so that a lost mirror forgets none
of it. Must not read the journal's lines (journal_load does).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from zdsync.errors import MirrorFailed
from zdsync.mirror import journal_load
from zdsync.mirror.journal_load import Loaded
from zdsync.sql import Sql

WITNESS = "journal.known"  # beside the folder
ALL = "all files"
_KNOWN = "journal_known"
_MONTHS = "select distinct strftime(intended_at, '%Y-%m') from zdsync.journal"
_SERVED = "select 1 from zdsync.runs where applied > 0 limit 1"

Rows = Callable[[Sql], list[tuple[Any, ...]]]


class Notes(journal_load.Table, Protocol):
    """A mirror, as far as it keeps words about itself."""

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]: ...


@dataclass(slots=True)
class Known:
    """Files with their bytes when last seen; lost ones with what became of them; given up ones."""

    files: dict[str, int] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, text: str) -> Known:
        """Read what `text` holds; one that cannot be read tells nothing."""
        try:
            told = json.loads(text)
            return cls(dict(told["files"]), dict(told["lost"]), set(told["given_up"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    @property
    def text(self) -> str:
        told = {"files": self.files, "lost": self.lost, "given_up": sorted(self.given_up)}
        return json.dumps(told, sort_keys=True)


def served_months(rows: Rows) -> list[str]:
    """The files that a mirror's own table tells of."""
    return [f"{month}.ndjson" for (month,) in rows(Sql(_MONTHS)) if month]


def look(mirror: Notes, folder: Path, copy: Callable[[], Iterable[str]], *, trust: bool) -> None:
    """Load what is new, and keep which files are lost. Raises OSError, MirrorFailed.

    `copy`: the files that the published copy tells of; asked by a mirror that knows none. `trust`:
    the files were rewritten by zdsync itself, so a file that differs is no loss.
    """
    known, fresh = _read(mirror, folder), mirror.noted(_KNOWN) is None
    present = journal_load.sizes(folder)
    expected = {*known.files, *served_months(mirror.rows), *(copy() if fresh else ())}
    if not expected and not present and mirror.rows(Sql(_SERVED)):
        expected = {ALL}
    for name in expected - present.keys() - known.given_up:
        known.lost.setdefault(name, "gone")
    short = [name for name, size in present.items() if size < known.files.get(name, 0)]
    found = journal_load.load(mirror, folder)
    if not trust:
        known.lost |= dict.fromkeys(sorted(found.replaced), "another file")
        known.lost |= dict.fromkeys(short, "cut short")
    known.lost |= {name: f"{many} damaged lines" for name, many in found.damaged.items()}
    known.given_up -= present.keys()
    known.files = present
    _write(mirror, folder, known)


def follow(mirror: Notes, folder: Path) -> Loaded:
    """Load what this run wrote. Raises OSError, MirrorFailed."""
    found = journal_load.load(mirror, folder)
    known, present = _read(mirror, folder), journal_load.sizes(folder)
    known.files |= present
    known.given_up -= present.keys()
    _write(mirror, folder, known)
    return found


def rewritten(mirror: Notes, folder: Path) -> None:
    """Take the files as they are now: zdsync itself emptied values in them."""
    known = _read(mirror, folder)
    known.files |= journal_load.sizes(folder)
    _write(mirror, folder, known)
    journal_load.again(mirror)


def lost(mirror: Notes, folder: Path) -> str:
    """The files that are lost, each with what became of it; '' where none is missed."""
    told = _read(mirror, folder).lost
    return ", ".join(f"{name} ({why})" for name, why in sorted(told.items()))


def adopt(mirror: Notes, folder: Path) -> bool:
    """Take the journal as it stands for whole; False where nothing of it was missed."""
    known = _read(mirror, folder)
    missed = set(known.lost)
    if missed:
        known.files = journal_load.sizes(folder)
        known.given_up |= missed - known.files.keys()
        known.lost = {}
        _write(mirror, folder, known)
        journal_load.again(mirror)
    return bool(missed)


def _read(mirror: Notes, folder: Path) -> Known:
    """What the mirror and the file know; each may be of an older day than the other."""
    known = Known.read(mirror.noted(_KNOWN) or "")
    try:
        beside = Known.read((folder.parent / WITNESS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return known
    files: Mapping[str, int] = known.files | beside.files
    return Known(dict(files), known.lost | beside.lost, known.given_up | beside.given_up)


def _write(mirror: Notes, folder: Path, known: Known) -> None:
    if mirror.noted(_KNOWN) != known.text:
        mirror.note(_KNOWN, known.text)
    path = folder.parent / WITNESS
    if known == Known() and not path.exists():
        return  # nothing was ever written to the portal
    draft = path.with_name(f".{path.name}.new")
    try:
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") == known.text:
            return
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(known.text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror}"
        raise MirrorFailed(what, "free some space or mend the rights") from None
