"""zdsync undo against a sandbox: back to the state before, but for what people touched."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import ROOT, Portal, environment, portal
from zdsync.changes.undo import Undo
from zdsync.cli import main
from zdsync.errors import Misconfigured, PlanRefused
from zdsync.sandbox import Variant
from zdsync.undoing import Undone

RULES = """
version: 1
limits: {destructive_per_tick: 1000, destructive_per_day: 10000}
rules:
  - id: give
    mode: apply
    when: {department: Support, priority: {known: true}}
    then: [{assign: ana.reyes@clinic.example}, {tag: {add: [seen], remove: [billing]}}]
  - id: move
    mode: apply
    when: {department: Community}
    then: [{move: Trials}]
  - id: close
    mode: apply
    when: {department: IT, contact.in_crm: false}
    then: [{close: {outcome: Spam, notify_contact: false}}, spam]
  - id: set
    mode: apply
    when: {department: Paid Support}
    then: [{set: {priority: High, category: looked at}}]
"""


# The portal's clock goes ahead: History tells seconds, and what was done in one second is one race.
AHEAD = [timedelta()]


@contextmanager
def office(tmp_path: Path, variant: Variant | None = None) -> Iterator[Portal]:
    AHEAD[0] = timedelta()

    def now() -> datetime:
        return datetime.now(UTC) + AHEAD[0]

    with portal(tmp_path, tickets=150, variant=variant, now=now) as place:
        yield place


def truth(place: Portal) -> dict[str, dict[str, Any]]:
    """What an undo may have to bring back, of every ticket."""
    return {
        one.id: {
            "status": one.status,
            "priority": one.priority,
            "category": one.category,
            "assignee": one.assignee_id,
            "team": one.team_id,
            "department": one.department_id,
            "outcome": (one.cf or {}).get("cf_outcome"),
            "tags": set(one.tags),
            "spam": one.spam,
        }
        for one in place.box.state.tickets.values()
    }


def apply(place: Portal) -> str:
    """Apply the rules; returns the run's id."""
    _, applied = place.app().apply(None, lambda plan: True, destructive=True)
    assert applied is not None
    assert applied.outcomes.get("applied", 0) > 3
    AHEAD[0] += timedelta(seconds=10)
    return applied.run_id


def undo(place: Portal, word: str, *, yes: bool = True, destructive: bool = True) -> Undone:
    done = place.app().undo(word, lambda _: yes, destructive=destructive)
    AHEAD[0] += timedelta(seconds=10)
    return done


