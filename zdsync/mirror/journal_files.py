"""Which files of the journal this mirror has loaded, and which of them are gone.

The journal is the truth about what was said (changes/journal.py). Where it is lost although the
portal was served before, rules must say nothing until a person takes it as it is. Must not read
the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from zdsync.sql import Sql

_LOADED = "journal_files"  # name → bytes
_LOST = "journal_lost"
_ADOPTED = "journal_adopted"  # names of files that a person gave up
ALL = "all files"
_MONTHS = "select distinct strftime(intended_at, '%Y-%m') from zdsync.journal"
_SERVED = "select 1 from zdsync.runs where applied > 0 limit 1"


class Notes(Protocol):
    """A mirror, as far as it keeps words about itself."""

    def note(self, name: str, value: str) -> None: ...

    def noted(self, name: str) -> str | None: ...

    def rows(self, sql: Sql) -> list[tuple[str, ...]]: ...


def grown(mirror: Notes, sizes: Mapping[str, int]) -> list[str]:
    """Names of the files that hold what the mirror has not loaded; keeps which are gone."""
    held = _held(mirror)
    expected = {*held, *(f"{month}.ndjson" for (month,) in mirror.rows(Sql(_MONTHS)) if month)}
    if not expected and not sizes and mirror.rows(Sql(_SERVED)):
        expected = {ALL}
    gone = expected - sizes.keys() - set(json.loads(mirror.noted(_ADOPTED) or "[]"))
    if gone:
        mirror.note(_LOST, ", ".join(sorted(gone)))
    return [name for name, size in sizes.items() if held.get(name) != size]


def loaded(mirror: Notes, sizes: Mapping[str, int]) -> None:
    """Keep how much of which file was loaded."""
    mirror.note(_LOADED, json.dumps(dict(sizes)))


def lost(mirror: Notes) -> str:
    """The files that are gone; '' where none is missed."""
    return mirror.noted(_LOST) or ""


def adopt(mirror: Notes, sizes: Mapping[str, int]) -> bool:
    """Take the journal as it stands for whole; False where nothing of it was missed."""
    missed = lost(mirror)
    if missed:
        given_up = {*json.loads(mirror.noted(_ADOPTED) or "[]"), *missed.split(", ")}
        mirror.note(_ADOPTED, json.dumps(sorted(given_up)))
        mirror.note(_LOST, "")
        loaded(mirror, sizes)
    return bool(missed)


def _held(mirror: Notes) -> dict[str, int]:
    return dict(json.loads(mirror.noted(_LOADED) or "{}"))
