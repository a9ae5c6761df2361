"""Tombstones of forgotten persons: ids only, in `private/forgotten.ndjson` and zdsync.forgotten.

The file is the truth and is written first, on disk before anything is emptied: a mirror that is
lost, or restored from an older copy, learns from it whom to leave empty.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from zdsync.errors import MirrorFailed
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql

FILE = "forgotten.ndjson"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One record whose personal columns stay empty."""

    stream: str
    id: str
    at: str  # as the mirror writes instants


def stones(keys: Iterable[tuple[str, str]], at: datetime) -> list[Tombstone]:
    """Tombstones of records (stream, id) that are forgotten at one instant."""
    return [Tombstone(stream, one, naive(at)) for stream, one in keys]


def digest(salt: str, word: str) -> str:
    """What stands for the word by which a person was named until the forgetting is done."""
    return hashlib.sha256(f"{salt}{word.lower()}".encode()).hexdigest()


def read(folder: Path) -> list[Tombstone]:
    """Read the file; a line torn by a crash is passed over. Raises MirrorFailed."""
    path = folder / FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(path, error) from None
    found = []
    for line in lines:
        try:
            found.append(Tombstone(**orjson.loads(line)))
        except (orjson.JSONDecodeError, TypeError):
            continue
    return found


def append(folder: Path, keys: Iterable[tuple[str, str]], at: datetime) -> None:
    """Write tombstones and wait until they are on disk. Raises MirrorFailed."""
    path = folder / FILE
    lines = [orjson.dumps({"stream": s, "id": one, "at": naive(at)}) + b"\n" for s, one in keys]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "wb") as file:
            # What a crash tore stays a line of its own.
            file.write((b"\n" if path.stat().st_size else b"") + b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, error) from None


def learn(database: Database, some: Iterable[Tombstone]) -> int:
    """Add tombstones to the table; returns how many are new. Repeating it changes nothing."""
    text = orjson.dumps([[one.stream, one.id, one.at] for one in some]).decode()
    return database.count(Sql(_LEARN, (text,)))


def known(database: Database) -> dict[str, set[str]]:
    """The ids by stream."""
    found: dict[str, set[str]] = {}
    for stream, one in database.rows(Sql("select stream, id from zdsync.forgotten")):
        found.setdefault(stream, set()).add(one)
    return found


_LEARN = """
insert into zdsync.forgotten
select n.r[1], n.r[2], min(n.r[3]::timestamp)
from (select unnest(from_json(?, '[["VARCHAR"]]')) as r) n
where not exists (from zdsync.forgotten f where f.stream = n.r[1] and f.id = n.r[2])
group by n.r[1], n.r[2]
"""


def _unusable(path: Path, error: OSError) -> MirrorFailed:
    what = f"{path} cannot be used: {error.strerror}"
    return MirrorFailed(what, "mend the rights or free some space; nobody was forgotten yet")
