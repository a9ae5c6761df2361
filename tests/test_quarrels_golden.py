"""Golden texts and documents: what `zdsync check` says of rules that quarrel on a small desk.

GOLDEN=write rewrites them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.cli import main

FOLDER = Path(__file__).parent / "quarrels"
FILES = sorted(FOLDER.glob("*.yaml"))
# One of three is of High priority, and one came by phone; the sandbox numbers them itself.
PLANTED = (
    {"priority": "Low", "channel": "Email"},
    {"priority": "High", "channel": "Web"},
    {"priority": "Low", "channel": "Phone"},
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    clock = Ticking()
    folder = tmp_path_factory.mktemp("golden")
    with portal(folder, tickets=3, now=clock.now) as made:
        made.clock = clock
        places = made.box.state.departments.values()
        (support,) = (one.id for one in places if one.name == "Support")
        for fields in PLANTED:
            made.box.create(subject="a planted one", department_id=support, **fields)
        clock.sleep(60)
        made.pull()
        made.rules((FOLDER / "undo_a_tag.yaml").read_text(encoding="utf-8"))
        made.app().plan()  # reads the tags that rules need
        yield made


def answer(
    desk: Portal, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """The exit code, the text and the document."""
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(desk.settings.data_dir))
    place = desk.settings.data_dir.parent
    shutil.copy(path, place / path.name)
    monkeypatch.chdir(place)
    code = main(["check", path.name])
    text = "".join(capsys.readouterr())
    assert main(["check", path.name, "--json"]) == code
    return code, text, capsys.readouterr().out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_quarrel_is_told_with_a_ticket_as_text_and_as_document(
    desk: Portal,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text, document = answer(desk, path, monkeypatch, capsys)
    for said, golden in ((text, path.with_suffix(".txt")), (document, path.with_suffix(".json"))):
        if os.environ.get("GOLDEN") == "write":
            golden.write_text(said, encoding="utf-8")
        assert said == golden.read_text(encoding="utf-8")
    told = json.loads(document)
    assert code == (2 if told["problems"] else 0)
    assert (code == 2) is path.stem.startswith("undo"), "to want something else is no fault"
    planted = {row[0] for row in desk.rows(_PLANTED)}
    for one in (*told["problems"], *told["notes"]):
        assert one["what"] in text
        assert any(f" {number}" in one["what"] for number in planted), one


_PLANTED = "SELECT ticket_number FROM desk.tickets WHERE subject = 'a planted one'"
