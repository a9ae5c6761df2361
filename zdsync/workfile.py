"""The private mirror as one command holds it, and the folders that it lies in.

Promises that two commands never have it open at once. Knows no way to the portal: a command that
asks nothing of Zoho does not wait until one is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zdsync.clock import Clock
from zdsync.errors import Misconfigured
from zdsync.forgetting import drop_plans
from zdsync.mirror import WORK, Mirror, Policy, hold, private_files
from zdsync.readings import MIRROR
from zdsync.settings import Settings

TURN = 60.0  # seconds that a command waits for another to finish with the mirror


@contextmanager
def work(settings: Settings, clock: Clock, command: str, wait: float = TURN) -> Iterator[Mirror]:
    """Hold the private mirror open for one command; others wait for their turn.

    Raises Misconfigured (the folder), MirrorBusy (after `wait` seconds), MirrorFailed.
    """
    make_folders(settings)
    private = settings.private_dir
    options = {
        "sla_tier_field": settings.sla_tier_field,
        "outcome_field": settings.outcome_field,
        "crm": "on" if settings.crm else "off",
    }
    with (
        private_files(),
        hold(private, WORK, command=command, clock=clock, wait=wait),
        Mirror.open(
            private / MIRROR,
            memory=settings.memory,
            options=options,
            clock=clock,
            policy=Policy(settings.exclude, settings.retention),
        ) as mirror,
    ):
        if mirror.privacy.excluded_anew:
            drop_plans(settings)
        yield mirror


def make_folders(settings: Settings) -> None:
    """Make the data directory (0750) and its private part (0700)."""
    try:
        settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        settings.private_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        what = f"the data directory {settings.data_dir} cannot be made: {error.strerror}"
        hint = "set ZDSYNC_DATA_DIR to one that may be written"
        raise Misconfigured(what, hint=hint) from None
