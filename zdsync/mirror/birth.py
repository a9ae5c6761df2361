"""A new private file comes into being whole, or not at all.

DuckDB writes the headers of a new file one after the other: a kill or a full disk in between
leaves a file that nothing can open (tried). From then on its WAL keeps it whole.
"""

from __future__ import annotations

import os
from pathlib import Path

from zdsync.errors import MirrorUnusable
from zdsync.mirror.database import Database
from zdsync.mirror.target import remove, sync_directory, wal


def make_sure(path: Path, *, memory: str) -> None:
    """Make an empty file where there is none. Raises MirrorUnusable.

    A WAL that lies there without its file is of no use, and a new file would not open beside it.
    """
    if path.exists():
        return
    young = path.with_name(path.name + ".new")
    remove(young, wal(young), wal(path))
    try:
        Database.open(young, memory=memory).close()
        with young.open("rb") as written:
            os.fsync(written.fileno())
        young.chmod(0o600)
        young.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        what = f"{path} could not be made: {error.strerror or 'failed'}"
        raise MirrorUnusable(what, "free some space or mend the rights") from None
    finally:
        remove(young, wal(young))
