"""A disk that fills up at any byte: plain words, exit 2, and the next pull goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import ROOT, Portal, environment, portal
from tests.loop.truth import content, differences
from zdsync.readings import published
from zdsync.settings import Settings

# In the header of a new file, in a migration, in the WAL of a pull: early, late.
BYTES = (3_000, 20_000, 300_000, 1_500_000)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("full"), tickets=200) as made:
        made.pull()
        yield made


def _empty(place: Portal, folder: Path) -> Settings:
    (folder / "data" / "private").mkdir(mode=0o700, parents=True)
    token = place.settings.private_dir / "token.json"
    shutil.copy(token, folder / "data" / "private")  # ten tokens in ten minutes, no more
    return place.settings.model_copy(update={"data_dir": folder / "data"})


def _limited(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.loop.limited", *words],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("size", BYTES)
def test_pull_on_a_full_disk_says_so_and_the_next_one_goes_on(
    place: Portal, tmp_path: Path, size: int
) -> None:
    settings = _empty(place, tmp_path)
    done = _limited(settings, str(size), "full", "pull")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"zdsync: the disk of {settings.private_dir} is full" in done.stderr
    Portal(place.box, settings).pull()
    assert differences(settings, content(place.settings)) == []


@pytest.mark.parametrize("size", BYTES)
def test_pull_killed_in_the_middle_of_a_write_goes_on(
    place: Portal, tmp_path: Path, size: int
) -> None:
    settings = _empty(place, tmp_path)
    done = _limited(settings, str(size), "kill", "pull")
    assert done.returncode == -signal.SIGXFSZ, done.stderr
    Portal(place.box, settings).pull()
    assert differences(settings, content(place.settings)) == []


def test_publishing_on_a_full_disk_keeps_the_old_copy_and_the_pull_stands(
    place: Portal, tmp_path: Path
) -> None:
    settings = place.settings.model_copy(update={"data_dir": tmp_path / "data"})
    shutil.copytree(place.settings.data_dir, settings.data_dir)
    mirror = Portal(place.box, settings)
    mirror.pull()
    before = published(settings).stat().st_ino
    ticket = next(one for one in place.box.state.tickets.values() if one.status_type == "Open")
    place.box.edit(ticket.id, subject="edited on a full disk")
    done = _limited(settings, "100000", "publish", "pull", "desk.tickets")
    assert done.returncode == 1, done.stderr
    assert "could not be published" in done.stderr
    assert "the old copy stays" in done.stderr
    assert "Traceback" not in done.stderr
    assert published(settings).stat().st_ino == before
    names = sorted(path.name for path in settings.data_dir.iterdir())
    assert names == ["mirror.duckdb", "private"]
    asked = "select count(*) from desk.tickets where subject = 'edited on a full disk'"
    assert mirror.rows(asked) == [(1,)]
    mirror.pull()
    assert published(settings).stat().st_ino != before
