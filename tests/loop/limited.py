"""zdsync with files of at most so many bytes: `limited.py BYTES full|publish|kill COMMAND…`.

`full`: the write that passes the limit is cut short, the next one fails, as on a full disk.
`publish`: so only while the mirror is copied for readers.
`kill`: the system ends the process there instead, in the middle of what DuckDB writes.
"""

from __future__ import annotations

import resource
import signal
import sys
from typing import Any

from zdsync.cli import main
from zdsync.mirror import publishing
from zdsync.pull import time_walk


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def limit_the_copy(size: int) -> None:
    inner = publishing.copy_in_child

    def copy(*args: Any) -> None:
        limit(size)
        try:
            inner(*args)
        finally:
            limit(resource.RLIM_INFINITY)

    publishing.copy_in_child = copy


if __name__ == "__main__":
    if sys.argv[2] == "kill":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    (limit_the_copy if sys.argv[2] == "publish" else limit)(int(sys.argv[1]))
    time_walk.BATCH_ROWS = 50
    sys.exit(main(sys.argv[3:]))