def changed(place: Portal, before: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    now = truth(place)
    found = {one: {n for n in row if row[n] != before[one][n]} for one, row in now.items()}
    return {one: names for one, names in found.items() if names}


@pytest.mark.parametrize("name", ["likely", "tags-bump", "missing-204"])
def test_an_undo_of_a_run_is_the_state_before(tmp_path: Path, name: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "tags-bump": {"tags_bump_modified": True, "associate_answers": "all"},
        "missing-204": {"missing_answers": 204, "times": "epoch"},
    }
    variant = Variant(**options.get(name, {}))
    with office(tmp_path, variant) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        wrote = {field for names in changed(place, before).values() for field in names}
        assert wrote == set(before[next(iter(before))])
        done = undo(place, run)
        assert done.applied is not None
        assert done.applied.clean, done.applied.failures
        assert not done.undo.left
        assert changed(place, before) == {}
        assert not place.box.mails
        again = undo(place, run)
        assert again.applied is None
        assert not again.undo.left
        rows = place.rows(
            "select distinct rule_id, rules_digest from zdsync.journal where run_id = ?",
            done.applied.run_id,
        )
        assert rows == [("undo", f"undo:{run}")]


def test_an_undo_of_an_undo_is_a_redo(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        after = truth(place)
        back = undo(place, run)
        assert back.applied is not None
        place.rules(RULES.replace("destructive_per_tick: 1000", "destructive_per_tick: 1"))
        with pytest.raises(PlanRefused):  # it closes and moves
            undo(place, back.applied.run_id, destructive=False)
        assert changed(place, before) == {}
        place.rules("version: 1\nrules: nothing\n")  # a broken file keeps nobody from undoing
        redone = undo(place, back.applied.run_id)
        assert redone.applied is not None
        assert redone.applied.clean, redone.applied.failures
        assert changed(place, after) == {}
        assert not place.box.mails
        undo(place, run)
        assert changed(place, before) == {}


def _meddle(place: Portal, dice: random.Random, written: dict[str, set[str]]) -> set[str]:
    """People at work in some of the tickets; returns those."""
    box = place.box
    some = dice.sample(sorted(written), len(written) // 3)
    live = [one for one in some if not box.state.tickets[one].spam]
    for one in live:
        ticket = box.state.tickets[one]
        match dice.randrange(5):
            case 0:
                box.edit(one, priority="Low" if ticket.priority != "Low" else "Medium")
            case 1:
                box.edit(one, status="Escalated" if ticket.status != "Escalated" else "Open")
            case 2:
                box.tag(one, add=("by-hand",), remove=("seen",))
            case 3:
                others = [
                    agent.id
                    for agent in box.state.agents.values()
                    if ticket.department_id in agent.departments and agent.id != ticket.assignee_id
                ]
                box.edit(one, assignee_id=dice.choice(others))
            case 4:
                box.edit(one, category="by hand")
    return set(live)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("seen", [True, False])
def test_what_people_touched_since_is_left_and_told(tmp_path: Path, seed: int, seen: bool) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        written, ours = changed(place, before), truth(place)
        _meddle(place, random.Random(seed), written)
        hands = truth(place)
        if seen:
            place.pull()
        done = undo(place, run)
        assert done.applied is not None
        assert done.applied.clean, done.applied.failures
        now = truth(place)
        left = {(one.ticket_id, one.field) for one in done.undo.left}
        for one, row in now.items():
            touched = {name for name in row if hands[one][name] != ours[one][name]}
            given = {"department", "assignee", "team"}
            if "assignee" in touched and "department" in written.get(one, ()):
                touched |= given
                assert (one, "department") in left
            for name, value in row.items():
                kept = hands[one][name] if name in touched else before[one][name]
                if name == "tags":
                    kept = before[one][name] | (hands[one][name] & {"by-hand"})
                assert value == kept, (one, name)
            for name in touched & written.get(one, set()) - {"tags", "team"} - given:
                if hands[one][name] != before[one][name]:
                    field = "cf.cf_outcome" if name == "outcome" else name
                    assert (one, field) in left


def test_a_value_set_anew_is_touched_even_if_it_is_the_same(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        ticket = next(one for one, names in changed(place, before).items() if "priority" in names)
        for priority in ("Low", "High"):
            place.box.edit(ticket, priority=priority)
            place.pull()
        done = undo(place, run)
        assert changed(place, before) == {ticket: {"priority"}}
        assert [(one.field, one.reason[:14]) for one in done.undo.left] == [
            ("priority", "set anew since")
        ]


def test_what_a_later_run_wrote_stays_until_that_is_undone(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        first = apply(place)
        place.rules(RULES.replace("priority: High", "priority: Medium"))
        second = apply(place)
        refused = undo(place, first, yes=False).undo
        assert {one.field for one in refused.left} == {"priority"}
        assert {one.reason for one in refused.left} == {f"written again by zdsync, run {second}"}
        undo(place, second)
        undo(place, first)
        assert changed(place, before) == {}


def test_a_lost_mirror_loses_no_undo(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        private = place.settings.private_dir
        for one in private.iterdir():
            if one.name.startswith("mirror"):
                one.unlink()
        done = undo(place, run[:-2])
        assert done.applied is not None
        assert done.applied.clean, done.applied.failures
        assert changed(place, before) == {}
        place.pull()
        shutil.rmtree(private / "journal")


def test_one_change_goes_back_with_what_makes_no_sense_without_it(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        apply(place)
        columns = "select change_id, ticket_id from zdsync.journal"
        query = f"{columns} where field = ? order by ticket_id limit 1"
        for field in ("status", "department", "cf.cf_outcome", "tag:seen"):
            written = changed(place, before)
            ((change, ticket),) = place.rows(query, field)
            done = undo(place, change[:12])
            if field == "cf.cf_outcome":  # it went with the status
                assert not done.undo.plan.changes
                continue
            assert {one.ticket_id for one in done.undo.plan.changes} == {ticket}
            still = changed(place, before)
            gone = written[ticket] - still.get(ticket, set())
            assert (
                gone
                == {
                    "status": {"status", "outcome", "spam"},
                    "department": {"department", "assignee", "team"} & written[ticket],
                    "tag:seen": gone,
                }[field]
            )
            assert {one: names for one, names in still.items() if one != ticket} == {
                one: names for one, names in written.items() if one != ticket
            }


def test_tickets_that_are_out_of_reach_are_told(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        some = [one for one, names in changed(place, before).items() if "priority" in names][:3]
        place.box.trash(some[0])
        place.box.archive(some[1])
        place.box.mark_spam(some[2])
        done = undo(place, run)
        told = {one.ticket_id: one.reason for one in done.undo.left}
        assert told == {
            some[0]: "the ticket lies in the recycle bin",
            some[1]: "the ticket is archived",
            some[2]: "the ticket is marked as spam",
        }
        assert set(changed(place, before)) == set(some)


def _killed(place: Portal, moment: str, *words: str) -> None:
    log = place.settings.data_dir.with_suffix(".log")
    done = subprocess.run(
        [sys.executable, "-m", "tests.loop.killed", moment, str(log), *words],
        env=environment(place.settings) | {"ZDSYNC_EVERY": "5m"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == -signal.SIGKILL, (moment, log.read_text()[-500:], done.stderr)


@pytest.mark.parametrize("moment", ["after-intend:1", "before-settle:7", "after-settle:20"])
def test_a_killed_undo_is_finished_by_running_it_again(tmp_path: Path, moment: str) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        _killed(place, f"start:{moment}", "undo", run, "--yes", "--destructive")
        assert changed(place, before)
        AHEAD[0] += timedelta(seconds=10)
        done = undo(place, run)
        assert done.applied is not None
        assert done.applied.clean, done.applied.failures
        assert not done.undo.left
        assert changed(place, before) == {}


def test_nobody_is_mailed_and_nothing_written_without_consent(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        run = apply(place)
        place.rules(RULES.replace("destructive_per_tick: 1000", "destructive_per_tick: 1"))
        writes = len(place.box.writes)
        shown: list[Undo] = []

        def refuse(found: Undo) -> bool:
            shown.append(found)
            return False

        assert place.app().undo(run, refuse).applied is None
        assert shown[0].plan.writes
        with pytest.raises(PlanRefused):
            undo(place, run, destructive=False)
        place.app().pause()
        with pytest.raises(PlanRefused):
            undo(place, run)
        assert len(place.box.writes) == writes


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Any:
    def enter(place: Portal) -> None:
        for name, value in environment(place.settings).items():
            if name.startswith("ZDSYNC_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("ZDSYNC_EVERY", "5m")

    return enter


def test_the_command_asks_tells_and_ends_with_the_right_code(
    tmp_path: Path, shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        before = truth(place)
        run = apply(place)
        place.rules(RULES.replace("destructive_per_tick: 1000", "destructive_per_tick: 1"))
        shell(place)
        for word in ("", "20", run + "x", "zzz"):
            with_code = main(["undo", word, "--yes"])
            said = capsys.readouterr()
            if word == "20" and with_code == 2:
                assert "give more of it" in said.err or "did you mean" in said.err
            assert with_code in ({2, 5} if word in ("", "20") else {2}), (word, said.err)
            assert "Traceback" not in said.err
        ((plan,),) = place.rows("select distinct plan_id from zdsync.journal")
        assert main(["undo", plan]) == 2
        assert f"that is a plan; the run that wrote it is {run}" in capsys.readouterr().err
        assert main(["undo", run, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["undoes"] == run
        assert told["applied"] is None
        assert {one["rule"] for one in told["changes"]} == {"undo"}
        assert main(["undo", run]) == 5  # nobody is there to agree
        assert f"Undo of run {run}" in capsys.readouterr().out
        assert main(["undo", run, "--yes"]) == 5  # beyond the limits
        capsys.readouterr()
        assert main(["undo", run, "--yes", "--destructive", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["applied"]["outcomes"].keys() <= {"applied", "already"}
        assert changed(place, before) == {}
        assert main(["undo", run, "--yes"]) == 0
        assert "Everything is as before." in capsys.readouterr().out


def test_an_unknown_id_is_named_with_its_neighbour(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        with pytest.raises(Misconfigured, match="knows no run"):
            undo(place, "x")
        place.rules(RULES)
        run = apply(place)
        with pytest.raises(Misconfigured) as found:
            undo(place, run[:-1] + "z")
        assert run in found.value.hint


def test_the_next_plan_does_not_do_again_what_was_undone(tmp_path: Path) -> None:
    with office(tmp_path) as place:
        place.pull()
        place.rules(RULES)
        run = apply(place)
        undo(place, run)
        again = {(one.ticket_id, one.field) for one in place.app().plan().writes}
        wrote = place.rows("select ticket_id, field from zdsync.journal where rule_id = 'undo'")
        assert not again & set(wrote)


def test_no_rule_may_be_called_undo(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=20) as place:
        place.rules(RULES.replace("id: give", "id: undo"))
        found = [one.what for one in place.app().check(None).problems]
        assert found == ["the id 'undo' is reserved"]
