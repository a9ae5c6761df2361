"""A person asks to be forgotten: nothing of it is left on the disk, nor comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.loop.person import ANSWER, BODY, CRM, MAIL, NAME, PHONE, SUBJECT, Person, admit, found
from tests.loop.portal import ROOT, Portal, portal
from zdsync.errors import MirrorFailed, Misconfigured
from zdsync.forgetting import Forgotten

RULES = f"""
version: 1
rules:
  - id: replace-what-the-patient-wrote
    why: The journal then holds a patient's words as the value before.
    mode: apply
    when: {{text: {{contains: Xylopharyngitis}}, cf.cf_cid: {{known: true}}}}
    then: [set: {{cf.cf_cid: "4711"}}]
  - id: show-the-subject
    why: A kept plan then quotes the patient.
    mode: plan
    when: {{subject: {{contains: Verschwiegene}}, contact.email: {{is: {MAIL}}}}}
    then: [set: {{category: Dental}}]
"""
WROTE = """
SELECT ticket_id, action, command, evidence, rule_digest IS NOT NULL, before, after, outcome
FROM zdsync.journal
"""


def _fill(place: Portal) -> Person:
    """Pull, apply and plan, so that every kind of file and table holds the person."""
    place.rules(RULES)
    person = admit(place)
    place.pull()
    applied = place.app().apply(None, lambda plan: True)[1]
    assert applied is not None
    assert applied.outcomes == {"applied": 1}
    assert place.app().plan().changes
    with place.app().place.work("test") as mirror:
        mirror.set_tags({person.open: ("billing", NAME)}, place.app().place.clock.now())
    place.pull()
    return person


def _forget(place: Portal, word: str) -> Forgotten:
    done = place.app().forget(word, lambda contact, rows: True)
    assert done is not None
    return done


def test_no_byte_of_a_forgotten_person_is_left_in_any_file(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person, data = _fill(place), place.settings.data_dir
        before = found(data)
        for file, words in {
            "mirror.duckdb": {NAME, MAIL, PHONE, SUBJECT, BODY, ANSWER, CRM},
            "private/mirror.duckdb": {NAME, MAIL, PHONE, SUBJECT, BODY, ANSWER, CRM},
            "private/journal": {NAME},
            "private/plans": {MAIL, SUBJECT},
        }.items():
            assert words <= {word for name, word in before if name.startswith(file)}, file
        left = data / "private" / "mirror.duckdb.tmp"
        left.mkdir()
        (left / "spilled").write_text(BODY)
        (data / ".mirror.duckdb.77.tmp").write_text(BODY)
        done = _forget(place, MAIL.upper())
        assert done.contact == person.contact
        assert done.rows["desk.tickets"] == 2
        assert (done.journal, done.plans) == (1, 1)
        assert found(data) == []
        for lost in ("", "mirror.duckdb*"):  # what was done stays whole, also out of the files
            for file in (data / "private").glob(lost or "none"):
                file.unlink()
            place.pull()
            assert place.rows(WROTE) == [
                (person.open, "set", "apply", ["cf.cf_cid", "text"], True, None, None, "applied")
            ]
            assert not [one for one in place.app().plan().skipped if "adopt" in one.reason]
        assert found(data) == []


def test_a_forgotten_person_does_not_come_back(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person, data = _fill(place), place.settings.data_dir
        _forget(place, person.contact)
        box = place.box
        box.edit_contact(person.contact, phone=PHONE, last=NAME)
        box.crm_edit("Contacts", person.crm, Description=CRM)
        box.edit(person.open, subject=SUBJECT, status="Closed")
        box.edit(person.closed, description=BODY, status="Open")
        later = box.create(contact_id=person.contact, subject=SUBJECT, description=BODY, email=MAIL)
        for again in (
            place.pull,
            lambda: place.pull(full=True),
            place.app().reconcile,
            lambda: place.app().apply(None, lambda plan: True, destructive=True),
            place.pull,
        ):
            again()
            assert found(data) == []
        held = dict(place.rows("SELECT id, status FROM desk.tickets WHERE subject IS NULL"))
        assert held == {person.open: "Closed", person.closed: "Open", later.id: "Open"}


def test_a_lost_mirror_learns_again_who_was_forgotten(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person, data = _fill(place), place.settings.data_dir
        older = (data / "private" / "mirror.duckdb").read_bytes()
        _forget(place, person.contact)
        (data / "private" / "mirror.duckdb").unlink()
        place.pull()
        assert found(data) == []
        (data / "private" / "mirror.duckdb").write_bytes(older)  # a restored backup
        place.pull()
        assert found(data) == []


def test_numbers_and_workload_stay(tmp_path: Path) -> None:
    kept = (
        "SELECT number, status, priority, department, agent, created, closed, channel "
        "FROM tickets ORDER BY id"
    )
    with portal(tmp_path, tickets=60) as place:
        person = _fill(place)
        before = place.rows(kept)
        _forget(place, person.contact)
        assert place.rows(kept) == before
        seen = "SELECT contact, contact_email, subject FROM tickets WHERE id = ?"
        assert place.rows(seen, person.open) == [(None, None, None)]


def test_rules_leave_a_forgotten_persons_tickets_to_people(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person = _fill(place)
        place.rules("""
