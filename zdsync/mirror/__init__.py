"""The mirror: a private DuckDB file that the service writes, and its published copy."""

from zdsync.mirror.conversations import Counted
from zdsync.mirror.database import MEND
from zdsync.mirror.held import HIDDEN, Axis, Held, HeldRow
from zdsync.mirror.hidden import empty_field
from zdsync.mirror.holds import within as held_fields
from zdsync.mirror.listed import Listed, ListedRow
from zdsync.mirror.lock import SERVICE, WORK, hold, private_files
from zdsync.mirror.mirror import Mirror
from zdsync.mirror.privacy import Policy
from zdsync.mirror.publishing import publish
from zdsync.mirror.reader import Reader
from zdsync.mirror.scratch import scratch
from zdsync.mirror.target import Shield, sync_directory
from zdsync.mirror.whole import Found, copy_closed, examine

__all__ = [
    "HIDDEN",
    "MEND",
    "SERVICE",
    "WORK",
    "Axis",
    "Counted",
    "Found",
    "Held",
    "HeldRow",
    "Listed",
    "ListedRow",
    "Mirror",
    "Policy",
    "Reader",
    "Shield",
    "copy_closed",
    "empty_field",
    "examine",
    "held_fields",
    "hold",
    "private_files",
    "publish",
    "scratch",
    "sync_directory",
]
