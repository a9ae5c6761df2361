"""What the operator is told, each thing once: by the log, and by ZDSYNC_NOTIFY where it is set.

Owns `zdsync.told`. Promises at most one message in a quarter of an hour, that what found no way is
sent later, and that a notice which fails stops nothing. A line holds no text of a customer and no
words of Zoho. Must not decide what is worth telling.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from zdsync.changes import Messenger, Skipped
from zdsync.changes.store import Queries
from zdsync.clock import Clock
from zdsync.errors import OutcomeUnknown, ZdsyncError
from zdsync.rules import RuleFile
from zdsync.rules.instants import naive
from zdsync.sql import Sql

log = logging.getLogger(__name__)

OPERATOR = "operator"  # who is told, where ZDSYNC_NOTIFY has the name; else everybody it names
REST = timedelta(minutes=15)  # between two messages
_LINES = 20  # of one message; a day old is news no more
_NEWS = timedelta(days=1)


@dataclass(slots=True)
class Operator:
    """Tells whoever runs zdsync; `targets` are the names under ZDSYNC_NOTIFY."""

    mirror: Queries
    messenger: Messenger | None
    targets: Collection[str]
    clock: Clock

    def tell(self, key: str, line: str) -> None:
        """Note one thing to tell; `key` names it, and it is told once, however often it is noted.

        It goes to the log now and into the next message.
        """
        if self.mirror.rows(Sql("SELECT 1 FROM zdsync.told WHERE key = ?", (key,))):
            return
        log.warning("%s", line)
        now = naive(self.clock.now())
        self.mirror.run(Sql("INSERT INTO zdsync.told VALUES (?, ?, ?, NULL)", (key, line, now)))

    def send(self) -> None:
        """Send what was not told yet, in one message, unless the last one is too young."""
        names = [OPERATOR] if OPERATOR in self.targets else sorted(self.targets)
        now = self.clock.now()
        asked = Sql(_NEW, (naive(now - REST), naive(now - _NEWS)))
        news = [(str(key), str(line)) for key, line in self.mirror.rows(asked)]
        if not news or not names or self.messenger is None:
            return
        reached = [self._reached(self.messenger, name, news) for name in names]
        if any(reached):
            for key, _ in news:
                told = "UPDATE zdsync.told SET told_at = ? WHERE key = ?"
                self.mirror.run(Sql(told, (naive(now), key)))

    def _reached(self, messenger: Messenger, name: str, news: list[tuple[str, str]]) -> bool:
        """Send to one target; True where it arrived or may have."""
        some = [line for _, line in news]
        subject = f"zdsync: {len(some)} thing{'s' * (len(some) > 1)} to look at"
        more = [f"… and {len(some) - _LINES} more; zdsync status"] if len(some) > _LINES else []
        text = "\n".join([*some[:_LINES], *more, "", "zdsync status tells how it stands."])
        try:
            messenger.send(name, subject, text)
        except OutcomeUnknown as error:
            log.warning("operator=%s told=unknown reason=%s", name, error.what)
        except ZdsyncError as error:
            log.warning("operator=%s told=no reason=%s", name, error.what)
            return False
        return True


@dataclass(slots=True)
class Skips:
    """What the log was told of rules that do not act, so that it is told once a change."""

    _said: frozenset[tuple[str, str]] = field(default=frozenset())

    def say(self, some: Iterable[Skipped], rules: RuleFile) -> None:
        """Log which rules did not act, where that is new; one that may rest is no worry.

        Numbers in a reason (minutes, tickets) change from tick to tick and are no news.
        """
        quiet = {one.id for one in rules.resting if one.allowed}
        keyed = {(one.rule, re.sub(r"\d+", "0", one.reason)): one for one in some}
        for key, skipped in keyed.items():
            if key not in self._said:
                level = logging.DEBUG if skipped.rule in quiet else logging.WARNING
                log.log(level, "skipped=%s reason=%s", skipped.rule, skipped.reason)
        for rule in sorted({rule for rule, _ in self._said} - {rule for rule, _ in keyed}):
            log.info("skipped=%s over", rule)
        self._said = frozenset(keyed)


# Nothing where a message went out lately.
_NEW = """
SELECT key, line FROM zdsync.told
WHERE told_at IS NULL AND seen_at > $2
    AND NOT EXISTS (FROM zdsync.told WHERE told_at > $1)
ORDER BY seen_at, key
"""
