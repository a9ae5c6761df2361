"""A backup taken from a service at work, and the steps of docs/restore.md that put it back."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FakeClock
from tests.loop.portal import ROOT, Portal, environment, portal
from tests.loop.truth import content, differences
from zdsync.backup import back_up
from zdsync.clock import SystemClock
from zdsync.errors import MirrorBusy, MirrorUnusable, Misconfigured
from zdsync.mirror import WORK, hold
from zdsync.settings import Settings

_CHANGES = "select ticket_id, field, before, after, changed_at from zdsync.ticket_changes"
_JOURNAL = "select change_id, field, after, outcome from zdsync.journal"
_HELD = "select ticket_id, field from zdsync.releases"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("backup"), tickets=150) as made:
        made.pull()
        yield made


def _steps(heading: str) -> str:
    """The commands that docs/restore.md prints under a heading."""
    text = (ROOT / "docs" / "restore.md").read_text(encoding="utf-8")
    found = re.search(rf"## {heading}\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def _shell(place: Portal, folder: Path, script: str, **names: Path) -> None:
    """Run commands as a person would, with `zdsync` on the path."""
    program = folder / "bin" / "zdsync"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m zdsync "$@"\n')
    program.chmod(0o755)
    env = environment(place.settings) | {name: str(path) for name, path in names.items()}
    env["PATH"] = f"{program.parent}:{env['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _zdsync(place: Portal, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zdsync", *words],
        env=environment(place.settings),
        capture_output=True,
        text=True,
        check=False,
    )


def test_backup_of_a_service_at_work_is_put_back_and_the_pull_goes_on(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=150) as place:
        place.pull()
        place.rows("insert into zdsync.releases values ('7', 'priority', null)")
        command = [sys.executable, "-m", "zdsync", "run"]
        env = environment(place.settings)
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as service:
            _until(lambda: len(place.box.writes) > 5, service)
            made = _zdsync(place, "backup", str(tmp_path / "backups"))
            _edit(place, "after the backup")
            ticks = len(place.box.calls)
            _until(lambda: len(place.box.calls) > ticks + 10, service)
            service.terminate()
            said = service.communicate(timeout=60)[1]
        assert made.returncode == 0, made.stderr
        assert "tick=failed" not in said
        backup = Path(made.stdout.strip())
        before = [sorted(place.rows(query)) for query in (_CHANGES, _JOURNAL, _HELD)]
        _edit(place, "while all was lost")

        token = (place.settings.private_dir / "token.json").read_bytes()
        shutil.rmtree(place.settings.data_dir)
        _shell(place, tmp_path, _steps("Put it back"), DATA=place.settings.data_dir, BACKUP=backup)

        changes, journal, held = (sorted(place.rows(q)) for q in (_CHANGES, _JOURNAL, _HELD))
        assert held == before[2]
        assert journal
        assert set(journal) <= set(before[1])
        assert len(changes) == len(set(changes))
        fresh = place.settings.model_copy(update={"data_dir": tmp_path / "fresh"})
        fresh.private_dir.mkdir(mode=0o700, parents=True)
        (fresh.private_dir / "token.json").write_bytes(token)
        Portal(place.box, fresh).pull()
        # What the service marked as spam meanwhile is in no list that a fresh mirror reads.
        spam = {one.id for one in place.box.state.tickets.values() if one.spam}
        wrong = differences(place.settings, content(fresh))
        assert [one for one in wrong if one[1] not in spam] == []
        assert stat.S_IMODE(place.settings.private_dir.stat().st_mode) == 0o700


def _until(true: Any, service: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    if not true():
        service.kill()  # or leaving the block waits for it
    assert true()


def _edit(place: Portal, subject: str) -> None:
    some = [one.id for one in place.box.state.tickets.values() if not one.trashed][:3]
    for one in some:
        place.box.edit(one, subject=subject)


def test_backup_is_its_owners_alone_and_the_manifest_tells_what_is_in_it(
    place: Portal, tmp_path: Path
) -> None:
    place.settings.private_dir.joinpath("refresh_token").write_text("1000.secret")
    made = back_up(place.settings, tmp_path / "b", SystemClock())
    found = {str(p.relative_to(made.path)) for p in made.path.rglob("*") if p.is_file()}
    assert {"mirror.duckdb", "rules.yaml", "manifest.json"} <= found
    assert not {name for name in found if "token" in name}
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert set(manifest["files"]) == found - {"manifest.json"}
    for name, told in manifest["files"].items():
        content = (made.path / name).read_bytes()
        assert told == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert manifest["rows"]["desk.tickets"] == made.found.rows["desk.tickets"] > 100
    assert manifest["schema"] >= 1
    assert manifest["as_of"] == made.as_of.isoformat()
    for path in (made.path, *made.path.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert [path.name for path in (tmp_path / "b").iterdir()] == [made.path.name]


def test_backup_inside_the_data_directory_is_refused(place: Portal) -> None:
    for inside in (place.settings.data_dir, place.settings.private_dir / "x"):
        with pytest.raises(Misconfigured, match="data directory"):
            back_up(place.settings, inside, SystemClock())
    assert not (place.settings.private_dir / "x").exists()


def test_backup_that_cannot_be_written_is_said_and_leaves_nothing(
    place: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="Not a directory"):
        back_up(place.settings, tmp_path / "file" / "b", SystemClock())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misconfigured, match="No space left"):
        back_up(place.settings, tmp_path / "b", SystemClock())
    assert list((tmp_path / "b").iterdir()) == []


def test_what_a_killed_backup_left_goes_and_one_at_work_stays(
    place: Portal, tmp_path: Path
) -> None:
    dead, alive = tmp_path / ".zdsync-backup-1.part", tmp_path / ".zdsync-backup-2.part"
    for part in (dead, alive):
        part.mkdir()
    handle = os.open(alive, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    back_up(place.settings, tmp_path, SystemClock())
    os.close(handle)
    assert not dead.exists()
    assert alive.exists()


def test_backup_waits_its_turn_and_says_for_whom(place: Portal, tmp_path: Path) -> None:
    clock = FakeClock()
    with (
        hold(place.settings.private_dir, WORK, command="zdsync run", clock=clock),
        pytest.raises(MirrorBusy, match=r"zdsync run \(process \d+, since 2026-03-02"),
    ):
        back_up(place.settings, tmp_path, clock)
    assert list(tmp_path.iterdir()) == []


def test_backup_of_a_damaged_mirror_is_refused_and_names_the_journal(
    place: Portal, tmp_path: Path
) -> None:
    settings = _copied(place, tmp_path)
    mirror = settings.private_dir / "mirror.duckdb"
    with mirror.open("r+b") as file:
        file.truncate(mirror.stat().st_size // 2)
    with pytest.raises(MirrorUnusable, match="damaged") as raised:
        back_up(settings, tmp_path / "b", SystemClock())
    assert "journal" in raised.value.hint
    assert list((tmp_path / "b").iterdir()) == []


def _copied(place: Portal, tmp_path: Path) -> Settings:
    shutil.copytree(place.settings.data_dir, tmp_path / "data")
    return place.settings.model_copy(update={"data_dir": tmp_path / "data"})


@pytest.mark.parametrize("backed_up", [True, False])
@pytest.mark.parametrize("damage", ["empty", "short", "half", "garbage"])
def test_damaged_mirror_is_exit_2_in_plain_words_and_is_mended_as_described(
    damage: str, backed_up: bool, place: Portal, tmp_path: Path
) -> None:
    settings = _copied(place, tmp_path)
    copied = Portal(place.box, settings)
    whole = content(settings)
    backup = tmp_path / "none"
    if backed_up:
        backup = back_up(settings, tmp_path / "b", SystemClock()).path
    mirror = settings.private_dir / "mirror.duckdb"
    size = mirror.stat().st_size
    _damage(mirror, damage, size)
    for words in (("pull",), ("plan",), ("status",))[: 3 if damage == "half" and backed_up else 1]:
        done = _zdsync(copied, *words)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert "mirror.duckdb is" in done.stderr
        assert "docs/restore.md" in done.stderr
    names = {"DATA": settings.data_dir, "BACKUP": backup}
    _shell(copied, tmp_path, _steps("Only the mirror is damaged"), **names)
    assert differences(settings, whole) == []


def _damage(mirror: Path, damage: str, size: int) -> None:
    with mirror.open("r+b") as file:
        match damage:
            case "garbage":
                file.write(os.urandom(size))
            case _:
                file.truncate({"empty": 0, "short": 5000, "half": size // 2}[damage])


def test_older_mirror_learns_what_the_newer_journal_holds(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        place.pull()
        older = back_up(place.settings, tmp_path / "b", SystemClock()).path / "mirror.duckdb"
        place.app().apply(None, lambda plan: True)
        written = sorted(place.rows(_JOURNAL))
        assert written
        shutil.copy(older, place.settings.private_dir / "mirror.duckdb")
        assert place.rows(_JOURNAL) == []
        place.pull()
        assert sorted(place.rows(_JOURNAL)) == written
