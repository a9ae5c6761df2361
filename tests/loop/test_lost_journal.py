"""Files of the journal are lost, and mirrors with them: nothing is said twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.test_speech import COMMENT, apply, ours, tickets
from tests.loop.test_speech_crash import Later
from zdsync.changes import Journal
from zdsync.clock import SystemClock

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


class Midnight(Later):
    """Minutes before an instant, and past it once it is late."""

    late = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.late)


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
    assert place.app().status().journal_lost
    assert all(len(ours(place, one)) == 1 for one in some)
    assert place.app().adopt()
    assert not place.app().status().journal_lost
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


def test_a_run_across_the_end_of_a_month_is_settled_in_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Midnight of UTC, wherever the machine stands: intents in one file, receipts in the next."""
    with portal(tmp_path, tickets=40) as place:
        now = SystemClock().now()
        day = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
        first = day.replace(microsecond=0)
        clock = place.clock = Midnight((first - now).total_seconds() / 60 - 10)
        intend = Journal.intend

        def late(journal: Journal, *some: Any, **more: Any) -> None:
            intend(journal, *some, **more)
            clock.late = 900.0

        monkeypatch.setattr(Journal, "intend", late)
        place.pull()
        place.rules(COMMENT)
        some = tickets(place)
        assert apply(place).outcomes == {"applied": len(some)}
        names = {f"{first - timedelta(days=1):%Y-%m}.ndjson", f"{first:%Y-%m}.ndjson"}
        assert {path.name for path in files(place)} == names
        kinds = [
            {json.loads(line)["kind"] for line in path.read_text().splitlines()}
            for path in files(place)
        ]
        assert "intent" in kinds[0] and "receipt" in kinds[1] and "intent" not in kinds[1]
        told = "select outcome, count(*) from zdsync.journal group by 1"
        assert place.rows(told) == [("applied", len(some))]
        lose(place, "mirror")
        place.pull()
        assert place.rows(told) == [("applied", len(some))]
        assert not place.app().plan().changes
        assert place.app().place.journal.unsettled() == []


def test_the_journal_tells_who_what_and_why_and_quotes_nobody(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        place.box.edit(tickets(place)[0].id, subject="Unmistakable words of a customer")
        place.pull()
        app = place.app()
        app.apply(None, lambda plan: True, destructive=True)
        place.rules(COMMENT)
        place.app().tick()
        rules = place.app().place.rulebook.read(None).rules
        rows = place.rows("""
            select action, command, rule_digest is not null, len(evidence) > 0, count(*)
            from zdsync.journal group by all
        """)
        assert {(one[0], one[1]) for one in rows} >= {
            ("set", "apply"), ("tag", "apply"), ("close", "apply"), ("comment", "run"),
        }  # fmt: skip
        assert all(row[2:4] == (True, True) for row in rows), rows
        ((digest,),) = place.rows(
            "select distinct rule_digest from zdsync.journal where rule_id = 'note'"
        )
        assert digest == rules.rules[0].digest
        closed = "select distinct field from zdsync.journal where action = 'close' order by 1"
        assert place.rows(closed) == [("cf.cf_outcome",), ("status",)]
        lose(place, "mirror copy")
        place.pull()
        again = place.rows("""
            select action, command, rule_digest is not null, len(evidence) > 0, count(*)
            from zdsync.journal group by all
        """)
        assert sorted(again) == sorted(rows)
        assert not any("Unmistakable" in path.read_text() for path in files(place))
