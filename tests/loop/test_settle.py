"""`zdsync settle`: what may or may not have been sent is so no longer, once a person looked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_bad_input import _name
from tests.loop.portal import Portal, portal
from tests.loop.test_replies import OURS, RULE, people, sent
from tests.loop.test_speech import apply
from tests.pull.world import Ticking
from zdsync.cli import main
from zdsync.errors import MirrorBusy
from zdsync.mirror import WORK, hold
from zdsync.sandbox.records import Ticket

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Portal, Ticket, str]]:
    """A reply of which nobody knows, its ticket and its change id."""
    with portal(tmp_path, tickets=40) as place:
        place.settings = place.settings.model_copy(update={"replies": True})
        place.rules(RULE % OURS)
        place.pull()
        _name(place, monkeypatch)
        monkeypatch.setenv("ZDSYNC_REPLIES", "on")
        place.box.fail_next("POST .*/sendReply", kind="reset_before")
        some = people(place)
        assert apply(place, destructive=True).outcomes["unknown"] == 1
        asked = "select ticket_id, change_id from zdsync.journal where outcome = 'unknown'"
        ((ticket_id, change),) = place.rows(asked)
        yield place, next(one for one in some if one.id == ticket_id), change


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_status_plan_and_journal_name_the_command_until_it_is_settled(
    doubt: tuple[Portal, Ticket, str], capsys: Capture
) -> None:
    _, ticket, change = doubt
    for words in (
        ("status",),
        ("journal", "--unresolved"),
        ("plan", "--ticket", str(ticket.number)),
    ):
        _, out, err = run(capsys, *words)
        assert "zdsync settle" in " ".join((out + err).split()), words
    assert change in run(capsys, "journal", "--unresolved")[1]
    code, out, _ = run(capsys, "settle", change[:10], "applied")
    assert (code, out) == (
        0, f"{ticket.number} reply of answer: applied, as you say. It is not done again.\n",
    )  # fmt: skip
    assert "zdsync settle" not in run(capsys, "status")[1]
    assert change not in run(capsys, "journal", "--unresolved")[1]
    assert "a person said so" in run(capsys, "journal", "--ticket", str(ticket.number))[1]
    code, out, _ = run(capsys, "settle", change, "applied")
    assert (code, out) == (0, f"{ticket.number} reply of answer: applied, as you said before.\n")


def test_what_was_not_sent_is_sent_once_and_what_was_sent_never_again(
    doubt: tuple[Portal, Ticket, str], capsys: Capture
) -> None:
    place, ticket, change = doubt
    assert not place.app().plan().changes  # unknown is never said again
    code, out, _ = run(capsys, "settle", change, "unsent", "--json")
    told = json.loads(out)
    assert (code, told["outcome"], told["settled"]) == (0, "unsent", 1)
    assert told["change_id"] == change
    assert [one.ticket_id for one in place.app().plan().changes] == [ticket.id]
    assert apply(place, destructive=True).outcomes == {"applied": 1}
    assert len(sent(place, ticket)) == 1
    assert not place.app().plan().changes
    code, _, err = run(capsys, "settle", change, "unsent")
    assert code == 2 and f"the outcome of {change} is known: applied" in err
    assert not place.app().plan().changes


def test_what_a_person_says_was_sent_is_never_sent_again(
    doubt: tuple[Portal, Ticket, str], capsys: Capture
) -> None:
    place, ticket, change = doubt
    assert run(capsys, "settle", change, "applied")[0] == 0
    plan = place.app().plan()
    assert not plan.changes and not plan.unresolved
    assert not sent(place, ticket)


def test_nobody_settles_while_a_run_is_under_way_nor_without_a_mirror(
    doubt: tuple[Portal, Ticket, str],
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, _, change = doubt
    place.clock = Ticking()
    with (
        hold(place.settings.private_dir, WORK, command="zdsync run", clock=place.clock),
        pytest.raises(MirrorBusy, match="zdsync run"),
    ):
        place.app().settle(change, "unsent")
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(tmp_path / "empty"))
    code, _, err = run(capsys, "settle", change, "unsent")
    assert code == 1 and "no mirror" in err
    assert not (tmp_path / "empty" / "private").exists()
