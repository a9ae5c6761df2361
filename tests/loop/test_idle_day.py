"""What a day costs on which nothing happens."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pull.world import World, world
from zdsync.pull import ALLOWANCE

MOST = 3_800  # issue 3: Desk credits of an idle day at the default pause
RECONCILES = 4  # a stream every six hours
RULES = """version: 1
rules:
  - id: vip
    why: Tags are read before a tag rule first acts on a ticket.
    mode: plan
    when: {tags: {has: vip}}
    then: [{set: {priority: High}}]
"""


@pytest.mark.slow
def test_an_idle_day_at_the_default_pause_stays_within_its_credits(tmp_path: Path) -> None:
    with world(tmp_path, tickets=40) as made:
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES, encoding="utf-8")
        settings = made.settings.model_copy(update={"rules": rules})
        place = World(made.box, settings, made.clock)
        place.pull()
        place.clock.sleep(2 * 86_400)  # what was modified lately lies outside of every lookback
        app = place.app()
        app.tick()
        start, began = len(place.box.calls), place.clock.now()
        for number in range(1, 289):
            place.clock.at = began + number * timedelta(minutes=5)
            app.tick()
        by_call = Counter[str]()
        for call in place.box.calls[start:]:
            if call.system == "desk":
                by_call[call.endpoint.removeprefix("/api/v1/")] += call.credits
        told = app.status().document()["credits"]["by_stream"]
        print(f"\nan idle day: {sum(by_call.values())} Desk credits", dict(by_call), told)
        # A small mirror is compared for less than the allowance of a large one.
        dearest = sum(by_call.values()) + RECONCILES * ALLOWANCE
        assert dearest <= MOST, by_call
        assert app.place.pause() == settings.every, "an idle day never stretches the pause"
