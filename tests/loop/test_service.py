"""The service: what a tick may do alone, how it ends, what it survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.loop.portal import ROOT, Portal, portal
from zdsync.errors import TokenRefused, ZohoFailed

HARSH = {"department", "spam"}


def _environment(place: Portal, every: str) -> dict[str, str]:
    settings = place.settings
    names = ("org_id", "client_id", "client_secret", "refresh_token")
    secret = {f"ZDSYNC_{name.upper()}": settings.secret(name) for name in names}
    plain = {
        f"ZDSYNC_{name.upper()}": str(getattr(settings, name))
        for name in ("accounts_url", "desk_url", "crm_url", "data_dir", "rules")
    }
    return {**os.environ, **secret, **plain, "ZDSYNC_EVERY": every, "PYTHONPATH": str(ROOT)}


def _service(place: Portal, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zdsync", "run", *words],
        # A single pass on a slow machine must not think its streams too old (three pauses).
        env=_environment(place, "5m" if "--once" in words else "1s"),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_tick_never_closes_moves_or_marks_spam_and_says_so(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=300) as place:
        with _service(place, "--once") as service:
            said = service.communicate(timeout=60)[1]
        assert service.returncode == 0, said
        assert place.box.writes
        closed = {one.id for one in place.box.state.tickets.values() if one.status_type == "Closed"}
        for entry in place.box.writes:
            assert "/move" not in entry.path
            assert "markSpam" not in entry.path
            assert entry.ticket_id not in closed
        assert "wait for zdsync apply" in said
        left = {change.field for change in place.app().plan().writes}
        assert left & HARSH


def test_sigterm_ends_after_the_write_under_way_with_every_intent_settled(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=400, latency=0.05) as place:
        with _service(place) as service:
            deadline = time.monotonic() + 40
            while len(place.box.writes) < 5 and time.monotonic() < deadline:
                time.sleep(0.02)
            service.send_signal(signal.SIGTERM)
            said = service.communicate(timeout=30)[1]
        assert service.returncode == 0, said
        assert "Traceback" not in said
        open_intents = [
            entry for entry in place.app().place.journal.entries() if entry.outcome is None
        ]
        assert not open_intents


def test_kill_in_the_middle_of_writes_then_the_next_run_repeats_nothing(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=400, latency=0.03) as place:
        with _service(place) as service:
            deadline = time.monotonic() + 40
            while len(place.box.writes) < 8 and time.monotonic() < deadline:
                time.sleep(0.02)
            service.kill()
            service.communicate(timeout=30)
        place.pull()
        _, applied = place.app().apply(None, lambda plan: True, destructive=True)
        assert applied is not None
        assert not applied.stopped
        patched = [entry for entry in place.box.writes if entry.method == "PATCH"]
        bodies = [(entry.ticket_id, str(entry.body)) for entry in patched]
        assert len(bodies) == len(set(bodies)), "a write was repeated"
        assert not place.app().plan().writes


def test_a_broken_rules_file_keeps_the_last_good_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with portal(tmp_path, tickets=120) as place:
        app = place.app()
        app.tick()
        good = app.place.rulebook.load_or_last(None)
        place.rules("version: 1\nrules: [{id: broken")
        app.tick()
        assert app.place.rulebook.load_or_last(None) == good
        assert good is not None


def test_the_brake_stops_writing_and_not_reading(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=120) as place:
        place.app().pause()
        place.app().tick()
        assert not place.box.writes
        assert place.rows("SELECT count(*) FROM desk.tickets")[0][0] > 0
        place.app().resume()
        place.app().tick()
        assert place.box.writes


def test_a_failing_stream_leaves_the_others_and_stops_rules_that_need_it(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=120) as place:
        place.box.fail_next(r"GET /crm/v8/Accounts", status=403, times=50)
        with pytest.raises((ZohoFailed, TokenRefused)):
            place.app().tick()
        assert place.rows("SELECT count(*) FROM desk.tickets")[0][0] > 0
        skipped = {one.rule: one.reason for one in place.app().plan().skipped}
        assert "crm.accounts" in skipped["priority-by-sla-tier"]
