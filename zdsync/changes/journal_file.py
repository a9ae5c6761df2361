"""The file that a journal grows in: one a month, appended to, kept open while intents are open.

Promises that a durable line is on disk, with its file's name and the folders above, that a failed
write leaves no part of itself, and that a line torn by a crash stays a line of its own. An open,
a look and a close per line would each hand the interpreter to another thread: with 25 threads
that cost more than the lines. Must not know what a line says.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zdsync.clock import Clock
from zdsync.errors import MirrorFailed
from zdsync.mirror import sync_directory

FILES = "????-??.ndjson"
_OURS = 2  # folders above the journal that zdsync makes: private, and the data directory


class JournalFile:
    """Appends whole lines to the newest file of a folder. Thread-safe."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._path: Path | None = None  # of the open handle
        self._handle = -1
        self._size = 0
        self._listed: set[Path] = set()  # files whose names are on disk for sure

    def append(self, blob: bytes, *, durable: bool, more: bool) -> None:
        """Write lines; `durable`: wait until they are on disk; `more`: others will follow soon.

        A durable append looks anew which file it is: somebody may have put another in its place.
        Raises MirrorFailed.
        """
        with self._lock, self._told():
            try:
                self._open(anew=durable)
                self._write(blob, durable)
            except OSError:
                more = False
                raise
            finally:
                if not more:
                    self._close()

    def sync(self) -> None:
        """Wait until everything is on disk."""
        with self._lock, self._told():
            for path in sorted(self._folder.glob(FILES))[-1:]:
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def _open(self, *, anew: bool) -> None:
        path = self._folder / f"{self._clock.now():%Y-%m}.ndjson"
        if path == self._path and not anew:
            return
        self._close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._path, self._size = path, os.fstat(self._handle).st_size
        if self._size and os.pread(self._handle, 1, self._size - 1) != b"\n":
            self._write(b"\n", False)  # what a crash tore stays a line of its own

    def _write(self, blob: bytes, durable: bool) -> None:
        try:
            left = blob
            while left:
                left = left[os.write(self._handle, left) :]
            if durable:
                os.fsync(self._handle)
        except OSError:
            with suppress(OSError):  # a part of a group must not look as if it was intended
                os.ftruncate(self._handle, self._size)
            raise
        self._size += len(blob)
        if durable and self._path not in self._listed:
            self._list()

    def _list(self) -> None:
        """Whoever made the file may have died before its name was on disk: once a process."""
        for folder in (self._folder, *list(self._folder.parents)[:_OURS]):
            sync_directory(folder)
        if self._path:
            self._listed.add(self._path)

    def _close(self) -> None:
        if self._path is not None:
            handle, self._handle, self._path = self._handle, -1, None
            os.close(handle)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"the journal in {self._folder} cannot be written: {error.strerror}"
            hint = "free some space or mend the rights; nothing was sent without a journal"
            raise MirrorFailed(what, hint) from None
