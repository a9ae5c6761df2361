"""zdsync, killed by SIGKILL at one of the moments that matter: `killed.py MOMENT LOG COMMAND…`.

A moment is what happens, to which stream, before or after, the how-manieth; each one is written to
LOG. The program itself knows nothing of this: its functions are wrapped from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zdsync.changes.journal import Journal
from zdsync.cli import main
from zdsync.connectors import Notices
from zdsync.connectors.speech import Speech
from zdsync.mirror import migrate, publishing
from zdsync.mirror.database import Database
from zdsync.mirror.mirror import Mirror
from zdsync.pull import time_walk
from zdsync.pull.puller import Puller
from zdsync.pull.reconcile import Reconciler


class Moments:
    """Counts the moments, and kills at the one that was asked for."""

    def __init__(self, wanted: str, log: Path) -> None:
        self.wanted = wanted
        self.log = log
        self.seen: Counter[str] = Counter()
        self.where = "start"

    def __call__(self, what: str) -> None:
        name = f"{self.where}:{what}"
        self.seen[name] += 1
        moment = f"{name}:{self.seen[name]}"
        with self.log.open("a") as file:
            file.write(moment + "\n")
        if moment == self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, owner: Any, name: str, what: str = "", *, places: bool = False) -> None:
        """Note the moments before and after each call of a function."""
        inner: Callable[..., Any] = getattr(owner, name)

        def outer(*args: Any, **options: Any) -> Any:
            before = self.where
            if places:
                self.where = str(getattr(args[1], "name", args[1]))
            self(f"before-{what or name}")
            try:
                done = inner(*args, **options)
                self(f"after-{what or name}")
            finally:
                self.where = before
            return done

        setattr(owner, name, outer)

    def watch_statements(self) -> None:
        """Note what ends a transaction, and what makes the file whole."""
        inner = Database.run

        def run(database: Database, sql: Any) -> None:
            ends = sql.text if sql.text in ("commit", "checkpoint") else ""
            if ends:
                self(f"before-{ends}")
            inner(database, sql)
            if ends:
                self(f"after-{ends}")

        Database.run = run  # type: ignore[method-assign]  # the program is wrapped from outside


def _watch(moments: Moments) -> None:
    moments.watch_statements()
    moments.wrap(Puller, "_pull_one", "stream", places=True)
    moments.wrap(Reconciler, "_one", "compare", places=True)
    moments.wrap(Mirror, "replace_missing")
    moments.wrap(Mirror, "_merge", "merge")
    moments.wrap(Mirror, "bury")
    moments.wrap(migrate, "_step", "migration")
    moments.wrap(publishing, "publish")
    moments.wrap(publishing, "copy_in_child", "copy")
    moments.wrap(Path, "rename")
    moments.wrap(os, "fsync")
    moments.wrap(Journal, "intend")
    moments.wrap(Journal, "settle")
    moments.wrap(Speech, "add_comment", "comment")
    moments.wrap(Speech, "send_reply", "reply")
    moments.wrap(Notices, "send", "notice")


if __name__ == "__main__":
    time_walk.BATCH_ROWS = 100  # a checkpoint a page
    _watch(Moments(sys.argv[1], Path(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
