"""`zdsync check`: the rules file beside the private mirror, or alone where there is none.

Asks nothing of Zoho and imports no way to it. Has no logic of its own (`checking` has it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from zdsync.checking import Bench, Checked, check
from zdsync.clock import Clock
from zdsync.mirror import Mirror, scratch
from zdsync.quarrels import player
from zdsync.readings import MIRROR
from zdsync.rulebook import Rulebook, lacks
from zdsync.rules import Rule
from zdsync.settings import Settings
from zdsync.workfile import work


def inspect(settings: Settings, clock: Clock, file: Path | None = None) -> Checked:
    """Find every problem of a rules file; of the one that the settings name, where none is."""
    now, missing = clock.now(), lacks(settings)
    book = Rulebook(file or settings.rules, settings.voice)
    if not (settings.private_dir / MIRROR).exists():
        with scratch() as empty:
            return check(book, Bench(empty.rows, missing, now))
    with work(settings, clock, "zdsync check") as mirror:
        portal = mirror.portal()
        if not portal.known:
            return check(book, Bench(mirror.rows, missing, now))
        play = player(mirror, portal, now, settings.owner_map)
        untested = partial(_untested, mirror)
        return check(book, Bench(mirror.rows, missing, now, portal, play, untested))


def _untested(mirror: Mirror, rules: Sequence[Rule]) -> Mapping[str, str]:
    """Rules that people have not agreed with as asked → why; few files have rules that ask."""
    if not any(rule.asked for rule in rules):
        return {}
    from zdsync.backtest import distrusted, last

    return distrusted(rules, last(mirror.rows))
