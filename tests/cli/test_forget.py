"""`zdsync forget` as people and programs call it: who is meant, what it says, what it ends with."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.person import MAIL, WORDS, Person, admit, found
from tests.loop.portal import Portal, portal
from zdsync.cli import main


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Portal, Person]]:
    """A sandbox with a patient that was pulled, and an environment that names it."""
    with portal(tmp_path, tickets=60) as made:
        settings = made.settings
        for name in ("org_id", "client_id", "client_secret", "refresh_token"):
            monkeypatch.setenv(f"ZDSYNC_{name.upper()}", settings.secret(name))
        for name in ("accounts_url", "desk_url", "crm_url", "data_dir", "rules"):
            monkeypatch.setenv(f"ZDSYNC_{name.upper()}", str(getattr(settings, name)))
        person = admit(made)
        made.pull()
        yield made, person


class _Terminal:
    """Somebody at the keyboard who types one answer."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._answer + "\n"


def test_forget_asks_counts_and_says_what_it_does_not_reach(
    place: tuple[Portal, Person],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, person = place
    calls = len(made.box.calls)
    assert main(["forget", MAIL]) == 2  # nobody is there to agree
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", _Terminal("no"))
    assert main(["forget", MAIL]) == 0
    said = capsys.readouterr()
    assert "desk.tickets" in said.err
    assert "Nothing was emptied" in said.err
    assert found(made.settings.data_dir)
    monkeypatch.setattr(sys, "stdin", _Terminal("y"))
    assert main(["forget", MAIL]) == 0
    said = capsys.readouterr()
    assert f"Contact {person.contact} is forgotten" in said.out
    assert "Zoho was not asked to delete anything" in said.out
    assert not [word for word in WORDS if word in said.out + said.err]
    assert found(made.settings.data_dir) == []
    assert len(made.box.calls) == calls
    assert main(["forget", person.contact, "--yes", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["contact"], document["again"]) == (person.contact, True)
    assert main(["forget", MAIL, "--yes"]) == 2
    assert "no contact in the mirror" in capsys.readouterr().err


def test_files_that_are_none_of_ours_are_named_and_left(
    place: tuple[Portal, Person], capsys: pytest.CaptureFixture[str]
) -> None:
    made, person = place
    stray = made.settings.data_dir / "old" / "copy.duckdb"
    stray.parent.mkdir()
    stray.write_text("somebody's")
    assert main(["forget", person.contact, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files_left_alone"] == ["old/copy.duckdb"]
    assert stray.exists()


def test_a_rule_that_needs_an_excluded_column_is_refused_by_check_and_skipped_by_plan(
    place: tuple[Portal, Person],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _ = place
    made.rules("""
version: 1
rules:
  - id: reads-text
    why: It would take "never stored" for "the word is not in it".
    mode: apply
    when: {none: [{text: {contains: urgent}}]}
    then: [set: {category: Dental}]
  - id: sets-a-key
    why: The mirror would never see the value and plan it for ever.
    mode: apply
    when: {status: Open}
    then: [set: {cf.cf_cid: "1"}]
  - id: is-well
    why: Needs nothing of these.
    mode: plan
    when: {status: Open}
    then: [set: {priority: High}]
""")
    monkeypatch.setenv("ZDSYNC_EXCLUDE", "desk.tickets.description,desk.tickets.cf.cf_cid")
    assert main(["check"]) == 2
    said = capsys.readouterr().err
    assert "reads-text" in said
    assert "sets-a-key" in said
    assert "desk.tickets.cf.cf_cid" in said
    assert "is-well" not in said
    assert main(["plan", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {one["rule"] for one in plan["changes"]} == {"is-well"}
    assert {one["rule"] for one in plan["skipped"]} >= {"reads-text", "sets-a-key"}
    assert main(["apply", "--yes"]) == 0
    assert not made.box.writes


def test_excluding_later_empties_plans_and_files_by_the_next_command(
    place: tuple[Portal, Person],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.loop.person import BODY

    made, _ = place
    plans = made.settings.private_dir / "plans"
    main(["plan"])
    assert list(plans.iterdir())
    assert found(made.settings.data_dir, (BODY,))
    monkeypatch.setenv("ZDSYNC_EXCLUDE", "desk.tickets.description")
    assert main(["pull"]) == 0
    assert not list(plans.iterdir())
    assert found(made.settings.data_dir, (BODY,)) == []
    assert main(["pull", "--full"]) == 0
    assert found(made.settings.data_dir, (BODY,)) == []


def test_retention_works_in_pull_and_in_the_service(
    place: tuple[Portal, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = place
    old = "SELECT count(*) FROM desk.tickets WHERE status_type = 'Closed' AND subject IS NOT NULL"
    assert made.rows(old)[0][0] > 5
    kept = "SELECT count(*), count(status), count(closed) FROM tickets"
    before = made.rows(kept)
    monkeypatch.setenv("ZDSYNC_RETENTION", "1d")
    assert main(["pull"]) == 0
    fresh = f"{old} AND closed_time < current_localtimestamp() - interval 2 days"
    assert made.rows(fresh) == [(0,)]
    assert made.rows(kept) == before
    assert main(["pull", "--full"]) == 0
    assert made.rows(fresh) == [(0,)]
