"""The mirror: a private DuckDB file that the service writes, and its published copy."""

from zdsync.mirror.conversations import Counted
from zdsync.mirror.held import HIDDEN, Axis, Held
from zdsync.mirror.lock import SERVICE, WORK, hold, private_files
from zdsync.mirror.mirror import Mirror
from zdsync.mirror.publishing import publish
from zdsync.mirror.reader import Reader
from zdsync.mirror.scratch import scratch

__all__ = [
    "HIDDEN",
    "SERVICE",
    "WORK",
    "Axis",
    "Counted",
    "Held",
    "Mirror",
    "Reader",
    "hold",
    "private_files",
    "publish",
    "scratch",
]
