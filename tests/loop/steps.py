"""zdsync, killed at its Nth step of applying: a step is a write or fsync of the journal, a request,
an answer, a transaction of the mirror or a notice.

The program knows nothing of this: its functions are wrapped from outside, in a process of its own
that `die` forks from a server which has everything imported. Steps count from the look back on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from zdsync.cli import main
from zdsync.connect import Zoho
from zdsync.connectors import Notices
from zdsync.flow.writing import Writing
from zdsync.mirror.database import Database

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """When the process dies: at its Nth step (0: never).

    `power`: as when the power fails, of the journal only that is left which was waited for, and
    of the rest a piece. `workers`: tickets side by side, 0 for as many as the portal allows.
    """

    step: int = 0
    power: bool = False
    workers: int = 1


@dataclass
class Disk:
    """What of the journal's files would outlive the power; at first all that is there."""

    lasting: dict[Path, int] = field(default_factory=dict)
    listed: set[Path] = field(default_factory=set)  # names that their directory holds for good

    def begin(self, folder: Path) -> None:
        self.lasting = {path: path.stat().st_size for path in folder.glob("*.ndjson")}
        self.listed = {path for path in (folder, *folder.glob("*")) if path.exists()}

    def synced(self, path: Path) -> None:
        if path.is_dir():
            self.listed |= set(path.iterdir())
        else:
            self.lasting[path] = path.stat().st_size

    def fail(self, folder: Path, step: int) -> None:
        """Leave what is lasting; of what follows nothing, a piece or all, by turns."""
        for path in list(folder.glob("*.ndjson")):
            if path not in self.listed or folder not in self.listed:
                path.unlink()
                continue
            kept, size = self.lasting.get(path, 0), path.stat().st_size
            os.truncate(path, kept + (size - kept) * (step % 3) // 2)


class Steps:
    """Counts steps, writes each one down, and dies at the one that was asked for."""

    def __init__(self, death: Death, folder: Path, log: Path) -> None:
        self.death = death
        self.folder = folder
        self.log = log.open("a", buffering=1)
        self.count = 0
        self.active = False
        self.lock = threading.RLock()
        self.disk = Disk()
        self.disk.begin(folder)

    def __call__(self, what: str, last_words: Callable[[], object] = lambda: None) -> None:
        with self.lock:
            if not self.active:
                return
            self.count += 1
            self.log.write(f"{what}\n")
            if self.count == self.death.step:
                last_words()
                if self.death.power:
                    self.disk.fail(self.folder, self.count)
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, label: Callable[..., str]) -> None:
        """Make a step of the moment before and the moment after each call of a function."""
        inner: Callable[..., Any] = getattr(owner, name)

        def outer(*args: Any, **options: Any) -> Any:
            what = label(*args, **options)
            self(f"before {what}")
            done = inner(*args, **options)
            self(f"after {what}")
            return done

        setattr(owner, name, outer)

    def journal(self) -> None:
        """Make steps of what reaches the disk of the journal; half a write is one too."""
        write, fsync = os.write, os.fsync

        def path_of(handle: int) -> Path:
            return Path(f"/proc/self/fd/{handle}").readlink()

        def ours(path: Path) -> bool:
            return path.suffix == ".ndjson" or path in (self.folder, self.folder.parent)

        def written(handle: int, blob: bytes) -> int:
            if path_of(handle).suffix != ".ndjson":
                return write(handle, blob)
            self("torn write", lambda: write(handle, blob[: len(blob) // 2]))
            with self.lock:
                done = write(handle, blob)
            self("after write")
            return done

        def synced(handle: int) -> None:
            path = path_of(handle)
            if not ours(path):
                return fsync(handle)
            self("before fsync")
            with self.lock:
                fsync(handle)
                self.disk.synced(path)
            return self("after fsync")

        os.write, os.fsync = written, synced

    def count_within(self, owner: Any, name: str) -> None:
        """Count steps from the first call of a function on."""
        inner: Callable[..., Any] = getattr(owner, name)

        def outer(*args: Any, **options: Any) -> Any:
            self.active = True
            return inner(*args, **options)

        setattr(owner, name, outer)


def _watch(steps: Steps) -> None:
    def request(session: Any, method: str, url: str, **more: Any) -> str:
        return f"{method} {url.partition('/api/v1')[2]}"

    inner = Database.run

    def run(database: Database, sql: Any) -> None:
        if sql.text in ("commit", "checkpoint"):
            steps(f"before {sql.text}")
            inner(database, sql)
            steps(f"after {sql.text}")
        else:
            inner(database, sql)

    Database.run = run  # type: ignore[method-assign]  # the program is wrapped from outside
    steps.journal()
    steps.around(requests.Session, "request", request)
    steps.around(Notices, "send", lambda *args: "notice")
    steps.count_within(Writing, "look_back")
    if steps.death.workers:
        Zoho.workers = lambda zoho: steps.death.workers  # type: ignore[method-assign]  # as above


def _live(death: Death, words: Sequence[str], given: Mapping[str, str], log: Path) -> None:
    os.environ.update(given)
    with log.with_suffix(".out").open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    _watch(Steps(death, Path(given["ZDSYNC_DATA_DIR"]) / "private" / "journal", log))
    os._exit(main(list(words)))


@dataclass
class Life:
    """One process of zdsync: how it ended and its steps until then."""

    exit: int
    steps: list[str]
    output: str

    @property
    def killed(self) -> bool:
        return self.exit == -signal.SIGKILL


@contextlib.contextmanager
def life(
    death: Death, words: Sequence[str], given: Mapping[str, str], log: Path
) -> Iterator[tuple[int, Callable[[], Life]]]:
    """Start a process; yields its id and what waits for its end."""
    log.unlink(missing_ok=True)
    log.touch()
    process = _forks.Process(target=_live, args=(death, words, dict(given), log))
    process.start()

    def end() -> Life:
        process.join(120)
        assert process.exitcode is not None, "the process hangs"
        output = log.with_suffix(".out").read_text()
        return Life(process.exitcode, log.read_text().splitlines(), output)

    try:
        yield process.pid or 0, end
    finally:
        process.kill()
        process.join()


def live(death: Death, words: Sequence[str], given: Mapping[str, str], log: Path) -> Life:
    """Run a process to its end."""
    with life(death, words, given, log) as (_, end):
        return end()
