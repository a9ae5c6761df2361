"""The published file as it lies on disk: how a new copy takes its place, what may lie beside it.

Promises: at no instant does a new file stand beside another file's WAL (readers of such a pair
fail: tried), whoever is killed when. Knows nothing of what the file holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path


def wal(path: Path) -> Path:
    """Where DuckDB keeps what is not yet in the file at `path`."""
    return path.with_name(path.name + ".wal")


def temporary_for(target: Path) -> Path:
    """A name beside the target that no other process uses."""
    return target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp")


def sweep(target: Path) -> None:
    """Remove the half copies of publishers that were killed. The caller is the only publisher."""
    for left in target.parent.glob(f".{target.name}.*.tmp*"):
        remove(left)


def remove(*paths: Path) -> None:
    """Remove files as far as possible: what stays is no reason to fail."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def swap(temporary: Path, target: Path) -> None:
    """Put a finished copy in the target's place, for good. Raises OSError; then the old one stays.

    A WAL beside the target belongs to somebody who opened the old file for writing, by mistake.
    It is removed before the rename, and the removal is on disk before it; so a kill or a power
    cut in between leaves the old file as it was published.
    """
    temporary.chmod(0o440)
    if wal(target).exists():
        wal(target).unlink(missing_ok=True)
        sync_directory(target.parent)
    temporary.rename(target)
    remove(wal(target))  # made in between by a writer that still has the old file open
    sync_directory(target.parent)


def mark(target: Path) -> str:
    """What tells this file from any other or altered one; empty if there is none."""
    try:
        found = target.stat()
    except OSError:
        return ""
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"


def is_disturbed(target: Path) -> bool:
    """Whether somebody has the target open for writing, or left a WAL beside it."""
    if wal(target).exists():
        return True
    with Shield() as shield:
        return not shield.cover(target)


class Shield:
    """Keeps others from opening the published file for writing as long as it is held.

    DuckDB locks a file for reading or for writing (fcntl); root passes the mode 0440, but not a
    lock. Holding one for reading lets every reader in. The lock goes with the process, or with any
    handle of the file that the process closes.
    """

    def __init__(self) -> None:
        self._handle: int | None = None

    def cover(self, target: Path) -> bool:
        """Hold the file that is there now; False if a writer has it, or there is none."""
        self.drop()
        try:
            handle = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(handle)
            return False
        except OSError:  # a filesystem without locks: nobody can hold it
            os.close(handle)
            return True
        self._handle = handle
        return True

    def drop(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Shield:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.drop()


def sync_directory(directory: Path) -> None:
    """Wait until names made and removed in a directory are on disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
