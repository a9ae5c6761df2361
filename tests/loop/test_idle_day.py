"""What a day costs on which nothing happens."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.pull.world import world
from zdsync.sql import Sql

MOST = 3_800  # issue 3: an idle day at the default pause
LEFT_FOR_OTHERS = 250  # tag sweep at night, refresh of links by day


def test_an_idle_day_at_the_default_pause_stays_within_its_credits(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        place.pull()
        place.clock.sleep(2 * 86_400)  # what was modified lately lies outside of every lookback
        app = place.app()
        app.tick()
        before = place.box.api.meters["desk"]._total
        start = len(place.box.calls)
        began = place.clock.now()
        for number in range(1, 289):
            place.clock.at = began + number * timedelta(minutes=5)
            app.tick()
        spent = Counter[str]()
        for call in place.box.calls[start:]:
            if call.system == "desk":
                spent[f"{call.endpoint}"] += call.credits
        print(spent, sum(spent.values()))
