"""The service: what a tick may do alone, how it ends, what it survives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.loop.portal import Portal, environment, portal
from zdsync.errors import TokenRefused, ZohoFailed


def _service(place: Portal, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zdsync", "run", *words],
        # A single pass on a slow machine must not think its streams too old (three pauses).
        env={
            **environment(place.settings),
            **({"ZDSYNC_EVERY": "5m"} if "--once" in words else {}),
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_tick_leaves_a_rule_beyond_its_limit_to_a_person_and_says_so(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=300) as place:
        with _service(place, "--once") as service:
            said = service.communicate(timeout=60)[1]
        assert service.returncode == 0, said
        assert place.box.writes
        found = place.rows("select rule_id from zdsync.pauses where ended_at is null")
        paused = {rule for (rule,) in found}
        assert paused
        written = place.rows("select distinct rule_id from zdsync.journal")
        assert not paused & {rule for (rule,) in written}
        assert all(f"the rule {rule} is paused" in said for rule in paused)
        assert paused <= {change.rule for change in place.app().plan().writes}


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


def test_second_service_is_refused_by_name_and_a_killed_one_does_not_block(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        lock = place.settings.private_dir / "service.lock"
        with _service(place) as first:
            deadline = time.monotonic() + 40
            while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
                time.sleep(0.02)
            with _service(place, "--once") as second:
                said = second.communicate(timeout=30)[1]
            first.kill()
            first.communicate(timeout=30)
        assert second.returncode == 6, said
        assert f"zdsync run (process {first.pid}, since 20" in said
        assert lock.read_text(), "the note of the dead one still stands there"
        with _service(place, "--once") as third:
            said = third.communicate(timeout=60)[1]
        assert third.returncode == 0, said


def test_service_that_cannot_publish_says_so_and_goes_on(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        place.pull()
        target = place.settings.data_dir / "mirror.duckdb"
        target.unlink()
        target.mkdir()  # no copy can take this name
        with _service(place) as service:
            line = ""
            assert service.stderr is not None
            while "tick=failed" not in line:
                line = service.stderr.readline()
                assert line, "the service ended"
            assert "could not be published" in line
            target.rmdir()
            deadline = time.monotonic() + 40
            while not target.is_file() and time.monotonic() < deadline:
                time.sleep(0.05)
            service.terminate()
            service.communicate(timeout=30)
        assert service.returncode == 0
        assert target.is_file()


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
