"""kill -9 at any moment: the next run goes on from the last checkpoint; nothing lost or doubled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import ROOT, Portal, environment, portal
from tests.loop.truth import content, differences
from zdsync.settings import Settings

_CHANGES = """
select ticket_id, field, before, after, changed_at, actor from zdsync.ticket_changes order by all
"""

# The first pull into an empty folder.
FIRST = (
    "start:before-commit:1",  # in the migration
    "desk.agents:before-stream:1",  # between two streams
    "desk.agents:after-replace_missing:1",  # while a whole stream is replaced
    "desk.agents:after-commit:1",
    "crm.contacts:after-merge:1",
    "desk.tickets:after-commit:1",
    "desk.tickets:before-commit:3",
    "start:before-copy:1",  # in the middle of publishing
    "start:before-rename:1",
    "start:after-rename:1",
)
# A later pull, with changes to read.
LATER = (
    "desk.tickets:after-merge:1",
    "desk.tickets:before-commit:1",
    "desk.tickets:after-commit:1",
    "start:before-rename:1",
)
# Reconcile, with records to bury.
RECONCILE = (
    "desk.tickets:before-compare:1",
    "desk.tickets:after-bury:1",
)


@dataclass
class Scene:
    """A portal where things happened since the mirror in `before` was read."""

    place: Portal
    before: Path
    folder: Path

    def settings(self, name: str, *, empty: bool = False) -> Settings:
        """A data directory of its own: empty, or as it was before things happened."""
        data = self.folder / name.replace(":", "-")
        if empty:
            (data / "private").mkdir(mode=0o700, parents=True)
            # Zoho makes ten tokens in ten minutes, no more
            shutil.copy(self.before / "private" / "token.json", data / "private")
        else:
            shutil.copytree(self.before, data)
        return self.place.settings.model_copy(update={"data_dir": data})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("crash")
    with portal(folder, tickets=250) as place:
        place.pull()
        place.rows("select 1")
        _happen(place)
        yield Scene(place, place.settings.data_dir, folder)


def _happen(place: Portal) -> None:
    """Edits, a mass update, births and deaths."""
    box = place.box
    open_ones = [
        one.id
        for one in box.state.tickets.values()
        if one.status_type == "Open" and not (one.trashed or one.spam or one.archived)
    ]
    box.mass_update(open_ones[:120], priority="High")
    box.edit(open_ones[0], status="Escalated", subject="edited")
    box.edit(open_ones[1], status="Escalated")
    for number in range(3):
        box.create(subject=f"new {number}")
    for one in open_ones[-4:]:
        box.trash(one)
    contact = next(iter(box.state.contacts.values()))
    box.edit_contact(contact.id, last="Renamed")


def _run(settings: Settings, moment: str, *words: str) -> list[str]:
    """Run zdsync until the moment; returns the moments that were."""
    log = settings.data_dir.with_suffix(".log")
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.loop.killed", moment, str(log), *words],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    seen = log.read_text().split()
    assert done.returncode == (-signal.SIGKILL if moment in seen else 0), (moment, done.stderr)
    return seen


def _killed(settings: Settings, moment: str, *words: str) -> None:
    seen = _run(settings, moment, *words)
    assert seen[-1] == moment, f"{moment} never came; there were {seen}"


def _pull(scene: Scene, settings: Settings) -> None:
    Portal(scene.place.box, settings).pull()


def _changes(scene: Scene, settings: Settings) -> list[tuple[Any, ...]]:
    return Portal(scene.place.box, settings).rows(_CHANGES)


def _left(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.data_dir.iterdir())


@pytest.fixture(scope="module")
def truth(scene: Scene) -> dict[str, dict[str, dict[str, Any]]]:
    """What a mirror holds that was read afresh, without any kill."""
    settings = scene.settings("truth", empty=True)
    _pull(scene, settings)
    return content(settings)


@pytest.mark.parametrize("moment", FIRST)
def test_first_pull_killed_goes_on(scene: Scene, truth: Any, moment: str) -> None:
    settings = scene.settings(f"first-{moment}", empty=True)
    _killed(settings, moment, "pull")
    _pull(scene, settings)
    assert differences(settings, truth) == []
    assert _changes(scene, settings) == []
    assert _left(settings) == ["mirror.duckdb", "private"]


@pytest.fixture(scope="module")
def changes(scene: Scene) -> list[tuple[Any, ...]]:
    """What ticket_changes holds after a pull and a reconcile without any kill."""
    settings = scene.settings("changes")
    Portal(scene.place.box, settings).app().reconcile()
    return _changes(scene, settings)


@pytest.mark.parametrize("moment", LATER)
def test_later_pull_killed_goes_on_and_doubles_no_change(
    scene: Scene, truth: Any, changes: Any, moment: str
) -> None:
    settings = scene.settings(f"later-{moment}")
    _killed(settings, moment, "pull")
    Portal(scene.place.box, settings).app().reconcile()
    assert differences(settings, truth) == []
    assert len(changes) > 20
    assert _changes(scene, settings) == changes
    assert _left(settings) == ["mirror.duckdb", "private"]


@pytest.mark.parametrize("moment", RECONCILE)
def test_reconcile_killed_goes_on(scene: Scene, truth: Any, changes: Any, moment: str) -> None:
    settings = scene.settings(f"reconcile-{moment}")
    _killed(settings, moment, "reconcile")
    Portal(scene.place.box, settings).app().reconcile()
    assert differences(settings, truth) == []
    assert _changes(scene, settings) == changes


@pytest.mark.skipif("EVERY_MOMENT" not in os.environ, reason="takes an hour")
def test_every_moment(scene: Scene, truth: Any) -> None:
    found = _run(scene.settings("every", empty=True), "none", "pull")
    for moment in found:
        settings = scene.settings(f"every-{moment}", empty=True)
        _killed(settings, moment, "pull")
        _pull(scene, settings)
        assert differences(settings, truth) == [], moment
        assert _left(settings) == ["mirror.duckdb", "private"], moment
        shutil.rmtree(settings.data_dir)
