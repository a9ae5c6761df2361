"""The writing of one run: what a crash left is settled before, the mirror follows after.

Must not decide what is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from zdsync.changes import (
    IN_VAIN,
    WORTH,
    Applied,
    Journal,
    Messenger,
    Plan,
    apply_plan,
    recover,
    unsaid,
)
from zdsync.changes.pauses import note_done
from zdsync.clock import Clock
from zdsync.connectors import Desk
from zdsync.mirror import Mirror
from zdsync.sql import Sql, load

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Writing:
    """One run's way to Zoho; `follow` loads the journal's new lines into the mirror."""

    mirror: Mirror
    journal: Journal
    clock: Clock
    run_id: str
    messenger: Messenger | None = None
    speechless: str = ""  # why rules may say nothing in this run
    follow: Callable[[], None] = lambda: None

    def look_back(self, desk: Callable[[], Desk]) -> None:
        """Settle what a crash left open, and look for what may have been said, before planning."""
        now = self.clock.now().astimezone(UTC).replace(tzinfo=None)
        asked = Sql(load("zdsync.changes.queries", "open.sql"), (now - WORTH, IN_VAIN))
        if self.mirror.rows(asked) and recover(desk(), self.journal, self.clock):
            self.follow()

    def apply(
        self,
        plan: Plan,
        desk: Desk,
        *,
        workers: int,
        paused: Callable[[], bool],
        progress: Callable[[int], None] = lambda done: None,
    ) -> Applied:
        """Write the plan; afterwards the mirror holds the journal's new lines."""
        applied = apply_plan(
            unsaid(plan, self.mirror, silent=bool(self.speechless)),
            desk=desk,
            mirror=self.mirror,
            journal=self.journal,
            clock=self.clock,
            run_id=self.run_id,
            workers=workers,
            paused=paused,
            progress=progress,
            messenger=self.messenger,
        )
        self.follow()
        note_done(self.mirror, self.clock.now())
        log.info(
            "run=%s plan=%s %s left=%d halted=%s",
            self.run_id,
            plan.plan_id,
            " ".join(f"{name}={count}" for name, count in sorted(applied.outcomes.items())),
            applied.left,
            applied.halted,
        )
        return applied