version: 1
rules:
  - id: acts-on-what-is-empty
    why: An emptied text must not read as a text without the word.
    mode: apply
    scope: all
    when: {none: [{text: {contains: Xylopharyngitis}}]}
    then: [set: {category: Dental}]
""")
        others = {change.ticket_id for change in place.app().plan().changes}
        assert others
        assert not others & set(person.tickets)
        _forget(place, person.contact)
        assert {change.ticket_id for change in place.app().plan().changes} == others


CUTS = {
    "before the files": "zdsync.changes.scrub.journal",
    "before the tables": "zdsync.mirror.privacy.Privacy.empty",
    "before the rewriting": "zdsync.mirror.rewriting.rewrite",
    "before the new file is in place": "zdsync.mirror.rewriting._replace",
    "before the copy": "zdsync.mirror.publishing.publish",
    "before the end": "zdsync.mirror.privacy.Privacy.finished",
}
_KILLED = """
import os, sys
from unittest import mock
from zdsync.cli.main import main
with mock.patch(sys.argv[1], side_effect=lambda *args, **kwargs: os._exit(9)):
    main(["forget", sys.argv[2], "--yes"])
"""


def _run(place: Portal, *command: str) -> subprocess.CompletedProcess[str]:
    plain = {
        "ZDSYNC_DATA_DIR": str(place.settings.data_dir),
        "ZDSYNC_RULES": str(place.settings.rules),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **plain},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_kill_at_any_step_and_the_same_command_finishes(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person, data = _fill(place), place.settings.data_dir
        saved = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        for cut, target in CUTS.items():
            for path in [*data.rglob("*")]:
                if path.is_file():
                    path.unlink()
            for path, content in saved.items():
                path.write_bytes(content)
            killed = _run(place, "-c", _KILLED, target, MAIL)
            assert killed.returncode == 9, (cut, killed.stderr)
            again = _run(place, "-m", "zdsync", "forget", MAIL, "--yes", "--json")
            assert again.returncode == 0, (cut, again.stderr)
            assert json.loads(again.stdout)["contact"] == person.contact
            assert found(data) == [], cut


def test_whatever_writes_next_finishes_a_forgetting_that_was_cut_off(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        _fill(place)
        killed = _run(place, "-c", _KILLED, CUTS["before the files"], MAIL)
        assert killed.returncode == 9, killed.stderr
        assert found(place.settings.data_dir)
        place.pull()
        assert found(place.settings.data_dir) == []


def test_full_disk_while_rewriting_is_said_and_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with portal(tmp_path, tickets=60) as place:
        person = _fill(place)
        with monkeypatch.context() as patched, pytest.raises(MirrorFailed, match="No space left"):
            patched.setattr("zdsync.mirror.rewriting._replace", full)
            _forget(place, person.contact)
        assert place.rows("SELECT count(*) FROM desk.tickets WHERE subject IS NULL") == [(2,)]
        assert _forget(place, person.contact).contact == person.contact
        assert found(place.settings.data_dir) == []


def test_an_address_of_several_or_of_nobody_is_refused(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        person = _fill(place)
        other = place.box.create_contact("Twin", email=MAIL)
        place.pull()
        with pytest.raises(Misconfigured) as several:
            _forget(place, MAIL)
        named = {problem.where for problem in several.value.problems}
        assert named == {person.contact, other.id}
        with pytest.raises(Misconfigured) as nobody:
            _forget(place, MAIL.replace("zebulon", "zebulom"))
        assert nobody.value.exit_code == 2
        assert person.contact in nobody.value.hint or other.id in nobody.value.hint
        for error in (several.value, nobody.value):
            assert MAIL not in f"{error.what}{error.hint}{error.problems}"
        assert place.rows("SELECT count(*) FROM zdsync.forgotten") == [(0,)]


def test_saying_no_changes_nothing(tmp_path: Path) -> None:
    asked: list[Any] = []

    def no(contact: str, rows: Any) -> bool:
        asked.append((contact, rows["desk.tickets"], rows["desk.contacts"]))
        return False

    with portal(tmp_path, tickets=60) as place:
        person = _fill(place)
        before = place.rows("SELECT id, subject, description FROM desk.tickets ORDER BY id")
        assert place.app().forget(MAIL, no) is None
        assert asked == [(person.contact, 2, 1)]
        assert place.rows("SELECT id, subject, description FROM desk.tickets ORDER BY id") == before
        assert place.rows("SELECT count(*) FROM zdsync.forgotten") == [(0,)]
