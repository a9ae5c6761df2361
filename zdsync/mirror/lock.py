"""Locks between processes: `work.lock` (whose turn it is to write) and `service.lock`.

A flock on a file of the private directory; the file says who holds it and since when. The
system drops the lock when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zdsync.clock import Clock
from zdsync.errors import MirrorBusy, MirrorUnusable
from zdsync.mirror.database import describe_holder

WORK = "work.lock"
SERVICE = "service.lock"
_POLL = 0.2


@contextmanager
def hold(
    directory: Path, name: str, *, command: str, clock: Clock, wait: float = 0
) -> Iterator[None]:
    """Hold a lock for the length of a `with`; waits up to `wait` seconds.

    Raises MirrorBusy, MirrorUnusable.
    """
    path = directory / name
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"{path} cannot be opened: {error.strerror or 'failed'}"
        raise MirrorUnusable(what, "check the owner and the mode of the data directory") from None
    try:
        _take(handle, path, clock, wait)
        note = {
            "pid": os.getpid(),
            "command": command,
            "since": clock.now().isoformat(timespec="seconds"),
        }
        _write(handle, json.dumps(note))
        yield
        _write(handle, "")
    finally:
        os.close(handle)


def _write(handle: int, note: str) -> None:
    """Say who holds the lock. On a full disk it holds all the same."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, note.encode(), 0)


def _take(handle: int, path: Path, clock: Clock, wait: float) -> None:
    deadline = clock.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if clock.monotonic() >= deadline:
                who = describe_holder(path) or "another process"
                what = "the service" if path.name == SERVICE else "the mirror"
                raise MirrorBusy(
                    f"{what} of {path.parent.parent} is held by {who}", "wait until it ends"
                ) from None
            clock.sleep(_POLL)


def private_directory(directory: Path) -> None:
    """Make the private directory; it and every file below are their owner's alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (directory, *directory.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # another process's temporary file
            mode = 0o700 if path.is_dir() else 0o600
            if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(mode)


@contextmanager
def private_files() -> Iterator[None]:
    """Let every file made meanwhile be its owner's alone: DuckDB makes some by itself."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
