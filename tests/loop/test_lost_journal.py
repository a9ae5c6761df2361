"""Files of the journal are lost, and mirrors with them: nothing is said twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.test_speech import COMMENT, apply, ours, tickets
from tests.loop.test_speech_crash import Later

MONTH = 60 * 24 * 31
TAGS = COMMENT + "      - tag: [seen]\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Portal]:
    """A portal where every ticket of Support got its comment, some in a month, some in the next."""
    with portal(tmp_path, tickets=40) as found:
        found.box.edit(tickets(found)[0].id, priority="High")
        found.pull()
        found.rules(COMMENT.replace("Support}", "Support, priority: High}"))
        apply(found)
        found.clock = Later(MONTH)
        found.pull()
        found.rules(COMMENT)
        apply(found)
        assert len(files(found)) == 2
        assert all(len(ours(found, one)) == 1 for one in tickets(found))
        yield found


def files(place: Portal) -> list[Path]:
    return sorted((place.settings.private_dir / "journal").glob("*.ndjson"))


def lose(place: Portal, what: str) -> None:
    """Lose parts of the data directory, each named by a word."""
    for one in what.split():
        match one:
            case "first":
                files(place)[0].unlink()
            case "last":
                files(place)[-1].unlink()
            case "half":
                path = files(place)[-1]
                lines = path.read_bytes().splitlines(keepends=True)
                path.write_bytes(b"".join(lines[: len(lines) // 2]))
            case "all":
                shutil.rmtree(place.settings.private_dir / "journal")
            case "mirror":
                for file in place.settings.private_dir.glob("mirror.duckdb*"):
                    file.unlink()
            case "copy":
                (place.settings.data_dir / "mirror.duckdb").unlink()
            case "private":
                shutil.rmtree(place.settings.private_dir)


LOSSES = [
    *("first", "last", "all", "half"),
    *("first mirror", "last mirror", "all mirror", "half mirror", "private"),
    *("first mirror copy", "last mirror copy", "all mirror copy", "half mirror copy"),
]


@pytest.mark.parametrize("what", LOSSES)
def test_where_the_journal_is_lost_nothing_is_said_until_it_is_adopted(
    place: Portal, what: str
) -> None:
    lose(place, what)
    place.pull()
    place.rules(TAGS)
    some = tickets(place)
    found = apply(place)  # the tags go on, and begin a new file or continue one
    assert found.outcomes == {"applied": len(some)}
    plan = place.app().plan()
    assert not plan.changes
    assert "zdsync adopt" in plan.skipped[0].reason
    assert all(len(ours(place, one)) == 1 for one in some)
    assert place.app().adopt()
    assert not place.app().adopt()
    assert not place.app().plan().skipped
    lose(place, "mirror")  # what was given up stays given up
    place.pull()
    assert not place.app().plan().skipped


@pytest.mark.parametrize("what", ["mirror", "copy", "mirror copy"])
def test_a_lost_mirror_alone_silences_nobody(place: Portal, what: str) -> None:
    before = place.rows("select * from zdsync.journal order by run_id, change_id")
    lose(place, what)
    place.pull()
    assert place.rows("select * from zdsync.journal order by run_id, change_id") == before
    plan = place.app().plan()
    assert not plan.changes and not plan.skipped


def test_what_is_lost_again_is_missed_again(place: Portal) -> None:
    lose(place, "all")
    place.pull()
    assert place.app().adopt()
    place.rules(TAGS)
    apply(place)
    lose(place, "all")
    place.pull()
    assert "zdsync adopt" in place.app().plan().skipped[0].reason
