"""`zdsync backup`: a copy of what cannot be read from Zoho again, while the service runs.

Promises: the copy is one moment's (the lock of writers is held while it is made, and no longer),
it was opened before it got its name, nobody else may read it, and it holds no credentials. How to
put it back stands in docs/restore.md. Must not change the mirror.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from zdsync.clock import Clock
from zdsync.errors import MirrorUnusable, Misconfigured, ZdsyncError
from zdsync.mirror import (
    MEND,
    WORK,
    Found,
    copy_closed,
    examine,
    hold,
    private_files,
    sync_directory,
)
from zdsync.readings import MIRROR, no_mirror
from zdsync.settings import Settings

NAME = "zdsync-backup-"
_PART = ".part"
_MANIFEST = "manifest.json"
_TURN = 300.0  # seconds that a backup waits for a run to end


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: where it is, what is in it, its bytes."""

    path: Path
    as_of: datetime
    found: Found
    size: int


def back_up(settings: Settings, directory: Path, clock: Clock) -> Backup:
    """Make `directory/zdsync-backup-<instant>`. Raises Misconfigured, MirrorBusy, MirrorFailed."""
    _refuse_inside(settings.data_dir, directory)
    if not (settings.private_dir / MIRROR).exists():
        raise no_mirror(settings)
    try:
        with private_files(), _part(directory) as part:
            with hold(settings.private_dir, WORK, command="zdsync backup", clock=clock, wait=_TURN):
                as_of = clock.now()
                _copy(settings, part)
            found = _examine(settings, part / MIRROR)
            size = _describe(part, as_of, found)
            path = directory / f"{NAME}{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            part.rename(path)
            sync_directory(directory)
    except OSError as error:
        raise _failed(directory, error) from None
    return Backup(path, as_of, found, size)


def _refuse_inside(data: Path, directory: Path) -> None:
    """A backup beside its original is lost with it."""
    if directory.resolve().is_relative_to(data.resolve()):
        raise Misconfigured(
            f"{directory} lies in the data directory {data}",
            hint="name a directory elsewhere, on another disk if there is one",
        )


@contextmanager
def _part(directory: Path) -> Iterator[Path]:
    """Lend a folder that goes away unless it was renamed; remove what killed backups left.

    A lock on the folder tells one at work from one that is dead.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in directory.glob(f".{NAME}*{_PART}"):
        with _locked(left) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)
    part = directory / f".{NAME}{os.getpid()}{_PART}"
    part.mkdir(mode=0o700)
    with _locked(part):
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def _copy(settings: Settings, part: Path) -> None:
    """The mirror, the journal, who was forgotten, and the rules; the token is left."""
    copy_closed(settings.private_dir / MIRROR, part / MIRROR)
    journal = part / "journal"
    journal.mkdir(mode=0o700)
    for file in sorted((settings.private_dir / "journal").glob("*.ndjson")):
        shutil.copyfile(file, journal / file.name)
    forgotten = settings.private_dir / "forgotten.ndjson"
    for file, name in ((forgotten, forgotten.name), (settings.rules, "rules.yaml")):
        if file.is_file():
            shutil.copyfile(file, part / name)


def _examine(settings: Settings, copy: Path) -> Found:
    try:
        return examine(copy, memory=settings.memory)
    except MirrorUnusable as error:
        if error.hint != MEND:
            raise
        what = f"{settings.private_dir / MIRROR} is damaged: nothing was backed up"
        raise MirrorUnusable(
            what, f"copy {settings.private_dir / 'journal'}; then {MEND}"
        ) from None


def _describe(part: Path, as_of: datetime, found: Found) -> int:
    """Write the manifest and wait until all is on disk; returns the bytes."""
    files = {}
    for file in sorted(path for path in part.rglob("*") if path.is_file()):
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            os.fsync(opened.fileno())
        files[str(file.relative_to(part))] = {"size": file.stat().st_size, "sha256": digest}
    manifest = {
        "zdsync": _version(),
        "schema": found.schema,
        "as_of": as_of.isoformat(),
        "rows": found.rows,
        "files": files,
    }
    with (part / _MANIFEST).open("w", encoding="utf-8") as sink:
        json.dump(manifest, sink, indent=2)
        sink.flush()
        os.fsync(sink.fileno())
    for folder in (part / "journal", part):
        sync_directory(folder)
    return sum(file.stat().st_size for file in part.rglob("*") if file.is_file())


def _version() -> str:
    try:
        return version("zdsync")
    except PackageNotFoundError:
        return "unknown"


def _failed(directory: Path, error: OSError) -> ZdsyncError:
    return Misconfigured(
        f"the backup could not be written to {directory}: {error.strerror or 'failed'}",
        hint="free some space, mend the rights, or name another directory; nothing was left there",
    )
