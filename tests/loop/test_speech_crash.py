"""kill -9 while something is said, and answers that never come: said once, never twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.loop.portal import ROOT, Portal, environment, portal
from tests.loop.test_speech import COMMENT, apply, nothing_left, ours, tickets
from zdsync.clock import SystemClock
from zdsync.settings import Settings

MOMENTS = (
    "start:after-intend:1",
    "start:after-comment:1",
    "start:before-settle:1",
    "start:after-settle:1",
    "start:before-comment:3",
)


class Later(SystemClock):
    """The system's clock, minutes ahead."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return super().now() + self.ahead


def killed(settings: Settings, moment: str, *options: str) -> None:
    log = settings.data_dir.with_suffix(".log")
    done = subprocess.run(
        [sys.executable, "-m", "tests.loop.killed", moment, str(log), "apply", "--yes", *options],
        env=environment(settings) | {"ZDSYNC_EVERY": "5m"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    seen = log.read_text().split()
    assert done.returncode == -signal.SIGKILL, (moment, seen[-5:], done.stderr)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_apply_makes_each_comment_once(tmp_path: Path, moment: str) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT)
        some = tickets(place)
        assert len(some) > 3
        killed(place.settings, moment)
        at_once(place)
        assert all(len(ours(place, one)) <= 1 for one in some)
        place.clock = Later(2)
        at_once(place)
        assert [len(ours(place, one)) for one in some] == [1] * len(some)
        nothing_left(place)
        outcomes = place.rows("select distinct outcome from zdsync.journal order by 1")
        assert outcomes in ([("applied",)], [("applied",), ("unsent",)])


def at_once(place: Portal) -> None:
    place.app().apply(None, lambda plan: True)


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "status"])
def test_a_comment_without_an_answer_is_found_or_made_a_minute_later(
    tmp_path: Path, kind: str
) -> None:
    with portal(tmp_path, tickets=40) as place:
        place.pull()
        place.rules(COMMENT)
        some = tickets(place)
        place.box.fail_next("POST .*/comments", kind=kind)
        found = apply(place)
        assert found.outcomes == {"applied": len(some) - 1, "unknown": 1}
        place.pull()
        nothing_left(place)
        counts = [len(ours(place, one)) for one in some]
        ((unknown,),) = place.rows("select count(*) from zdsync.journal where outcome = 'unknown'")
        assert max(counts) == 1
        assert unknown == len(some) - sum(counts)  # what stands in the ticket is known now
        place.clock = Later(2)
        if unknown:
            assert apply(place).outcomes == {"applied": 1}
        nothing_left(place)
        assert [len(ours(place, one)) for one in some] == [1] * len(some)
        asked = "select count(*) from zdsync.journal where outcome = 'unknown'"
        assert place.rows(asked) == [(0,)]
